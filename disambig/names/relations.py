"""Compare the family, given and middle names of many pairs of readings at once."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from rapidfuzz.distance import OSA, JaroWinkler, LCSseq, Prefix
from rapidfuzz.process import cpdist

from disambig.arrays import Bool, Float32, Int32, Int64
from disambig.names.readings import ReadingArrays
from disambig.names.table import NameTable


class GivenRelation(IntEnum):
    """Relation of two given names, in ascending order of evidence for one person."""

    CONFLICT = 0
    """Two different names ("Steve", "Susan") or initials ("J.", "K.")."""
    OTHER_INITIAL = 1
    """An initial, and a name with a nickname of that initial ("E.", "Ted")."""
    PREFIX = 2
    """One is a prefix of the other ("Alex", "Alexander")."""
    SIMILAR = 3
    """Nearly the same letters ("Sergey", "Sergei")."""
    MIDDLE = 4
    """One's first name is the other's middle name or nickname ("W. Detmar", "Detmar")."""
    INITIAL = 5
    """Initials that agree ("J.", "Jose"; "J.", "J.")."""
    NICKNAME = 6
    """A name and its short form ("Steve", "Steven")."""
    FIRST = 7
    """The same first name, with any further names."""
    EQUAL = 8
    """The same given names, in any division ("Wei-Nan", "Weinan")."""


class FamilyRelation(IntEnum):
    """Relation of two family names, in ascending order of evidence for one person."""

    DIFFERENT = 0
    SIMILAR = 1
    """One letter differs ("Nirenburg", "Nirenberg")."""
    PART = 2
    """One is a word of the other ("Garcia", "Garcia Marquez")."""
    SPELLING = 3
    """Umlauts or particles differ ("Müller", "Mueller"; "van Noord", "Noord")."""
    EQUAL = 4


SIMILAR_GIVEN = 0.9
"""Jaro-Winkler similarity above which two given names are spellings of one."""


def compare_families(table: NameTable, a: Int64, b: Int64) -> Int32:
    """Return the :class:`FamilyRelation` of pairs of readings, int32[P]; 0 if one has none."""
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
    run_together, part = (
        _match_single_words(r, a, b),
        _is_within(r.core[a], r, b) | _is_within(r.core[b], r, a),
    )
    not_eastern = ~(r.eastern[a] | r.eastern[b])
    sound = table.family_sound
    spelling |= (sound[fa] == sound[fb]) & (sound[fa] >= 0) & not_eastern
    spelling |= _differ_by_lost_letters(table, fa, fb)
    similar = np.zeros(len(rest), dtype=bool)
    maybe = np.flatnonzero(~spelling & ~part & ~(r.eastern[a] & r.eastern[b]))
    similar[maybe] = _are_near(table, fa[maybe], fb[maybe], least=5)
    out[rest] = np.select(
        [spelling | (run_together == 2), part | (run_together == 1), similar],
        [FamilyRelation.SPELLING, FamilyRelation.PART, FamilyRelation.SIMILAR],
        FamilyRelation.DIFFERENT,
    )
    return out


def _match_single_words(r: ReadingArrays, a: Int64, b: Int64) -> Int32:
    """Compare a name of one word with a whole name: 2 if it is that name run together
    ("TianyuLiu"), 1 if it is its given name ("Govind"), else 0."""
    out = np.zeros(len(a), dtype=np.int32)
    for one, other in ((a, b), (b, a)):
        lone = (r.initial[one] < 0) & (r.initial[other] >= 0)
        word = r.family[one]
        out[lone & (word == r.first[other]) & ~r.first_is_initial[other]] = 1
        out[lone & ((word == r.together[other]) | (word == r.together_reversed[other]))] = 2
    return out


def _is_within(core: Int32, r: ReadingArrays, other: Int64) -> Bool:
    """Return whether a whole family name is one word of the other's, or a middle name of it."""
    word = core[:, None]
    is_within: Bool = (r.parts[other] == word).any(axis=1) | (r.spare[other] == word).any(axis=1)
    return is_within


