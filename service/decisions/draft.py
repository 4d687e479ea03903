"""What a decision is about, read; and a decision made, checked and stored."""

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
from service.memberships.followers import members_of
from service.tasks.blind import refuse_settled
from service.tasks.close import close_answered, note_turns

MOST_MENTIONS = 20_000
"""Mentions that one decision names, at most."""


class Mention(NamedTuple):
    """A mention as callers know it: a work's id and the author's position on it."""

    work: str
    position: int


@dataclass(frozen=True)
class Made:
    """A decision that was made, undone or redone.

    Attributes
    ----------
    id : str
        The decision's.
    event : int
        Number of the event.
    identities : dict of str to int
        Ids of the identities that changed, and their versions now.
    created : list of str
        Those of them that are new.
    """

    id: str
    event: int
    identities: dict[str, int]
    created: list[str]


@dataclass
class Subject:
    """What a decision is about.

    Attributes
    ----------
    rows : dict of str to IdentityRow
        Identities, by id.
    members : dict of int to list of int
        Signature keys of each identity, by its key, ascending.
    """

    connection: Connection
    ledger: EventLog
    versions: Mapping[str, int]
    rows: dict[str, IdentityRow] = field(default_factory=dict)
    members: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    _identity: dict[int, int] = field(default_factory=dict)
    _confidence: dict[int, float] = field(default_factory=dict)

    def identity(self, signature: int) -> int | None:
        """Key of the identity that a mention is of."""
        return self._identity.get(signature)

    def include(self, keys: Collection[int]) -> None:
        """Read further identities by key, and check their versions.

        Raises
        ------
        Stale
            If one has changed since it was seen.
        """
        known = {row.key for row in self.rows.values()}
        for row in read_identities(self.connection, set(keys) - known).values():
            get_active_identity(self.connection, row.id, self.versions.get(row.id))
            self.rows[row.id] = row
        new = set(keys) - set(self.members)
        for signature, key in sorted(members_of(self.connection, new).items()):
            self.members[key].append(signature)
            self._identity[signature] = key

    def found(self, mentions: Sequence[Mention], of: IdentityRow | None, where: str) -> list[int]:
        """Signature keys of mentions, the most certain first; all are of ``of`` if given.

        Raises
        ------
        Invalid
            If there are none, too many, one twice, or one of another identity.
        NotFound
            If there is no such mention.
        """
        if not 1 <= len(mentions) <= MOST_MENTIONS:
            raise Invalid(
                f"{len(mentions)} mentions", f"name 1 to {MOST_MENTIONS} of them", field=where
            )
        if len(set(mentions)) < len(mentions):
            raise Invalid("a mention is named twice", "name each once", field=where)
        keys = _signature_keys(self.connection, mentions)
        query = select(tables.Membership.signature_key, tables.Membership.identity_key)
        rows = self.connection.execute(
            query.where(is_in(self.connection, tables.Membership.signature_key, keys.values()))
        )
        self._identity.update((row[0], row[1]) for row in rows)
        for k, mention in enumerate(mentions):
            key = keys.get(mention)
            at = f"{where}[{k}]"
            name = f"{mention.work[:80]}:{mention.position}"
            if key is None:
                raise NotFound(f"there is no mention {name}", "look at the work", field=at)
            if of is not None and self._identity.get(key) != of.key:
                raise Invalid(f"{name} is not of {of.id}", "read the identity again", field=at)
        return self._ranked(keys[mention] for mention in mentions)

    def ranked(self, key: int | None) -> list[int]:
        """Mentions of an identity, the most certain first."""
        return self._ranked(self.members[key]) if key is not None else []

    def _ranked(self, signatures: Any) -> list[int]:
        some = list(signatures)
        missing = [m for m in some if m not in self._confidence]
        query = select(tables.Membership.signature_key, tables.Membership.confidence)
        held = is_in(self.connection, tables.Membership.signature_key, missing)
        rows = self.connection.execute(query.where(held)) if missing else ()
        self._confidence.update((row[0], row[1]) for row in rows)
        return sorted(some, key=lambda m: (-self._confidence.get(m, 0.0), m))

    def best(self, rows: Collection[IdentityRow] | None = None) -> IdentityRow:
        """The best established: decisions bear on it, most mentions, oldest."""
        return min(
            self.rows.values() if rows is None else rows,
            key=lambda row: (not row.curated, -len(self.members[row.key]), row.key),
        )

    def bound(self, signature: int, others: Collection[int]) -> list[int]:
        """The mention, and those of ``others`` that decisions say are the same person."""
        groups = SignatureGroups(read_links_around(self.connection, [signature]))
        root = groups.find_root(signature)
        return [m for m in others if groups.find_root(m) == root]


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that is being made; its event is recorded."""

    subject: Subject
    id: str
    key: int
    event: int


def begin(
    connection: Connection, identities: Sequence[str], versions: Mapping[str, int] | None
) -> Subject:
    """Hold the ledger and read the identities that a decision names.

    Raises
    ------
    NotFound, Conflict, Stale
        As :func:`service.identities.store.get_active_identity`.
    """
    subject = Subject(connection, EventLog.lock(connection), versions or {})
    for name, version in subject.versions.items():
        get_active_identity(connection, name, version)
    for name in identities:
        subject.rows[name] = get_active_identity(connection, name, subject.versions.get(name))
    subject.include({row.key for row in subject.rows.values()})
    return subject


def make(
    subject: Subject,
    kind: str,
    action: str,
    actor: Actor,
    reason: str | None,
    evidence: Mapping[str, Any] | None,
) -> Draft:
    """Record the event of a decision, and store it without links."""
    decision = new_id("d")
    told = {"kind": kind, "action": action, "identities": sorted(subject.rows)}
    before = {name: row.version for name, row in subject.rows.items()}
    seq = subject.ledger.record(
        DECISION_MADE,
        actor,
        subject=decision,
        reason=reason,
        before={"versions": before},
        after=told,
        is_curation=True,
    )
    stored = insert(Decision).values(
        id=decision,
        kind=kind,
        action=action,
        actor=actor.name,
        at=subject.ledger.at,
        reason=reason,
        evidence=dict(evidence) if evidence is not None else None,
        event_seq=seq,
    )
    key = subject.connection.scalars(stored.returning(Decision.key)).one()
    return Draft(subject, decision, key, seq)


def settle(
    draft: Draft,
    places: Mapping[int, Membership],
    links: Sequence[Link],
    curated: Mapping[int, bool],
    *,
    same_work: bool,
    answers: str | None = None,
) -> Made:
    """Check what a decision states, publish it, and keep its links.

    Parameters
    ----------
    answers : str or None
        Id of the task that it is the answer to; no other decision settles what is asked blind.

    Raises
    ------
    Conflict
        With the chain of decisions that contradict it, or with the works of which two mentions
        would be one person, or with the blind questions that it would settle.
    """
    connection = draft.subject.connection
    ends = {end for link in links for end in (link.a, link.b)} | places.keys()
    known = read_links_around(connection, ends)
    refuse_contradictions(connection, [*known, *links], draft.id)
    changed = change_memberships(
        connection, draft.subject.ledger, draft.event, dict(places), curated=curated
    )
    links = [*links, *_allowances(draft, changed.rows, known, links, same_work)]
    add_links(connection, draft.key, links)
    require_links_hold(
        connection,
        remove_retired_signatures(connection, [*known, *links]),
        "earlier decisions stand against this",
        "undo them first, or decide otherwise",
    )
    closed = close_answered(connection, draft.event, changed.rows, ends)
    if answers is None:
        refuse_settled(connection, closed)
    note_turns(connection, draft.event)
    versions = {row.id: row.version for row in changed.rows.values()}
    created = [changed.rows[key].id for key in changed.keys.values()]
    return Made(draft.id, draft.event, versions, created)


def _allowances(
    draft: Draft,
    rows: Collection[int],
    known: Sequence[Link],
    links: Sequence[Link],
    allowed: bool,
) -> list[Link]:
    """Musts between mentions of one work that are now one person, which must be said directly."""
    connection = draft.subject.connection
    said = {(link.a, link.b) for link in known if link.must}
    pairs = [(a, b) for _, a, b in find_same_work_pairs(connection, rows) if (a, b) not in said]
    if not pairs:
        return []
    query = select(tables.Membership.signature_key).where(tables.Membership.since == draft.event)
    ends = {end for pair in pairs for end in pair}
    now = set(
        connection.scalars(query.where(is_in(connection, tables.Membership.signature_key, ends)))
    )
    fresh = [pair for pair in pairs if now & set(pair)]
    if fresh and not allowed:
        name = make_namer(connection, {end for pair in fresh[:MAX_SHOWN] for end in pair})
        told = "; ".join(f"{name(a)} and {name(b)}" for a, b in fresh[:MAX_SHOWN])
        raise Conflict(
            f"two authors of one work would be one person: {told}",
            "state that you mean it with same_work, or leave one out",
            mentions=[[name(a), name(b)] for a, b in fresh[:MAX_SHOWN]],
        )
    groups = SignatureGroups([*known, *links])
    meant = {
        *fresh,
        *(pair for pair in pairs if groups.find_root(pair[0]) == groups.find_root(pair[1])),
    }
    return [Link(a, b, True, draft.id) for a, b in sorted(meant)]


def refuse_contradictions(connection: Connection, links: Sequence[Link], draft: str) -> None:
    """Refuse links that contradict each other, with the chain; ``draft`` is this decision.

    Raises
    ------
    Conflict
    """
    found = find_contradictions(links)[:MAX_SHOWN]
    if not found:
        return
    name = make_namer(connection, {s for clash in found for s in clash.signatures})
    chains = [clash.describe(name).replace(f"({draft})", "(this decision)") for clash in found]
    decisions = sorted({d for clash in found for d in clash.decisions if d != draft})
    raise Conflict(
        f"this contradicts earlier decisions: {'; '.join(chains)}",
        "undo one of them, or decide otherwise",
        chains=chains,
        decisions=decisions,
    )


def _signature_keys(connection: Connection, mentions: Sequence[Mention]) -> dict[Mention, int]:
    """Keys of mentions; those that are unknown, or no more, are left out."""
    query = select(Work.id, Signature.position, Signature.key).join(
        Signature, Signature.work_key == Work.key
    )
    query = query.where(
        Signature.retired_version.is_(None),
        is_in(connection, Work.id, {m.work.replace("\0", "␀") for m in mentions}),
    )
    wanted = set(mentions)
    rows = ((Mention(row[0], row[1]), row[2]) for row in connection.execute(query))
    return {mention: key for mention, key in rows if mention in wanted}
