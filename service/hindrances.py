"""What stands in the way of an arrangement of mentions, besides decisions that contradict it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from service.errors import Conflict, Invalid
from service.identity_rows import rows_by_id
from service.link_rows import links_around, namer
from service.sets import among
from service.standing import in_words, last_change
from service.tables import Signature

if TYPE_CHECKING:
    from service.arranging import Read, Wanted
    from service.decision_rows import Subject

MOST_COLUMNS = 200
MOST_MENTIONS = 20_000
"""Mentions that one arrangement names, at most."""


def conflicts(connection: Connection, found: Read, wanted: Wanted) -> list[dict[str, Any]]:
    """What would stand in the way of a commit, besides decisions."""
    if wanted.same_work:
        return []
    moved = found.plan.moves
    targets = set(moved.values())
    inside = [m for m, to in found.plan.target.items() if to in targets]
    query = select(Signature.key, Signature.work_key).where(
        among(connection, Signature.key, inside), Signature.retired_version.is_(None)
    )
    at: dict[tuple[int, int], list[int]] = {}
    for key, work in connection.execute(query.order_by(Signature.key)):
        at.setdefault((found.plan.target[key], work), []).append(key)
    several = [some for some in at.values() if len(some) > 1 and not moved.keys().isdisjoint(some)]
    known = {
        (link.a, link.b)
        for link in links_around(connection, {m for some in several for m in some})
        if link.must
    }
    pairs = [(some[0], some[1]) for some in several if (some[0], some[1]) not in known]
    name = namer(connection, {m for pair in pairs for m in pair})
    return [
        {
            "kind": "same-work",
            "text": f"two authors of one work would be one person: {name(a)} and {name(b)}",
            "mentions": [name(a), name(b)],
        }
        for a, b in pairs[:20]
    ]


def refuse_repeated(wanted: Wanted) -> None:
    """Refuse what names a mention or an identity twice, or too many.

    Raises
    ------
    Invalid
    """
    named = [m for c in wanted.columns for m in c.mentions] + list(wanted.unsure)
    if len(wanted.columns) > MOST_COLUMNS or len(named) > MOST_MENTIONS:
        raise Invalid(
            f"{len(wanted.columns):,} columns with {len(named):,} mentions",
            f"send {MOST_COLUMNS} columns and {MOST_MENTIONS:,} mentions at most",
            field="columns",
        )
    for mention, n in Counter(named).items():
        if n > 1:
            raise Invalid(
                f"{mention.work[:80]}:{mention.position} is named {n} times",
                "name each mention in one column, or as unsure",
                field="columns",
            )
    for identity, n in Counter(c.identity for c in wanted.columns if c.identity).items():
        if n > 1:
            raise Invalid(f"{n} columns are {identity[:40]}", "name it once", field="columns")


def refuse_placed(
    connection: Connection, subject: Subject, keys: Sequence[int], field: str
) -> None:
    """Refuse to put mentions nowhere that are somebody's.

    Raises
    ------
    Invalid
    """
    placed = [m for m in keys if subject.identity(m) is not None]
    if placed:
        name = namer(connection, placed[:1])
        raise Invalid(
            f"{name(placed[0])} is published under somebody and cannot be put nowhere",
            "put it into a new column, or name it as unsure",
            field=field,
        )


def refuse_stale(connection: Connection, versions: Mapping[str, int]) -> None:
    """Refuse to change what has changed since a board was read, and tell what did.

    Raises
    ------
    Conflict
    """
    rows = rows_by_id(connection, versions)
    changed = {id_: row for id_, row in rows.items() if row.version != versions[id_]}
    for id_ in versions.keys() - rows.keys():
        raise Invalid(f"there is no identity {id_[:40]}", "read the board again", field="versions")
    if changed:
        least = min(versions[id_] for id_ in changed)
        events = last_change(connection, least, [row.key for row in changed.values()], [])
        raise Conflict(
            f"{', '.join(sorted(changed)[:5])} changed since the board was read: "
            f"{in_words(events)}",
            "read the board again, then decide",
            changed=[
                {"identity": id_, "version": row.version, "status": row.status}
                for id_, row in sorted(changed.items())
            ],
            since=[event.told() for event in events[:20]],
        )


def insist_on_versions(found: Read, versions: Mapping[str, int]) -> None:
    """Refuse to change identities of which a client does not say what it has read.

    Raises
    ------
    Invalid
    """
    wanted = {found.ids[key] for key in found.plan.curated() if key in found.ids}
    missing = sorted(wanted - versions.keys())
    if missing:
        raise Invalid(
            f"versions does not name the version of {missing[0]}",
            "send the versions of the board as you read them",
            field="versions",
        )
