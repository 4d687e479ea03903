"""The one place that changes which identity a mention is published under.

Every change is part of one event. It leaves rows that tell what was before and after
(:class:`~service.tables.Move`, :class:`~service.tables.IdentityVersion`), so that it can be
taken back exactly; it settles what becomes of the identities (redirects, lineage, names, counts),
and tells the feed.

The caller holds the ledger, and has recorded the event.
"""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, select

from service.consequences import NOWHERE, Consequences, new_identity
from service.database import take_keys
from service.facts import MANY
from service.identity_rows import IdentityRow
from service.ids import new_id
from service.ledger import EventLog
from service.membership_change import Change, Fate, Moved, Place, flows_of
from service.sets import among
from service.tables import Identity, Membership

__all__ = ["Changed", "Fate", "Place", "Placed", "change", "place", "placed_at", "retire"]

NOTICED = 0.01
"""A mention that stays gets a new confidence only if that differs by at least this much."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A newly assigned mention: to an identity, or to a new one.

    Mentions with the same number ``new`` share the new identity; it counts only where
    ``identity`` is None.
    """

    signature: int
    identity: int | None
    confidence: float
    new: int = 0


@dataclass(frozen=True)
class Changed:
    """What a change did.

    Attributes
    ----------
    keys : dict of int to int
        Key of the identity made for each :func:`~service.consequences.new_identity`.
    rows : dict of int to IdentityRow
        Identities that changed, as they are now, by key.
    moved : int
        Mentions that are elsewhere than before.
    consequences : Consequences
    """

    keys: dict[int, int]
    rows: dict[int, IdentityRow]
    moved: int
    consequences: Consequences


def place(
    connection: Connection,
    ledger: EventLog,
    event_seq: int,
    placed: Sequence[Placed],
    *,
    origin: str = "placement",
    origin_key: int | None = None,
) -> Changed:
    """Put newly assigned mentions where they belong."""
    places = {
        p.signature: Place(
            new_identity(p.new) if p.identity is None else p.identity,
            p.confidence,
            origin,
            origin_key,
        )
        for p in placed
    }
    return change(connection, ledger, event_seq, places)


def retire(
    connection: Connection,
    ledger: EventLog,
    event_seq: int,
    signature_keys: Iterable[int],
    *,
    changed: Collection[int] = (),
) -> Changed:
    """Take mentions that are no more out of their identities.

    An identity that has no other is ``split`` without children: it is gone. ``changed`` are
    signatures that stay but whose records changed; names, counts and years of their identities
    are brought up to date.
    """
    touched = {p.identity for p in placed_at(connection, changed).values()} if changed else set()
    places = dict.fromkeys(signature_keys)
    return change(connection, ledger, event_seq, places, touched=touched)


def placed_at(connection: Connection, signature_keys: Collection[int]) -> dict[int, Place]:
    """Where mentions are published, by signature key; those that are nowhere are left out."""
    columns = (
        Membership.signature_key,
        Membership.identity_key,
        Membership.confidence,
        Membership.origin,
        Membership.origin_key,
        Membership.since,
    )
    if len(signature_keys) < MANY:
        query = select(*columns).where(among(connection, columns[0], signature_keys))
        return {row[0]: Place(*row[1:]) for row in connection.execute(query)}
    rows = connection.execute(select(*columns))
    wanted = set(signature_keys)
    return {row[0]: Place(*row[1:]) for row in rows if row[0] in wanted}


def change(
    connection: Connection,
    ledger: EventLog,
    event_seq: int,
    places: Mapping[int, Place | None],
    *,
    curated: Mapping[int, bool] | None = None,
    fates: Mapping[int, Fate] | None = None,
    touched: Collection[int] = (),
    restores: bool = False,
) -> Changed:
    """Publish mentions elsewhere; all of it, or an error and nothing of it.

    Parameters
    ----------
    connection : Connection
        Of a write that holds the ledger.
    ledger : Ledger
    event_seq : int
        The event this is part of; one event changes memberships once.
    places : mapping of int to Place or None
        By signature key: where it shall be; None for nowhere.
    curated : mapping of int to bool, optional
        Identities, new ones too, of which to note whether a human decision bears on them.
    fates : mapping of int to Fate, optional
        For identities that are left without mentions, where it is settled what they become.
    touched : collection of int
        Further identities to bring up to date.
    restores : bool
        Whether an earlier event is taken back.
    """
    with _collector_at_rest(len(places)):
        before = placed_at(connection, places)
        keys, ids = _made(connection, places)
        moves = _moves(before, places, keys, event_seq)
        flows = flows_of(moves)
        work = Change(connection, ledger, event_seq, moves, flows, keys, ids)
        work.restores = restores
        noted = {keys.get(key, key): value for key, value in (curated or {}).items()}
        work.read({*touched, *noted, *(fates or {})})
        work.settle(noted, fates or {})
        work.write()
    return Changed(keys, work.rows, sum(f.mentions for f in flows), work.consequences)


@contextmanager
def _collector_at_rest(n: int) -> Iterator[None]:
    """Keep the collector from going through millions of rows again and again; none is a cycle."""
    if n < MANY or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _made(
    connection: Connection, places: Mapping[int, Place | None]
) -> tuple[dict[int, int], dict[int, str]]:
    """Keys and ids for the new identities that places name."""
    numbers = sorted({p.identity for p in places.values() if p and p.identity < NOWHERE})[::-1]
    if not numbers:
        return {}, {}
    keys = dict(zip(numbers, take_keys(connection, Identity, len(numbers)), strict=True))
    return keys, {key: new_id("a") for key in keys.values()}


def _moves(
    before: Mapping[int, Place],
    places: Mapping[int, Place | None],
    keys: Mapping[int, int],
    event_seq: int,
) -> dict[int, Moved]:
    """Where each mention that changes was and will be."""
    moves: dict[int, Moved] = {}
    for signature, wanted in places.items():
        old = before.get(signature)
        if wanted is None:
            if old is not None:
                moves[signature] = (old, None)
            continue
        identity = keys.get(wanted.identity, wanted.identity)
        if old is not None and old.identity == identity and wanted.since is None:
            if not _worth_telling(old, wanted):
                continue
            since = old.since
        else:
            since = event_seq if wanted.since is None else wanted.since
        new = Place(identity, wanted.confidence, wanted.origin, wanted.origin_key, since)
        if new != old:
            moves[signature] = (old, new)
    return moves


def _worth_telling(old: Place, new: Place) -> bool:
    """Whether to note what is said anew of a mention that stays; people have the last word."""
    if "decision" in (old.origin, new.origin) and old.origin != new.origin:
        return new.origin == "decision"
    return abs(old.confidence - new.confidence) >= NOTICED
