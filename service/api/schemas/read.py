"""What the API answers with, as pydantic models: the source of the OpenAPI schemas.

Reads render plain dictionaries of these shapes for speed; tests hold the answers to the models.

Declarations alone, in one file however long: they are read beside each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """Base of all answers: no field that is not described here."""

    model_config = ConfigDict(extra="forbid")


class FieldProblem(Shape):
    """One wrong field of several."""

    field: str = Field(description="Where in the request.")
    detail: str = Field(description="What is wrong.")
    in_: str | None = Field(default=None, alias="in", description="query, path, header or body.")


class Problem(BaseModel):
    """What went wrong, where, and what to do (RFC 9457)."""

    type: str = Field(description="Kind of problem, as a URN.")
    title: str = Field(description="Kind of problem, for people.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong with this request.")
    remedy: str | None = Field(default=None, description="What to do.")
    field: str | None = Field(default=None, description="The part of the request that is wrong.")
    errors: list[FieldProblem] | None = Field(default=None, description="Each wrong field.")
    instance: str = Field(description="Path of the request.")
    request: str = Field(description="Id of the request, as in the server's log.")


class Page(Shape):
    """A page of a list."""

    items: list[Any] = Field(description="The entries.")
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class ChangeEntry(Shape):
    """What became of an identity."""

    sequence: int = Field(description="Number on the line of events.")
    event: int = Field(description="Number of the event that it belongs to.")
    kind: Literal["create", "keep", "merge", "split", "move", "restore"]
    identity: str = Field(description="Id of the identity.")
    others: list[Any] = Field(description="Other identities involved, with mentions that moved.")
    mentions: int = Field(description="Mentions concerned.")
    at: datetime


class Changes(Shape):
    """A part of the feed of changes, in order."""

    items: list[ChangeEntry]
    since: int = Field(description="What to pass as `since` to go on; stays when nothing is new.")
    next: str | None = Field(description="Path and query of the next part; null where none is yet.")


class IdentityCounts(Shape):
    """Identities by what became of them."""

    active: int
    redirected: int = Field(description="Merged into others.")
    gone: int = Field(description="Split away, or left by all mentions.")
    curated: int = Field(description="Active ones that a human decision bears on.")


class Publication(Shape):
    """The publication that readers see."""

    run: str = Field(description="Id of its run.")
    sequence: int | None = Field(description="Number of the event.")
    at: datetime | None


class Stats(Shape):
    """Counts of what the service holds."""

    works: int
    names: int = Field(description="Printed names, apart from case.")
    mentions: int = Field(description="Author mentions of works as they are now.")
    placed: int = Field(description="Mentions that are published under an identity.")
    unplaced: int
    identities: IdentityCounts
    publication: Publication | None
    sequence: int = Field(description="Number of the last event.")


class NameHit(Shape):
    """A printed name that a search found."""

    name: str = Field(description="As it was first printed.")
    folded: str = Field(description="Case-folded, with single spaces.")
    closeness: float = Field(description="1 for the name searched for, less for others.")
    mentions: int
    people: int = Field(description="Identities among them.")
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


class ExternalIdShown(Shape):
    """An id that somebody else gave to the person."""

    scheme: str = Field(description="orcid, dblp, openreview, viaf, isni or wikidata.")
    value: str
    source: str = Field(description="Where it comes from.")


class Paper(Shape):
    """A work of somebody's."""

    work: str = Field(description="The work's own id.")
    position: int = Field(description="The author's place on it, counted from 0.")
    name: str = Field(description="The name as printed there.")
    title: str
    venue: str | None
    year: int | None
    citations: int | None
    authors: int = Field(description="Number of authors.")
    confidence: float | None = Field(
        description="Probability that this mention belongs with the rest; null if unplaced."
    )
    origin: str | None = Field(description="run, decision, placement or import; null if unplaced.")


class PaperPage(Shape):
    """A page of somebody's works."""

    items: list[Paper]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class Reason(Shape):
    """Something that holds mentions together or tells people apart."""

    kind: Literal[
        "decision", "orcid", "coauthors", "affiliation", "venue", "topic", "years", "paper"
    ]
    count: int = Field(description="Papers, mentions or things in common.")
    text: str = Field(description="In words.")


class Contrast(Shape):
    """What tells a person from one of the most similar others of the page."""

    from_: str = Field(alias="from", description="Id of the other.")
    reasons: list[Reason] = Field(description="What speaks against one person.")
    shared: list[Reason] = Field(description="What they share nevertheless.")


class CoauthorShown(Shape):
    """A co-author on the works with this name."""

    id: str | None = Field(description="Id of the identity; null if unplaced.")
    name: str
    works: int


class IdentityEntry(Shape):
    """An identity in a list."""

    id: str
    name: str = Field(description="The name it is shown with.")
    n_works: int
    first_year: int | None
    last_year: int | None
    curated: bool = Field(description="Whether a human decision bears on it.")


