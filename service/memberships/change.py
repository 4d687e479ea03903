"""Plan and apply changes of memberships; together with :mod:`service.memberships.effects`, the only
writer of the identity that a mention is published under.

Every change is part of one event. It stores the state before and after
(:class:`~service.db.tables.Move`, :class:`~service.db.tables.IdentityVersion`), so that it can be
reverted exactly. It derives the new state of the identities (redirects, lineage, names, counts)
and appends to the change feed.

The caller holds the lock of the event log, and has recorded the event.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.db import tables
from service.db.bulk import is_in
from service.db.database import allocate_keys
from service.db.tables import Identity
from service.events.log import EventLog
from service.identities.lifecycle import UNASSIGNED, LifecycleChanges, make_placeholder_key
from service.identities.store import IdentityRow
from service.identities.summary import FULL_SCAN_MIN_KEYS
from service.ids import new_id
from service.memberships.effects import (
    EndState,
    Membership,
    MembershipChange,
    MembershipMove,
    count_flows,
)

__all__ = [
    "ChangeResult",
    "EndState",
    "Membership",
    "NewMembership",
    "add_memberships",
    "change_memberships",
    "read_memberships",
    "retire_signatures",
]

MIN_CONFIDENCE_CHANGE = 0.01
"""Smallest difference of confidence that is stored for a mention that stays in its identity."""


@dataclass(frozen=True, slots=True)
class NewMembership:
    """A new membership of a mention, in an existing or a new identity.

    If ``identity`` is None, mentions with the same ``new_group`` share one new identity.
    """

    signature: int
    identity: int | None
    confidence: float
    new_group: int = 0


@dataclass(frozen=True)
class ChangeResult:
    """Result of a change of memberships.

    Attributes
    ----------
    keys : dict of int to int
        Key of the new identity for each placeholder key.
    rows : dict of int to IdentityRow
        Identities that changed, with their new state, by key.
    n_moved : int
        Number of mentions whose identity changed.
    lifecycle : LifecycleChanges
    """

    keys: dict[int, int]
    rows: dict[int, IdentityRow]
    n_moved: int
    lifecycle: LifecycleChanges


def add_memberships(
    connection: Connection,
    event_log: EventLog,
    event_seq: int,
    new_memberships: Sequence[NewMembership],
    *,
    origin: str = "placement",
    origin_key: int | None = None,
) -> ChangeResult:
    """Store memberships of newly assigned mentions."""
    memberships = {
        p.signature: Membership(
            make_placeholder_key(p.new_group) if p.identity is None else p.identity,
            p.confidence,
            origin,
            origin_key,
        )
        for p in new_memberships
    }
    return change_memberships(connection, event_log, event_seq, memberships)


def retire_signatures(
    connection: Connection,
    event_log: EventLog,
    event_seq: int,
    signature_keys: Iterable[int],
    *,
    updated_keys: Collection[int] = (),
) -> ChangeResult:
    """Remove retired mentions from their identities.

    An identity without other mentions becomes ``split`` without children. ``updated_keys`` are
    signatures that stay but whose records changed; names, counts and years of their identities
    are updated.
    """
    identity_keys = (
        {p.identity for p in read_memberships(connection, updated_keys).values()}
        if updated_keys
        else set()
    )
    memberships = dict.fromkeys(signature_keys)
    return change_memberships(
        connection, event_log, event_seq, memberships, further_keys=identity_keys
    )


def read_memberships(
    connection: Connection, signature_keys: Collection[int]
) -> dict[int, Membership]:
    """Read memberships by signature key; unassigned mentions are left out."""
    columns = (
        tables.Membership.signature_key,
        tables.Membership.identity_key,
        tables.Membership.confidence,
        tables.Membership.origin,
        tables.Membership.origin_key,
        tables.Membership.since,
    )
    if len(signature_keys) < FULL_SCAN_MIN_KEYS:
        query = select(*columns).where(is_in(connection, columns[0], signature_keys))
        return {row[0]: Membership(*row[1:]) for row in connection.execute(query)}
    rows = connection.execute(select(*columns))
    key_set = set(signature_keys)
    return {row[0]: Membership(*row[1:]) for row in rows if row[0] in key_set}


def change_memberships(
    connection: Connection,
    event_log: EventLog,
    event_seq: int,
    memberships: Mapping[int, Membership | None],
    *,
    is_curated: Mapping[int, bool] | None = None,
    end_states: Mapping[int, EndState] | None = None,
    further_keys: Collection[int] = (),
    is_revert: bool = False,
) -> ChangeResult:
    """Change the memberships of mentions, completely or not at all.

    Parameters
    ----------
    connection : Connection
        Of a write that holds the lock of the event log.
    event_log : EventLog
    event_seq : int
        The event that this is part of; an event changes memberships once.
    memberships : mapping of int to Membership or None
        New membership by signature key; None to unassign.
    is_curated : mapping of int to bool, optional
        For identities, also new ones, whether a decision applies to them.
    end_states : mapping of int to EndState, optional
        Predetermined states of identities that are left without mentions.
    further_keys : collection of int
        Further identities to update.
    is_revert : bool
        Whether an earlier event is reverted.
    """
    with _pause_garbage_collection(len(memberships)):
        before = read_memberships(connection, memberships)
        keys, ids = _allocate_identities(connection, memberships)
        moves = _plan_moves(before, memberships, keys, event_seq)
        flows = count_flows(moves)
        change = MembershipChange(connection, event_log, event_seq, moves, flows, keys, ids)
        change.is_revert = is_revert
        curated_by_key = {keys.get(key, key): value for key, value in (is_curated or {}).items()}
        change.load({*further_keys, *curated_by_key, *(end_states or {})})
        change.decide_states(curated_by_key, end_states or {})
        change.write()
    return ChangeResult(keys, change.rows, sum(f.mentions for f in flows), change.lifecycle)


@contextmanager
def _pause_garbage_collection(n: int) -> Iterator[None]:
    """Pause garbage collection, which would scan millions of rows repeatedly; none is a cycle."""
    if n < FULL_SCAN_MIN_KEYS or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _allocate_identities(
    connection: Connection, memberships: Mapping[int, Membership | None]
) -> tuple[dict[int, int], dict[int, str]]:
    """Allocate keys and ids for the new identities among the memberships."""
    numbers = sorted({p.identity for p in memberships.values() if p and p.identity < UNASSIGNED})[
        ::-1
    ]
    if not numbers:
        return {}, {}
    keys = dict(zip(numbers, allocate_keys(connection, Identity, len(numbers)), strict=True))
    return keys, {key: new_id("a") for key in keys.values()}


def _plan_moves(
    before: Mapping[int, Membership],
    memberships: Mapping[int, Membership | None],
    keys: Mapping[int, int],
    event_seq: int,
) -> dict[int, MembershipMove]:
    """Return the old and the new membership of each mention that changes."""
    moves: dict[int, MembershipMove] = {}
    for signature, planned in memberships.items():
        old = before.get(signature)
        if planned is None:
            if old is not None:
                moves[signature] = (old, None)
            continue
        identity = keys.get(planned.identity, planned.identity)
        if old is not None and old.identity == identity and planned.since is None:
            if not _is_worth_recording(old, planned):
                continue
            since = old.since
        else:
            since = event_seq if planned.since is None else planned.since
        new = Membership(identity, planned.confidence, planned.origin, planned.origin_key, since)
        if new != old:
            moves[signature] = (old, new)
    return moves


def _is_worth_recording(old: Membership, new: Membership) -> bool:
    """Whether to store a new membership in the same identity; decisions override other origins."""
    if "decision" in (old.origin, new.origin) and old.origin != new.origin:
        return new.origin == "decision"
    return abs(old.confidence - new.confidence) >= MIN_CONFIDENCE_CHANGE
