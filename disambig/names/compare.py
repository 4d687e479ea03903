"""Compare names of many pairs at once."""

from __future__ import annotations

import numpy as np
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cpdist

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.names.parsed import ParsedName
from disambig.names.relations import (
    FamilyRelation,
    GivenRelation,
    compare_families,
    compare_given_names,
    compare_middle_names,
    is_called_by_whole_name,
)
from disambig.names.table import NameTable

Best = tuple[Int32, Int32, Float32, Int64, Int64, Bool]
"""Family, given and middle relation, the readings that agree best, and whether they swap."""


def compare_names(table: NameTable, i: Int32, j: Int32) -> dict[str, Float32]:
    """Compute the evidence of names alone; symmetric in i and j.

    Pass distinct pairs: the cost is per pair.

    Parameters
    ----------
    table : NameTable
    i, j : int32[P]
        Rows of the table.

    Returns
    -------
    dict of str to float32[P]
        ``given_relation`` (a :class:`GivenRelation`, NaN without a given name),
        ``given_similarity`` (Jaro-Winkler over written-out given names, NaN with initials
        only, 1 where one is a later given name of the other), ``middle_relation`` (-1 conflict,
        0 nearly equal, 1 initials agree, 2 equal, NaN
        if either has none), ``family_relation`` (a :class:`FamilyRelation`), ``family_similarity``
        (Jaro-Winkler), ``printed_equal`` (whole normalised names equal), ``given_min`` and
        ``given_max`` (letters of the written-out given names), ``both_initials``,
        ``order_swapped`` (they agree only in another order of family and given name),
        ``suffix_conflict`` and ``homonym_equal`` (0 or 1, NaN if either has none) and
        ``compatible`` (see :func:`is_compatible`).
    """
    left, right = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    best = _select_best_reading(table, left, right)
    family, given, middle, a, b, swapped = best
    readings = table.readings
    joined_a, joined_b = readings.joined[a], readings.joined[b]
    lengths = table.given_length[left], table.given_length[right]
    has_given = (readings.initial[a] >= 0) & (readings.initial[b] >= 0)
    no_words = (readings.joined[left] < 0) & (readings.joined[right] < 0)
    given_similarity = _compute_similarity(table, joined_a, joined_b)
    family_similarity = _compute_similarity(table, readings.family[a], readings.family[b])
    # the words that correspond are equal, whatever stands beside them
    same_readings = (a == left) & (b == right)
    is_called = (given == GivenRelation.MIDDLE) & is_called_by_whole_name(table, a, b)
    given_similarity[is_called & ~np.isnan(given_similarity)] = 1
    # how a short form is spelt tells nothing where it begins with another letter ("Bob")
    has_other_letter = readings.initial[a] != readings.initial[b]
    given_similarity[(given == GivenRelation.NICKNAME) & has_other_letter] = np.nan
    in_other_order = swapped & same_readings
    given_similarity[in_other_order & ~np.isnan(given_similarity)] = 1
    family_similarity[in_other_order] = 1
    return {
        "given_relation": np.where(has_given, given, np.nan).astype(np.float32),
        "given_similarity": given_similarity,
        "middle_relation": middle,
        "family_relation": family.astype(np.float32),
        "family_similarity": family_similarity,
        "printed_equal": (table.full[left] == table.full[right]).astype(np.float32),
        "given_min": np.minimum(*lengths),
        "given_max": np.maximum(*lengths),
        "both_initials": (has_given & no_words).astype(np.float32),
        "order_swapped": swapped.astype(np.float32),
        "suffix_conflict": _compare_codes(table.suffix, left, right),
        "homonym_equal": np.float32(1) - _compare_codes(table.homonym, left, right),
        "compatible": _are_compatible(table, left, right, best).astype(np.float32),
    }


def are_compatible(table: NameTable, i: Int32, j: Int32) -> Bool:
    """Return which pairs of rows are :func:`is_compatible`, bool[P]."""
    left, right = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    return _are_compatible(table, left, right, _select_best_reading(table, left, right))


def _are_compatible(table: NameTable, i: Int64, j: Int64, best: Best) -> Bool:
    family, given, middle, a, b, _ = best
    has_given = (table.readings.initial[a] >= 0) & (table.readings.initial[b] >= 0)
    verdict: Bool = (
        _parts_agree(family, given, middle, has_given)
        & (_compare_codes(table.suffix, i, j) != 1)
        & (_compare_codes(table.homonym, i, j) != 1)
    )
    return verdict


def is_compatible(a: ParsedName, b: ParsedName) -> bool:
    """Return whether two names can be printed forms of one person's name.

    Initials, nicknames, swapped order, spelling variants, dropped particles, second family
    names and middle names are allowed for; another family name is not, though people do change
    theirs.
    """
    zero, one = np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32)
    return bool(are_compatible(NameTable.from_names([a, b]), zero, one)[0])


def _parts_agree(family: Int32, given: Int32, middle: Float32, has_given: Bool) -> Bool:
    """Return whether the parts allow one person; a name of one word must be part of the other."""
    both_agree = (family > FamilyRelation.DIFFERENT) & (given > GivenRelation.CONFLICT)
    # spelling differences in both names are more often two persons than two misprints
    both_off = (family == FamilyRelation.SIMILAR) & (given <= GivenRelation.SIMILAR)
    parts_agree: Bool = np.where(
        has_given, both_agree & ~both_off & ~(middle == -1), family >= FamilyRelation.PART
    )
    return parts_agree


