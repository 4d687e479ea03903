"""Text that a database can store, index and search: folded names and search words.

Every function accepts any string and returns text that both databases can store and index.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from functools import lru_cache

from anyascii import anyascii

MAX_INDEXED = 500
"""Characters of an indexed text. PostgreSQL indexes 2,704 bytes at most; a character takes 4."""
MAX_WORDS = 40
"""Search words kept of one name."""
MAX_WORD_LENGTH = 64
"""Characters kept of a search word."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_APOSTROPHES = re.compile("['’‘ʼʻʹ′ʾʿ＇‛`´]")
_PARTS = re.compile("[^a-z0-9]+")
_SYLLABLE = re.compile("[A-Z][a-z]*|[a-z]+|[0-9]+")
_DIGEST_LENGTH = 32


def to_storable(text: str) -> str:
    """Replace characters that a database cannot store.

    U+0000 becomes U+2400, a lone surrogate becomes the replacement character.
    """
    if text.isprintable() or not _UNSTORABLE.search(text):
        return text
    return _UNSTORABLE.sub(lambda c: "\u2400" if c[0] == "\0" else "\ufffd", text)


def to_indexable(text: str) -> str:
    """Return storable text of at most :data:`MAX_INDEXED` characters; distinct texts stay distinct.

    The end of a longer text is replaced by "…" and a digest of the whole text.
    """
    text = to_storable(text)
    if len(text) <= MAX_INDEXED:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{text[: MAX_INDEXED - _DIGEST_LENGTH - 1]}…{digest}"


def fold_name(printed: str) -> str:
    """Fold a printed name to the key of its exact-name cluster.

    The key is case-folded, has single spaces and is in composed form (NFC).

    >>> fold("  Wei  WANG ")
    'wei wang'
    """
    if printed.isascii():
        return to_indexable(" ".join(printed.lower().split()))
    # canonical caseless matching, as Unicode defines it
    folded = unicodedata.normalize("NFD", printed).casefold()
    spaced = unicodedata.normalize("NFC", " ".join(folded.split()))
    return to_indexable(spaced)


def split_search_words(text: str) -> tuple[str, ...]:
    """Split a name or a query into distinct words without accents, in order.

    Apostrophes do not separate words. A name in another script is transliterated to Latin
    letters, as a whole and by syllable.

    >>> search_words("Erik-Jan Sandström O’Brien")
    ('erik', 'jan', 'sandstrom', 'obrien')
    >>> search_words("李伟")
    ('liwei', 'li', 'wei')
    """
    words: dict[str, None] = {}
    for word in _APOSTROPHES.sub("", text).split():
        for part in _split_word(word):
            words.setdefault(part)
        if len(words) >= MAX_WORDS:
            break
    return tuple(words)[:MAX_WORDS]


@lru_cache(maxsize=1 << 16)
def _split_word(word: str) -> tuple[str, ...]:
    word = word[:MAX_INDEXED]
    if word.isascii():
        return _truncate_words(_PARTS.split(word.lower()))
    # composed form: anyascii drops the accent of a composed letter
    latin = anyascii(unicodedata.normalize("NFKC", word))
    words = _PARTS.split(latin.lower())
    if not any(c.isascii() and c.isalpha() for c in word) and not _is_latin(word):
        words += _SYLLABLE.findall(latin)
    return _truncate_words(words)


def _is_latin(word: str) -> bool:
    return any("LATIN" in unicodedata.name(c, "") for c in word)


def _truncate_words(words: list[str]) -> tuple[str, ...]:
    truncated = [word[:MAX_WORD_LENGTH].lower() for word in words if word]
    return tuple(dict.fromkeys(truncated))


def compute_block_text(printed: str, given: str | None = None, family: str | None = None) -> str:
    """Return the block of a name, see :func:`disambig.blocking.blocks.make_block_key`; "" without
    letters.
    """
    from disambig.blocking.blocks import make_block_key
    from disambig.names import parse_name

    return to_indexable(make_block_key(parse_name(printed, given, family)))
