"""Pydantic models of the responses of reads, from which the OpenAPI schemas are generated.

Reads render plain dictionaries of these shapes for speed; tests validate responses against the
models. Declarations only, kept in one file so that related models are next to each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all responses; unknown fields are rejected."""

    model_config = ConfigDict(extra="forbid")


class Page(Shape):
    """A page of a list."""

    items: list[Any] = Field(description="The entries.")
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class NameHit(Shape):
    """A search result: a printed name."""

    name: str = Field(description="As first printed.")
    folded: str = Field(description="Case-folded, with single spaces.")
    closeness: float = Field(description="Similarity to the query; 1: identical.")
    mentions: int
    people: int = Field(description="Number of identities.")
    page: str = Field(description="Path of the name's page.")


class Names(Shape):
    """A page of printed names."""

    items: list[NameHit]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class VenueCount(Shape):
    """A venue with the number of works."""

    venue: str
    works: int


class TopicCount(Shape):
    """A word of titles with the number of works."""

    word: str
    works: int


class AffiliationCount(Shape):
    """An affiliation as printed, with the number of works and their years."""

    affiliation: str
    works: int
    first_year: int | None
    last_year: int | None


class ExternalIdEntry(Shape):
    """An external id of an identity."""

    scheme: str = Field(description="orcid, dblp, openreview, viaf, isni or wikidata.")
    value: str
    source: str = Field(description="Source of the id.")


class Paper(Shape):
    """A work on a profile."""

    work: str = Field(description="The work's own id.")
    position: int = Field(description="Author position, counted from 0.")
    name: str = Field(description="The name as printed there.")
    title: str
    venue: str | None
    year: int | None
    citations: int | None
    authors: int = Field(description="Number of authors.")
    confidence: float | None = Field(
        description="Probability that this mention belongs to the identity; null if unassigned."
    )
    origin: str | None = Field(
        description="run, decision, placement or import; null if unassigned."
    )


class PaperPage(Shape):
    """A page of the works of an identity."""

    items: list[Paper]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class Reason(Shape):
    """Evidence that mentions belong together, or that identities differ."""

    kind: Literal[
        "decision", "orcid", "coauthors", "affiliation", "venue", "topic", "years", "paper"
    ]
    count: int = Field(description="Number of papers, mentions or shared features.")
    text: str = Field(description="Description.")


class Contrast(Shape):
    """Differences between an identity and one of the most similar others."""

    from_: str = Field(alias="from", description="Id of the other.")
    reasons: list[Reason] = Field(description="Evidence for different people.")
    shared: list[Reason] = Field(description="Features they share.")


class NameCoauthor(Shape):
    """A co-author on the works with this name."""

    id: str | None = Field(description="Id of the identity; null if unassigned.")
    name: str
    works: int


class IdentityEntry(Shape):
    """An identity in a list."""

    id: str
    name: str = Field(description="Display name.")
    n_works: int
    first_year: int | None
    last_year: int | None
    curated: bool = Field(description="Whether a curator's decision applies to it.")


class NamePerson(IdentityEntry):
    """An identity with mentions of a printed name, restricted to these mentions."""

    mentions: int
    papers: int
    confidence: float | None = Field(description="Mean probability of these mentions.")
    years: dict[str, int] = Field(description="Works by year.")
    venues: list[VenueCount]
    coauthors: list[NameCoauthor]
    affiliations: list[AffiliationCount]
    topics: list[TopicCount]
    external_ids: list[ExternalIdEntry]
    sample: list[Paper] = Field(description="Some of the most recent works.")
    together: list[Reason] = Field(description="Evidence that these mentions belong together.")
    apart: list[Contrast] = Field(description="Differences from similar identities.")
    profile: str = Field(description="Path of the identity.")
    works: str = Field(description="Path of the list of works.")


class UnassignedMentions(Shape):
    """Mentions without an identity."""

    mentions: int
    items: list[Paper]
    next: str | None


class NamePage(Shape):
    """All identities with mentions of a printed name."""

    name: str
    folded: str
    mentions: int
    papers: int
    people: int
    items: list[NamePerson] = Field(description="Identities, those with most mentions first.")
    next: str | None = Field(description="Path and query of the next page of identities.")
    unplaced: UnassignedMentions


class IdentityHit(IdentityEntry):
    """A search result: an identity."""

    matched: str | None = Field(default=None, description="The name that matched; only with q.")
    closeness: float | None = Field(
        default=None, description="Similarity to the query; 1: identical; only with q."
    )


class Identities(Shape):
    """A page of identities."""

    items: list[IdentityHit]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class NameUsed(Shape):
    """A printed name with its frequency."""

    name: str
    mentions: int


class Coauthor(Shape):
    """A co-author as an identity."""

    id: str
    name: str
    works: int = Field(description="Number of joint works.")
    first_year: int | None
    last_year: int | None


class CoauthorPage(Shape):
    """A page of co-authors, most works first."""

    items: list[Coauthor]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class Coauthors(Shape):
    """The most frequent co-authors, with the path of the complete list."""

    total: int
    items: list[Coauthor]
    more: str


class Citations(Shape):
    """Citations of the works whose citation counts are known."""

    total: int
    h_index: int
    works_known: int


class Related(Shape):
    """An identity that mentions came from or went to."""

    id: str
    status: Literal["active", "redirected", "split"]
    name: str
    kind: str = Field(description="split or merge.")
    mentions: int
    sequence: int = Field(description="Sequence number of the event.")


class Lineage(Shape):
    """Ancestors and descendants of an identity."""

    redirects: list[str] = Field(description="Ids that were merged into this one.")
    came_from: list[Related]
    went_to: list[Related]


class ProfileWorks(Shape):
    """The most recent works, with the path of the complete list."""

    total: int
    items: list[Paper]
    more: str


class Profile(IdentityEntry):
    """The profile of an identity."""

    mentions: int
    names: list[NameUsed]
    confidence: float | None = Field(description="Mean probability that mentions belong here.")
    years: dict[str, int] = Field(description="Works by year.")
    picture: str = Field(description="Path of the sparkline of works per year (SVG).")
    venues: list[VenueCount]
    topics: list[TopicCount] = Field(description="Words of titles.")
    affiliations: list[AffiliationCount]
    coauthors: Coauthors
    external_ids: list[ExternalIdEntry]
    citations: Citations | None = Field(description="null if no citation counts are known.")
    lineage: Lineage
    works: ProfileWorks
    history: str = Field(description="Path of its history.")
    version: int = Field(description="Sequence number of its last change, for If-Match.")


class HistoryEntry(Shape):
    """One event in the history of an identity."""

    sequence: int = Field(description="Sequence number in the event log.")
    kind: str
    at: datetime
    actor: str | None = Field(description="Actor; null for readers below the role reviewer.")
    reason: str | None
    subject: str | None = Field(description="Id of the run, decision or delivery.")
    before: dict[str, Any] | None = Field(description="null if the event created it.")
    after: dict[str, Any]
    undoable: str | None = Field(description="Decision or run that can be undone or rolled back.")


class History(Shape):
    """A page of the history of an identity, newest first."""

    items: list[HistoryEntry]
    next: str | None = Field(description="Path and query of the next page; null after the last.")
