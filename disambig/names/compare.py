"""What two names say about being one person, for many pairs at once."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA, JaroWinkler, Prefix
from rapidfuzz.process import cpdist

from disambig.names.parsed import ParsedName
from disambig.names.table import Bool, Float32, Int32, Int64, NameTable, ReadingArrays


class GivenRelation(IntEnum):
    """How two given names relate, in rising order of evidence for one person."""

    CONFLICT = 0
    """Two different names ("Steve", "Susan") or initials ("J.", "K.")."""
    OTHER_INITIAL = 1
    """An initial, and a name whose nickname has it ("E.", "Ted")."""
    PREFIX = 2
    """One begins the other ("Alex", "Alexander")."""
    SIMILAR = 3
    """Nearly the same letters ("Sergey", "Sergei")."""
    MIDDLE = 4
    """One's first name is the other's middle name or nickname ("W. Detmar", "Detmar")."""
    INITIAL = 5
    """Initials that agree ("J.", "Jose"; "J.", "J.")."""
    NICKNAME = 6
    """A name and its short form ("Steve", "Steven")."""
    FIRST = 7
    """The same first name, whatever follows."""
    EQUAL = 8
    """The same given names, however divided ("Wei-Nan", "Weinan")."""


class FamilyRelation(IntEnum):
    """How two family names relate, in rising order."""

    DIFFERENT = 0
    SIMILAR = 1
    """A letter apart ("Nirenburg", "Nirenberg")."""
    PART = 2
    """One is a word of the other ("Garcia", "Garcia Marquez")."""
    SPELLING = 3
    """Umlauts or particles apart ("Müller", "Mueller"; "van Noord", "Noord")."""
    EQUAL = 4


SIMILAR_GIVEN = 0.9
"""Jaro-Winkler similarity from which two given names are spellings of one."""


def compare(table: NameTable, i: Int32, j: Int32) -> dict[str, Float32]:
    """Evidence from the names alone; symmetric in i and j.

    Pass distinct pairs: the work is per pair given.

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
        only), ``middle_relation`` (-1 conflict, 1 initials agree, 2 equal, NaN if either has
        none), ``family_relation`` (a :class:`FamilyRelation`), ``family_similarity``
        (Jaro-Winkler), ``printed_equal`` (whole normalised names equal), ``given_min`` and
        ``given_max`` (letters of the written-out given names), ``both_initials``,
        ``order_swapped`` (they agree in another order of family and given name only),
        ``suffix_conflict`` and ``homonym_equal`` (0 or 1, NaN if either has none) and
        ``compatible`` (see :func:`compatible`).
    """
    left, right = np.asarray(i, dtype=np.int64), np.asarray(j, dtype=np.int64)
    family, given, middle, a, b, swapped = _best_reading(table, left, right)
    readings = table.readings
    suffix_conflict = _differs(table.suffix, left, right)
    homonym_differs = _differs(table.homonym, left, right)
    joined_a, joined_b = readings.joined[a], readings.joined[b]
    lengths = table.given_length[left], table.given_length[right]
    has_given = (readings.initial[a] >= 0) & (readings.initial[b] >= 0)
    no_words = (readings.joined[left] < 0) & (readings.joined[right] < 0)
    return {
        "given_relation": np.where(has_given, given, np.nan).astype(np.float32),
        "given_similarity": _similarity(table, joined_a, joined_b),
        "middle_relation": middle,
        "family_relation": family.astype(np.float32),
        "family_similarity": _similarity(table, readings.family[a], readings.family[b]),
        "printed_equal": (table.full[left] == table.full[right]).astype(np.float32),
        "given_min": np.minimum(*lengths),
        "given_max": np.maximum(*lengths),
        "both_initials": (
            (readings.joined[left] < 0) & (readings.joined[right] < 0) & has_given
        ).astype(np.float32),
        "order_swapped": swapped.astype(np.float32),
        "suffix_conflict": suffix_conflict,
        "homonym_equal": np.float32(1) - homonym_differs,
        "compatible": (
            _agree(family, given, middle, has_given)
            & (suffix_conflict != 1)
            & (homonym_differs != 1)
        ).astype(np.float32),
    }


def compatible_pairs(table: NameTable, i: Int32, j: Int32) -> Bool:
    """Which pairs of rows are :func:`compatible`, bool[P]."""
    verdict: Bool = compare(table, i, j)["compatible"] == 1
    return verdict


def compatible(a: ParsedName, b: ParsedName) -> bool:
    """Whether two names could be printed forms of one person's name.

    Initials, nicknames, swapped order, spelling variants, dropped particles, second family
    names and middle names are allowed for; another family name is not, though people do change
    theirs.
    """
    zero, one = np.zeros(1, dtype=np.int32), np.ones(1, dtype=np.int32)
    return bool(compatible_pairs(NameTable.from_names([a, b]), zero, one)[0])


def _agree(family: Int32, given: Int32, middle: Float32, has_given: Bool) -> Bool:
    """Whether the parts rule out one person; a name of one word needs an equal family name."""
    named = (family > FamilyRelation.DIFFERENT) & (given > GivenRelation.CONFLICT)
    # letters apart in both names is another person more often than two misprints
    both_off = (family == FamilyRelation.SIMILAR) & (given <= GivenRelation.SIMILAR)
    agreed: Bool = np.where(
        has_given, named & ~both_off & ~(middle == -1), family >= FamilyRelation.SPELLING
    )
    return agreed


def _best_reading(
    table: NameTable, i: Int64, j: Int64
) -> tuple[Int32, Int32, Float32, Int64, Int64, Bool]:
    """Relations under the readings that agree best, those readings, and whether they swap.

    Alternatives are looked at only where the names disagree as they stand.
    """
    a, b = i.copy(), j.copy()
    family = _family_relation(table, a, b)
    given = _given_relation(table, a, b, i, j)
    middle = _middle_relation(table, a, b)
    swapped = np.zeros(len(i), dtype=bool)
    readings = table.readings
    has_given = (readings.initial[a] >= 0) & (readings.initial[b] >= 0)
    open_rows = np.flatnonzero(~_agree(family, given, middle, has_given))
    for row, left, right in _alternative_pairs(table, i, j, open_rows):
        f = _family_relation(table, left, right)
        g = _given_relation(table, left, right, i[row], j[row])
        m = _middle_relation(table, left, right)
        known = (readings.initial[left] >= 0) & (readings.initial[right] >= 0)
        better = _agree(f, g, m, known) & ~swapped[row]
        hit = row[better]
        family[hit], given[hit], middle[hit] = f[better], g[better], m[better]
        a[hit], b[hit], swapped[hit] = left[better], right[better], True
    crossed = open_rows[_crossed(table, i[open_rows], j[open_rows]) & ~swapped[open_rows]]
    family[crossed], given[crossed] = FamilyRelation.EQUAL, GivenRelation.EQUAL
    middle[crossed], swapped[crossed] = np.nan, True
    return family, given, middle, a, b, swapped


def _alternative_pairs(
    table: NameTable, i: Int64, j: Int64, rows: Int64
) -> list[tuple[Int64, Int64, Int64]]:
    """(row, left reading, right reading): one side's alternative against the other as it is."""
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


