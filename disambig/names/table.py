"""Parsed names as columns, to compare millions of name pairs without a Python loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from disambig.arrays import Bool, Float32, Int32, Int64, Object
from disambig.names.clean import LOST_LETTER
from disambig.names.lexicon import get_nickname_pairs, get_syllable_families
from disambig.names.parsed import ParsedName
from disambig.names.readings import Codes, ReadingArrays, Spelling, Tokens, build_reading_arrays
from disambig.names.scripts.transliteration import (
    fold_word_sound,
    make_given_skeleton,
    make_skeleton,
)


@dataclass(frozen=True, eq=False)
class NameTable:
    """Columns over N distinct names. Build one with :meth:`from_names`.

    Attributes
    ----------
    strings : object[n_strings]
        Every distinct string; the codes below index it.
    readings : ReadingArrays
        Rows 0..N-1 are the primary readings of the names; the alternatives follow.
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
        Number of letters of the written-out given names; 0 with initials only.
    related : int64[n_related]
        Sorted ``a * n_strings + b`` for given names a, b of which one is a nickname.
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
        """Return the number of names."""
        return len(self.full)

    @cached_property
    def lost_letters(self) -> Int32:
        """Number of lost letters of each string, int32[n_strings]."""
        return np.fromiter(
            (s.count(LOST_LETTER) for s in self.strings), np.int32, len(self.strings)
        )

    @cached_property
    def is_western(self) -> Bool:
        """Whether each string is a given name with known short forms, bool[n_strings + 1]."""
        known = get_nickname_pairs()
        return np.array([*(text in known for text in self.strings), False])

    @cached_property
    def has_syllables(self) -> Bool:
        """Whether each string is a family name with given names of syllables that others share.

        bool[n_strings + 1]: the Chinese, Japanese and Korean ones, not the Vietnamese.
        """
        known = get_syllable_families()
        return np.array([*(text in known for text in self.strings), False])

    @cached_property
    def family_sound(self) -> Int32:
        """Code of the sounds of each string that is a family name, int32[n_strings]; else -1."""
        return self._encode_sounds(self.readings.family, make_skeleton)

    @cached_property
    def given_sound(self) -> Int32:
        """Code of the sounds of each string that is a given name, int32[n_strings]; else -1."""
        return self._encode_sounds(self.readings.first, make_given_skeleton)

    def _encode_sounds(self, column: Int32, make: Callable[[str], str]) -> Int32:
        out, codes = np.full(len(self.strings), -1, dtype=np.int32), Codes()
        present = np.unique(column[column >= 0])
        out[present] = codes.encode(map(make, self.strings[present]))
        return out

    @cached_property
    def words(self) -> Int32:
        """Sounds of the written-out words of each name but particles, int32[N, 9]; -1: none."""
        r, n = self.readings, len(self)
        first = np.where(r.first_is_initial | r.first_is_abbreviated, np.int32(-1), r.first)[:n]
        middle = np.where(r.middle_is_initial, np.int32(-1), r.middle)[:n]
        whole = np.where(r.parts[:n, 0] >= 0, np.int32(-1), r.core[:n])
        words = np.column_stack([first, middle, whole, r.parts[:n]])
        sounds, codes = np.full(len(self.strings) + 1, -1, dtype=np.int32), Codes()
        present = np.unique(words[words >= 0])
        sounds[present] = codes.encode(map(fold_word_sound, self.strings[present]))
        out: Int32 = sounds[words]
        return out

    @cached_property
    def letters(self) -> Int32:
        """Length of each string, int32[n_strings]."""
        return np.fromiter(map(len, self.strings), np.int32, len(self.strings))

    @classmethod
    def from_names(cls, names: Sequence[ParsedName]) -> NameTable:
        """Build the columns of names, in their order."""
        codes, n = Codes(), len(names)
        counts = np.fromiter((len(name.alternatives) for name in names), np.int64, n)
        readings = build_reading_arrays(*_list_readings(names), codes)
        full = codes.encode(map(_join_full_name, names))
        nickname = codes.encode("".join(name.nickname) for name in names)
        suffix = codes.encode(name.suffix for name in names)
        homonym = codes.encode(name.homonym for name in names)
        related, related_initial = _make_nickname_keys(codes)
        return cls(
            strings=np.array(codes.list_strings(), dtype=np.object_),
            readings=readings,
            alternative_start=np.cumsum([n, *counts]).astype(np.int32),
            full=full,
            family=readings.family[:n],
            first=readings.first[:n],
            joined=readings.joined[:n],
            initial=readings.initial[:n],
            nickname=nickname,
            suffix=suffix,
            homonym=homonym,
            given_length=np.fromiter(
                (_count_written_letters(name) for name in names), np.float32, n
            ),
            related=related,
            related_initial=related_initial,
        )


def _list_readings(
    names: Sequence[ParsedName],
) -> tuple[list[Tokens], list[Tokens], dict[int, Spelling], dict[int, frozenset[str]]]:
    """List given and family tokens, and other spellings and abbreviated given names by row.

    Names come first, then alternatives.
    """
    given = [name.given for name in names]
    family = [name.family_tokens for name in names]
    spelled: dict[int, Spelling] = {}
    abbreviated = {row: name.abbreviated for row, name in enumerate(names) if name.abbreviated}
    for row, name in enumerate(names):
        if name.spellings:
            spelled[row] = _parse_spellings(name)
    for name in names:
        for reading in name.alternatives:
            if name.spellings:
                spelled[len(given)] = _parse_spellings(name)
            if name.abbreviated:
                abbreviated[len(given)] = name.abbreviated
            given.append(reading.given)
            family.append(reading.family)
    return given, family, spelled, abbreviated


def _parse_spellings(name: ParsedName) -> Spelling:
    return dict(pair.split("=", 1) for pair in name.spellings)


def _join_full_name(name: ParsedName) -> str:
    """Return ``name.full``, by a faster path for names of two words."""
    given, family = name.given, name.family_tokens
    if len(given) == 1 and len(family) == 1 and not name.suffix:
        return f"{given[0]} {family[0]}"
    return name.full


def _count_written_letters(name: ParsedName) -> int:
    return sum(
        [len(token) for token in name.given if len(token) > 1 and token not in name.abbreviated]
    )


def _make_nickname_keys(codes: Codes) -> tuple[Int64, Int64]:
    size, related = len(codes), get_nickname_pairs()
    pairs, initials = [], []
    fewer = related if len(related) < size else codes.list_strings()
    for name in fewer:
        a = codes.get(name)
        if a is None:
            continue
        for other in related.get(name, ()):
            b = codes.get(other)
            if b is not None:
                pairs.append(a * size + b)
            initials.append(a * 128 + ord(other[0]))
    return np.unique(np.array(pairs, dtype=np.int64)), np.unique(np.array(initials, dtype=np.int64))
