"""Fold spellings that transliterations of one name share: "Yuri", "Iurii", "Jurij" from Юрий."""

from __future__ import annotations

import re
from functools import lru_cache

from disambig.names.lexicon import get_family_first_ranks

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
_ENDING = re.compile(r"(?<=....)(?:[eoiu]*[oiu]s|io|o|i)\Z")
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
    """Return the same without what languages vary: "Mohamed" and "Muhammad", "Antonio", "Anton".

    "o" and "u", "a" and "e" are equal, and Greek, Latin and Romance masculine endings are dropped.
    """
    return _ENDING.sub("", make_skeleton(word)).translate(_VOWELS)


def fold_word_sound(word: str) -> str:
    """Return the sounds of a given or family name; an East Asian family name stays as it is."""
    return word if word in get_family_first_ranks() else make_given_skeleton(word) or word