def _crossed(table: NameTable, i: Int64, j: Int64) -> Bool:
    """Whether one's family name is the other's given name and the reverse, in full."""
    r = table.readings
    crossed: Bool = (
        (r.family[i] == r.whole[j]) & (r.whole[i] == r.family[j]) & (r.family[i] >= 0)
        & (r.whole[i] >= 0)
    )  # fmt: skip
    return crossed


def _family_relation(table: NameTable, a: Int64, b: Int64) -> Int32:
    r = table.readings
    fa, fb = r.family[a], r.family[b]
    known = (fa >= 0) & (fb >= 0)
    out = np.zeros(len(a), dtype=np.int32)
    out[known & (fa == fb)] = FamilyRelation.EQUAL
    rest = np.flatnonzero(known & (fa != fb))
    if not len(rest):
        return out
    a, b = a[rest], b[rest]
    fa, fb = r.family[a], r.family[b]
    spelling = (
        (r.core[a] == r.core[b])
        | (r.family_respelled[a] == fb)
        | (fa == r.family_respelled[b])
        | (r.family_folded[a] == r.family_folded[b])
    )
    part = _within(r.core[a], r, b) | _within(r.core[b], r, a)
    similar = np.zeros(len(rest), dtype=bool)
    maybe = np.flatnonzero(~spelling & ~part & ~(r.eastern[a] & r.eastern[b]))
    similar[maybe] = _letters_apart(table, fa[maybe], fb[maybe])
    out[rest] = np.select(
        [spelling, part, similar],
        [FamilyRelation.SPELLING, FamilyRelation.PART, FamilyRelation.SIMILAR],
        FamilyRelation.DIFFERENT,
    )
    return out


