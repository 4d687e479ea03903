"""Compare two sides of a task, or two mentions, with the engine: probability and evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from disambig.arrays import Int64
from disambig.console import escape_text
from disambig.domain import Signature
from disambig.explain.phrases import BLOCK, SCORES, get_group_phrase
from service.board.block_cache import BlockView, BlockViews, expand_to_blocks
from service.board.results import MentionComparison
from service.constraints.store import read_constraints
from service.db.bulk import is_in
from service.db.signatures import read_signature_keys
from service.db.tables import Membership
from service.errors import Conflict, Invalid, NotFound

if TYPE_CHECKING:
    from disambig.clustering.two_level import ScoredPairs

MAX_FELLOW_MENTIONS = 300
"""Maximum other mentions of each of the two identities that are compared as well."""
MAX_REASONS = 3
"""Maximum reasons for, and against."""
MAX_REASON_LENGTH = 300
"""Maximum characters of one reason."""


@dataclass(frozen=True, slots=True)
class SideComparison:
    """Probability and evidence whether two sets of mentions are one person.

    Attributes
    ----------
    probability : float
        Probability that they are one person.
    reasons_for, reasons_against : tuple of str
        Strongest first.
    """

    probability: float
    reasons_for: tuple[str, ...]
    reasons_against: tuple[str, ...]


def compare_sides(
    view: BlockView, scored: ScoredPairs, left: Collection[int], right: Collection[int]
) -> SideComparison | None:
    """Compare two sets of signatures within their block.

    Parameters
    ----------
    scored : ScoredPairs
        The pairs of the view under the constraints in force.

    Returns
    -------
    SideComparison or None
        None if they share no block, or no pair of compatible names.
    """
    from disambig.clustering.two_level import predict_groups
    from disambig.explain.facts import Facts

    side = _mark_sides(view, left, right)
    common_blocks = set(scored.batch.block[side == 1].tolist())
    common_blocks &= set(scored.batch.block[side == 2].tolist())
    if not common_blocks:
        return None
    block = max(common_blocks, key=lambda b: int(((scored.batch.block == b) & (side > 0)).sum()))
    first_level = view.group_first_level(scored)
    in_block = scored.batch.block == block
    key = scored.batch.block.astype(np.int64) * (2 * len(first_level) + 3) + np.where(
        in_block & (side > 0), side, 3 + first_level
    )
    _, group = np.unique(key, return_inverse=True)
    is_live = np.arange(len(scored.batch.start) - 1) == block
    groups, columns = scored.compute_group_features(group.astype(np.int32), is_live)
    side_groups = sorted(int(group[np.flatnonzero(in_block & (side == n))[0]]) for n in (1, 2))
    pair = groups.find_pair(*side_groups)
    if pair < 0:
        return None
    probability = predict_groups(view.model, columns, view.index.doublings)[pair]
    row = {name: float(columns[name][pair]) for name in view.model.group.features}
    rows = scored.batch.rows
    facts = Facts(view.index, rows[in_block & (side == 1)], rows[in_block & (side == 2)])
    X = np.array([list(row.values())], dtype=np.float32)
    contributions = view.model.group.compute_contributions(X)[0][: len(row)]
    reasons = _phrase_reasons(row, contributions, facts)
    return SideComparison(round(float(probability), 4), *reasons)


def _mark_sides(view: BlockView, left: Collection[int], right: Collection[int]) -> Int64:
    side_of = np.zeros(len(view.signature), dtype=np.int64)
    side_of[np.isin(view.signature, list(left))] = 1
    side_of[np.isin(view.signature, list(right))] = 2
    return side_of


def _phrase_reasons(
    row: dict[str, float], contributions: npt.NDArray[np.floating], facts: object
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Phrase the themes that contribute most, each by its strongest feature."""
    names = list(row)
    themes: dict[str, list[int]] = defaultdict(list)
    for column, name in enumerate(names):
        # block size is not evidence that a curator can check
        if get_group_phrase(name).theme not in (BLOCK, SCORES) and not np.isnan(row[name]):
            themes[get_group_phrase(name).theme].append(column)
    total = {theme: float(contributions[columns].sum()) for theme, columns in themes.items()}
    reasons: dict[int, list[str]] = {1: [], -1: []}
    for theme in sorted(total, key=lambda theme: -abs(total[theme])):
        sign = 1 if total[theme] > 0 else -1
        if abs(total[theme]) < 0.01 or len(reasons[sign]) == MAX_REASONS:
            continue
        best = max(
            themes[theme],
            key=lambda at: (
                contributions[at] * sign > 0,
                get_group_phrase(names[at]).describe is not None,
                contributions[at] * sign,
            ),
        )
        phrase = get_group_phrase(names[best]).to_text(row[names[best]], facts)  # type: ignore[arg-type]
        reasons[sign].append(escape_text(phrase)[:MAX_REASON_LENGTH])
    return tuple(reasons[1]), tuple(reasons[-1])


def compare_mentions(
    connection: Connection, views: BlockViews, a: Signature, b: Signature
) -> MentionComparison:
    """Explain whether two mentions are one person, with the contribution of every feature.

    Raises
    ------
    Invalid
        If both are the same mention.
    NotFound
        If a mention does not exist.
    Conflict
        If nothing has been published, or a name has no letters.
    """
    from disambig.clustering.constraints import compile_constraints
    from disambig.explain.explain import explain_rows

    if a == b:
        raise Invalid("a and b are the same mention", "name two different mentions", field="b")
    keys = read_signature_keys(connection, [a, b])
    for mention, field in ((a, "a"), (b, "b")):
        if mention not in keys:
            name = f"{mention.work[:80]}:{mention.position}"
            raise NotFound(f"there is no mention {name}", "look at the work", field=field)
    pair_keys = [keys[a], keys[b]]
    signature_keys = expand_to_blocks(
        connection, [*pair_keys, *_list_fellow_mentions(connection, pair_keys)]
    )
    view = views.get(connection, signature_keys)
    if view is None or not all(key in view.row_of for key in pair_keys):
        raise Conflict(
            "the mentions cannot be compared before a run is published",
            "start one: disambig run start",
        )
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
    return MentionComparison(**explanation.to_dict())


def _list_fellow_mentions(connection: Connection, pair_keys: list[int]) -> list[int]:
    """List other mentions of their identities, limited for each."""
    query = select(Membership.identity_key).where(
        is_in(connection, Membership.signature_key, pair_keys)
    )
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
