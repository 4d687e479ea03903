"""Match the signatures of a work's new version with those of earlier versions; pure.

A signature keeps its key when the list of authors changes around it, so that its decisions and
its membership are kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, TypeVar

from disambig.domain import Author, Work
from service.text import compute_block_text, fold_name, to_indexable, to_storable

MAX_AFFILIATION_LENGTH = 1_000
"""Most characters of affiliations stored with a signature; the record has the whole text."""

K = TypeVar("K", bound=Hashable)


class NameForms(NamedTuple):
    """Printed form, folded form and block of a name; shared by all signatures that print it.

    Attributes
    ----------
    printed : str
        As printed, without characters that the database cannot store.
    folded : str
        Normalised form: name of the exact-name cluster.
    block : str
        Text of the block; empty for a name without letters.
    """

    printed: str
    folded: str
    block: str


class PrintedAuthor(NamedTuple):
    """An author as one version of a work prints it."""

    position: int
    name: NameForms
    affiliation: str | None = None
    orcid: str | None = None


@dataclass(frozen=True, slots=True)
class StoredSignature:
    """A stored signature; ``retired`` if the current version lacks it."""

    key: int
    position: int
    folded: str
    orcid: str | None = None
    retired: bool = False


@dataclass(frozen=True, slots=True)
class SignatureMatches:
    """Signatures of a work to update, to insert and to retire.

    Attributes
    ----------
    matches : tuple of (StoredSignature, PrintedAuthor)
        A stored signature and its author in the new version; a retired one becomes current.
    new : tuple of PrintedAuthor
        Authors without a stored signature.
    retired : tuple of StoredSignature
        Current signatures that the new version lacks.
    """

    matches: tuple[tuple[StoredSignature, PrintedAuthor], ...]
    new: tuple[PrintedAuthor, ...]
    retired: tuple[StoredSignature, ...]


def derive_name_forms(author: Author) -> NameForms:
    """Derive printed form, folded form and block of an author's name."""
    block = compute_block_text(author.name, author.given, author.family)
    return NameForms(to_storable(author.name), fold_name(author.name), block)


def list_printed_authors(
    work: Work, derive: Callable[[Author], NameForms] = derive_name_forms
) -> list[PrintedAuthor]:
    """List the named authors of a work in their order."""
    return [
        PrintedAuthor(
            position,
            derive(author),
            _join_affiliations(author.affiliations) if author.affiliations else None,
            to_indexable(author.orcid) if author.orcid else None,
        )
        for position, author in enumerate(work.authors)
        if author.name
    ]


@lru_cache(maxsize=8192)
def _join_affiliations(affiliations: tuple[str, ...]) -> str:
    text = to_storable("; ".join(affiliations))
    return text if len(text) <= MAX_AFFILIATION_LENGTH else text[: MAX_AFFILIATION_LENGTH - 1] + "…"


def match_signatures(
    stored: Iterable[StoredSignature], authors: Sequence[PrintedAuthor]
) -> SignatureMatches:
    """Match the authors of a new version with stored signatures of the work, one to one.

    An author matches the signature of the same name at the same position; else the first of the
    same name; else the first of the same ORCID iD; else the last retired one of the same name.
    """
    rows = sorted(stored, key=lambda k: (k.position, k.key))
    active = [k for k in rows if not k.retired]
    retired = sorted((k for k in rows if k.retired), key=lambda k: -k.key)
    matches: dict[int, StoredSignature] = {}

    def match_by(
        pool: list[StoredSignature],
        stored_value: Callable[[StoredSignature], K],
        author_value: Callable[[PrintedAuthor], K],
    ) -> None:
        matched_keys = {k.key for k in matches.values()}
        available: dict[K, list[StoredSignature]] = defaultdict(list)
        for k in reversed(pool):
            if k.key not in matched_keys and stored_value(k) is not None:
                available[stored_value(k)].append(k)
        for at, mention in enumerate(authors):
            if at not in matches and (same_value := available.get(author_value(mention))):
                matches[at] = same_value.pop()

    match_by(active, lambda k: (k.position, k.folded), lambda m: (m.position, m.name.folded))
    match_by(active, lambda k: k.folded, lambda m: m.name.folded)
    match_by(active, lambda k: k.orcid, lambda m: m.orcid)
    match_by(retired, lambda k: k.folded, lambda m: m.name.folded)
    matched_keys = {k.key for k in matches.values()}
    return SignatureMatches(
        tuple((matches[at], authors[at]) for at in sorted(matches)),
        tuple(mention for at, mention in enumerate(authors) if at not in matches),
        tuple(k for k in active if k.key not in matched_keys),
    )
