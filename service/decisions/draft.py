"""Read the scope of a decision; check, store and apply the decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from service.actors import Actor
from service.constraints.links import Link, SignatureGroups, find_contradictions
from service.constraints.store import (
    MAX_SHOWN,
    add_links,
    find_same_work_pairs,
    make_namer,
    read_links_around,
    remove_retired_signatures,
    require_links_hold,
)
from service.db import tables
from service.db.bulk import is_in
from service.db.tables import Decision, Signature, Work
from service.errors import Conflict, Invalid, NotFound
from service.events.history import DECISION_MADE
from service.events.log import EventLog
from service.identities.store import IdentityRow, get_active_identity, read_identities
from service.ids import new_id
from service.memberships.change import change_memberships
from service.memberships.effects import Membership
from service.memberships.followers import read_members
from service.tasks.blind import refuse_settling_blind
from service.tasks.close import close_answered_tasks, record_transitions

MAX_MENTIONS = 20_000
"""Maximum number of mentions listed in one decision."""


class SignatureRef(NamedTuple):
    """A mention as clients refer to it: a work's id and the author's position on it."""

    work: str
    position: int


@dataclass(frozen=True)
class DecisionResult:
    """Result of a decision, an undo or a redo.

    Attributes
    ----------
    id : str
        Id of the decision.
    event : int
        Number of the event.
    identities : dict of str to int
        Ids of the identities that changed, with their new versions.
    created : list of str
        Ids of new identities.
    """

    id: str
    event: int
    identities: dict[str, int]
    created: list[str]


@dataclass
class DecisionScope:
    """Identities and signatures that a decision concerns.

    Attributes
    ----------
    rows : dict of str to IdentityRow
        Identities, by id.
    members : dict of int to list of int
        Signature keys of each identity, by its key, ascending.
    """

    connection: Connection
    event_log: EventLog
    versions: Mapping[str, int]
    rows: dict[str, IdentityRow] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _identity_by_signature: dict[int, int] = field(default_factory=dict)
    _confidence_by_signature: dict[int, float] = field(default_factory=dict)

    def identity_of(self, signature: int) -> int | None:
        """Return the key of the identity that a signature is in."""
        return self._identity_by_signature.get(signature)

    def include_identities(self, keys: Collection[int]) -> None:
        """Read further identities by key, and check their versions.

        Raises
        ------
        Stale
            If one has changed since it was read.
        """
        known_keys = {row.key for row in self.rows.values()}
        for row in read_identities(self.connection, set(keys) - known_keys).values():
            get_active_identity(self.connection, row.id, self.versions.get(row.id))
            self.rows[row.id] = row
        new = set(keys) - set(self.members)
        for signature, key in sorted(read_members(self.connection, new).items()):
            self.members[key].append(signature)
            self._identity_by_signature[signature] = key

    def find_signatures(
        self, mentions: Sequence[SignatureRef], of: IdentityRow | None, where: str
    ) -> list[int]:
        """Return signature keys of mentions, highest confidence first.

        Raises
        ------
        Invalid
            If there are none, too many, one twice, or one outside ``identity``, unless it is None.
        NotFound
            If a mention does not exist.
        """
        if not 1 <= len(mentions) <= MAX_MENTIONS:
            raise Invalid(
                f"{len(mentions)} mentions", f"list 1 to {MAX_MENTIONS} of them", field=where
            )
        if len(set(mentions)) < len(mentions):
            raise Invalid("a mention is listed twice", "list each mention once", field=where)
        keys = _read_signature_keys(self.connection, mentions)
        query = select(tables.Membership.signature_key, tables.Membership.identity_key)
        rows = self.connection.execute(
            query.where(is_in(self.connection, tables.Membership.signature_key, keys.values()))
        )
        self._identity_by_signature.update((row[0], row[1]) for row in rows)
        for k, mention in enumerate(mentions):
            key = keys.get(mention)
            at = f"{where}[{k}]"
            name = f"{mention.work[:80]}:{mention.position}"
            if key is None:
                raise NotFound(f"there is no mention {name}", "look at the work", field=at)
            if of is not None and self._identity_by_signature.get(key) != of.key:
                raise Invalid(f"{name} is not of {of.id}", "read the identity again", field=at)
        return self._rank(keys[mention] for mention in mentions)

    def rank_members(self, key: int | None) -> list[int]:
        """Return signature keys of an identity, highest confidence first."""
        return self._rank(self.members[key]) if key is not None else []

    def _rank(self, signatures: Any) -> list[int]:
        some = list(signatures)
        missing = [m for m in some if m not in self._confidence_by_signature]
        query = select(tables.Membership.signature_key, tables.Membership.confidence)
        condition = is_in(self.connection, tables.Membership.signature_key, missing)
        rows = self.connection.execute(query.where(condition)) if missing else ()
        self._confidence_by_signature.update((row[0], row[1]) for row in rows)
        return sorted(some, key=lambda m: (-self._confidence_by_signature.get(m, 0.0), m))

    def choose_best(self, rows: Collection[IdentityRow] | None = None) -> IdentityRow:
        """Return the best established identity: changed by decisions, most mentions, oldest."""
        return min(
            self.rows.values() if rows is None else rows,
            key=lambda row: (not row.curated, -len(self.members[row.key]), row.key),
        )

    def find_bound(self, signature: int, others: Collection[int]) -> list[int]:
        """Return the signatures of ``others`` that must-links bind to a signature."""
        groups = SignatureGroups(read_links_around(self.connection, [signature]))
        root = groups.find_root(signature)
        return [m for m in others if groups.find_root(m) == root]


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """A decision that is recorded but not yet applied."""

    scope: DecisionScope
    id: str
    key: int
    event: int


def open_decision(
    connection: Connection, identities: Sequence[str], versions: Mapping[str, int] | None
) -> DecisionScope:
    """Lock the event log and read the identities that a decision concerns.

    Raises
    ------
    NotFound, Conflict, Stale
        As :func:`service.identities.store.get_active_identity`.
    """
    subject = DecisionScope(connection, EventLog.lock(connection), versions or {})
    for name, version in subject.versions.items():
        get_active_identity(connection, name, version)
    for name in identities:
        subject.rows[name] = get_active_identity(connection, name, subject.versions.get(name))
    subject.include_identities({row.key for row in subject.rows.values()})
    return subject


def record_decision(
    subject: DecisionScope,
    kind: str,
    action: str,
    actor: Actor,
    reason: str | None,
    evidence: Mapping[str, Any] | None,
) -> PendingDecision:
    """Record the event of a decision, and store the decision without its links."""
    decision = new_id("d")
    told = {"kind": kind, "action": action, "identities": sorted(subject.rows)}
    before = {name: row.version for name, row in subject.rows.items()}
    seq = subject.event_log.record(
        DECISION_MADE,
        actor,
        subject=decision,
        reason=reason,
        before={"versions": before},
        after=told,
        is_curation=True,
    )
    statement = insert(Decision).values(
        id=decision,
        kind=kind,
        action=action,
        actor=actor.name,
        at=subject.event_log.at,
        reason=reason,
        evidence=dict(evidence) if evidence is not None else None,
        event_seq=seq,
    )
    key = subject.connection.scalars(statement.returning(Decision.key)).one()
    return PendingDecision(subject, decision, key, seq)


def apply_decision(
    draft: PendingDecision,
    places: Mapping[int, Membership],
    links: Sequence[Link],
    is_curated: Mapping[int, bool],
    *,
    same_work: bool,
    answers: str | None = None,
) -> DecisionResult:
    """Check the statements of a decision, change memberships, and store its links.

    Parameters
    ----------
    task_id : str or None
        Id of the task that it answers; only an answer can settle a blind task.

    Raises
    ------
    Conflict
        With the chain of decisions that contradict it, or the works of which two mentions would
        be one person, or the blind tasks that it would settle.
    """
    connection = draft.scope.connection
    ends = {end for link in links for end in (link.a, link.b)} | places.keys()
    known_links = read_links_around(connection, ends)
    check_contradictions(connection, [*known_links, *links], draft.id)
    change = change_memberships(
        connection, draft.scope.event_log, draft.event, dict(places), curated=is_curated
    )
    links = [*links, *_allow_same_work(draft, change.rows, known_links, links, same_work)]
    add_links(connection, draft.key, links)
    require_links_hold(
        connection,
        remove_retired_signatures(connection, [*known_links, *links]),
        "this violates earlier decisions",
        "undo them first, or decide differently",
    )
    closed_ids = close_answered_tasks(connection, draft.event, change.rows, ends)
    if answers is None:
        refuse_settling_blind(connection, closed_ids)
    record_transitions(connection, draft.event)
    versions = {row.id: row.version for row in change.rows.values()}
    created = [change.rows[key].id for key in change.keys.values()]
    return DecisionResult(draft.id, draft.event, versions, created)


def _allow_same_work(
    draft: PendingDecision,
    rows: Collection[int],
    known_links: Sequence[Link],
    links: Sequence[Link],
    allowed: bool,
) -> list[Link]:
    """Return must-links between mentions of one work that are now one person.

    Such pairs need a direct must-link, because the engine separates mentions of one work.
    """
    connection = draft.scope.connection
    stated_pairs = {(link.a, link.b) for link in known_links if link.must}
    pairs = [(a, b) for _, a, b in find_same_work_pairs(connection, rows) if (a, b) not in stated_pairs]
    if not pairs:
        return []
    query = select(tables.Membership.signature_key).where(tables.Membership.since == draft.event)
    ends = {end for pair in pairs for end in pair}
    now = set(
        connection.scalars(query.where(is_in(connection, tables.Membership.signature_key, ends)))
    )
    new_pairs = [pair for pair in pairs if now & set(pair)]
    if new_pairs and not allowed:
        name = make_namer(connection, {end for pair in new_pairs[:MAX_SHOWN] for end in pair})
        told = "; ".join(f"{name(a)} and {name(b)}" for a, b in new_pairs[:MAX_SHOWN])
        raise Conflict(
            f"two authors of one work would be one person: {told}",
            "confirm with same_work, or leave one out",
            mentions=[[name(a), name(b)] for a, b in new_pairs[:MAX_SHOWN]],
        )
    groups = SignatureGroups([*known_links, *links])
    meant = {
        *new_pairs,
        *(pair for pair in pairs if groups.find_root(pair[0]) == groups.find_root(pair[1])),
    }
    return [Link(a, b, True, draft.id) for a, b in sorted(meant)]


def check_contradictions(connection: Connection, links: Sequence[Link], draft: str) -> None:
    """Check that links do not contradict each other; ``decision_id`` is the new decision.

    Raises
    ------
    Conflict
        With the chain of links that contradict each other.
    """
    found = find_contradictions(links)[:MAX_SHOWN]
    if not found:
        return
    name = make_namer(connection, {s for clash in found for s in clash.signatures})
    chains = [clash.describe(name).replace(f"({draft})", "(this decision)") for clash in found]
    decisions = sorted({d for clash in found for d in clash.decisions if d != draft})
    raise Conflict(
        f"this contradicts earlier decisions: {'; '.join(chains)}",
        "undo one of them, or decide differently",
        chains=chains,
        decisions=decisions,
    )


def _read_signature_keys(
    connection: Connection, mentions: Sequence[SignatureRef]
) -> dict[SignatureRef, int]:
    """Read signature keys of mentions; unknown and retired ones are left out."""
    query = select(Work.id, Signature.position, Signature.key).join(
        Signature, Signature.work_key == Work.key
    )
    query = query.where(
        Signature.retired_version.is_(None),
        is_in(connection, Work.id, {m.work.replace("\0", "␀") for m in mentions}),
    )
    wanted = set(mentions)
    rows = ((SignatureRef(row[0], row[1]), row[2]) for row in connection.execute(query))
    return {mention: key for mention, key in rows if mention in wanted}
