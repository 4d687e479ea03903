"""Printed names as the database finds them: folded to one spelling, cut into words for search.

Everything here takes any string whatever and gives one that both databases can store and index.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

LONGEST = 500
"""Characters of an indexed text. PostgreSQL indexes 2,704 bytes at most; a character takes 4."""
MAX_WORDS = 40
"""Words of one name that can be searched for."""
MAX_WORD = 64
"""Characters of a word that count in search."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_APOSTROPHES = re.compile("['’‘ʼʻʹ′ʾʿ＇‛`´]")
_PARTS = re.compile("[^a-z0-9]+")
_SYLLABLE = re.compile("[A-Z][a-z]*|[a-z]+|[0-9]+")
_DIGEST = 32


def storable(text: str) -> str:
    """Text without what a database cannot store.

    U+0000 becomes the symbol for it, half a character (a lone surrogate) the replacement
    character.
    """
    if text.isprintable() or not _UNSTORABLE.search(text):
        return text
    return _UNSTORABLE.sub(lambda c: "\u2400" if c[0] == "\0" else "\ufffd", text)


def indexable(text: str) -> str:
    """A storable text of at most :data:`LONGEST` characters; different texts stay different.

    The end of a longer one is replaced by "…" and a digest of the whole.
    """
    text = storable(text)
    if len(text) <= LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{text[: LONGEST - _DIGEST - 1]}…{digest}"


def fold(printed: str) -> str:
    """The name of the exact-name cluster: case-folded, single spaces, in composed form.

    >>> fold("  Wei  WANG ")
    'wei wang'
    """
    if printed.isascii():
        return indexable(" ".join(printed.lower().split()))
    # as Unicode defines names that differ in case alone (canonical caseless matching)
    folded = unicodedata.normalize("NFD", printed).casefold()
    spaced = unicodedata.normalize("NFC", " ".join(folded.split()))
    return indexable(spaced)


def search_words(text: str) -> tuple[str, ...]:
    """Words of a name, or of a query for names, without accents: each once, in their order.

    Apostrophes divide no word. A name in another script is spelt in Latin letters, whole and by
    its syllables.

    >>> search_words("Erik-Jan Sandström O’Brien")
    ('erik', 'jan', 'sandstrom', 'obrien')
    >>> search_words("李伟")
    ('liwei', 'li', 'wei')
    """
    found: dict[str, None] = {}
    for word in _APOSTROPHES.sub("", text).split():
        for part in _words_of(word):
            found.setdefault(part)
        if len(found) >= MAX_WORDS:
            break
    return tuple(found)[:MAX_WORDS]


@lru_cache(maxsize=1 << 16)
def _words_of(word: str) -> tuple[str, ...]:
    word = word[:LONGEST]
    if word.isascii():
        return _cut(_PARTS.split(word.lower()))
    # the composed form: of a letter and its accent, anyascii spells the letter alone
    latin = anyascii(unicodedata.normalize("NFKC", word))
    words = _PARTS.split(latin.lower())
    if not any(c.isascii() and c.isalpha() for c in word) and not _is_latin(word):
        words += _SYLLABLE.findall(latin)
    return _cut(words)


def _is_latin(word: str) -> bool:
    return any("LATIN" in unicodedata.name(c, "") for c in word)


def _cut(words: list[str]) -> tuple[str, ...]:
    kept = [word[:MAX_WORD].lower() for word in words if word]
    return tuple(dict.fromkeys(kept))


def block_text(printed: str, given: str | None = None, family: str | None = None) -> str:
    """The block of a name, as :func:`disambig.blocking.primary_key` has it; "" without letters."""
    from disambig.blocking import primary_key
    from disambig.names import parse_name

    return indexable(primary_key(parse_name(printed, given, family)))
