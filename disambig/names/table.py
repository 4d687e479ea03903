"""Parsed names as columns, so that millions of name pairs are compared without a Python loop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from disambig.names.lexicon import family_first_rank, nickname_pairs
from disambig.names.parsed import ParsedName, Reading, core_tokens

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
Object = npt.NDArray[np.object_]

_ABBREVIATED = re.compile("(?!ng)[b-df-hj-np-tv-xz]{2,3}$")

MIDDLE = 3
"""Given names after the first that are looked at."""

PARTS = 4
"""Words of a family name that are looked at."""


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
        "ae", "oe", "ue" taken for umlauts, where the name is long enough for that.
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
        Whether the first given name is letters without a vowel ("Ph.", "Chr.").
    family_initial : int32[R]
        Code point of the family name's first letter, -1 if there is none.
    together, together_reversed : int32[R]
        Given and family names run together, in either order.
    middle : int32[R, MIDDLE]
        Given names after the first.
    middle_initial : int32[R, MIDDLE]
        Their first letters, -1 where there is none.
    middle_is_initial : bool[R, MIDDLE]
    eastern : bool[R]
        Whether the family name is on the East Asian list, where one letter more is another name.
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


@dataclass(frozen=True, eq=False)
class NameTable:
    """Columns over N distinct names. Build one with :meth:`from_names`.

    Attributes
    ----------
    strings : object[n_strings]
        Every distinct string; the codes below index it.
    readings : ReadingArrays
        Rows 0..N-1 are the names' own readings, the alternatives follow.
    alternative_start : int32[N + 1]
        Alternatives of name ``k`` are the readings from ``alternative_start[k]`` on.
    full, family, first, joined : int32[N]
        Whole normalised name, family name, first given name, given names joined.
    initial : int32[N]
        Code point of the first given letter, -1 without a given name.
    nickname : int32[N]
        The quoted nickname, -1 if there is none.
    suffix, homonym : int32[N]
        -1 if there is none.
    given_length : float32[N]
        Letters of the given names that are written out; 0 with initials only.
    related : int64[n_related]
        Sorted ``a * n_strings + b`` for given names a, b that are nicknames of one another.
    related_initial : int64[n]
        Sorted ``a * 128 + letter``: first letters of the nicknames of given name a.
    """

    strings: Object
    readings: ReadingArrays
    alternative_start: Int32
    full: Int32
    family: Int32
    first: Int32
    joined: Int32
    initial: Int32
    nickname: Int32
    suffix: Int32
    homonym: Int32
    given_length: Float32
    related: Int64
    related_initial: Int64

    def __len__(self) -> int:
        """Number of names."""
        return len(self.full)

    @classmethod
    def from_names(cls, names: Sequence[ParsedName]) -> NameTable:
        """Columns for the names, in their order."""
        codes: dict[str, int] = {}

        def code(text: str) -> int:
            return codes.setdefault(text, len(codes)) if text else -1

        owners = [*names, *(n for n in names for _ in n.alternatives)]
        rows = [Reading(n.given, n.family_tokens) for n in names]
        rows += [r for n in names for r in n.alternatives]
        readings = _reading_arrays(rows, owners, code)
        counts = [len(n.alternatives) for n in names]
        n = len(names)
        full = _column(code(name.full) for name in names)
        nickname = _column(code("".join(name.nickname)) for name in names)
        suffix = _column(code(name.suffix) for name in names)
        homonym = _column(code(name.homonym) for name in names)
        related, related_initial = _nickname_keys(codes)
        return cls(
            strings=np.array(list(codes), dtype=np.object_),
            readings=readings,
            alternative_start=(n + np.cumsum([0, *counts])).astype(np.int32),
            full=full,
            family=readings.family[:n],
            first=readings.first[:n],
            joined=readings.joined[:n],
            initial=readings.initial[:n],
            nickname=nickname,
            suffix=suffix,
            homonym=homonym,
            given_length=np.array(
                [sum(len(t) for t in name.given if len(t) > 1) for name in names], dtype=np.float32
            ),
            related=related,
            related_initial=related_initial,
        )


def _column(values: Iterable[int]) -> Int32:
    return np.fromiter(values, dtype=np.int32)


def _matrix(rows: list[list[int]], width: int) -> Int32:
    columns = [[row[k] if len(row) > k else -1 for row in rows] for k in range(width)]
    return np.ascontiguousarray(np.array(columns, dtype=np.int32).reshape(width, len(rows)).T)


def _reading_arrays(
    rows: list[Reading], owners: list[ParsedName], code: Callable[[str], int]
) -> ReadingArrays:
    spelled = [dict(p.split("=", 1) for p in o.spellings) if o.spellings else {} for o in owners]
    ranks = family_first_rank()
    cores = [core_tokens(r.family) for r in rows]
    words = [[t for t in r.given if len(t) > 1] for r in rows]
    spare = [[t for t in r.given[1:] if len(t) > 2 and t not in ranks] for r in rows]
    middle = [r.given[1 : 1 + MIDDLE] for r in rows]
    again = list(zip(rows, spelled, strict=True))
    return ReadingArrays(
        family=_column(code("".join(r.family)) for r in rows),
        core=_column(code("".join(c)) for c in cores),
        family_respelled=_column(code(_respell(r.family, s)) for r, s in again),
        first_respelled=_column(code(_respell(r.given[:1], s)) for r, s in again),
        joined_respelled=_column(code(_respell(w, s)) for w, s in zip(words, spelled, strict=True)),
        family_folded=_column(code(_fold_umlauts("".join(r.family))) for r in rows),
        parts=_matrix([[code(t) for t in c] if len(c) > 1 else [] for c in cores], PARTS),
        spare=_matrix([[code(t) for t in s] for s in spare], MIDDLE),
        first=_column(code(r.given[0] if r.given else "") for r in rows),
        joined=_column(code("".join(w)) for w in words),
        tail=_column(code("".join(t for t in r.given[1:] if len(t) > 1)) for r in rows),
        whole=_column(code("".join(r.given)) for r in rows),
        initial=_column(ord(r.given[0][0]) if r.given else -1 for r in rows),
        first_is_initial=np.array([bool(r.given) and len(r.given[0]) == 1 for r in rows], bool),
        first_is_abbreviated=np.array(
            [bool(r.given) and bool(_ABBREVIATED.match(r.given[0])) for r in rows], dtype=bool
        ),
        family_initial=_column(ord(r.family[0][0]) if r.family else -1 for r in rows),
        together=_column(code("".join((*r.given, *r.family))) for r in rows),
        together_reversed=_column(code("".join((*r.family, *r.given))) for r in rows),
        middle=_matrix([[code(t) for t in m] for m in middle], MIDDLE),
        middle_initial=_matrix([[ord(t[0]) for t in m] for m in middle], MIDDLE),
        middle_is_initial=_matrix([[len(t) == 1 for t in m] for m in middle], MIDDLE) == 1,
        eastern=np.array(["".join(r.family) in ranks for r in rows], dtype=bool),
    )


def _respell(tokens: Sequence[str], spelled: dict[str, str]) -> str:
    return "".join(spelled.get(t, t) for t in tokens) if spelled else "".join(tokens)


def _fold_umlauts(family: str) -> str:
    # under five letters the same endings are Chinese syllables: "xue" is not "xu"
    if len(family) < 5:
        return family
    return family.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def _nickname_keys(codes: dict[str, int]) -> tuple[Int64, Int64]:
    size = len(codes)
    pairs, initials = [], []
    lookup = nickname_pairs()
    for name, a in codes.items():
        for other in lookup.get(name, ()):
            b = codes.get(other)
            if b is not None:
                pairs.append(a * size + b)
            initials.append(a * 128 + ord(other[0]))
    return np.unique(np.array(pairs, dtype=np.int64)), np.unique(np.array(initials, dtype=np.int64))
