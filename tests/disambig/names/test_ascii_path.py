"""Names divided the short way, and columns made the short way, are those of the general rules."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disambig.names import NameTable, ParsedName, Reading, parse_name
from disambig.names.kind import classify_name
from disambig.names.lexicon import DEGREES, GENERATIONS, PARTICLES, TITLES, get_family_first_ranks
from disambig.names.parse import _divide_plain, _parse_divided, _parse_undivided
from disambig.names.parsed import drop_particles
from disambig.names.readings import MIDDLE, PARTS, ReadingArrays

TRICKY = [
    "Yu. A. Gagarin",
    "Gagarin Yu.A.",
    "Yu A Gagarin",
    "Ann Yu. Lee",
    "Wm. Lee",
    "Wei Zhang",
    "Zhang Wei",
    "Zhang Wei Nan",
    "J. Smith",
    "J Smith",
    "J.L. Pons",
    "J. L. Pons",
    "J.-L. Pons",
    "Jean-Luc Pons",
    "Jean-luc Pons",
    "Wei-Nan Li-Zhang",
    "Daniel Tapias Merino",
    "Hector Garcia Lopez",
    "Ann De Souza",
    "Ann De La Cruz",
    "Quoc Van Le",
    "Ann Al-Ali Bo",
    "Ann Da-s Bo",
    "Dr Ann Lee",
    "D-r Ann Lee",
    "Mr. Bo Li",
    "Ann Lee Jr",
    "Ann Lee Jr.",
    "Jr Ann Lee",
    "Ann Lee Phd",
    "Ann Lee Ph-d",
    "Ann Lee Ph D",
    "Ann Ph D",
    "Ann Lee Iii",
    "Ann Lee I-i",
    "Ann E Lee",
    "Ann Y Lee",
    "Ann E. y Lee",
    "Fnu Li",
    "McKay Lee",
    "Ann McKay",
    "Ann O'Neill",
    "WeiNan Zhang",
    "LI Wei",
    "Wei LI",
    "ANN LEE",
    "ann lee",
    "Ann  Lee",
    " Ann Lee",
    "Ann Lee ",
    "Ann Lee\n",
    "Ann Lee 0003",
    "Ann (Bo) Lee",
    "Lee, Ann",
    "Ann Lee, Jr",
    "Ann",
    "Ann-",
    "-Ann Lee",
    "Ann -Lee",
    "Ann Lee-",
    "Ann--Bo Lee",
    "Ann B-Lee",
    "A-Ann Lee",
    "Ann Müller",
    "Zoë Lee",
    "李 Wei",
    "",
    ".",
    "A. B. C. D. Lee",
    "Ng Bo",
    "Bo Ng",
    "Md. Bo Li",
    "Van Li",
    "Van De Li",
    "Ann Ibn Li",
    "X" + "y" * 400 + " Lee",
    "Ann " * 80 + "Lee",
]
LISTED = sorted(TITLES | DEGREES | PARTICLES | set(GENERATIONS))
SURNAMES = sorted(get_family_first_ranks())[:200]
words = st.one_of(
    st.sampled_from(["Ann", "Jean-Luc", "J.", "J", "McKay", "JL", "O'Neill", "van", "y", "Zoë"]),
    st.sampled_from(LISTED + SURNAMES).map(str.capitalize),
    st.sampled_from(LISTED).map(lambda word: f"{word[:1]}-{word[1:]}".capitalize()),
    st.from_regex(r"[A-Z][a-z]{0,3}(-[A-Za-z][a-z]{0,2})?\.?", fullmatch=True),
)
printed_names = st.lists(words, max_size=5).map(" ".join) | st.sampled_from(TRICKY)
stated = st.none() | printed_names


def general(printed: str, given: str | None, family: str | None) -> ParsedName:
    kind = classify_name(printed)
    if kind is not None:
        return ParsedName(printed, kind=kind)
    return _parse_divided(printed, given, family) if family else _parse_undivided(printed)


@pytest.mark.parametrize("printed", TRICKY)
def test_a_tricky_name_is_divided_as_by_the_general_rules(printed: str) -> None:
    assert parse_name(printed) == general(printed, None, None)
    assert parse_name("x", "Ann", printed) == general("x", "Ann", printed)
    assert parse_name("x", printed, "Lee") == _parse_divided("x", printed, "Lee")


@settings(max_examples=300)
@given(printed_names, stated, stated)
def test_any_name_is_divided_as_by_the_general_rules(
    printed: str, given_part: str | None, family: str | None
) -> None:
    assert parse_name(printed, given_part, family) == general(printed, given_part, family)


@pytest.mark.parametrize(
    "printed", ["Wei Zhang", "J. L. Pons", "Ann B Lee", "Jean-Luc Pons", "Ann Lee-Smith"]
)
def test_common_names_go_the_short_way(printed: str) -> None:
    assert _divide_plain(printed) is not None


def joined(tokens: tuple[str, ...] | list[str]) -> str:
    return "".join(tokens)


def padded(texts: list[str], width: int) -> list[str]:
    return [*texts, *[""] * width][:width]


def row_by_row(reading: Reading, owner: ParsedName) -> dict[str, object]:
    """What the columns say of one reading, straight from their docstring; "" is no string."""
    first_given, family = reading.given, reading.family
    spelled = dict(pair.split("=", 1) for pair in owner.spellings)
    first = first_given[0] if first_given else ""
    short = owner.abbreviated
    written = [t for t in first_given if len(t) > 1 and t not in short]
    core, ranks, whole = drop_particles(family), get_family_first_ranks(), joined(family)
    middle = padded(list(first_given[1:]), MIDDLE)
    folded = whole.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    return {
        "family": whole,
        "core": joined(core),
        "family_respelled": joined([spelled.get(t, t) for t in family]),
        "first_respelled": spelled.get(first, first),
        "joined_respelled": joined([spelled.get(t, t) for t in written]),
        "family_folded": folded if len(whole) > 4 else whole,
        "parts": padded(list(core) if len(core) > 1 else [], PARTS),
        "spare": padded([t for t in first_given[1:] if len(t) > 2 and t not in ranks], MIDDLE),
        "first": first,
        "joined": joined(written),
        "tail": joined([t for t in first_given[1:] if len(t) > 1]),
        "whole": joined(first_given),
        "initial": ord(first[0]) if first else -1,
        "first_is_initial": len(first) == 1,
        "first_is_abbreviated": first in short
        or (len(first) in (2, 3) and first[:2] != "ng" and not set(first) & set("aeiouy?")),
        "family_initial": ord(whole[0]) if whole else -1,
        "together": joined(first_given) + whole,
        "together_reversed": whole + joined(first_given),
        "middle": middle,
        "middle_initial": [ord(t[0]) if t else -1 for t in middle],
        "middle_is_initial": [len(t) == 1 or t in short for t in middle],
        "eastern": whole in ranks,
    }


CODES = {
    "family",
    "core",
    "family_respelled",
    "first_respelled",
    "joined_respelled",
    "family_folded",
    "parts",
    "spare",
    "first",
    "joined",
    "tail",
    "whole",
    "together",
    "together_reversed",
    "middle",
}


def read_back(table: NameTable) -> list[dict[str, object]]:
    """The reading columns by row, codes as the strings they stand for."""
    strings = np.append(table.strings, "")
    columns: dict[str, list[object]] = {}
    for field in fields(ReadingArrays):
        values = getattr(table.readings, field.name)
        columns[field.name] = (strings[values] if field.name in CODES else values).tolist()
    return [
        {name: column[row] for name, column in columns.items()}
        for row in range(len(table.readings.family))
    ]


@settings(max_examples=60)
@given(st.lists(printed_names | st.just("Jörg Müller-Größe"), max_size=6))
def test_the_columns_say_of_every_reading_what_the_names_say(printed: list[str]) -> None:
    names = [parse_name(text) for text in printed]
    expected = [row_by_row(Reading(n.given, n.family_tokens), n) for n in names]
    expected += [row_by_row(r, n) for n in names for r in n.alternatives]
    assert read_back(NameTable.from_names(names)) == expected


@settings(max_examples=60)
@given(st.lists(printed_names | st.just('Ann "Bo" Lee Jr 0003'), max_size=6))
def test_the_columns_of_whole_names_say_what_the_names_say(printed: list[str]) -> None:
    names = [parse_name(text) for text in printed]
    table = NameTable.from_names(names)
    strings = np.append(table.strings, "")
    assert strings[table.full].tolist() == [n.full for n in names]
    assert strings[table.nickname].tolist() == [joined(n.nickname) for n in names]
    assert strings[table.suffix].tolist() == [n.suffix for n in names]
    assert strings[table.homonym].tolist() == [n.homonym for n in names]
    lengths = [sum(len(t) for t in n.given if len(t) > 1 and t not in n.abbreviated) for n in names]
    assert table.given_length.tolist() == lengths
    starts = np.cumsum([len(names), *[len(n.alternatives) for n in names]])
    assert table.alternative_start.tolist() == starts.tolist()


def test_each_string_has_one_code() -> None:
    table = NameTable.from_names([parse_name(text) for text in TRICKY])
    assert len(set(table.strings.tolist())) == len(table.strings)
    assert "" not in table.strings.tolist()


def test_nicknames_of_names_that_are_there_are_related() -> None:
    table = NameTable.from_names([parse_name("William Lee"), parse_name("Bill Lee")])
    code = {text: number for number, text in enumerate(table.strings.tolist())}
    size, bill, william = len(table.strings), code["bill"], code["william"]
    assert table.related.tolist() == sorted([bill * size + william, william * size + bill])
    assert bill * 128 + ord("w") in table.related_initial.tolist()