def _differ_by_lost_letters(table: NameTable, a: Int32, b: Int32) -> Bool:
    """Return where a string is the other but for its lost letters ("garc?a", "garcia")."""
    out = np.zeros(len(a), dtype=bool)
    lost = table.lost_letters[a] + table.lost_letters[b]
    rows = np.flatnonzero((lost > 0) & (a >= 0) & (b >= 0))
    if len(rows):
        left, right = table.strings[a[rows]], table.strings[b[rows]]
        edits = cpdist(left, right, scorer=OSA.distance, dtype=np.int32)
        # most letters have to be there
        letters = np.maximum(table.letters[a[rows]], table.letters[b[rows]])
        out[rows] = (edits <= lost[rows]) & (3 * lost[rows] <= letters)
    return out


def _are_near(table: NameTable, a: Int32, b: Int32, *, least: int) -> Bool:
    """Return where one edit separates ``least`` or more letters, or two edits nine or more."""
    if not len(a):
        return np.zeros(0, dtype=bool)
    left, right = table.strings[a], table.strings[b]
    edits = cpdist(left, right, scorer=OSA.distance, score_cutoff=2, dtype=np.int32)
    shorter = np.minimum(table.letters[a], table.letters[b])
    near: Bool = ((edits <= 1) & (shorter >= least)) | ((edits <= 2) & (shorter >= 9))
    return near


def compare_given_names(table: NameTable, a: Int64, b: Int64, i: Int64, j: Int64) -> Int32:
    """Return the :class:`GivenRelation` of readings a, b of names i, j; 0 if one has none."""
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
    nickname = full & _are_nicknames(table, first_a, first_b)
    initial = same_initial & (short_a | short_b)
    middle = known & (_is_called_by(table, a, b, j) | _is_called_by(table, b, a, i))
    other = known & (_has_nickname_initial(table, a, b) | _has_nickname_initial(table, b, a))
    out = np.select(
        [equal & full, first, nickname, initial, middle, other],
        [
            GivenRelation.EQUAL,
            GivenRelation.FIRST,
            GivenRelation.NICKNAME,
            GivenRelation.INITIAL,
            GivenRelation.MIDDLE,
            GivenRelation.OTHER_INITIAL,
        ],
        GivenRelation.CONFLICT,
    ).astype(np.int32)
    rest = np.flatnonzero(full & (out == GivenRelation.CONFLICT))
    out[rest] = _compare_spellings(table, a[rest], b[rest])
    return out


def _are_nicknames(table: NameTable, a: Int32, b: Int32) -> Bool:
    """Return whether two given names are nicknames of one another."""
    return _is_in_sorted(table.related, a.astype(np.int64) * len(table.strings) + b)


def _has_nickname_initial(table: NameTable, a: Int64, b: Int64) -> Bool:
    """Return whether a's initial is that of a nickname of b's written-out given name."""
    r = table.readings
    key = r.first[b].astype(np.int64) * 128 + r.initial[a]
    other: Bool = r.first_is_initial[a] & ~r.first_is_initial[b]
    return other & _is_in_sorted(table.related_initial, key)


def _is_called_by(table: NameTable, a: Int64, b: Int64, j: Int64) -> Bool:
    """Return whether a's given name is a later given name or the nickname of b."""
    r = table.readings
    word = r.joined[a]
    called: Bool = (word >= 0) & (
        (word == r.tail[b])
        | (r.middle[b] == r.first[a][:, None]).any(axis=1) & ~r.first_is_initial[a]
        | (word == table.nickname[j])
        | (r.first[a] == table.nickname[j])
    )
    return called


def is_called_by_whole_name(table: NameTable, a: Int64, b: Int64) -> Bool:
    """Return whether the whole given name of one is a later given name of the other.

    Chinese, Japanese and Korean given names have parts that many share ("Ying", "Yan-Ying"), so
    with these family names one of the two has to be a name of another language ("Caren").
    """
    r = table.readings
    out = np.zeros(len(a), dtype=bool)
    for one, other in ((a, b), (b, a)):
        word = r.joined[one]
        whole = (word >= 0) & (
            (word == r.tail[other]) | (r.middle[other] == word[:, None]).any(axis=1)
        )
        has_foreign = table.is_western[word] | table.is_western[r.first[other]]
        out |= whole & (has_foreign | ~table.has_syllables[r.family[one]])
    return out