class NamePerson(IdentityEntry):
    """One of the people behind a name, as far as mentions of this name go."""

    mentions: int
    papers: int
    confidence: float | None = Field(description="Mean probability of these mentions.")
    years: dict[str, int] = Field(description="Works by year.")
    venues: list[VenueCount]
    coauthors: list[CoauthorShown]
    affiliations: list[AffiliationCount]
    topics: list[TopicCount]
    external_ids: list[ExternalIdShown]
    sample: list[Paper] = Field(description="Some of the newest works.")
    together: list[Reason] = Field(description="What holds these mentions together.")
    apart: list[Contrast] = Field(description="What tells this person from similar others.")
    profile: str = Field(description="Path of the identity.")
    works: str = Field(description="Path of all its works.")


class Unplaced(Shape):
    """Mentions that are published under no identity."""

    mentions: int
    items: list[Paper]
    next: str | None


class NamePage(Shape):
    """Everybody behind one printed name."""

    name: str
    folded: str
    mentions: int
    papers: int
    people: int
    items: list[NamePerson] = Field(description="People, those with most mentions first.")
    next: str | None = Field(description="Path and query of the next people.")
    unplaced: Unplaced


class IdentityHit(IdentityEntry):
    """An identity that a search found."""

    matched: str | None = Field(default=None, description="The name that matched; only with q.")
    closeness: float | None = Field(default=None, description="1 for the same name; only with q.")


class Identities(Shape):
    """A page of identities."""

    items: list[IdentityHit]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class NameUsed(Shape):
    """A printed name with how often it is used."""

    name: str
    mentions: int


class Coauthor(Shape):
    """A co-author as an identity."""

    id: str
    name: str
    works: int = Field(description="Works together.")
    first_year: int | None
    last_year: int | None


class CoauthorPage(Shape):
    """A page of co-authors, most works first."""

    items: list[Coauthor]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class Coauthors(Shape):
    """The co-authors with most works, and where the others are."""

    total: int
    items: list[Coauthor]
    more: str


class Citations(Shape):
    """Citations over the works whose citations are known."""

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
    sequence: int = Field(description="Number of the event.")


class LineageShown(Shape):
    """Where an identity comes from."""

    redirects: list[str] = Field(description="Ids that were merged into this one.")
    came_from: list[Related]
    went_to: list[Related]


class WorksShown(Shape):
    """The newest works, and where the others are."""

    total: int
    items: list[Paper]
    more: str


class Profile(IdentityEntry):
    """What is known of an identity."""

    mentions: int
    names: list[NameUsed]
    confidence: float | None = Field(description="Mean probability that mentions belong here.")
    years: dict[str, int] = Field(description="Works by year.")
    picture: str = Field(description="Path of the years as an SVG strip.")
    venues: list[VenueCount]
    topics: list[TopicCount] = Field(description="Words of titles.")
    affiliations: list[AffiliationCount]
    coauthors: Coauthors
    external_ids: list[ExternalIdShown]
    citations: Citations | None = Field(description="null where no citations are known.")
    lineage: LineageShown
    works: WorksShown
    history: str = Field(description="Path of what happened to it.")
    version: int = Field(description="Number of its last change, for If-Match.")


class HistoryEntry(Shape):
    """One event in the history of an identity."""

    sequence: int = Field(description="Number on the line of events.")
    kind: str
    at: datetime
    actor: str | None = Field(description="Who did it; told to reviewers and above.")
    reason: str | None
    subject: str | None = Field(description="Id of the run, decision or delivery.")
    before: dict[str, Any] | None = Field(description="null where it was created.")
    after: dict[str, Any]
    undoable: str | None = Field(description="Decision or run that may be taken back.")


class History(Shape):
    """A page of what happened to an identity, newest first."""

    items: list[HistoryEntry]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class WorkEntry(Shape):
    """A work in a list."""

    id: str
    title: str
    venue: str | None
    year: int | None
    citations: int | None
    authors: int = Field(description="Number of authors.")
    version: int


class Works(Shape):
    """A page of works."""

    items: list[WorkEntry]
    next: str | None = Field(description="Path and query of the next page; null after the last.")


class IdentityShort(Shape):
    """Id and name of an identity."""

    id: str
    name: str


class WorkAuthor(Shape):
    """An author of a work."""

    position: int = Field(description="Counted from 0; places of unnamed authors are left out.")
    name: str = Field(description="As printed.")
    affiliation: str | None
    orcid: str | None
    identity: IdentityShort | None = Field(description="null if unplaced, or of an old version.")
    confidence: float | None
    origin: str | None


class SourceShown(Shape):
    """A delivery of works."""

    kind: str
    label: str
    format: str


class WorkVersionShown(Shape):
    """Where a version of a work came from."""

    version: int
    received_at: datetime
    source: SourceShown
    line: int = Field(description="Line of the source, from 1; 0 where it is not known.")


class WorkPage(Shape):
    """A work with its authors as identities, and where it came from."""

    id: str
    version: int = Field(description="The version shown.")
    current: int = Field(description="The version that is now known.")
    title: str
    abstract: str | None
    venue: str | None
    year: int | None
    keywords: list[str]
    ids: dict[str, str] = Field(description="Other ids of the work, such as its DOI.")
    citations: int | None
    affiliations: list[str] = Field(description="Printed for the work as a whole.")
    authors_complete: bool = Field(description="False where the source cut the list.")
    authors: list[WorkAuthor]
    versions: list[WorkVersionShown] = Field(description="The latest 100, newest first.")
