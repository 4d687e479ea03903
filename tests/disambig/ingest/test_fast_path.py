"""The short way of records in canonical shape gives what the model gives, for every record."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from disambig.domain import Author, Work
from disambig.ingest import _fast_path
from disambig.ingest._build_work import clean_text, is_clean
from disambig.ingest._fast_path import decode_canonical
from disambig.ingest._native import ParsedWork, parse_any, parse_json
from disambig.ingest._problems import BadRecord, Repair

MAX_YEAR = 2030
HOSTILE = (
    "aé\u0301ﬁ ÅＡ한+;\t\n\r\x0b\x85\u2028\xa0\u3000\xad\u200b\u200d\u202e\ufeff\x00\x1b\U000e0041"
)

texts = st.one_of(
    st.text(max_size=8),
    st.text(alphabet=HOSTILE, max_size=8),
    st.sampled_from(["", " ", "Ada Byron", "Oxford+Google", "x" * 513, "y" * 1001, "z" * 2001]),
    st.just("l" * 10_001),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from([10**12, 2**64])
)
values = st.one_of(
    scalars, st.lists(texts, max_size=3), st.dictionaries(texts, scalars, max_size=3)
)
years = st.one_of(st.integers(990, 2040), st.sampled_from(["1999", 1999.0, True, None]), scalars)
emails = st.sampled_from(["ada@example.org", " ada@example.org ", "ada at home", ""])
orcids = st.sampled_from(
    ["0000-0002-1825-0097", "https://orcid.org/0000-0002-1825-0097", "0000-0002-1825-0098", ""]
)
authors = st.fixed_dictionaries(
    {},
    optional={
        "name": texts | scalars,
        "given": texts | scalars,
        "family": texts | scalars,
        "affiliation": texts | values,
        "affiliations": st.lists(texts, max_size=3) | values,
        "orcid": orcids | scalars,
        "email": emails | scalars,
        "shoe": values,
    },
)
good_authors = st.builds(
    lambda name, more: {"name": name} | more,
    st.sampled_from(["Ada Byron", "Zoë Müller", "Wei  Li 0003", " Bo Li", "Bo\u200bLi"]),
    st.fixed_dictionaries({}, optional={"affiliation": texts, "given": texts, "orcid": orcids}),
)
records = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["w1", "é", "a\nb", " ", "i" * 512]) | scalars,
        "title": st.just("On Names") | texts | scalars,
        "authors": st.lists(good_authors, min_size=1, max_size=3)
        | st.lists(authors | texts, max_size=3)
        | values,
    },
    optional={
        "abstract": texts | scalars,
        "venue": texts | scalars,
        "year": years,
        "keywords": st.lists(texts | scalars, max_size=3) | values,
        "references": st.lists(texts | scalars, max_size=3) | values,
        "collaborations": st.lists(texts | scalars, max_size=3) | values,
        "ids": st.dictionaries(texts, texts | scalars, max_size=3) | values,
        "doi": st.sampled_from(["10.1/x", "https://doi.org/10.1/x"]) | scalars,
        "arxiv": scalars,
        "citations": st.integers(0, 9) | scalars,
        "citation_count": st.integers(0, 9) | scalars,
        "n_citation": st.integers(0, 9) | scalars,
        "publisher": values,
    },
)

Outcome = ParsedWork | tuple[str, str, str]


def outcome(parse: Any, line: bytes) -> Outcome:
    try:
        parsed: ParsedWork = parse(line, max_year=MAX_YEAR)
    except BadRecord as bad:
        return bad.field, bad.problem, bad.remedy
    return parsed


def same_outcome(line: bytes) -> bool:
    return outcome(parse_json, line) == outcome(parse_any, line)


@settings(max_examples=400)
@given(records, st.booleans())
def test_any_record_has_the_same_work_repairs_or_error(record: Any, ascii_only: bool) -> None:
    line = json.dumps(record, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert same_outcome(line)


@given(records, records)
def test_of_a_key_that_comes_twice_the_last_value_counts_in_both(a: Any, b: Any) -> None:
    line = f"{json.dumps(a)[:-1]}, {json.dumps(b)[1:]}".encode()
    assert same_outcome(line)


@given(records, st.integers(0, 400), st.binary(max_size=2))
@example({"id": "w1", "title": "T", "authors": [{"name": "A"}]}, 0, b"\xef\xbb")
def test_damaged_bytes_have_the_same_error(record: Any, at: int, put: bytes) -> None:
    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert same_outcome(line[:at] + put + line[at + 1 :])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b'\xef\xbb\xbf{"id": "w", "title": "T", "authors": [{"name": "A"}]}',
        b' {"id": "w", "title": "T", "authors": [{"name": "A"}]} \r',
        b'{"id": "w", "title": "T", "authors": [{"name": "A"}]} {}',
        b'{"id": "w", "title": "T", "authors": [{"name": "A"}], "x": NaN}',
        b'{"id": "w", "title": "T", "authors": [{"name": "A"}], "x": 1e999}',
        b'{"id": "w", "title": "T\\ud800", "authors": [{"name": "A"}]}',
        b'{"id": "w", "title": "T", "authors": [{"name": "A"}], "x": ' + b"9" * 5000 + b"}",
        b'{"id": "w", "title": "T", "authors": [{"name": "A"}], "x": '
        + b"[" * 1010
        + b"]" * 1010
        + b"}",
        b'{"id": "w", "title": "T", "authors": [{"name": "A"}], "citations": null,'
        b' "n_citation": 3}',
        b'{"id": "w", "title": "T", "authors": [' + b'{"name": "A"},' * 10_000 + b'{"name": "B"}]}',
    ],
    ids=lambda line: line[-40:].decode(errors="replace"),
)
def test_odd_lines_have_the_same_outcome(line: bytes) -> None:
    assert same_outcome(line)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"year": 2020, "venue": "Notes", "abstract": "One.\n\nTwo.", "keywords": ["a", "b"]},
        {"n_citation": 3, "ids": {"arxiv": "2001.1"}, "doi": "10.1/x", "publisher": "X"},
        {"authors": [{"name": "A", "affiliations": ["Oxford"], "orcid": "", "shoe": 38}]},
        {"references": ["w0", "x9"], "collaborations": ["ATLAS"]},
        {"year": None, "abstract": "", "keywords": None},
    ],
)
def test_a_record_in_canonical_shape_takes_the_short_way(more: dict[str, Any]) -> None:
    record = {"id": "w1", "title": "On Names", "authors": [{"name": "Ada Byron"}]} | more
    assert decode_canonical(json.dumps(record).encode()) is not None


@given(st.text(alphabet=HOSTILE + "bc d", max_size=12), st.booleans())
def test_what_is_told_to_be_clean_is_left_as_it_is(text: str, multiline: bool) -> None:
    repairs: list[Repair] = []
    composed = clean_text(text, "title", repairs, multiline=multiline)
    assert not is_clean(text) or (composed, repairs) == (text, [])


def test_no_character_that_is_taken_out_is_told_to_be_clean() -> None:
    told = [chr(c) for c in range(0x110000) if is_clean(f"a{chr(c)}b")]
    # without the short cut: the long way is taken by a text with a blank at its end
    left = [char for char in told if clean_text(f"a{char}b ", "title", []) == f"a{char}b"]
    assert left == told


def test_an_author_made_quickly_is_an_author_in_every_field() -> None:
    whole = ("Ada Byron", "Ada", "Byron", ("London",), "0000-0002-1825-0097", "ada@example.org")
    made = _fast_path.make_author(*whole)
    assert type(made) is Author
    assert (made, hash(made)) == (Author(*whole), hash(Author(*whole)))
    assert [getattr(made, f.name) for f in fields(Author)] == list(whole)
    assert _fast_path.make_author("Ada Byron") == Author("Ada Byron")


def test_a_work_made_quickly_is_a_work_in_every_field() -> None:
    ids = (("doi", "10.1/x"),)
    whole = ("w1", "On Names", (Author("Ada"),), "Abstract", "Notes", 2020, ("a",), ids, 3)
    links = {"references": ("w0",), "collaborations": ("ATLAS",)}
    made = _fast_path.make_work(*whole, **links)
    assert type(made) is Work
    assert (made, hash(made)) == (Work(*whole, **links), hash(Work(*whole, **links)))
    assert [getattr(made, f.name) for f in fields(Work)] == [
        *whole,
        True,
        (),
        ("w0",),
        ("ATLAS",),
    ]
    assert _fast_path.make_work("w1", "On Names") == Work("w1", "On Names")


def test_what_was_made_quickly_is_frozen() -> None:
    with pytest.raises(AttributeError):
        _fast_path.make_author("Ada Byron").name = "Bo Li"  # type: ignore[misc]