def _within(core: Int32, r: ReadingArrays, other: Int64) -> Bool:
    """Whether a whole family name is one word of the other's, or a middle name of it."""
    word = core[:, None]
    found: Bool = (r.parts[other] == word).any(axis=1) | (r.spare[other] == word).any(axis=1)
    return found


def _letters_apart(table: NameTable, a: Int32, b: Int32) -> Bool:
    """One edit in five letters or more, two in nine or more."""
    left, right = table.strings[a], table.strings[b]
    if not len(left):
        return np.zeros(0, dtype=bool)
    edits = cpdist(left, right, scorer=OSA.distance, score_cutoff=2, dtype=np.int32)
    shorter = np.minimum(_lengths(left), _lengths(right))
    near: Bool = ((edits <= 1) & (shorter >= 5)) | ((edits <= 2) & (shorter >= 9))
    return near


def _lengths(strings: npt.NDArray[np.object_]) -> Int64:
    return np.fromiter(map(len, strings), dtype=np.int64, count=len(strings))


def _given_relation(table: NameTable, a: Int64, b: Int64, i: Int64, j: Int64) -> Int32:
    """Relation of the given names of readings a, b of the names i, j; 0 where one has none."""
    r = table.readings
    first_a, first_b = r.first[a], r.first[b]
    known = (first_a >= 0) & (first_b >= 0)
    short_a, short_b = r.first_is_initial[a], r.first_is_initial[b]
    full = known & ~short_a & ~short_b
    same_initial = known & (r.initial[a] == r.initial[b])
    joined_a, joined_b = r.joined[a], r.joined[b]
    equal = (full | ((joined_a >= 0) & same_initial)) & (
        (joined_a == joined_b)
        | (r.joined_respelled[a] == joined_b)
        | (joined_a == r.joined_respelled[b])
    )
    first = full & (
        (first_a == first_b) | (r.first_respelled[a] == first_b) | (first_a == r.first_respelled[b])
    )
    nickname = full & _member(
        table.related, first_a.astype(np.int64) * len(table.strings) + first_b
    )
    initial = same_initial & (short_a | short_b)
    middle = known & (_called_by(table, a, b, j) | _called_by(table, b, a, i))
    other = known & (
        (
            short_a
            & ~short_b
            & _member(table.related_initial, first_b.astype(np.int64) * 128 + r.initial[a])
        )
        | (
            short_b
            & ~short_a
            & _member(table.related_initial, first_a.astype(np.int64) * 128 + r.initial[b])
        )
    )
    out = np.select(
        [equal & full, first, nickname, initial, middle, other],
        [GivenRelation.EQUAL, GivenRelation.FIRST, GivenRelation.NICKNAME, GivenRelation.INITIAL,
         GivenRelation.MIDDLE, GivenRelation.OTHER_INITIAL],
        GivenRelation.CONFLICT,
    ).astype(np.int32)  # fmt: skip
    rest = np.flatnonzero(full & (out == GivenRelation.CONFLICT))
    out[rest] = _near_spelling(table, a[rest], b[rest])
    return out


