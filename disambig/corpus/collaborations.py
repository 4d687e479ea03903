"""Collaborations by keys of their names, equal for every spelling of one name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from disambig.names.lexicon import split_words

_GENERIC = split_words(
    "the for of on behalf collaboration collaborations collab collabs consortium consortia",
    "team group project",
)
"""Words that one source writes and another leaves out: "CMS", "for the CMS Collaboration"."""
_SEVERAL = re.compile(r"\b(?:collaborations|collabs|consortia|teams|groups)\b", re.IGNORECASE)
_SEPARATORS = re.compile(r"\s*(?:,|;|&|\band\b)\s*", re.IGNORECASE)
_WORDS = re.compile(r"[^\W_]+")


def list_collaboration_keys(names: Iterable[str]) -> list[str]:
    """List the distinct keys of collaborations; a name in the plural may state several.

    >>> list_collaboration_keys(["ATLAS and CMS Collaborations", "CMS"])
    ['atlas', 'cms']
    """
    parts = [
        part
        for name in names
        for part in (_SEPARATORS.split(name) if _SEVERAL.search(name) else (name,))
    ]
    return list(dict.fromkeys(filter(None, map(make_collaboration_key, parts))))


@lru_cache(maxsize=8192)
def make_collaboration_key(name: str) -> str:
    """Return the letters and digits of a name without generic words; "" if none are left.

    >>> make_collaboration_key("Tibet AS-gamma Collaboration")
    'tibetasgamma'
    """
    words = _WORDS.findall(unicodedata.normalize("NFKC", name).casefold())
    return "".join([word for word in words if word not in _GENERIC])