def _select_best_reading(table: NameTable, i: Int64, j: Int64) -> Best:
    """Return the relations of the readings that agree best, these readings, and whether they swap.

    Alternatives are compared only where the names disagree as printed.
    """
    a, b = i.copy(), j.copy()
    family = compare_families(table, a, b)
    given = compare_given_names(table, a, b, i, j)
    middle = compare_middle_names(table, a, b)
    # known by the second name: what follows it is not the middle name of the other
    middle[given == GivenRelation.MIDDLE] = np.nan
    swapped = np.zeros(len(i), dtype=bool)
    readings = table.readings
    has_given = (readings.initial[a] >= 0) & (readings.initial[b] >= 0)
    # as printed, "Do Xuan Dung" and "Xuan Dung Do" have words in common and no more
    is_weak = (family == FamilyRelation.PART) & (given == GivenRelation.MIDDLE)
    open_rows = np.flatnonzero(is_weak | ~_parts_agree(family, given, middle, has_given))
    for row, left, right in _list_alternative_pairs(table, i, j, open_rows):
        f = compare_families(table, left, right)
        g = compare_given_names(table, left, right, i[row], j[row])
        m = compare_middle_names(table, left, right)
        known = (readings.initial[left] >= 0) & (readings.initial[right] >= 0)
        better = _parts_agree(f, g, m, known) & ~swapped[row]
        hit = row[better]
        family[hit], given[hit], middle[hit] = f[better], g[better], m[better]
        a[hit], b[hit], swapped[hit] = left[better], right[better], True
    crossed = open_rows[_are_crossed(table, i[open_rows], j[open_rows]) & ~swapped[open_rows]]
    full = (readings.joined[i[crossed]] >= 0) & (readings.joined[j[crossed]] >= 0)
    family[crossed] = FamilyRelation.EQUAL
    given[crossed] = np.where(full, GivenRelation.EQUAL, GivenRelation.INITIAL)
    middle[crossed], swapped[crossed] = np.nan, True
    rest = open_rows[~swapped[open_rows]]
    count = _count_contained_words(table, i[rest], j[rest])
    within = rest[count > 0]
    family[within] = FamilyRelation.EQUAL
    same = (table.words[i[within]] >= 0).sum(axis=1) == (table.words[j[within]] >= 0).sum(axis=1)
    given[within] = np.where(same, GivenRelation.EQUAL, GivenRelation.MIDDLE)
    middle[within], swapped[within] = np.nan, True
    return family, given, middle, a, b, swapped


def _count_contained_words(table: NameTable, i: Int64, j: Int64) -> Int32:
    """Return the number of words of one name if the other has all of them, in any order; else 0.

    Two words at least, and given names of different initials: with one initial, "Jian Jun" and
    "Jun Jian" are two names.
    """
    out = np.zeros(len(i), dtype=np.int32)
    r = table.readings
    rows = np.flatnonzero(
        (r.initial[i] >= 0) & (r.initial[j] >= 0) & (r.initial[i] != r.initial[j])
    )
    a, b = table.words[i[rows]], table.words[j[rows]]
    is_common = np.zeros(a.shape, dtype=bool)
    for column in range(b.shape[1]):
        is_common |= (a == b[:, [column]]) & (a >= 0)
    common = is_common.sum(axis=1)
    fewer = np.minimum((a >= 0).sum(axis=1), (b >= 0).sum(axis=1))
    out[rows] = np.where((common == fewer) & (common >= 2), common, 0)
    return out


def _list_alternative_pairs(
    table: NameTable, i: Int64, j: Int64, rows: Int64
) -> list[tuple[Int64, Int64, Int64]]:
    """List (row, left reading, right reading): an alternative of one side, the other as printed."""
    start = table.alternative_start.astype(np.int64)
    count = np.diff(start)
    out = []
    for depth in range(int(count.max(initial=0))):
        for own, other, own_left in ((i, j, True), (j, i, False)):
            row = rows[count[own[rows]] > depth]
            if len(row):
                reading = start[own[row]] + depth
                rest = other[row]
                out.append((row, reading, rest) if own_left else (row, rest, reading))
    return out


def _are_crossed(table: NameTable, i: Int64, j: Int64) -> Bool:
    """Return where one family name is the other's given name and the reverse.

    Both in full, or one with initials only ("A. Chalamandaris", "Chalamandaris Aimilios").
    """
    r = table.readings
    known = (r.family[i] >= 0) & (r.family[j] >= 0) & (r.whole[i] >= 0) & (r.whole[j] >= 0)
    to_right, to_left = r.family[i] == r.whole[j], r.family[j] == r.whole[i]
    initial_left = (r.joined[i] < 0) & (r.initial[i] == r.family_initial[j])
    initial_right = (r.joined[j] < 0) & (r.initial[j] == r.family_initial[i])
    crossed: Bool = known & (
        (to_right & to_left) | (to_right & initial_left) | (to_left & initial_right)
    )
    return crossed


def _compute_similarity(table: NameTable, a: Int32, b: Int32) -> Float32:
    """Compute the Jaro-Winkler similarity of coded strings, NaN where either is missing."""
    out = np.where((a >= 0) & (b >= 0), 1, np.nan).astype(np.float32)
    rows = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
    if len(rows):
        left, right = table.strings[a[rows]], table.strings[b[rows]]
        out[rows] = cpdist(left, right, scorer=JaroWinkler.similarity, dtype=np.float32)
    return out


def _compare_codes(codes: Int32, i: Int64, j: Int64) -> Float32:
    """Return 1 where two codes differ, 0 where they are equal, NaN where either is missing."""
    a, b = codes[i], codes[j]
    out: Float32 = (a != b).astype(np.float32)
    out[(a < 0) | (b < 0)] = np.nan
    return out
