"""Compile must-links, cannot-links and identifiers to arrays that every level obeys.

There are three sources, in order of precedence: people (:class:`~disambig.domain.Constraint`), the
rule that two authors of one work are two persons, and identifiers (equal ORCID iDs or e-mail
addresses are one person, different ORCID iDs are two). Uses of an identifier that contradict a
person, the rule or the names of its other uses are ignored and reported. An author listed twice on
one work contradicts the rule, see :mod:`disambig.clustering.doubled_entries`.

Must-links are transitive; :class:`~disambig.clustering.must_graph.MustGraph` computes their closure
and explains it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from disambig.arrays import Int32, Int64
from disambig.blocking.pairs import PairBatch, find_positions
from disambig.clustering.components import find_shortest_path
from disambig.clustering.linkage import get_first_rows
from disambig.clustering.must_graph import MustGraph
from disambig.console import escape_text
from disambig.corpus.corpus import Corpus
from disambig.corpus.identifiers import (
    Identifiers,
    describe_uses,
    find_emails,
    find_orcids,
    group_rows,
    list_equal_pairs,
)
from disambig.domain import Constraint, ConstraintKind
from disambig.errors import ConstraintError, InputError


@dataclass(frozen=True, eq=False)
class Constraints:
    """Compiled constraints of a corpus with S signatures. See :func:`compile_constraints`.

    Attributes
    ----------
    must : int32[S]
        Must-group of each signature, counted from 0 in order of first signature; -1 for none.
        A group may span blocks.
    cannot : int32[K, 2]
        Cannot-links of people: signature rows, lower row first.
    orcid : int32[S]
        Two signatures, or two clusters, with different codes of 0 or above are never one
        person; -1 for none. Equal within a must-group.
    problems : tuple of str
        One line for each constraint or identifier ignored.
    group_start, group_work : int64[G + 1], int64[W]
        Works of must-group ``g`` are ``group_work[group_start[g]:group_start[g + 1]]``.
    work : int32[S]
        Work of each signature, numbered as in ``group_work``.
    """

    must: Int32
    cannot: Int32
    orcid: Int32
    problems: tuple[str, ...]
    group_start: Int64
    group_work: Int64
    work: Int32

    @property
    def n_groups(self) -> int:
        """Number of must-groups."""
        return len(self.group_start) - 1

    def remap(self, row: Int64, work_of: Int64, work: Int32) -> Constraints:
        """Map the constraints to another numbering of signatures, which has some or all of these.

        A cannot-link of a signature without a new row applies to the members of its must-group
        that have one.

        Parameters
        ----------
        row : int64[S]
            New row of each signature, -1 for none.
        work_of : int64[n_works]
            New number of each work, -1 for none.
        work : int32[T]
            New work number of each new signature.
        """
        carried_rows = np.flatnonzero(row >= 0)
        must, orcid = (np.full(len(work), -1, dtype=np.int32) for _ in range(2))
        must[row[carried_rows]], orcid[row[carried_rows]] = (
            self.must[carried_rows],
            self.orcid[carried_rows],
        )
        # one member represents its group: a cannot-link of one holds for all
        member = np.full(self.n_groups + 1, -1, dtype=np.int64)
        must_rows = carried_rows[self.must[carried_rows] >= 0][::-1]
        member[self.must[must_rows]] = row[must_rows]
        ends = row[self.cannot]
        ends = np.where(ends >= 0, ends, member[self.must[self.cannot]])
        cannot = np.sort(ends[(ends >= 0).all(axis=1)], axis=1).astype(np.int32)
        unknown_work = int(work.max(initial=-1)) + 1 + np.arange(len(work_of))
        work_number = np.where(work_of >= 0, work_of, unknown_work)
        return replace(
            self,
            must=must,
            orcid=orcid,
            cannot=cannot,
            work=work,
            group_work=work_number[self.group_work],
        )

    def transfer(self, corpus: Corpus, part: Corpus) -> Constraints:
        """Transfer the constraints of signatures of ``corpus`` to the signatures of ``part``."""
        work_of = np.array([part.work_index.get(w, -1) for w in corpus.work_ids], dtype=np.int64)
        width = np.int64(1 << 32)
        key = part.signature_work * width + part.signature_position
        target_work = work_of[corpus.signature_work]
        row = find_positions(key, target_work * width + corpus.signature_position)
        return self.remap(np.where(target_work >= 0, row, -1), work_of, part.signature_work)


@dataclass(frozen=True)
class _Clash:
    """Two signature rows that must and cannot be one person, and why they cannot."""

    a: int
    b: int
    reason: str


def compile_constraints(
    corpus: Corpus,
    constraints: Iterable[Constraint],
    *,
    identifiers: bool = True,
    strict: bool = True,
) -> Constraints:
    """Compute the closure of constraints, validate and encode them.

    Parameters
    ----------
    corpus : Corpus
    constraints : iterable of Constraint
        Stated by people. A must-link between two signatures of one work overrides the rule that
        these are two persons.
    identifiers : bool
        Whether ORCID iDs and e-mail addresses constrain as well. Constraints of people take
        precedence.
    strict : bool
        Whether to fail on a constraint with an unknown signature, and on must-links that join two
        authors of one work indirectly. Otherwise the first is ignored, the second is obeyed, and
        both are listed in ``problems``.

    Raises
    ------
    ConstraintError
        Lists all contradictions, each with its chain of must-links; if ``strict``, the problems
        above as well.
    """
    graph, cannot, unknown = _collect_links(corpus, constraints)
    must_labels = graph.label_components()
    contradictions = _explain_clashes(corpus, graph, _find_broken_cannot_links(cannot, must_labels))
    same_work_clashes = _find_same_work_clashes(
        corpus, must_labels, _label_links_within_works(corpus, graph)
    )
    indirect = _explain_clashes(corpus, graph, same_work_clashes)
    errors = [*unknown, *contradictions, *indirect] if strict else contradictions
    if errors:
        raise ConstraintError(_format_errors(errors))
    problems = [*(f"left out: {line}" for line in unknown), *indirect]
    labels, orcid_rows = must_labels, np.empty(0, np.int64)
    if identifiers:
        graph, values = _add_identifiers(corpus, graph, find_orcids(corpus), cannot, None)
        labels, orcid_rows = graph.label_components(), values.row
        problems += [*values.problems, *_describe_multiple_orcids(corpus, values, labels)]
        graph, values = _add_identifiers(corpus, graph, find_emails(corpus), cannot, orcid_rows)
        labels = graph.label_components()
        problems += values.problems
    return _encode(corpus, labels, cannot, orcid_rows, tuple(problems))


def find_cannot_pairs(constraints: Constraints, batch: PairBatch) -> Int32:
    """List the pairs of a batch that cannot be one person, ORCID iDs aside.

    These are pairs of one block with a cannot-link or on one work, directly or through members of
    their must-groups in any block. Of the rows of a block in one must-group, the first represents
    all: two groups of n rows are one pair, not n². For the same reason different ORCID iDs are
    codes instead of pairs (:attr:`Constraints.orcid`).

    Returns
    -------
    int32[K, 2]
        Positions in ``batch.rows``, lower first, distinct, in ascending order.
    """
    n = len(batch.rows)
    first = get_first_rows(batch.block, constraints.must[batch.rows])
    atoms = np.flatnonzero(first == np.arange(n))
    position_pairs = [
        find_stated_pairs(constraints, batch, atoms),
        _find_same_work_pairs(constraints, batch, atoms),
    ]
    a = np.concatenate([np.minimum(i, j) for i, j in position_pairs])
    b = np.concatenate([np.maximum(i, j) for i, j in position_pairs])
    # np.unique hashes, which is ten times slower than sorting for millions of numbers
    key = np.sort(a * n + b)
    key = key[np.diff(key, prepend=-1) > 0]
    return np.stack([key // max(n, 1), key % max(n, 1)], axis=1).astype(np.int32)


def find_stated_pairs(
    constraints: Constraints, batch: PairBatch, atoms: Int64
) -> tuple[Int64, Int64]:
    """List the pairs of atoms of one block with a cannot-link between them or their must-groups."""

    def get_entities(rows: npt.NDArray[np.integer]) -> Int64:
        must = constraints.must[rows]
        entities: Int64 = np.where(must >= 0, must, constraints.n_groups + rows.astype(np.int64))
        return entities

    of_atom = get_entities(batch.rows[atoms])
    order = np.argsort(of_atom, kind="stable")
    ordered, place = of_atom[order], atoms[order]
    side = get_entities(constraints.cannot)
    low = np.searchsorted(ordered, side)
    is_present = np.append(ordered, -1)[low] == side
    # several cannot-links between two groups are one
    low, other = np.unique(low[is_present.all(axis=1)], axis=0).T
    count = np.searchsorted(ordered, ordered[low], side="right") - low
    pair = np.repeat(np.arange(len(low)), count)
    a = place[low[pair] + np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)]
    # the positions of an entity are in ascending order of their blocks, one in each
    n_blocks = len(batch.start) - 1
    b = find_positions(
        ordered * n_blocks + batch.block[place], ordered[other[pair]] * n_blocks + batch.block[a]
    )
    return a[b >= 0], place[b[b >= 0]]


def _find_same_work_pairs(
    constraints: Constraints, batch: PairBatch, atoms: Int64
) -> tuple[Int64, Int64]:
    """List the pairs of atoms of one block on one work, counting all works of a must-group."""
    must = constraints.must[batch.rows[atoms]]
    free_atoms, must_atoms = atoms[must < 0], atoms[must >= 0]
    first = constraints.group_start[must[must >= 0]]
    count = constraints.group_start[must[must >= 0] + 1] - first
    within = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    works = constraints.group_work[np.repeat(first, count) + within]
    place = np.concatenate([free_atoms, np.repeat(must_atoms, count)])
    work = np.concatenate([constraints.work[batch.rows[free_atoms]], works]).astype(np.int64)
    n_works = int(work.max(initial=0)) + 1
    a, b = list_equal_pairs(batch.block[place].astype(np.int64) * n_works + work)
    return place[a], place[b]


def _collect_links(
    corpus: Corpus, constraints: Iterable[Constraint]
) -> tuple[MustGraph, dict[tuple[int, int], str], list[str]]:
    """Return must-links as a graph, cannot-links with their source, and ignored constraints."""
    sources: dict[ConstraintKind, dict[tuple[int, int], str]] = {k: {} for k in ConstraintKind}
    unknown = []
    for constraint in constraints:
        try:
            a, b = sorted((corpus.row_of(constraint.a), corpus.row_of(constraint.b)))
        except InputError as error:
            description = f"{constraint.kind} {constraint.a} {constraint.b} ({constraint.source})"
            unknown.append(escape_text(f"{description}: {error}"))
            continue
        sources[constraint.kind].setdefault((a, b), constraint.source)
    # sorted, so that what is ignored does not depend on the order of the constraints
    must, cannot = (dict(sorted(sources[k].items())) for k in ConstraintKind)
    ends = np.array(list(must), dtype=np.int64).reshape(-1, 2)
    graph = MustGraph(corpus.n_signatures, ends[:, 0], ends[:, 1], must)
    return graph, cannot, unknown


def _label_links_within_works(corpus: Corpus, graph: MustGraph) -> Int64:
    """Return the components of must-links between signatures of one work, int64[S]."""
    work = corpus.signature_work
    same = work[graph.left] == work[graph.right]
    return MustGraph(graph.n_signatures, graph.left[same], graph.right[same], {}).label_components()


def _find_broken_cannot_links(cannot: dict[tuple[int, int], str], labels: Int64) -> list[_Clash]:
    """List cannot-links within a must-group."""
    return [
        _Clash(a, b, f"they cannot be one person ({source})")
        for (a, b), source in cannot.items()
        if labels[a] == labels[b]
    ]


def _find_same_work_clashes(corpus: Corpus, labels: Int64, previous_labels: Int64) -> list[_Clash]:
    """List authors of one work in one must-group who were not in one group before."""
    work = corpus.signature_work
    order = np.lexsort((previous_labels, labels, work))
    a, b = order[:-1], order[1:]
    is_clash = (
        (work[a] == work[b]) & (labels[a] == labels[b]) & (previous_labels[a] != previous_labels[b])
    )
    return [
        _Clash(min(i, j), max(i, j), "they are two authors of one work")
        for i, j in zip(a[is_clash].tolist(), b[is_clash].tolist(), strict=True)
    ]


def _find_orcid_clashes(orcid_rows: Int64, labels: Int64, previous_labels: Int64) -> list[_Clash]:
    """List rows with ORCID iDs in one must-group that were not in one group before."""
    order = orcid_rows[np.lexsort((previous_labels[orcid_rows], labels[orcid_rows]))]
    a, b = order[:-1], order[1:]
    is_clash = (labels[a] == labels[b]) & (previous_labels[a] != previous_labels[b])
    return [
        _Clash(min(i, j), max(i, j), "they have different ORCID iDs")
        for i, j in zip(a[is_clash].tolist(), b[is_clash].tolist(), strict=True)
    ]


def _add_identifiers(
    corpus: Corpus,
    graph: MustGraph,
    identifiers: Identifiers,
    cannot: dict[tuple[int, int], str],
    orcid_rows: Int64 | None,
) -> tuple[MustGraph, Identifiers]:
    """Add identifiers to the graph, without the uses that close a chain to a contradiction.

    A chain enters and leaves an identifier by two must-groups. The use by the one that has it on
    fewer signatures is ignored, or both uses: which one is wrong is unknown, and so is which
    identifier of a chain. ``orcid_rows`` are rows with ORCID iDs, which these identifiers may not
    join.
    """
    previous_labels = graph.label_components()
    first = graph.n_signatures + len(graph.identifier_texts)
    while True:
        extended = graph.add_identifiers(identifiers)
        labels = extended.label_components()
        clashes = _find_broken_cannot_links(cannot, labels) + _find_same_work_clashes(
            corpus, labels, previous_labels
        )
        if orcid_rows is not None:
            clashes += _find_orcid_clashes(orcid_rows, labels, previous_labels)
        if not clashes:
            return extended, identifiers
        neighbours = extended.list_neighbours()
        n_uses = Counter(
            zip(identifiers.value.tolist(), previous_labels[identifiers.row].tolist(), strict=True)
        )
        ignored: set[tuple[int, int]] = set()
        reasons: dict[int, str] = {}
        separated: set[tuple[int, int]] = set()
        for clash in clashes:
            # earlier groups stay: resolving one clash between two of them resolves all
            sides = int(previous_labels[clash.a]), int(previous_labels[clash.b])
            path = [] if sides in separated else find_shortest_path(neighbours, clash.a, clash.b)
            if not path:
                separated.add(sides)
            chain = extended.describe_chain(corpus, path) if path else ""
            for k, node in enumerate(path):
                if node < first:
                    continue
                groups = [int(previous_labels[path[k + side]]) for side in (-1, 1)]
                fewest = min(n_uses[node - first, group] for group in groups)
                wrong = {group for group in groups if n_uses[node - first, group] == fewest}
                ignored |= {(node - first, group) for group in wrong}
                reasons.setdefault(node - first, f"{chain}, but {clash.reason}")
                # this may resolve a later clash
                for row in [r for r in neighbours[node] if int(previous_labels[r]) in wrong]:
                    neighbours[node].remove(row)
                    neighbours[row].remove(node)
        identifiers = _ignore_uses(corpus, identifiers, previous_labels, ignored, reasons)


def _ignore_uses(
    corpus: Corpus,
    identifiers: Identifiers,
    labels: Int64,
    ignored: set[tuple[int, int]],
    reasons: Mapping[int, str],
) -> Identifiers:
    """Ignore the uses of identifiers by must-groups, pairs of both; ``reasons`` by identifier."""
    n_labels = int(labels.max(initial=0)) + 1
    keys = [value * n_labels + label for value, label in ignored]
    is_kept = ~np.isin(identifiers.value * n_labels + labels[identifiers.row], keys)
    has_uses = np.isin(np.arange(len(identifiers.texts)), identifiers.value[is_kept])
    lines = {
        value: f"is ignored at {describe_uses(corpus, rows)}: {reasons[value]}"
        if has_uses[value]
        else f"is ignored: {reasons[value]}"
        for value, rows in group_rows(identifiers, ~is_kept)
    }
    return identifiers.select(is_kept, lines)


def _describe_multiple_orcids(
    corpus: Corpus, orcids_in_use: Identifiers, labels: Int64
) -> list[str]:
    """Report must-groups with several ORCID iDs, which must-links of people have joined."""
    value, first = np.unique(orcids_in_use.value, return_index=True)
    row = orcids_in_use.row[first]
    order = np.argsort(labels[row], kind="stable")
    a, b = order[:-1], order[1:]
    same_group = labels[row[a]] == labels[row[b]]
    return [
        escape_text(
            f"ORCID iDs {orcids_in_use.texts[value[i]]} ({corpus.signature(int(row[i]))}) and "
            f"{orcids_in_use.texts[value[j]]} ({corpus.signature(int(row[j]))}) are taken as one "
            "person's: must-links join them"
        )
        for i, j in zip(a[same_group].tolist(), b[same_group].tolist(), strict=True)
    ]


def _explain_clashes(corpus: Corpus, graph: MustGraph, clashes: Sequence[_Clash]) -> list[str]:
    """Describe each clash in one line: the chain, the reason and the remedy."""
    neighbours = graph.list_neighbours() if clashes else {}
    lines = []
    for clash in clashes:
        chain = graph.describe_chain(corpus, find_shortest_path(neighbours, clash.a, clash.b))
        ends = f"{corpus.signature(clash.a)} and {corpus.signature(clash.b)}"
        remedy = "remove one of these constraints"
        if corpus.signature_work[clash.a] == corpus.signature_work[clash.b]:
            remedy += f", or state must {ends} if the work does list one person twice"
        lines.append(escape_text(f"{ends}: {clash.reason}, yet {chain}; {remedy}"))
    return lines


def _format_errors(lines: Sequence[str]) -> str:
    return "the constraints cannot all hold:\n" + "\n".join(f"  {line}" for line in lines)


def _encode(
    corpus: Corpus,
    labels: Int64,
    cannot: dict[tuple[int, int], str],
    orcid_rows: Int64,
    problems: tuple[str, ...],
) -> Constraints:
    """Encode components as arrays."""
    size = np.bincount(labels, minlength=1)
    must_rows = np.flatnonzero(size[labels] > 1)
    must = np.full(corpus.n_signatures, -1, dtype=np.int32)
    _, first, group = np.unique(labels[must_rows], return_index=True, return_inverse=True)
    must[must_rows] = np.argsort(np.argsort(first))[group]
    orcid_of = np.full(len(size), -1, dtype=np.int32)
    orcid_labels = np.unique(labels[orcid_rows])
    orcid_of[orcid_labels] = np.arange(len(orcid_labels))
    n_works = max(corpus.n_works, 1)
    key = np.unique(must[must_rows].astype(np.int64) * n_works + corpus.signature_work[must_rows])
    return Constraints(
        must=must,
        cannot=np.array(sorted(cannot), dtype=np.int32).reshape(-1, 2),
        orcid=orcid_of[labels],
        problems=problems,
        group_start=np.searchsorted(key // n_works, np.arange(len(first) + 1)),
        group_work=key % n_works,
        work=corpus.signature_work,
    )
