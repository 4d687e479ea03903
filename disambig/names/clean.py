"""Clean hostile printed text and fold it to plain tokens."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

from disambig.decode import decode_text, is_decoded
from disambig.names.lexicon import UMLAUTS

LOST_LETTER = "?"
"""One or more letters that a conversion lost: "Garc?a"."""

MAX_CHARACTERS = 300
"""Longer strings are truncated: no name is that long, and the time stays bounded."""

_STRAY_ACCENTS = re.compile("[´`¨¸ˇ˘˙˛˜˝ˆ¯]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_APOSTROPHES = re.compile("['’‘ʼʻʹ′ʾʿ＇‛]+")
_HYPHENS = re.compile("[‐‑‒–—―−﹣－⁃_]")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<[^<>]{0,80}>|&#?\w{1,8};")
_LOST_LETTERS = re.compile("\ufffd+|(?<=[A-Za-z])\\?+(?=[a-z])|(?<=[a-z])\\?+(?=[ ,]|$)")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
_NOT_ALNUM = re.compile("[^a-z?]+")
_EAST_ASIAN = re.compile("[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3]")
_KANA = re.compile("[\u3040-\u30ff]")


def clean_text(text: str) -> str:
    """Fold compatibility forms and remove invisible characters of printed text.

    Decodes entities, TeX and mojibake, drops markup, terminal escapes, control, bidi and
    zero-width characters, and makes every hyphen "-" and every lost letter
    :data:`LOST_LETTER`. Accents and case stay.
    """
    text = text[:MAX_CHARACTERS]
    if not is_decoded(text):
        text, _ = decode_text(text)
    if "\ufffd" in text or "?" in text:
        text = _LOST_LETTERS.sub(LOST_LETTER, text)
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        # before NFKC, which turns a spacing accent into a space and a combining one
        text = _STRAY_ACCENTS.sub("", text)
        text = unicodedata.normalize("NFKC", text)
        text = _HYPHENS.sub("-", text)
    if "<" in text or "&" in text or "\x1b" in text:
        text = _ESCAPES.sub(" ", text)
    return text if text.isprintable() else _CONTROL.sub(" ", text)


@lru_cache(maxsize=1 << 18)
def fold(token: str) -> str:
    """Return a token in lower-case ASCII letters: "obrien" for "O’Brien", "muller" for "Müller".

    A :data:`LOST_LETTER` stays.
    """
    ascii_token = token if token.isascii() else anyascii(token)
    folded = _NOT_ALNUM.sub("", ascii_token.lower())
    return folded if "?" not in folded else folded if folded.strip("?") else ""


@lru_cache(maxsize=1 << 14)
def respell_umlauts(token: str) -> str:
    """Write umlauts out ("mueller" for "Müller"); return "" if there are none."""
    composed = unicodedata.normalize("NFC", token)
    written_out = composed.translate(UMLAUTS)
    return "" if written_out == composed else fold(written_out)


def strip_apostrophes(text: str) -> str:
    """Remove apostrophes of every form: they divide no name."""
    return text if text.isascii() and "'" not in text else _APOSTROPHES.sub("", text)


def is_east_asian(text: str) -> bool:
    """Return whether the text has Han or Hangul characters: then the family name comes first."""
    return not text.isascii() and bool(_EAST_ASIAN.search(text))


def strip_east_asian(text: str) -> str:
    """Return the Latin part of a name that is printed in both scripts."""
    return _EAST_ASIAN.sub("", text)


def has_kana(text: str) -> bool:
    """Return whether the text has Japanese syllables."""
    return bool(_KANA.search(text))