def _compare_spellings(table: NameTable, a: Int64, b: Int64) -> Int32:
    """Classify pairs of written-out given names that are no forms of one by the lists."""
    r = table.readings
    out = np.zeros(len(a), dtype=np.int32)
    if not len(a):
        return out
    first_a, first_b = r.first[a], r.first[b]
    shorter = np.minimum(table.letters[first_a], table.letters[first_b])
    left, right = table.strings[first_a], table.strings[first_b]
    begins = cpdist(left, right, scorer=Prefix.similarity, dtype=np.int32) == shorter
    out[begins & (shorter >= 3)] = GivenRelation.PREFIX
    sound = table.given_sound
    alike_sound = (sound[first_a] == sound[first_b]) & (sound[first_a] >= 0)
    out[alike_sound & ~(r.eastern[a] | r.eastern[b])] = GivenRelation.SIMILAR
    whole_a, whole_b = r.joined[a], r.joined[b]
    # an abbreviated name has no joined form; its first word stands in
    whole_a, whole_b = (
        np.where(whole_a < 0, first_a, whole_a),
        np.where(whole_b < 0, first_b, whole_b),
    )
    alike = cpdist(
        table.strings[whole_a],
        table.strings[whole_b],
        scorer=JaroWinkler.similarity,
        score_cutoff=0.8,
        dtype=np.float32,
    )
    out[alike >= SIMILAR_GIVEN] = GivenRelation.SIMILAR
    rest = np.flatnonzero((alike > 0) & (alike < SIMILAR_GIVEN))
    edited = rest[_are_near(table, whole_a[rest], whole_b[rest], least=5)]
    out[edited] = GivenRelation.SIMILAR
    out[_differ_by_lost_letters(table, first_a, first_b)] = GivenRelation.FIRST
    short = np.flatnonzero(
        (r.first_is_abbreviated[a] | r.first_is_abbreviated[b]) & (r.initial[a] == r.initial[b])
    )
    # "Wm." has letters of "William" in their order
    common = cpdist(left[short], right[short], scorer=LCSseq.similarity, dtype=np.int32)
    out[short[common == shorter[short]]] = GivenRelation.INITIAL
    return out


def compare_middle_names(table: NameTable, a: Int64, b: Int64) -> Float32:
    """Return the best agreement between any two middle names, float32[P].

    2 equal, 1 initials agree, 0 nearly equal in spelling, -1 none agree, NaN if one has none.
    """
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
            both_present = (x >= 0) & (y >= 0)
            short = r.middle_is_initial[a, p] | r.middle_is_initial[b, q]
            letters = r.middle_initial[a, p] == r.middle_initial[b, q]
            best = np.where(both_present & short & letters, np.maximum(best, 1), best)
            best = np.where(both_present & ~short & (x == y), 2, best)
    out[rows] = best
    clash = np.flatnonzero(best == -1)
    out[rows[clash[_are_middle_names_alike(table, a[clash], b[clash])]]] = 0
    return out


def _are_middle_names_alike(table: NameTable, a: Int64, b: Int64) -> Bool:
    """Return whether the first middle names are written out and one edit or a nickname apart."""
    r = table.readings
    x, y = r.middle[a, 0], r.middle[b, 0]
    alike = _are_nicknames(table, x, y)
    words = np.flatnonzero(~r.middle_is_initial[a, 0] & ~r.middle_is_initial[b, 0])
    alike[words] |= _are_near(table, x[words], y[words], least=3)
    return alike


def _is_in_sorted(sorted_keys: Int64, keys: Int64) -> Bool:
    """Return which keys are in the sorted array."""
    if not len(sorted_keys):
        return np.zeros(len(keys), dtype=bool)
    at = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    is_member: Bool = sorted_keys[at] == keys
    return is_member
