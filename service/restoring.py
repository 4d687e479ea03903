"""Taking back what an event did to memberships and identities, exactly.

Each mention that the event moved goes back where it was, with the confidence and the origin it
had there; each identity to the state it had; ids that the event made are never used for anything
else: they are redirected or split, as their mentions now are. What was placed since stays, or
follows where its identity ends. Taking back the taking back does the event again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from service import external_ids
from service.errors import Conflict
from service.identity_rows import ACTIVE, IdentityRow, identity_rows, rows_by_id
from service.ledger import EventLog
from service.link_rows import links_around
from service.memberships import Changed, Fate, Place, change, placed_at
from service.publication import followers, members_of, without_clashes
from service.standing import in_words, last_change
from service.tables import Decision, IdentityVersion, Lineage, Move


@dataclass(frozen=True)
class Done:
    """What an event did.

    Attributes
    ----------
    seq : int
    moves : dict of int to (Place or None, int or None)
        By signature key: where it was, and the identity it went to.
    identities : dict of int to (dict or None, dict)
        By key: what it was (None where it did not exist) and what it became.
    """

    seq: int
    moves: dict[int, tuple[Place | None, int | None]]
    identities: dict[int, tuple[dict[str, Any] | None, dict[str, Any]]]


def done_by(connection: Connection, event_seq: int) -> Done:
    """What an event did."""
    rows = connection.execute(
        select(
            Move.signature_key,
            Move.to_identity,
            Move.from_identity,
            Move.from_confidence,
            Move.from_origin,
            Move.from_origin_key,
            Move.from_since,
        ).where(Move.event_seq == event_seq)
    )
    moves: dict[int, tuple[Place | None, int | None]] = {}
    for signature, to, identity, confidence, origin, origin_key, since in rows:
        old = None
        if identity is not None and confidence is not None and origin is not None:
            old = Place(identity, confidence, origin, origin_key, since)
        moves[signature] = (old, to)
    query = select(IdentityVersion.identity_key, IdentityVersion.before, IdentityVersion.after)
    versions = connection.execute(query.where(IdentityVersion.event_seq == event_seq))
    return Done(event_seq, moves, {row[0]: (row[1], row[2]) for row in versions})


def take_back(connection: Connection, ledger: EventLog, done: Done, by: int) -> Changed:
    """Undo what an event did, as part of the event ``by``.

    Raises
    ------
    Conflict
        If a mention or an identity has been changed since in a way that stands against it.
    """
    now = placed_at(connection, done.moves)
    rows = identity_rows(connection, done.identities)
    _refuse_if_changed(connection, done, now, rows)
    places: dict[int, Place | None] = {
        s: old for s, (old, to) in done.moves.items() if s in now or to is None
    }
    fates = _fates(connection, done)
    places.update(_following(connection, done, places))
    curated = {
        key: bool(before and before["curated"]) for key, (before, _) in done.identities.items()
    }
    curated.update(dict.fromkeys(_decided_since(connection, done), True))
    _take_back_lineage(connection, done.seq, by)
    external_ids.invert(connection, ledger, done.seq, by)
    return change(
        connection,
        ledger,
        by,
        places,
        fates=fates,
        curated=curated,
        touched=done.identities.keys(),
        restores=True,
    )


def _refuse_if_changed(
    connection: Connection,
    done: Done,
    now: Mapping[int, Place],
    rows: Mapping[int, IdentityRow],
) -> None:
    strayed = [s for s, (_, to) in done.moves.items() if s in now and now[s].identity != to]
    ids = {row.id: key for key, row in rows.items()}
    ids |= _keys_of(connection, done, set(ids))
    other = []
    for key, (_, after) in done.identities.items():
        into = after["redirect"] and ids.get(after["redirect"])
        row = rows[key]
        if (row.status, row.redirect_key) != (after["status"], into):
            other.append(key)
    if strayed or other:
        events = last_change(connection, done.seq, other, strayed)
        raise Conflict(
            f"what was done has been changed since: {in_words(events)}",
            "take that back first",
            since=[event.told() for event in events[:20]],
        )


def _keys_of(connection: Connection, done: Done, known: Collection[str]) -> dict[str, int]:
    named = {v["redirect"] for pair in done.identities.values() for v in pair if v}
    missing = {public for public in named if public is not None} - set(known)
    return {public: row.key for public, row in rows_by_id(connection, missing).items()}


def _fates(connection: Connection, done: Done) -> dict[int, Fate]:
    """What identities were, for those that are left without mentions."""
    ids = _keys_of(connection, done, ())
    return {
        key: Fate(before["status"], ids[before["redirect"]] if before["redirect"] else None)
        for key, (before, _) in done.identities.items()
        if before is not None and before["status"] != ACTIVE
    }


def _following(
    connection: Connection, done: Done, places: Mapping[int, Place | None]
) -> dict[int, Place]:
    """Where later mentions go whose identity the event had made, or brought back."""
    ending = {
        key
        for key, (before, after) in done.identities.items()
        if after["status"] == ACTIVE and (before is None or before["status"] != ACTIVE)
    }
    outside = {s: k for s, k in members_of(connection, ending).items() if s not in places}
    if not outside:
        return {}
    target = {s: place.identity for s, place in places.items() if place is not None}
    inside = {s: to for s, (_, to) in done.moves.items() if s in target and to is not None}
    links = links_around(connection, outside)
    moved = followers(outside, inside, target, links, leaving=ending)
    moved = without_clashes(connection, moved, target | outside, links)
    was = placed_at(connection, moved)
    return {s: was[s]._replace(identity=to, since=None) for s, to in moved.items()}


def _decided_since(connection: Connection, done: Done) -> set[int]:
    """Identities on which a later decision bears that still stands."""
    query = (
        select(IdentityVersion.identity_key)
        .join(Decision, Decision.event_seq == IdentityVersion.event_seq)
        .where(Decision.undone_seq.is_(None), IdentityVersion.event_seq > done.seq)
    )
    return {key for key in connection.scalars(query) if key in done.identities}


def _take_back_lineage(connection: Connection, event_seq: int, by: int) -> None:
    back = update(Lineage).where(Lineage.undone_seq == event_seq).values(undone_seq=None)
    gone = update(Lineage).where(Lineage.event_seq == event_seq, Lineage.undone_seq.is_(None))
    connection.execute(back)
    connection.execute(gone.values(undone_seq=by))
