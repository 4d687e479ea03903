"""Two published mentions held against each other: the whole reckoning of the engine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from service.block_view import BlockViews, of_blocks
from service.board_scope import keys_of
from service.decision_rows import Mention
from service.errors import Conflict, Invalid, NotFound
from service.link_rows import constraints_of
from service.sets import among
from service.tables import Membership

COMPANY = 300
"""Other mentions of each of the two identities that are looked at besides."""


def compared(connection: Connection, views: BlockViews, a: Mention, b: Mention) -> dict[str, Any]:
    """Why two mentions are one person or two: every feature with what it adds.

    Raises
    ------
    Invalid
        If both are the same mention.
    NotFound
        If one does not exist.
    Conflict
        If nothing was published yet, or one has a name without letters.
    """
    from disambig.constraints import compile_constraints
    from disambig.explain import explain_rows

    if a == b:
        raise Invalid("both are the same mention", "name two different ones", field="b")
    keys = keys_of(connection, [a, b])
    for mention, field in ((a, "a"), (b, "b")):
        if mention not in keys:
            name = f"{mention.work[:80]}:{mention.position}"
            raise NotFound(f"there is no mention {name}", "look at the work", field=field)
    both = [keys[a], keys[b]]
    wanted = of_blocks(connection, [*both, *_with(connection, both)])
    view = views.of(connection, wanted)
    if view is None or not all(key in view.row_of for key in both):
        raise Conflict("there is nothing to compare by", "publish a run first: disambig run start")
    known = set(view.corpus.work_ids)
    stated = [
        c
        for c in constraints_of(connection, list(view.row_of))
        if c.a.work in known and c.b.work in known
    ]
    found = explain_rows(
        view.index,
        view.model,
        view.row_of[both[0]],
        view.row_of[both[1]],
        compile_constraints(view.corpus, stated, strict=False),
        compile_constraints(view.corpus, stated, identifiers=False, strict=False),
    )
    return found.as_json()


def _with(connection: Connection, both: list[int]) -> list[int]:
    """Other mentions of their identities, some of each."""
    query = select(Membership.identity_key).where(among(connection, Membership.signature_key, both))
    found: list[int] = []
    for identity in sorted(set(connection.scalars(query))):
        members = (
            select(Membership.signature_key)
            .where(Membership.identity_key == identity)
            .order_by(Membership.signature_key)
            .limit(COMPANY)
        )
        found += [key for key in connection.scalars(members) if key not in both]
    return found