def _called_by(table: NameTable, a: Int64, b: Int64, j: Int64) -> Bool:
    """Whether a's given name is among b's later given names or is b's nickname in brackets."""
    r = table.readings
    word = r.joined[a]
    called: Bool = (word >= 0) & (
        (word == r.tail[b])
        | (r.middle[b] == r.first[a][:, None]).any(axis=1) & ~r.first_is_initial[a]
        | (word == table.nickname[j])
        | (r.first[a] == table.nickname[j])
    )
    return called


def _near_spelling(table: NameTable, a: Int64, b: Int64) -> Int32:
    """SIMILAR, PREFIX or CONFLICT for pairs of written-out given names."""
    r = table.readings
    out = np.zeros(len(a), dtype=np.int32)
    if not len(a):
        return out
    left, right = table.strings[r.first[a]], table.strings[r.first[b]]
    shorter = np.minimum(_lengths(left), _lengths(right))
    common = cpdist(left, right, scorer=Prefix.similarity, dtype=np.int32)
    out[(common == shorter) & (shorter >= 3)] = GivenRelation.PREFIX
    whole_a, whole_b = table.strings[r.joined[a]], table.strings[r.joined[b]]
    alike = cpdist(whole_a, whole_b, scorer=JaroWinkler.similarity, dtype=np.float32)
    out[alike >= SIMILAR_GIVEN] = GivenRelation.SIMILAR
    return out


def _middle_relation(table: NameTable, a: Int64, b: Int64) -> Float32:
    """Best agreement between any two middle names; -1 if none agree, NaN if one has none."""
    r = table.readings
    middle_a, middle_b = r.middle[a], r.middle[b]
    known = (middle_a[:, 0] >= 0) & (middle_b[:, 0] >= 0)
    # "Wei-Nan J." and "Weinan J.": divided differently, so positions do not correspond
    known &= ~((r.first[a] != r.first[b]) & (r.joined[a] == r.joined[b]) & (r.joined[a] >= 0))
    out = np.full(len(a), np.nan, dtype=np.float32)
    rows = np.flatnonzero(known)
    if not len(rows):
        return out
    a, b = a[rows], b[rows]
    best = np.full(len(rows), -1, dtype=np.float32)
    for p in range(r.middle.shape[1]):
        for q in range(r.middle.shape[1]):
            x, y = r.middle[a, p], r.middle[b, q]
            there = (x >= 0) & (y >= 0)
            short = r.middle_is_initial[a, p] | r.middle_is_initial[b, q]
            letters = r.middle_initial[a, p] == r.middle_initial[b, q]
            best = np.where(there & short & letters, np.maximum(best, 1), best)
            best = np.where(there & ~short & (x == y), 2, best)
    out[rows] = best
    return out


def _member(sorted_keys: Int64, keys: Int64) -> Bool:
    """Which keys are in the sorted array."""
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=bool)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    found: Bool = sorted_keys[at] == keys
    return found


def _similarity(table: NameTable, a: Int32, b: Int32) -> Float32:
    """Jaro-Winkler similarity of coded strings, NaN where either is missing."""
    out = np.where((a >= 0) & (b >= 0), 1, np.nan).astype(np.float32)
    rows = np.flatnonzero((a >= 0) & (b >= 0) & (a != b))
    if len(rows):
        left, right = table.strings[a[rows]], table.strings[b[rows]]
        out[rows] = cpdist(left, right, scorer=JaroWinkler.similarity, dtype=np.float32)
    return out


def _differs(codes: Int32, i: Int64, j: Int64) -> Float32:
    """1 where both have a code and they differ, 0 where equal, NaN where either has none."""
    a, b = codes[i], codes[j]
    out: Float32 = (a != b).astype(np.float32)
    out[(a < 0) | (b < 0)] = np.nan
    return out
