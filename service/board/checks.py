"""Validate an arrangement before commit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from service.board.results import Hindrance
from service.board.scope import MAX_BOARD_COLUMNS
from service.constraints.store import make_namer, read_links_around
from service.db.bulk import is_in
from service.db.tables import Signature
from service.decisions.draft import MAX_DECISION_MENTIONS, DecisionScope
from service.errors import Conflict, Invalid
from service.events.history import list_last_changes, summarize_events
from service.identities.store import read_identities_by_id

if TYPE_CHECKING:
    from service.board.request import ArrangementPlan, ArrangementRequest


def find_conflicts(
    connection: Connection, plan: ArrangementPlan, request: ArrangementRequest
) -> list[Hindrance]:
    """Find columns that would merge two authors of one work."""
    if request.same_work:
        return []
    moves = plan.arrangement.moves
    targets = set(moves.values())
    members = [m for m, to in plan.arrangement.target.items() if to in targets]
    query = select(Signature.key, Signature.work_key).where(
        is_in(connection, Signature.key, members), Signature.retired_version.is_(None)
    )
    authors_of_work: dict[tuple[int, int], list[int]] = {}
    for key, work in connection.execute(query.order_by(Signature.key)):
        authors_of_work.setdefault((plan.arrangement.target[key], work), []).append(key)
    clashes = [
        authors
        for authors in authors_of_work.values()
        if len(authors) > 1 and not moves.keys().isdisjoint(authors)
    ]
    must_linked = {
        (link.a, link.b)
        for link in read_links_around(connection, {m for authors in clashes for m in authors})
        if link.must
    }
    pairs = [pair for a, b, *_ in clashes if (pair := (a, b)) not in must_linked]
    format_mention = make_namer(connection, {m for pair in pairs for m in pair})
    return [
        Hindrance(
            kind="same-work",
            text=f"two authors of one work would be in one column: "
            f"{format_mention(a)} and {format_mention(b)}",
            mentions=[format_mention(a), format_mention(b)],
        )
        for a, b in pairs[:20]
    ]


def reject_duplicates(request: ArrangementRequest) -> None:
    """Reject duplicate mentions or identities, and requests that are too large.

    Raises
    ------
    Invalid
    """
    mentions = [m for c in request.columns for m in c.mentions] + list(request.unsure)
    if len(request.columns) > MAX_BOARD_COLUMNS or len(mentions) > MAX_DECISION_MENTIONS:
        raise Invalid(
            f"{len(request.columns):,} columns with {len(mentions):,} mentions",
            f"send {MAX_BOARD_COLUMNS} columns and {MAX_DECISION_MENTIONS:,} mentions at most",
            field="columns",
        )
    for mention, n in Counter(mentions).items():
        if n > 1:
            raise Invalid(
                f"{mention.work[:80]}:{mention.position} occurs {n} times",
                "list each mention in one column, or as unsure",
                field="columns",
            )
    for identity, n in Counter(c.identity for c in request.columns if c.identity).items():
        if n > 1:
            raise Invalid(
                f"{n} columns have the identity {identity[:40]}", "use it once", field="columns"
            )


def reject_assigned(
    connection: Connection, scope: DecisionScope, keys: Sequence[int], field: str
) -> None:
    """Reject assigned mentions in the column of unassigned mentions.

    Raises
    ------
    Invalid
    """
    assigned_keys = [m for m in keys if scope.get_identity_key(m) is not None]
    if assigned_keys:
        format_mention = make_namer(connection, assigned_keys[:1])
        raise Invalid(
            f"{format_mention(assigned_keys[0])} belongs to an identity and cannot become "
            "unassigned",
            "put it into a new column, or list it as unsure",
            field=field,
        )


def reject_stale(connection: Connection, versions: Mapping[str, int]) -> None:
    """Reject a request if identities changed since the board was read.

    Raises
    ------
    Conflict
    """
    rows = read_identities_by_id(connection, versions)
    changed_rows = {
        identity_id: row
        for identity_id, row in rows.items()
        if row.version != versions[identity_id]
    }
    for id_ in versions.keys() - rows.keys():
        raise Invalid(f"there is no identity {id_[:40]}", "read the board again", field="versions")
    if changed_rows:
        oldest_version = min(versions[id_] for id_ in changed_rows)
        events = list_last_changes(
            connection, oldest_version, [row.key for row in changed_rows.values()], []
        )
        raise Conflict(
            f"{', '.join(sorted(changed_rows)[:5])} changed since the board was read: "
            f"{summarize_events(events)}",
            "read the board again, then decide",
            changed=[
                {"identity": id_, "version": row.version, "status": row.status}
                for id_, row in sorted(changed_rows.items())
            ],
            since=[event.to_dict() for event in events[:20]],
        )


def require_versions(plan: ArrangementPlan, versions: Mapping[str, int]) -> None:
    """Require the version of every identity that would change.

    Raises
    ------
    Invalid
    """
    changing_ids = {plan.ids[key] for key in plan.arrangement.curated_flags() if key in plan.ids}
    missing_ids = sorted(changing_ids - versions.keys())
    if missing_ids:
        raise Invalid(
            f"versions lacks the version of {missing_ids[0]}",
            "send the versions of the board as you read them",
            field="versions",
        )
