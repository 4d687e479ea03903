"""Revert what an event did to memberships and identities, exactly.

Each mention that the event moved returns to its earlier identity, with its earlier confidence and
origin. Each identity returns to its earlier state. Ids that the event created are never reused:
they become redirected or split, depending on their mentions. Mentions assigned since then stay, or
follow when their identity ends. Reverting a revert reapplies the event.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from service.constraints.store import read_links_around
from service.db.tables import Decision, IdentityVersion, Lineage, Move
from service.errors import Conflict
from service.events.history import list_last_changes, summarize_events
from service.events.log import EventLog
from service.external_ids import attach as external_ids
from service.identities.store import ACTIVE, IdentityRow, read_identities, read_identities_by_id
from service.memberships.change import ChangeResult, change_memberships, read_memberships
from service.memberships.effects import EndState, Membership
from service.memberships.followers import drop_clashes, find_followers, read_members


@dataclass(frozen=True)
class EventEffects:
    """Effects of an event on memberships and identities.

    Attributes
    ----------
    seq : int
    moves : dict of int to (Membership or None, int or None)
        By signature key: the earlier membership, and the new identity.
    identities : dict of int to (dict or None, dict)
        By key: the state before (None if it did not exist) and after the event.
    """

    seq: int
    moves: dict[int, tuple[Membership | None, int | None]]
    identities: dict[int, tuple[dict[str, Any] | None, dict[str, Any]]]


def read_event_effects(connection: Connection, event_seq: int) -> EventEffects:
    """Read the effects of an event."""
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
    moves: dict[int, tuple[Membership | None, int | None]] = {}
    for signature, to, identity, confidence, origin, origin_key, since in rows:
        old = None
        if identity is not None and confidence is not None and origin is not None:
            old = Membership(identity, confidence, origin, origin_key, since)
        moves[signature] = (old, to)
    query = select(IdentityVersion.identity_key, IdentityVersion.before, IdentityVersion.after)
    versions = connection.execute(query.where(IdentityVersion.event_seq == event_seq))
    return EventEffects(event_seq, moves, {row[0]: (row[1], row[2]) for row in versions})


def revert_event(
    connection: Connection, event_log: EventLog, effects: EventEffects, by: int
) -> ChangeResult:
    """Revert the effects of an event, as part of the event ``by``.

    Raises
    ------
    Conflict
        If a mention or an identity has since been changed in a way that prevents it.
    """
    current = read_memberships(connection, effects.moves)
    rows = read_identities(connection, effects.identities)
    _check_unchanged(connection, effects, current, rows)
    memberships: dict[int, Membership | None] = {
        s: old for s, (old, to) in effects.moves.items() if s in current or to is None
    }
    end_states = _read_previous_end_states(connection, effects)
    memberships.update(_plan_followers(connection, effects, memberships))
    is_curated = {
        key: bool(before and before["curated"]) for key, (before, _) in effects.identities.items()
    }
    is_curated.update(dict.fromkeys(_find_later_decisions(connection, effects), True))
    _revert_lineage(connection, effects.seq, by)
    external_ids.revert_external_ids(connection, event_log, effects.seq, by)
    return change_memberships(
        connection,
        event_log,
        by,
        memberships,
        end_states=end_states,
        is_curated=is_curated,
        further_keys=effects.identities.keys(),
        is_revert=True,
    )


def _check_unchanged(
    connection: Connection,
    effects: EventEffects,
    current: Mapping[int, Membership],
    rows: Mapping[int, IdentityRow],
) -> None:
    moved_signatures = [
        s for s, (_, to) in effects.moves.items() if s in current and current[s].identity != to
    ]
    ids = {row.id: key for key, row in rows.items()}
    ids |= _read_redirect_keys(connection, effects, set(ids))
    changed_identities = []
    for key, (_, after) in effects.identities.items():
        target_key = after["redirect"] and ids.get(after["redirect"])
        row = rows[key]
        if (row.status, row.redirect_key) != (after["status"], target_key):
            changed_identities.append(key)
    if moved_signatures or changed_identities:
        events = list_last_changes(connection, effects.seq, changed_identities, moved_signatures)
        raise Conflict(
            f"later events changed the same identities or mentions: {summarize_events(events)}",
            "undo or roll back these first",
            since=[event.to_dict() for event in events[:20]],
        )


def _read_redirect_keys(
    connection: Connection, effects: EventEffects, known_ids: Collection[str]
) -> dict[str, int]:
    redirect_ids = {v["redirect"] for pair in effects.identities.values() for v in pair if v}
    missing = {public for public in redirect_ids if public is not None} - set(known_ids)
    return {public: row.key for public, row in read_identities_by_id(connection, missing).items()}


def _read_previous_end_states(connection: Connection, effects: EventEffects) -> dict[int, EndState]:
    """Return the earlier states of identities that were not active before the event."""
    ids = _read_redirect_keys(connection, effects, ())
    return {
        key: EndState(before["status"], ids[before["redirect"]] if before["redirect"] else None)
        for key, (before, _) in effects.identities.items()
        if before is not None and before["status"] != ACTIVE
    }


def _plan_followers(
    connection: Connection, effects: EventEffects, memberships: Mapping[int, Membership | None]
) -> dict[int, Membership]:
    """Return new memberships of later mentions whose identity the event had created or revived."""
    ended_keys = {
        key
        for key, (before, after) in effects.identities.items()
        if after["status"] == ACTIVE and (before is None or before["status"] != ACTIVE)
    }
    outside = {
        s: k for s, k in read_members(connection, ended_keys).items() if s not in memberships
    }
    if not outside:
        return {}
    target = {s: place.identity for s, place in memberships.items() if place is not None}
    inside = {s: to for s, (_, to) in effects.moves.items() if s in target and to is not None}
    links = read_links_around(connection, outside)
    new_identities = find_followers(outside, inside, target, links, leaving=ended_keys)
    new_identities = drop_clashes(connection, new_identities, target | outside, links)
    previous = read_memberships(connection, new_identities)
    return {s: previous[s]._replace(identity=to, since=None) for s, to in new_identities.items()}


def _find_later_decisions(connection: Connection, effects: EventEffects) -> set[int]:
    """Return identities that a later decision in force changed."""
    query = (
        select(IdentityVersion.identity_key)
        .join(Decision, Decision.event_seq == IdentityVersion.event_seq)
        .where(Decision.undone_seq.is_(None), IdentityVersion.event_seq > effects.seq)
    )
    return {key for key in connection.scalars(query) if key in effects.identities}


def _revert_lineage(connection: Connection, event_seq: int, by: int) -> None:
    restore = update(Lineage).where(Lineage.undone_seq == event_seq).values(undone_seq=None)
    end = update(Lineage).where(Lineage.event_seq == event_seq, Lineage.undone_seq.is_(None))
    connection.execute(restore)
    connection.execute(end.values(undone_seq=by))
