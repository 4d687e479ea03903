"""Joins decided in one process: few identities, whose signatures fit in its memory.

Must-links across blocks and likely joins both depend on earlier joins, so they are decided
sequentially, as in a local run, but only among the identities concerned.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from disambig.arrays import Int32, Int64
from disambig.blocking.cross_block import get_identity_blocks
from disambig.blocking.pairs import find_positions
from disambig.clustering.constraints import Constraints
from disambig.clustering.cross_block import join_must_groups, join_probable, renumber
from disambig.corpus.corpus import Corpus
from disambig.domain import POSITION_BITS
from disambig.model.model import Model

_MOVES = pa.schema([("atom", pa.int64()), ("to_identity", pa.int64()), ("to_block", pa.int64())])
_JOINS = pa.schema([("identity", pa.int64()), ("to_identity", pa.int64())])
NO_MOVES, NO_JOINS = _MOVES.empty_table(), _JOINS.empty_table()

_ORDER = [("work", "ascending"), ("position", "ascending")]


def compute_moves(
    signatures: pa.Table, blocks: pa.Table, constrained: Corpus, constraints: Constraints
) -> pa.Table:
    """Compute the moves of atoms that unite must-groups spread over several identities.

    Parameters
    ----------
    signatures : Table
        work, position, atom, identity, block: all signatures of every identity in such a group.
    blocks : Table
        block, first (work and position): their blocks, and the first signature of each.
    constrained, constraints
        The works with constraints, and their constraints.

    Returns
    -------
    Table
        atom, to_identity, to_block for each atom of these identities.
    """
    signatures = signatures.sort_by(_ORDER)
    atom, identity = (signatures.column(c).to_numpy() for c in ("atom", "identity"))
    group = join_must_groups(
        _remap_constraints(signatures, constrained, constraints), renumber(identity)
    )
    block, names = _rank_blocks(signatures, blocks)
    of_group = names[get_identity_blocks(group, block)]
    atoms, first = np.unique(atom, return_index=True)
    least = np.full(int(group.max(initial=-1)) + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(least, group, atom)
    of_atom = group[first]
    return pa.table({"atom": atoms, "to_identity": least[of_atom], "to_block": of_group[of_atom]})


def compute_joins(
    signatures: pa.Table,
    likely: pa.Table,
    constrained: Corpus,
    constraints: Constraints,
    model: Model,
) -> pa.Table:
    """Compute which identities the likely joins unite.

    Parameters
    ----------
    signatures : Table
        work, position, identity, block: all signatures of every identity in ``likely``; an identity
        has one block.
    likely : Table
        a, b, probability: joins above the threshold of the model, in any order.

    Returns
    -------
    Table
        identity, to_identity for each of these identities.
    """
    signatures = signatures.sort_by(_ORDER)
    identity = signatures.column("identity").to_numpy()
    number = renumber(identity)
    names, first = np.unique(identity, return_index=True)
    numbers = number[first]
    block_of = np.empty(len(names), dtype=np.int64)
    block_of[numbers] = signatures.column("block").to_numpy()[first]
    ends = np.column_stack([likely.column(c).to_numpy() for c in ("a", "b")])
    pairs = np.sort(numbers[np.searchsorted(names, ends)], axis=1).astype(np.int64)
    # equal probabilities are taken in the order of the pairs
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    label = join_probable(
        _remap_constraints(signatures, constrained, constraints),
        number,
        block_of,
        pairs[order],
        likely.column("probability").to_numpy()[order],
        model,
    )
    final_identity = np.full(int(label.max(initial=-1)) + 1, np.iinfo(np.int64).max, dtype=np.int64)
    np.minimum.at(final_identity, label, identity)
    return pa.table({"identity": names, "to_identity": final_identity[label[first]]})


def _rank_blocks(signatures: pa.Table, blocks: pa.Table) -> tuple[Int32, Int64]:
    """Return the block number of each signature, by first appearance, and the blocks by number."""
    first = blocks.column("first").combine_chunks()
    first_rows = pa.table(
        {
            "work": pc.struct_field(first, "work"),
            "position": pc.struct_field(first, "position"),
            "block": blocks.column("block"),
        }
    )
    names: Int64 = first_rows.sort_by(_ORDER).column("block").to_numpy()
    order = np.argsort(names)
    rank = order[np.searchsorted(names[order], signatures.column("block").to_numpy())]
    return rank.astype(np.int32), names


def _remap_constraints(
    signatures: pa.Table, constrained: Corpus, constraints: Constraints
) -> Constraints:
    """Restrict constraints to some signatures, which are in order of work id and position."""
    column = signatures.column("work").cast(pa.large_string())
    ids = pc.unique(column)  # in order, as the signatures are
    work = np.asarray(pc.index_in(column, ids)).astype(np.int32)
    indices = pc.index_in(pa.array(constrained.work_ids, pa.large_string()), ids).fill_null(-1)
    work_of = np.asarray(indices).astype(np.int64)
    key = work.astype(np.int64) << POSITION_BITS | signatures.column("position").to_numpy()
    signature_work = work_of[constrained.signature_work]
    row = find_positions(key, signature_work << POSITION_BITS | constrained.signature_position)
    return constraints.remap(np.where(signature_work >= 0, row, -1), work_of, work)
