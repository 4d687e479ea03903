"""Assign the signatures of new works to published identities.

A confident verdict is published as a membership of origin ``placement``; an unsure one becomes a
task. Decisions override the model: a must-link fixes the identity, a cannot-link excludes
identities. Next comes an ORCID iD that one published identity has. No two signatures of one work
are assigned to one identity. Signatures are compared only with published ones, with the model and
the statistics of the last published full run.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from service.actors import Actor
from service.assignment.candidates import (
    NearbySignatures,
    read_constraints,
    read_nearby,
)
from service.assignment.policy import (
    AuthorVerdict,
    PlacementVerdict,
    SignatureConstraint,
    decide_verdicts,
    make_placement,
)
from service.assignment.results import Placement, Rival
from service.db.bulk import is_in
from service.db.database import Database
from service.db.signatures import read_identity_keys
from service.db.tables import Identity, State
from service.errors import Conflict
from service.events.log import EventLog
from service.external_ids.orcid_holders import find_holders
from service.runs import artifacts
from service.runs import store as run_store
from service.settings import Settings
from service.tasks.page_views import read_traffic
from service.works.read import read_signature_keys_of_works, read_works

if TYPE_CHECKING:
    from disambig import domain
    from disambig.corpus.embeddings import SemanticSpace
    from disambig.corpus.statistics import Statistics
    from disambig.model.model import Model
    from service.assignment.scoring import AssignmentEvidence

MAX_AUTHORS = 100
"""Most authors of a work that is assigned; larger works wait for the next run."""
BY_DECISION = "a reviewer decided it"
SAME_ORCID = "the identity has the ORCID iD that the work prints"
MAX_ATTEMPTS = 3
"""Attempts to assign a work while decisions or publications intervene."""


@dataclass(frozen=True, eq=False)
class PublishedModel:
    """Model, statistics and page views that belong to the published run."""

    run_id: str
    statistics: Statistics
    model: Model
    space: SemanticSpace
    traffic: Mapping[str, float]


class WorkAssigner:
    """Assigns new works; thread-safe. One instance per process is enough."""

    def __init__(self, database: Database, settings: Settings) -> None:
        """Store the arguments; model and statistics are loaded on first use."""
        self.database, self.settings = database, settings
        self._lock = threading.Lock()
        self._loaded: PublishedModel | None = None

    def load_published(self, connection: Connection) -> PublishedModel | None:
        """Return statistics and model of the last published full run; None before the first."""
        run = run_store.get_last_published(connection, full=True)
        if run is None:
            return None
        with self._lock:
            if self._loaded is None or self._loaded.run_id != run.id:
                self._loaded = self._load(run)
            return self._loaded

    def _load(self, run: Any) -> PublishedModel:
        from disambig.corpus.embeddings import SemanticSpace
        from service.training.promotion import load_published_model

        statistics = artifacts.open_statistics(self.database, self.settings.data, run.key, run.id)
        traffic = read_traffic(self.settings.traffic)
        loaded = self._loaded
        if loaded is not None and loaded.model.digest == run.model:
            return PublishedModel(run.id, statistics, loaded.model, loaded.space, traffic)
        model = load_published_model(self.database, self.settings, run.model)
        space = SemanticSpace.load() if loaded is None else loaded.space
        model.check_space(space.fingerprint)
        return PublishedModel(run.id, statistics, model, space, traffic)

    @property
    def loaded_run_id(self) -> str | None:
        """Id of the run whose statistics are loaded, or None."""
        loaded = self._loaded
        return None if loaded is None else loaded.run_id

    def warm_up(self) -> bool:
        """Load model and statistics ahead of the first request; return whether they exist."""
        with self.database.read() as connection:
            return self.load_published(connection) is not None


def preview_assignment(assigner: WorkAssigner, work: domain.Work) -> list[Placement]:
    """Return the verdict on each author of a work, new or stored, without storing it.

    Raises
    ------
    Conflict
        If no run has been published yet.
    """
    with assigner.database.read() as connection:
        published = assigner.load_published(connection)
        if published is None:
            raise Conflict("nothing published yet", "publish a run first: disambig run start")
        if _has_too_many_authors(work):
            return _defer(work)
        verdicts, evidence = _decide_authors(connection, published, work, {}, frozenset())
        return _describe(connection, work, verdicts, evidence)


def assign_works(
    assigner: WorkAssigner,
    actor: Actor,
    work_keys: Iterable[int],
    *,
    seconds: float | None = None,
) -> dict[int, list[Placement]]:
    """Assign the unassigned signatures of stored works; one transaction per work.

    Parameters
    ----------
    work_keys : iterable of int
    seconds : float or None
        Time limit; the remaining works wait for the next run.

    Returns
    -------
    dict of int to list of Placement
        By work key: every author with a name.
    """
    started = time.monotonic()
    results = {}
    for key in work_keys:
        is_late = seconds is not None and time.monotonic() - started > seconds
        authors = _assign_work(assigner, actor, key, is_late=is_late)
        if authors is not None:
            results[key] = authors
    return results


def _assign_work(
    assigner: WorkAssigner, actor: Actor, key: int, *, is_late: bool
) -> list[Placement] | None:
    for attempt in range(1, MAX_ATTEMPTS + 1):
        with assigner.database.read() as connection:
            work = read_works(connection, [key]).get(key)
            if work is None:
                return None
            published = (
                None
                if is_late or _has_too_many_authors(work)
                else assigner.load_published(connection)
            )
            if published is None:
                return _defer(work)
            curated = _read_last_curation(connection)
            signatures = {
                at: s for (_, at), s in read_signature_keys_of_works(connection, [key]).items()
            }
            identity_of = read_identity_keys(connection, signatures.values())
            constraints = read_constraints(
                connection, [s for s in signatures.values() if s not in identity_of]
            )
            by_position = {at: constraints[s] for at, s in signatures.items() if s in constraints}
            verdicts, evidence = _decide_authors(
                connection, published, work, by_position, frozenset(identity_of.values())
            )
            verdicts = [
                AuthorVerdict(
                    c.position, PlacementVerdict.KNOWN, identity_of[signatures[c.position]]
                )
                if signatures[c.position] in identity_of
                else c
                for c in verdicts
            ]
            results = _describe(connection, work, verdicts, evidence)
        if all(c.verdict == PlacementVerdict.KNOWN for c in verdicts):
            return results
        with assigner.database.write() as connection:
            event_log = EventLog.lock(connection)
            if event_log.last_curation != curated and attempt < MAX_ATTEMPTS:
                continue
            from service.assignment.store import store_assignment

            return store_assignment(
                connection,
                event_log,
                actor,
                work,
                signatures,
                verdicts,
                results,
                assigner.settings.blind_share,
                published.traffic,
            )
    raise AssertionError("unreachable")


def _decide_authors(
    connection: Connection,
    published: PublishedModel,
    work: domain.Work,
    constraints: Mapping[int, SignatureConstraint],
    used_identities: frozenset[int],
) -> tuple[list[AuthorVerdict], AssignmentEvidence]:
    """Return a verdict on every named author of a work, and the evidence."""
    from service.assignment.scoring import score_work

    nearby: NearbySignatures = read_nearby(connection, work)
    decisions, keys, evidence = score_work(
        nearby, work, published.model, published.space, published.statistics
    )
    threshold = published.model.settings["second_level"]
    holders = find_holders(connection, work)
    return decide_verdicts(
        decisions, keys, constraints, used_identities, threshold, holders
    ), evidence


def _has_too_many_authors(work: domain.Work) -> bool:
    return len(work.authors) > MAX_AUTHORS


def _defer(work: domain.Work) -> list[Placement]:
    return [
        make_placement(at, author.name, PlacementVerdict.LATER)
        for at, author in enumerate(work.authors)
        if author.name.strip()
    ]


def _read_last_curation(connection: Connection) -> int:
    return connection.scalars(select(State.curated)).one()


def _describe(
    connection: Connection,
    work: domain.Work,
    verdicts: Sequence[AuthorVerdict],
    evidence: AssignmentEvidence,
) -> list[Placement]:
    """Return verdicts with public ids and reasons."""
    identity_keys = {i for c in verdicts for i, _ in c.candidates} | {
        c.identity for c in verdicts if c.identity
    }
    rows = connection.execute(
        select(Identity.key, Identity.id, Identity.name, Identity.n_works).where(
            is_in(connection, Identity.key, identity_keys)
        )
    )
    identities = {row.key: row for row in rows}
    results = []
    for author, verdict in enumerate(verdicts):

        def to_candidate(
            key: int, p: float, author: int = author, choice: AuthorVerdict = verdict
        ) -> Rival:
            row = identities[key]
            # describing takes time, and only unsure verdicts are reviewed
            reasons = (
                evidence.describe(author, key) if choice.verdict == PlacementVerdict.UNSURE else ()
            )
            if (
                choice.by_orcid
                and choice.verdict == PlacementVerdict.UNSURE
                and (key, p) == choice.candidates[0]
            ):
                reasons = (f"for: {SAME_ORCID}", "against: the names are incompatible")
            return Rival(
                identity=row.id,
                name=row.name,
                works=row.n_works,
                probability=round(p, 4),
                reasons=reasons,
            )

        reasons: tuple[str, ...] = ()
        if verdict.by_decision:
            reasons = (f"for: {BY_DECISION}",)
        elif verdict.by_orcid:
            reasons = (f"for: {SAME_ORCID}",)
        elif verdict.verdict == PlacementVerdict.MATCHED and verdict.identity is not None:
            reasons = evidence.describe(author, verdict.identity)
        elif verdict.verdict == PlacementVerdict.NEW and not verdict.candidates:
            reasons = ("for: no published mention has a compatible name",)
        elif verdict.verdict == PlacementVerdict.NEW:
            reasons = evidence.describe(author, verdict.candidates[0][0])
        results.append(
            make_placement(
                verdict.position,
                work.authors[verdict.position].name,
                verdict.verdict,
                identity=identities[verdict.identity].id if verdict.identity else None,
                probability=None if verdict.probability is None else round(verdict.probability, 4),
                reasons=reasons,
                rivals=[to_candidate(i, p) for i, p in verdict.candidates],
            )
        )
    return results
