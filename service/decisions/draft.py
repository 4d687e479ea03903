"""Read the scope of a decision; check, store and apply the decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from disambig.domain import Signature
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
from service.db.signatures import read_identity_keys, read_signature_keys
from service.db.tables import Decision
from service.decisions.results import DecisionMade, Edited
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

MAX_DECISION_MENTIONS = 20_000
"""Maximum number of mentions listed in one decision."""


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

    def to_response(self) -> DecisionMade:
        """Return the decision as the API sends it, with the changed identities by id."""
        return DecisionMade(
            decision=self.id,
            event=self.event,
            identities=[Edited(id=i, version=v) for i, v in sorted(self.identities.items())],
            created=self.created,
        )


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

    def get_identity_key(self, signature: int) -> int | None:
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
        new_keys = set(keys) - set(self.members)
        for signature, key in sorted(read_members(self.connection, new_keys).items()):
            self.members[key].append(signature)
            self._identity_by_signature[signature] = key

    def find_signatures(
        self, mentions: Sequence[Signature], identity: IdentityRow | None, field_name: str
    ) -> list[int]:
        """Return signature keys of mentions, highest confidence first.

        Raises
        ------
        Invalid
            If there are none, too many, one twice, or one outside ``identity``, unless it is None.
        NotFound
            If a mention does not exist.
        """
        if not 1 <= len(mentions) <= MAX_DECISION_MENTIONS:
            raise Invalid(
                f"{len(mentions)} mentions",
                f"list 1 to {MAX_DECISION_MENTIONS} of them",
                field=field_name,
            )
        if len(set(mentions)) < len(mentions):
            raise Invalid("a mention is listed twice", "list each mention once", field=field_name)
        keys = read_signature_keys(self.connection, mentions)
        self._identity_by_signature.update(read_identity_keys(self.connection, keys.values()))
        for k, mention in enumerate(mentions):
            key = keys.get(mention)
            at = f"{field_name}[{k}]"
            name = f"{mention.work[:80]}:{mention.position}"
            if key is None:
                raise NotFound(f"there is no mention {name}", "look at the work", field=at)
            if identity is not None and self._identity_by_signature.get(key) != identity.key:
                raise Invalid(
                    f"{name} is not of {identity.id}", "read the identity again", field=at
                )
        return self._rank(keys[mention] for mention in mentions)

    def rank_members(self, key: int | None) -> list[int]:
        """Return signature keys of an identity, highest confidence first."""
        return self._rank(self.members[key]) if key is not None else []

    def _rank(self, signatures: Any) -> list[int]:
        signature_keys = list(signatures)
        missing = [m for m in signature_keys if m not in self._confidence_by_signature]
        query = select(tables.Membership.signature_key, tables.Membership.confidence)
        condition = is_in(self.connection, tables.Membership.signature_key, missing)
        rows = self.connection.execute(query.where(condition)) if missing else ()
        self._confidence_by_signature.update((row[0], row[1]) for row in rows)
        return sorted(signature_keys, key=lambda m: (-self._confidence_by_signature.get(m, 0.0), m))

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
    scope = DecisionScope(connection, EventLog.lock(connection), versions or {})
    for name, version in scope.versions.items():
        get_active_identity(connection, name, version)
    for name in identities:
        scope.rows[name] = get_active_identity(connection, name, scope.versions.get(name))
    scope.include_identities({row.key for row in scope.rows.values()})
    return scope


def record_decision(
    scope: DecisionScope,
    kind: str,
    action: str,
    actor: Actor,
    reason: str | None,
    evidence: Mapping[str, Any] | None,
) -> PendingDecision:
    """Record the event of a decision, and store the decision without its links."""
    decision_id = new_id("d")
    summary = {"kind": kind, "action": action, "identities": sorted(scope.rows)}
    before = {name: row.version for name, row in scope.rows.items()}
    seq = scope.event_log.record(
        DECISION_MADE,
        actor,
        subject=decision_id,
        reason=reason,
        before={"versions": before},
        after=summary,
        is_curation=True,
    )
    statement = insert(Decision).values(
        id=decision_id,
        kind=kind,
        action=action,
        actor=actor.name,
        at=scope.event_log.at,
        reason=reason,
        evidence=dict(evidence) if evidence is not None else None,
        event_seq=seq,
    )
    key = scope.connection.scalars(statement.returning(Decision.key)).one()
    return PendingDecision(scope, decision_id, key, seq)


def apply_decision(
    pending: PendingDecision,
    memberships: Mapping[int, Membership],
    links: Sequence[Link],
    is_curated: Mapping[int, bool],
    *,
    allow_same_work: bool,
    task_id: str | None = None,
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
    connection = pending.scope.connection
    ends = {end for link in links for end in (link.a, link.b)} | memberships.keys()
    known_links = read_links_around(connection, ends)
    check_contradictions(connection, [*known_links, *links], pending.id)
    change = change_memberships(
        connection, pending.scope.event_log, pending.event, dict(memberships), is_curated=is_curated
    )
    links = [*links, *_allow_same_work(pending, change.rows, known_links, links, allow_same_work)]
    add_links(connection, pending.key, links)
    require_links_hold(
        connection,
        remove_retired_signatures(connection, [*known_links, *links]),
        "this violates earlier decisions",
        "undo them first, or decide differently",
    )
    closed_ids = close_answered_tasks(connection, pending.event, change.rows, ends)
    if task_id is None:
        refuse_settling_blind(connection, closed_ids)
    record_transitions(connection, pending.event)
    versions = {row.id: row.version for row in change.rows.values()}
    created = [change.rows[key].id for key in change.keys.values()]
    return DecisionResult(pending.id, pending.event, versions, created)


def _allow_same_work(
    pending: PendingDecision,
    rows: Collection[int],
    known_links: Sequence[Link],
    links: Sequence[Link],
    is_allowed: bool,
) -> list[Link]:
    """Return must-links between mentions of one work that are now one person.

    Such pairs need a direct must-link.
    """
    connection = pending.scope.connection
    stated_pairs = {(link.a, link.b) for link in known_links if link.must}
    pairs = [
        (a, b) for _, a, b in find_same_work_pairs(connection, rows) if (a, b) not in stated_pairs
    ]
    if not pairs:
        return []
    query = select(tables.Membership.signature_key).where(tables.Membership.since == pending.event)
    ends = {end for pair in pairs for end in pair}
    new_signatures = set(
        connection.scalars(query.where(is_in(connection, tables.Membership.signature_key, ends)))
    )
    new_pairs = [pair for pair in pairs if new_signatures & set(pair)]
    if new_pairs and not is_allowed:
        name = make_namer(connection, {end for pair in new_pairs[:MAX_SHOWN] for end in pair})
        pair_texts = "; ".join(f"{name(a)} and {name(b)}" for a, b in new_pairs[:MAX_SHOWN])
        raise Conflict(
            f"two authors of one work would be one person: {pair_texts}",
            "confirm with same_work, or leave one out",
            mentions=[[name(a), name(b)] for a, b in new_pairs[:MAX_SHOWN]],
        )
    groups = SignatureGroups([*known_links, *links])
    allowed_pairs = {
        *new_pairs,
        *(pair for pair in pairs if groups.find_root(pair[0]) == groups.find_root(pair[1])),
    }
    return [Link(a, b, True, pending.id) for a, b in sorted(allowed_pairs)]


def check_contradictions(connection: Connection, links: Sequence[Link], decision_id: str) -> None:
    """Check that links do not contradict each other; ``decision_id`` is the new decision.

    Raises
    ------
    Conflict
        With the chain of links that contradict each other.
    """
    contradictions = find_contradictions(links)[:MAX_SHOWN]
    if not contradictions:
        return
    name = make_namer(connection, {s for clash in contradictions for s in clash.signatures})
    chains = [
        clash.describe(name).replace(f"({decision_id})", "(this decision)")
        for clash in contradictions
    ]
    decisions = sorted({d for clash in contradictions for d in clash.decisions if d != decision_id})
    raise Conflict(
        f"this contradicts earlier decisions: {'; '.join(chains)}",
        "undo one of them, or decide differently",
        chains=chains,
        decisions=decisions,
    )
