"""Which mention of a work's new version is which of its earlier ones: decided, not stored.

A mention keeps its key when the list of authors changes around it, so that what was decided or
published about it stays with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from disambig.domain import Author, Work
from service.names import block_text, fold, indexable, storable

SHOWN = 1_000
"""Characters of a mention's affiliations that are kept with it; the record has them all."""

K = TypeVar("K", bound=Hashable)


class Spelling(NamedTuple):
    """A name as stated, and where it is filed: one for all mentions that state it.

    Attributes
    ----------
    printed : str
        As printed, storable.
    folded : str
        Name of the exact-name cluster.
    block : str
        Text of the block; "" for a name without letters.
    """

    printed: str
    folded: str
    block: str


class Mention(NamedTuple):
    """An author as a version of a work prints it."""

    position: int
    name: Spelling
    affiliation: str | None = None
    orcid: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A mention that is stored; ``retired`` where the current version does not have it."""

    key: int
    position: int
    folded: str
    orcid: str | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a work's mentions.

    Attributes
    ----------
    kept : tuple of (Known, Mention)
        A stored mention and what the new version says of it; a retired one comes back.
    new : tuple of Mention
        Never seen before.
    retired : tuple of Known
        In the earlier version and not in the new one.
    """

    kept: tuple[tuple[Known, Mention], ...]
    new: tuple[Mention, ...]
    retired: tuple[Known, ...]


def spelling(author: Author) -> Spelling:
    """How an author's name is spelt and filed."""
    block = block_text(author.name, author.given, author.family)
    return Spelling(storable(author.name), fold(author.name), block)


def mentions_of(work: Work, spelling: Callable[[Author], Spelling] = spelling) -> list[Mention]:
    """The mentions of a work in the order of its authors; an author without a name is none."""
    return [
        Mention(
            position,
            spelling(author),
            _shown(author.affiliations) if author.affiliations else None,
            indexable(author.orcid) if author.orcid else None,
        )
        for position, author in enumerate(work.authors)
        if author.name
    ]


@lru_cache(maxsize=8192)
def _shown(affiliations: tuple[str, ...]) -> str:
    text = storable("; ".join(affiliations))
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def settled(known: Iterable[Known], mentions: Sequence[Mention]) -> Settled:
    """Find each mention among the stored ones of its work, each of which is found once.

    A mention is the one of the same name at the same position; else the first of the same name;
    else the first of the same ORCID iD; else the last of the same name that was retired.
    """
    rows = sorted(known, key=lambda k: (k.position, k.key))
    active = [k for k in rows if not k.retired]
    gone = sorted((k for k in rows if k.retired), key=lambda k: -k.key)
    found: dict[int, Known] = {}

    def match(pool: list[Known], stored: Callable[[Known], K], new: Callable[[Mention], K]) -> None:
        taken = {k.key for k in found.values()}
        waiting: dict[K, list[Known]] = defaultdict(list)
        for k in reversed(pool):
            if k.key not in taken and stored(k) is not None:
                waiting[stored(k)].append(k)
        for at, mention in enumerate(mentions):
            if at not in found and (those := waiting.get(new(mention))):
                found[at] = those.pop()

    match(active, lambda k: (k.position, k.folded), lambda m: (m.position, m.name.folded))
    match(active, lambda k: k.folded, lambda m: m.name.folded)
    match(active, lambda k: k.orcid, lambda m: m.orcid)
    match(gone, lambda k: k.folded, lambda m: m.name.folded)
    taken = {k.key for k in found.values()}
    return Settled(
        tuple((found[at], mentions[at]) for at in sorted(found)),
        tuple(mention for at, mention in enumerate(mentions) if at not in found),
        tuple(k for k in active if k.key not in taken),
    )
