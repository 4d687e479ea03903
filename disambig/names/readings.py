"""Readings of names as columns of codes.

Most names have one given and one family word; rows of the others are amended.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import add

import numpy as np

from disambig.arrays import Bool, Int32, Int64
from disambig.names.lexicon import get_family_first_ranks
from disambig.names.parsed import drop_particles

Tokens = tuple[str, ...]
Spelling = Mapping[str, str]

_ABBREVIATED = re.compile("(?!ng)[b-df-hj-np-tv-xz]{2,3}$")

MIDDLE = 3
"""Given names after the first that are compared."""

PARTS = 4
"""Words of a family name that are compared."""


@dataclass(frozen=True, eq=False)
class ReadingArrays:
    """Columns over R readings; string columns are codes into ``NameTable.strings``, -1 is none.

    Attributes
    ----------
    family, core : int32[R]
        Family name with and without particles, joined.
    family_respelled, first_respelled, joined_respelled : int32[R]
        With umlauts written out; the plain code where there are none.
    family_folded : int32[R]
        "ae", "oe", "ue" replaced by the plain vowel, if the name is long enough.
    parts : int32[R, PARTS]
        Words of a family name of several words.
    spare : int32[R, MIDDLE]
        Middle names that could be a first family name ("Daniel Tapias Merino").
    first, joined, tail : int32[R]
        First given name; whole-word given names joined; the same without the first.
    whole : int32[R]
        All given names with initials, joined.
    initial : int32[R]
        Code point of the first letter, -1 if there is no given name.
    first_is_initial : bool[R]
    first_is_abbreviated : bool[R]
        Whether the first given name is abbreviated to several letters ("Yu.", "Chr").
    family_initial : int32[R]
        Code point of the family name's first letter, -1 if there is none.
    together, together_reversed : int32[R]
        Given and family names joined, in either order.
    middle : int32[R, MIDDLE]
        Given names after the first.
    middle_initial : int32[R, MIDDLE]
        Their first letters, -1 where there is none.
    middle_is_initial : bool[R, MIDDLE]
    eastern : bool[R]
        Whether the family name is in the East Asian list, in which one letter makes another name.
    """

    family: Int32
    core: Int32
    family_respelled: Int32
    first_respelled: Int32
    joined_respelled: Int32
    family_folded: Int32
    parts: Int32
    spare: Int32
    first: Int32
    joined: Int32
    tail: Int32
    whole: Int32
    initial: Int32
    first_is_initial: Bool
    first_is_abbreviated: Bool
    family_initial: Int32
    together: Int32
    together_reversed: Int32
    middle: Int32
    middle_initial: Int32
    middle_is_initial: Bool
    eastern: Bool


class Codes:
    """A number for each distinct string, in order of first appearance; -1 for the empty one."""

    def __init__(self) -> None:
        """Start without strings."""
        self._of: defaultdict[str, int] = defaultdict(count().__next__, {"": -1})

    def encode(self, texts: Iterable[str]) -> Int32:
        """Return the codes of n texts, int32[n]."""
        return np.fromiter(map(self._of.__getitem__, texts), dtype=np.int32)

    def amend(self, column: Int32, rows: Collection[int], texts: Iterable[str]) -> Int32:
        """Return a copy of a column with other texts in some rows."""
        other = column.copy()
        other[np.fromiter(rows, dtype=np.int64, count=len(rows))] = self.encode(texts)
        return other

    def get(self, text: str) -> int | None:
        """Return the code of a text; None if it has none."""
        return self._of.get(text)

    def list_strings(self) -> list[str]:
        """List the texts in the order of their codes."""
        return list(self._of)[1:]

    def __len__(self) -> int:
        """Return the number of texts that have a code."""
        return len(self._of) - 1


def build_reading_arrays(
    given: Sequence[Tokens],
    family: Sequence[Tokens],
    spelled: Mapping[int, Spelling],
    abbreviated: Mapping[int, frozenset[str]],
    codes: Codes,
) -> ReadingArrays:
    """Build the columns of R readings.

    Parameters
    ----------
    given, family : sequence of tuple of str, length R
        Tokens of each reading.
    spelled : mapping of int to mapping of str to str
        Rows with umlauts, to the other spelling of their tokens.
    abbreviated : mapping of int to frozenset of str
        Rows with given names abbreviated to several letters, to these names.
    codes : Codes
        Receives the strings of the columns.
    """
    # longer than other functions: the columns are one list, and their order is that of the codes
    several = [row for row, tokens in enumerate(given) if len(tokens) > 1]
    compound = [row for row, tokens in enumerate(family) if len(tokens) > 1]
    cores = [drop_particles(family[row]) for row in compound]
    firsts = [tokens[0] if tokens else "" for tokens in given]
    wholes = _replace_rows(firsts, several, ["".join(given[row]) for row in several])
    joined = ["".join(_list_written_out(given[row], abbreviated.get(row))) for row in several]
    families = ["".join(tokens) for tokens in family]
    is_initial = np.fromiter((len(text) == 1 for text in firsts), dtype=np.bool_)
    is_abbreviated = _mask_members(firsts, set(filter(_ABBREVIATED.match, set(firsts))))
    stated = [row for row, short in abbreviated.items() if firsts[row] in short]
    is_abbreviated[stated] = True
    middle = _RaggedTexts.of(several, (given[row][1 : 1 + MIDDLE] for row in several))
    spare = _RaggedTexts.of(several, (_list_spare_names(given[row]) for row in several))
    parts = _RaggedTexts.of(compound, (core if len(core) > 1 else () for core in cores))
    size, column, amended, none = len(given), codes.encode, codes.amend, np.int32(-1)
    # a row that is not amended is one word, equal in all columns of that part
    whole_family = column(families)
    return ReadingArrays(
        family=whole_family,
        core=amended(whole_family, compound, map("".join, cores)),
        family_respelled=amended(
            whole_family, spelled, [_respell(family[row], s) for row, s in spelled.items()]
        ),
        first_respelled=(
            first_respelled := column(
                _replace_rows(
                    firsts, spelled, [_respell(given[row][:1], s) for row, s in spelled.items()]
                )
            )
        ),
        joined_respelled=amended(
            amended(np.where(is_initial, none, first_respelled), stated, [""] * len(stated)),
            several,
            [
                _respell(_list_written_out(given[row], abbreviated.get(row)), spelled[row])
                if row in spelled
                else text
                for row, text in zip(several, joined, strict=True)
            ],
        ),
        family_folded=amended(whole_family, *_fold_umlauts(families)),
        parts=parts.pad(size, PARTS, column(parts.texts)),
        spare=spare.pad(size, MIDDLE, column(spare.texts)),
        first=(first := amended(first_respelled, spelled, [firsts[row] for row in spelled])),
        joined=amended(
            amended(np.where(is_initial, none, first), stated, [""] * len(stated)), several, joined
        ),
        tail=amended(
            np.full(size, none),
            several,
            ["".join([t for t in given[row][1:] if len(t) > 1]) for row in several],
        ),
        whole=amended(first, several, [wholes[row] for row in several]),
        initial=_encode_first_letters(firsts),
        first_is_initial=is_initial,
        first_is_abbreviated=is_abbreviated,
        family_initial=_encode_first_letters(families),
        together=column(map(add, wholes, families)),
        together_reversed=column(map(add, families, wholes)),
        middle=middle.pad(size, MIDDLE, column(middle.texts)),
        middle_initial=middle.pad(size, MIDDLE, _encode_first_letters(middle.texts)),
        middle_is_initial=middle.pad(
            size,
            MIDDLE,
            np.fromiter(
                (
                    len(text) == 1 or text in abbreviated.get(row, ())
                    for row, text in zip(middle.rows.tolist(), middle.texts, strict=True)
                ),
                dtype=np.int32,
            ),
        )
        == 1,
        eastern=_mask_members(families, get_family_first_ranks()),
    )


@dataclass(frozen=True, eq=False)
class _RaggedTexts:
    """Any number of texts for each of some rows: row and index in the row of each text."""

    rows: Int64
    places: Int64
    texts: list[str]

    @classmethod
    def of(cls, rows: Sequence[int], groups: Iterable[Sequence[str]]) -> _RaggedTexts:
        texts: list[str] = []
        ends = [0]
        for group in groups:
            texts += group
            ends.append(len(texts))
        counts = np.diff(ends)
        starts = np.repeat(np.asarray(ends[:-1], dtype=np.int64), counts)
        return cls(
            np.repeat(np.asarray(rows, dtype=np.int64), counts),
            np.arange(len(texts), dtype=np.int64) - starts,
            texts,
        )

    def pad(self, size: int, width: int, values: Int32) -> Int32:
        """Return values of the first ``width`` texts of each row, int32[size, width]; -1: none."""
        padded = np.full((size, width), -1, dtype=np.int32)
        fits = self.places < width
        padded[self.rows[fits], self.places[fits]] = values[fits]
        return padded


def _respell(tokens: Sequence[str], spelling: Spelling) -> str:
    return "".join([spelling.get(token, token) for token in tokens])


def _replace_rows(texts: list[str], rows: Iterable[int], others: Iterable[str]) -> list[str]:
    changed = list(texts)
    for row, text in zip(rows, others, strict=True):
        changed[row] = text
    return changed


def _fold_umlauts(families: list[str]) -> tuple[list[int], list[str]]:
    """List rows whose family name may have a written-out umlaut, and the names without it."""
    # under five letters the same endings are Chinese syllables: "xue" is not "xu"
    rows = [
        row
        for row, text in enumerate(families)
        if ("ae" in text or "oe" in text or "ue" in text) and len(text) > 4
    ]
    row_families = [families[row] for row in rows]
    return rows, [t.replace("ae", "a").replace("oe", "o").replace("ue", "u") for t in row_families]


def _list_written_out(given: Tokens, abbreviated: frozenset[str] | None) -> list[str]:
    return [t for t in given if len(t) > 1 and not (abbreviated and t in abbreviated)]


def _list_spare_names(given: Tokens) -> list[str]:
    ranks = get_family_first_ranks()
    return [t for t in given[1:] if len(t) > 2 and t not in ranks]


def _encode_first_letters(texts: list[str]) -> Int32:
    return np.fromiter((ord(text[0]) if text else -1 for text in texts), dtype=np.int32)


def _mask_members(texts: list[str], members: Collection[str]) -> Bool:
    return np.fromiter(map(members.__contains__, texts), dtype=np.bool_)
