"""Plan an arrangement of mentions against the published state, without storing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, select

from service.board.arrangement import ArrangedColumn, Arrangement, Sides, compute_arrangement
from service.board.checks import reject_assigned, reject_duplicates, reject_stale
from service.board.request import ArrangementPlan, ArrangementRequest
from service.constraints.store import read_links_around
from service.db import tables
from service.db.bulk import is_in
from service.decisions.draft import DecisionScope
from service.identities.lifecycle import UNASSIGNED
from service.identities.store import get_active_identity, read_identities, read_identities_by_id


def plan_arrangement(
    connection: Connection, request: ArrangementRequest, scope: DecisionScope
) -> ArrangementPlan:
    """Plan an arrangement against the published state.

    Raises
    ------
    Invalid, NotFound
        If it names unknown or duplicate mentions or identities.
    Conflict
        If an identity is not active or has changed since it was read.
    """
    reject_duplicates(request)
    identity_rows_by_id = read_identities_by_id(
        connection, [c.identity for c in request.columns if c.identity]
    )
    columns = []
    for k, column in enumerate(request.columns):
        field_name = f"columns[{k}].mentions"
        keys = scope.find_signatures(column.mentions, None, field_name) if column.mentions else []
        if column.is_unassigned:
            reject_assigned(connection, scope, keys, field_name)
            continue
        if not keys and not column.identity:
            continue
        key = None
        if column.identity is not None:
            row = identity_rows_by_id.get(column.identity)
            key = None if row is None or row.status != "active" else row.key
            if key is None:
                get_active_identity(connection, column.identity)
        columns.append(ArrangedColumn(tuple(keys), key, column.is_confirmed))
    unsure = scope.find_signatures(request.unsure, None, "unsure") if request.unsure else []
    identity_keys = {c.identity for c in columns if c.identity is not None}
    identity_keys |= {
        i for c in columns for m in c.mentions if (i := scope.get_identity_key(m)) is not None
    }
    scope.include_identities(identity_keys)
    members = {key: scope.members[key] for key in identity_keys}
    signature_keys = {m for mentions in members.values() for m in mentions}
    signature_keys |= {m for c in columns for m in c.mentions}
    query = select(tables.Membership.signature_key, tables.Membership.confidence)
    rows = connection.execute(
        query.where(is_in(connection, tables.Membership.signature_key, signature_keys))
    )
    confidence = {row[0]: row[1] for row in rows}
    decided_keys = {
        end for link in read_links_around(connection, signature_keys) for end in (link.a, link.b)
    }
    arrangement = compute_arrangement(columns, members, confidence, decided_keys & signature_keys)
    sides = [
        Sides(
            tuple(scope.find_signatures(a, None, "task")),
            tuple(scope.find_signatures(b, None, "task")),
        )
        for a, b in request.answers
        if a and b
    ]
    sides = [s for s in sides if {*s.left, *s.right}.isdisjoint(unsure)]
    arrangement = _include_sides(connection, scope, arrangement, sides, columns, confidence)
    current_keys = set(arrangement.current.values()) - {UNASSIGNED}
    ids = {key: row.id for key, row in read_identities(connection, current_keys).items()}
    affected_ids = {ids[key] for key in arrangement.curated_flags() if key in ids}
    reject_stale(connection, {i: v for i, v in request.versions.items() if i in affected_ids})
    return ArrangementPlan(arrangement, scope, ids, unsure, sides)


def _include_sides(
    connection: Connection,
    scope: DecisionScope,
    arrangement: Arrangement,
    sides: Sequence[Sides],
    columns: Sequence[ArrangedColumn],
    confidence: Mapping[int, float],
) -> Arrangement:
    """Compute the arrangement again, including the identities of the answered tasks."""
    side_keys = {m for s in sides for m in (*s.left, *s.right)} - arrangement.target.keys()
    keys = {k for m in side_keys if (k := scope.get_identity_key(m)) is not None}
    if not keys:
        return arrangement
    scope.include_identities(keys)
    identity_keys = {key for key in arrangement.current.values() if key != UNASSIGNED} | keys
    members = {key: scope.members[key] for key in identity_keys}
    decided_keys = {
        e for link in read_links_around(connection, side_keys) for e in (link.a, link.b)
    }
    return compute_arrangement(columns, members, confidence, decided_keys)
