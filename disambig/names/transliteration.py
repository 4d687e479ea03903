"""Fold spellings that transliterations of one name share: "Yuri", "Iurii", "Jurij" from Юрий."""

from __future__ import annotations

import re
from functools import lru_cache

_SOUNDS = (
    (re.compile("shch|sch|sh|sz"), "s"),
    (re.compile("tsch|tch|ch|cz"), "x"),
    (re.compile("zh|dj|dzh"), "z"),
    (re.compile("ts|tz"), "c"),
    (re.compile("kh|gh|ck|q"), "k"),
    (re.compile("ph"), "f"),
    (re.compile("th"), "t"),
    (re.compile("ks"), "k"),
    (re.compile("ou"), "u"),
    (re.compile("[yj]"), "i"),
    (re.compile("w"), "v"),
    (re.compile("c(?=[aoukrl])"), "k"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"\Aie|(?<=[^aeiou])ie"), "e"),
)
_VOWELS = str.maketrans("ue", "oa")


@lru_cache(maxsize=1 << 17)
def make_skeleton(word: str) -> str:
    """Return a folded word as its sounds; "" if it is too short to be compared by them.

    >>> make_skeleton("iurii") == make_skeleton("jurij") == make_skeleton("yuri")
    True
    """
    if len(word) < 4:
        return ""
    for pattern, sound in _SOUNDS:
        word = pattern.sub(sound, word)
    return word


@lru_cache(maxsize=1 << 17)
def make_given_skeleton(word: str) -> str:
    """Return the same with "o" and "u", "a" and "e" made equal: "Mohamed" and "Muhammad"."""
    return make_skeleton(word).translate(_VOWELS)
