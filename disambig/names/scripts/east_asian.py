"""Divide names in Han or Hangul script, which have the family name first."""

from __future__ import annotations

import re

from disambig.names.clean import fold, has_kana
from disambig.names.lexicon import COMPOUND_HAN, HANGUL_FAMILY
from disambig.names.parsed import Reading

_LATIN_WORD = re.compile(r"[A-Za-z\u00c0-\u024f]{2,}")
_DIVIDERS = re.compile(r"[\s.,;:·・\-]+")


def divide_east_asian(text: str) -> Reading | None:
    """Divide a name, family name first; return None if it is also printed in Latin letters.

    Characters are transliterated one by one (李伟 is family "li", given "wei"); a Japanese name
    in Han script gets its Chinese reading, which is consistent but not the spoken one.
    """
    if len(_LATIN_WORD.findall(text)) >= 2:
        return None
    words = [w for w in _DIVIDERS.split(text) if w]
    if not words:
        return None
    if len(words) == 1:
        word = words[0]
        if has_kana(word) and len(word) < 3:
            return Reading((), (_transliterate(word),))
        size = _get_family_size(word)
        words = [word[:size], word[size:]]
    family = HANGUL_FAMILY.get(words[0]) or _transliterate(words[0])
    given = tuple(f for w in words[1:] for f in (fold(c) for c in w) if f)
    return Reading(given, (family,)) if family else None


def _transliterate(word: str) -> str:
    return "".join(fold(c) for c in word)


def _get_family_size(word: str) -> int:
    """Return the number of characters of the family name in an undivided name."""
    if len(word) >= 3 and word[:2] in COMPOUND_HAN:
        return 2
    # four characters without a compound family name are nearly always Japanese: two and two
    return 2 if len(word) >= 4 else 1
