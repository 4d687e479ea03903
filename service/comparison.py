"""Two published mentions held against each other: the whole reckoning of the engine."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from service.block_view import BlockViews, of_blocks
from service.board_scope import keys_of
from service.decision_rows import Mention
from service.errors import Conflict, Invalid, NotFound
from service.link_rows import read_constraints
from service.sets import is_in
from service.tables import Membership

MAX_FELLOW_MENTIONS = 300
"""Other mentions of each of the two identities that are looked at besides."""


def compare_mentions(connection: Connection, views: BlockViews, a: Mention, b: Mention) -> dict[str, Any]:
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
    pair_keys = [keys[a], keys[b]]
    signature_keys = of_blocks(connection, [*pair_keys, *_list_fellow_mentions(connection, pair_keys)])
    view = views.of(connection, signature_keys)
    if view is None or not all(key in view.row_of for key in pair_keys):
        raise Conflict("there is nothing to compare by", "publish a run first: disambig run start")
    work_ids = set(view.corpus.work_ids)
    constraints = [
        c
        for c in read_constraints(connection, list(view.row_of))
        if c.a.work in work_ids and c.b.work in work_ids
    ]
    explanation = explain_rows(
        view.index,
        view.model,
        view.row_of[pair_keys[0]],
        view.row_of[pair_keys[1]],
        compile_constraints(view.corpus, constraints, strict=False),
        compile_constraints(view.corpus, constraints, identifiers=False, strict=False),
    )
    return explanation.to_dict()


def _list_fellow_mentions(connection: Connection, pair_keys: list[int]) -> list[int]:
    """Other mentions of their identities, some of each."""
    query = select(Membership.identity_key).where(is_in(connection, Membership.signature_key, pair_keys))
    fellow_keys: list[int] = []
    for identity in sorted(set(connection.scalars(query))):
        members = (
            select(Membership.signature_key)
            .where(Membership.identity_key == identity)
            .order_by(Membership.signature_key)
            .limit(MAX_FELLOW_MENTIONS)
        )
        fellow_keys += [key for key in connection.scalars(members) if key not in pair_keys]
    return fellow_keys
