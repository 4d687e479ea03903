"""From hostile printed text to plain tokens."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

from disambig.names.lexicon import UMLAUTS

MAX_CHARACTERS = 300
"""A longer string is cut: no person's name is that long, and work stays bounded."""

_MOJIBAKE = re.compile("[ÃÂÄÅ][\u0080-\u00bf]")
_STRAY_ACCENTS = re.compile("[´`¨¸ˇ˘˙˛˜˝ˆ¯]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
_APOSTROPHES = re.compile("['’‘ʼʻʹ′ʾʿ＇‛]+")
_HYPHENS = re.compile("[‐‑‒–—―−﹣－⁃_]")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<[^<>]{0,80}>|&#?\w{1,8};")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
_NOT_ALNUM = re.compile("[^a-z]+")
_EAST_ASIAN = re.compile("[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff\uac00-\ud7a3]")
_KANA = re.compile("[\u3040-\u30ff]")


def clean(text: str) -> str:
    """Printed text with compatibility forms folded and invisible characters gone.

    Repairs UTF-8 read as Latin-1 ("JÃ¶rg"), drops markup, terminal escapes, control, bidi and
    zero-width characters, and makes every hyphen "-". Accents and case stay.
    """
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        if _MOJIBAKE.search(text):
            text = _repaired(text)
        text = _INVISIBLE.sub("", text)
        # before NFKC, which turns a spacing accent into a space and a combining one
        text = _STRAY_ACCENTS.sub("", text)
        text = unicodedata.normalize("NFKC", text)
        text = _HYPHENS.sub("-", text)
    if "<" in text or "&" in text or "\x1b" in text:
        text = _ESCAPES.sub(" ", text)
    return text if text.isprintable() else _CONTROL.sub(" ", text)


def _repaired(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


@lru_cache(maxsize=1 << 18)
def fold(token: str) -> str:
    """A token in ASCII letters, lower case: "O’Brien" is "obrien", "Müller" is "muller"."""
    ascii_token = token if token.isascii() else anyascii(token)
    return _NOT_ALNUM.sub("", ascii_token.lower())


@lru_cache(maxsize=1 << 14)
def respelled(token: str) -> str:
    """The token with umlauts written out ("Müller" is "mueller"); "" if it has none."""
    composed = unicodedata.normalize("NFC", token)
    written_out = composed.translate(UMLAUTS)
    return "" if written_out == composed else fold(written_out)


def without_apostrophes(text: str) -> str:
    """Drop apostrophes of every form: they divide no name."""
    return text if text.isascii() and "'" not in text else _APOSTROPHES.sub("", text)


def is_east_asian(text: str) -> bool:
    """Whether the text holds Han or Hangul characters, so that the family name comes first."""
    return not text.isascii() and bool(_EAST_ASIAN.search(text))


def without_east_asian(text: str) -> str:
    """Latin part of a name that is given in both scripts."""
    return _EAST_ASIAN.sub("", text)


def has_kana(text: str) -> bool:
    """Whether the text holds Japanese syllables."""
    return bool(_KANA.search(text))
