"""Values that queries of names and identities return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from service.values import UNSET, UnsetType, Value, doc, field

ReasonKind = Literal[
    "decision", "orcid", "coauthors", "affiliation", "venue", "topic", "years", "paper"
]


class NameHit(Value, kw_only=True):
    """A search result: a printed name."""

    name: Annotated[str, doc("As first printed.")]
    folded: Annotated[str, doc("Case-folded, with single spaces.")]
    closeness: Annotated[float, doc("Similarity to the query; 1: identical.")]
    mentions: int
    people: Annotated[int, doc("Number of identities.")]
    page: Annotated[str, doc("Path of the name's page.")]


class Names(Value, kw_only=True):
    """A page of printed names."""

    items: Sequence[NameHit]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class NameUsed(Value, kw_only=True):
    """A printed name with its frequency."""

    name: str
    mentions: int


class VenueCount(Value, kw_only=True):
    """A venue with the number of works."""

    venue: str
    works: int


class TopicCount(Value, kw_only=True):
    """A word of titles with the number of works."""

    word: str
    works: int


class AffiliationCount(Value, kw_only=True):
    """An affiliation as printed, with the number of works and their years."""

    affiliation: str
    works: int
    first_year: int | None
    last_year: int | None


class Citations(Value, kw_only=True):
    """Citations of the works whose citation counts are known."""

    total: int
    h_index: int
    works_known: int


class ExternalIdShown(Value, kw_only=True):
    """An external id of an identity."""

    scheme: Annotated[str, doc("orcid, dblp, openreview, viaf, isni or wikidata.")]
    value: str
    source: Annotated[str, doc("Source of the id.")]


class Paper(Value, kw_only=True):
    """A work on a profile."""

    work: Annotated[str, doc("The work's own id.")]
    position: Annotated[int, doc("Author position, counted from 0.")]
    name: Annotated[str, doc("The name as printed there.")]
    title: str
    venue: str | None
    year: int | None
    citations: int | None
    authors: Annotated[int, doc("Number of authors.")]
    confidence: Annotated[
        float | None,
        doc("Probability that this mention belongs to the identity; null if unassigned."),
    ]
    origin: Annotated[str | None, doc("run, decision, placement or import; null if unassigned.")]


class PaperPage(Value, kw_only=True):
    """A page of the works of an identity."""

    items: Sequence[Paper]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class WorksShown(Value, kw_only=True):
    """The most recent works, with the path of the complete list."""

    total: int
    items: Sequence[Paper]
    more: str


class Coauthor(Value, kw_only=True):
    """A co-author as an identity."""

    id: str
    name: str
    works: Annotated[int, doc("Number of joint works.")]
    first_year: int | None
    last_year: int | None


class CoauthorPage(Value, kw_only=True):
    """A page of co-authors, most works first."""

    items: Sequence[Coauthor]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class Coauthors(Value, kw_only=True):
    """The most frequent co-authors, with the path of the complete list."""

    total: int
    items: Sequence[Coauthor]
    more: str


class CoauthorShown(Value, kw_only=True):
    """A co-author on the works with this name."""

    id: Annotated[str | None, doc("Id of the identity; null if unassigned.")]
    name: str
    works: int


class Reason(Value, kw_only=True):
    """Evidence that mentions belong together, or that identities differ."""

    kind: ReasonKind
    count: Annotated[int, doc("Number of papers, mentions or shared features.")]
    text: Annotated[str, doc("Description.")]


class Contrast(Value, kw_only=True):
    """Differences between an identity and one of the most similar others."""

    from_: Annotated[str, doc("Id of the other.")] = field(name="from")
    reasons: Annotated[Sequence[Reason], doc("Evidence for different people.")]
    shared: Annotated[Sequence[Reason], doc("Features they share.")]


class IdentityEntry(Value, kw_only=True):
    """An identity in a list."""

    id: str
    name: Annotated[str, doc("Display name.")]
    n_works: int
    first_year: int | None
    last_year: int | None
    curated: Annotated[bool, doc("Whether a curator's decision applies to it.")]


class IdentityHit(IdentityEntry, kw_only=True):
    """A search result: an identity."""

    matched: Annotated[str | UnsetType, doc("The name that matched; only with q.")] = UNSET
    closeness: Annotated[
        float | UnsetType, doc("Similarity to the query; 1: identical; only with q.")
    ] = UNSET


class Identities(Value, kw_only=True):
    """A page of identities."""

    items: Sequence[IdentityHit]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]


class NamePerson(IdentityEntry, kw_only=True):
    """An identity with mentions of a printed name, restricted to these mentions."""

    mentions: int
    papers: int
    confidence: Annotated[float | None, doc("Expected purity: mean confidence of these mentions.")]
    years: Annotated[Mapping[str, int], doc("Works by year.")]
    venues: Sequence[VenueCount]
    coauthors: Sequence[CoauthorShown]
    affiliations: Sequence[AffiliationCount]
    topics: Sequence[TopicCount]
    external_ids: Sequence[ExternalIdShown]
    sample: Annotated[Sequence[Paper], doc("Some of the most recent works.")]
    profile: Annotated[str, doc("Path of the identity.")]
    works: Annotated[str, doc("Path of the list of works.")]
    together: Annotated[Sequence[Reason], doc("Evidence that these mentions belong together.")]
    apart: Annotated[Sequence[Contrast], doc("Differences from similar identities.")]


class Unplaced(Value, kw_only=True):
    """Mentions without an identity."""

    mentions: int
    items: Sequence[Paper]
    next: str | None


class NamePage(Value, kw_only=True):
    """All identities with mentions of a printed name."""

    name: str
    folded: str
    mentions: int
    papers: int
    people: int
    items: Annotated[Sequence[NamePerson], doc("Identities, those with most mentions first.")]
    next: Annotated[str | None, doc("Path and query of the next page of identities.")]
    unplaced: Unplaced


class Related(Value, kw_only=True):
    """An identity that mentions came from or went to."""

    id: str
    status: Literal["active", "redirected", "split"]
    name: str
    kind: Annotated[str, doc("split or merge.")]
    mentions: int
    sequence: Annotated[int, doc("Sequence number of the event.")]


class LineageShown(Value, kw_only=True):
    """Ancestors and descendants of an identity."""

    redirects: Annotated[Sequence[str], doc("Ids that were merged into this one.")]
    came_from: Sequence[Related]
    went_to: Sequence[Related]


class Profile(IdentityEntry, kw_only=True):
    """The profile of an identity."""

    mentions: int
    names: Sequence[NameUsed]
    confidence: Annotated[
        float | None, doc("Expected purity: mean confidence that a mention belongs here.")
    ]
    years: Annotated[Mapping[str, int], doc("Works by year.")]
    picture: Annotated[str, doc("Path of the sparkline of works per year (SVG).")]
    venues: Sequence[VenueCount]
    topics: Annotated[Sequence[TopicCount], doc("Words of titles.")]
    affiliations: Sequence[AffiliationCount]
    coauthors: Coauthors
    external_ids: Sequence[ExternalIdShown]
    citations: Annotated[Citations | None, doc("null if no citation counts are known.")]
    lineage: LineageShown
    works: WorksShown
    history: Annotated[str, doc("Path of its history.")]
    version: Annotated[int, doc("Sequence number of its last change, for If-Match.")]
