"""Native records: what is kept as it is, what is mended and told, what is rejected and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from disambig.domain import Author, Work
from disambig.ingest import Severity
from tests.support.ingest_reading import read, record

Write = Callable[..., Path]


def test_every_field_of_a_full_record_is_read(jsonl: Write) -> None:
    author = {
        "name": "Ada Byron",
        "given": "Ada",
        "family": "Byron",
        "affiliations": ["London"],
        "orcid": "0000-0002-1825-0097",
        "email": "ada@example.org",
    }
    full = record(
        authors=[author],
        abstract="First.\n\nSecond.",
        venue="Notes",
        keywords=["engines"],
        ids={"arxiv": "2001.00001"},
        doi="10.1000/1",
        citations=3,
        references=["w0", "elsewhere", "w0", ""],
        collaborations=["ATLAS"],
    )
    assert read(jsonl(full)).works == [
        Work(
            id="w1",
            title="On Names",
            authors=(
                Author(
                    "Ada Byron",
                    "Ada",
                    "Byron",
                    ("London",),
                    "0000-0002-1825-0097",
                    "ada@example.org",
                ),
            ),
            abstract="First.\n\nSecond.",
            venue="Notes",
            year=2020,
            keywords=("engines",),
            ids=(("arxiv", "2001.00001"), ("doi", "10.1000/1")),
            citations=3,
            references=("w0", "elsewhere"),
            collaborations=("ATLAS",),
        )
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [([1, "w2"], ("1", "w2")), ("w2", ("w2",)), ([{"doi": "x"}, "w2"], ("w2",)), ({"a": 1}, ())],
)
def test_references_that_are_no_texts_never_reject_a_work(
    value: object, expected: tuple[str, ...], jsonl: Write
) -> None:
    (result,) = read(jsonl(record(references=value))).works
    assert result.references == expected


def test_a_clean_record_gives_no_problem(jsonl: Write) -> None:
    assert read(jsonl(record())).problems == []


def test_empty_texts_and_nulls_mean_not_stated(jsonl: Write) -> None:
    author = {"name": "Ada Byron", "given": "", "family": None, "affiliation": "", "orcid": ""}
    blank = record(abstract="", venue=None, year=None, keywords=[], doi="", authors=[author])
    work = read(jsonl(blank)).work
    assert work == Work(id="w1", title="On Names", authors=(Author("Ada Byron"),))


def test_unknown_keys_are_no_problem(jsonl: Write) -> None:
    result = read(jsonl(record(publisher="X", authors=[{"name": "Ada Byron", "shoe": 38}])))
    assert (len(result.works), result.problems) == (1, [])


def test_a_name_is_kept_as_printed_with_its_inner_blanks_and_number(jsonl: Write) -> None:
    result = read(jsonl(record(authors=[{"name": "Wei  Wang 0003"}])))
    assert result.work.authors[0].name == "Wei  Wang 0003"


@pytest.mark.parametrize("key", ["citations", "citation_count", "n_citation"])
def test_the_citation_count_has_three_names(jsonl: Write, key: str) -> None:
    assert read(jsonl(record(**{key: 7}))).work.citations == 7


def test_zero_citations_are_not_missing_citations(jsonl: Write) -> None:
    assert read(jsonl(record(citations=0))).work.citations == 0


def test_affiliations_joined_with_plus_are_parted_and_repeats_dropped(jsonl: Write) -> None:
    author = {"name": "Ada Byron", "affiliation": "Oxford+Google + Meta+Oxford"}
    result = read(jsonl(record(authors=[author])))
    assert result.work.authors[0].affiliations == ("Oxford", "Google", "Meta")


def test_the_plus_of_a_telephone_number_parts_nothing(jsonl: Write) -> None:
    author = {"name": "Ada Byron", "affiliation": "Los Alamos, Tel.: +1 505 665"}
    result = read(jsonl(record(authors=[author])))
    assert result.work.authors[0].affiliations == ("Los Alamos, Tel.: +1 505 665",)


def test_entries_of_an_affiliation_list_are_not_parted(jsonl: Write) -> None:
    author = {"name": "Ada Byron", "affiliations": ["Barnes+Noble"]}
    result = read(jsonl(record(authors=[author])))
    assert result.work.authors[0].affiliations == ("Barnes+Noble",)


REPAIRS: list[tuple[dict[str, Any], str, Callable[[Work], Any], Any]] = [
    ({"year": "2006"}, "year", lambda w: w.year, 2006),
    ({"year": 2006.0}, "year", lambda w: w.year, 2006),
    ({"id": 17}, "id", lambda w: w.id, "17"),
    ({"n_citation": "12"}, "n_citation", lambda w: w.citations, 12),
    ({"keywords": "a; b"}, "keywords", lambda w: w.keywords, ("a", "b")),
    ({"title": "On\r\n  Names"}, "title", lambda w: w.title, "On Names"),
    ({"title": "On \u202eNames\u202c"}, "title", lambda w: w.title, "On Names"),
    ({"title": "\x1b[31mOn Names"}, "title", lambda w: w.title, "[31mOn Names"),
    ({"title": "\ufeffOn Names"}, "title", lambda w: w.title, "On Names"),
    ({"title": " On Names "}, "title", lambda w: w.title, "On Names"),
    ({"title": "Uber u\u0308ber"}, "title", lambda w: w.title, "Uber \u00fcber"),
    ({"abstract": "a\r\nb"}, "abstract", lambda w: w.abstract, "a\nb"),
    ({"venue": "A\tB"}, "venue", lambda w: w.venue, "A B"),
    ({"authors": ["Ada Byron"]}, "authors", lambda w: w.authors, (Author("Ada Byron"),)),
    ({"doi": "https://doi.org/10.1/X"}, "doi", lambda w: w.ids, (("doi", "10.1/X"),)),
    ({"ids": {"mag": 12}}, "ids.mag", lambda w: w.ids, (("mag", "12"),)),
]


@pytest.mark.parametrize(("fields", "field", "part", "expected"), REPAIRS)
def test_a_harmless_flaw_is_mended(
    jsonl: Write, fields: dict[str, Any], field: str, part: Callable[[Work], Any], expected: Any
) -> None:
    assert part(read(jsonl(record(**fields))).work) == expected


@pytest.mark.parametrize(("fields", "field", "part", "expected"), REPAIRS)
def test_a_mended_flaw_is_told_with_its_field(
    jsonl: Write, fields: dict[str, Any], field: str, part: Callable[[Work], Any], expected: Any
) -> None:
    result = read(jsonl(record(**fields)))
    assert (result.problem.severity, result.problem.field) == (Severity.REPAIRED, field)


AUTHOR_REPAIRS: list[tuple[dict[str, Any], str, Author]] = [
    (
        {"orcid": "https://orcid.org/0000-0002-1694-233X"},
        "authors[0].orcid",
        Author("A B", orcid="0000-0002-1694-233X"),
    ),
    ({"orcid": "000000021694233x"}, "authors[0].orcid", Author("A B", orcid="0000-0002-1694-233X")),
    ({"orcid": "0000-0002-1694-2331"}, "authors[0].orcid", Author("A B")),
    ({"orcid": "none"}, "authors[0].orcid", Author("A B")),
    ({"orcid": 5}, "authors[0].orcid", Author("A B")),
    ({"email": "a at b"}, "authors[0].email", Author("A B")),
    ({"affiliations": "X+Y"}, "authors[0].affiliations", Author("A B", affiliations=("X", "Y"))),
    ({"affiliation": ["X+Y"]}, "authors[0].affiliation", Author("A B", affiliations=("X+Y",))),
    ({"name": "", "given": "A", "family": "B"}, "authors[0].name", Author("A B", "A", "B")),
    ({"name": "A\u200b B"}, "authors[0].name", Author("A B")),
]


@pytest.mark.parametrize(("fields", "field", "expected"), AUTHOR_REPAIRS)
def test_a_harmless_flaw_of_an_author_is_mended_and_told(
    jsonl: Write, fields: dict[str, Any], field: str, expected: Author
) -> None:
    result = read(jsonl(record(authors=[{"name": "A B"} | fields])))
    assert result.work.authors == (expected,)
    assert (result.problem.severity, result.problem.field) == (Severity.REPAIRED, field)


def test_joiners_that_names_are_spelt_with_stay(jsonl: Write) -> None:
    name = "علی\u200cرضا"
    assert read(jsonl(record(authors=[{"name": name}]))).work.authors[0].name == name


def test_a_byte_order_mark_before_the_record_is_mended(jsonl: Write) -> None:
    path = jsonl(record())
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    result = read(path)
    assert (len(result.works), result.problem.problem) == (1, "byte order mark")


REJECTS: list[tuple[dict[str, Any], str]] = [
    ({"id": ...}, "id"),
    ({"id": ""}, "id"),
    ({"id": " "}, "id"),
    ({"id": "a\x00b"}, "id"),
    ({"id": None}, "id"),
    ({"id": "x" * 513}, "id"),
    ({"title": ...}, "title"),
    ({"title": ""}, "title"),
    ({"title": "\u202e"}, "title"),
    ({"title": 5}, "title"),
    ({"title": "x" * 10_001}, "title"),
    ({"year": "n.d."}, "year"),
    ({"year": 999}, "year"),
    ({"year": date.today().year + 3}, "year"),
    ({"year": True}, "year"),
    ({"year": 2006.5}, "year"),
    ({"year": "²⁰⁰⁶"}, "year"),
    ({"authors": ...}, "authors"),
    ({"authors": []}, "authors"),
    ({"authors": "Ada; Bob"}, "authors"),
    ({"authors": [""]}, "authors[0].name"),
    ({"authors": [{"name": "A B"}, {"name": ""}]}, "authors[1].name"),
    ({"authors": [{"name": " "}]}, "authors[0].name"),
    ({"authors": [{"given": "A"}]}, "authors[0].name"),
    ({"authors": [None]}, "authors[0]"),
    ({"authors": [{"name": 5}]}, "authors[0].name"),
    ({"authors": [{"name": "A"}] * 10_001}, "authors"),
    ({"authors": [{"name": "\ud800"}]}, "authors[0].name"),
    ({"keywords": [1]}, "keywords[0]"),
    ({"citations": -1}, "citations"),
    ({"ids": ["x"]}, "ids"),
]


@pytest.mark.parametrize(("fields", "field"), REJECTS)
def test_a_bad_record_is_rejected_with_its_field_and_the_rest_goes_on(
    jsonl: Write, fields: dict[str, Any], field: str
) -> None:
    result = read(jsonl(record(**fields), record(id="good")))
    assert [work.id for work in result.works] == ["good"]
    assert (result.problem.severity, result.problem.line, result.problem.field) == (
        Severity.REJECTED,
        1,
        field,
    )


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b'{"id": "w1", "title": "x"', "record"),
        (b"not json", "record"),
        (b"[1, 2]", "record"),
        (b'"text"', "record"),
        (b"null", "record"),
        (b"17", "record"),
        (b"\x00\x01", "record"),
        (b'{"id": "a"} {"id": "b"}', "record"),
        (b"[" * 100_000, "record"),
        (b'{"year": ' + b"9" * 5_000 + b"}", "record"),
        ('{"id": "w1", "title": "Gödel"}'.encode("latin-1"), "encoding"),
        ('{"id": "w1"}'.encode("utf-16"), "encoding"),
    ],
)
def test_a_line_that_is_no_record_is_rejected_and_the_rest_goes_on(
    jsonl: Write, line: bytes, field: str
) -> None:
    result = read(jsonl(record(id="first"), line, record(id="last")))
    assert [work.id for work in result.works] == ["first", "last"]
    assert (result.problem.line, result.problem.field) == (2, field)


def test_wrong_encoding_is_told_with_the_byte_and_the_remedy(jsonl: Write) -> None:
    line = '{"id": "Gö"}'.encode("latin-1")
    assert str(read(jsonl(record(), line)).problem).endswith(
        "works.jsonl:2: encoding: not UTF-8 (byte 0xf6 at byte 10 of the line); "
        "save the file as UTF-8 or convert it: iconv -f LATIN1 -t UTF-8"
    )


def test_the_line_of_a_problem_cannot_act_on_a_terminal(jsonl: Write) -> None:
    problem = read(jsonl(record(year="\x1b[2J\u202e"), record(id="x"))).problem
    assert '"\\x1b[2J\\u202e" is not a valid integer' in str(problem)


def test_an_affiliation_that_is_a_list_is_put_before_affiliations_in_one_text(jsonl: Write) -> None:
    author = {"name": "Ada Byron", "affiliation": ["Oxford"], "affiliations": "Bath+York"}
    work = read(jsonl(record(authors=[author]))).work
    assert work.authors[0].affiliations == ("Oxford", "Bath", "York")


def test_affiliations_that_are_no_list_beside_one_that_is_are_rejected(jsonl: Write) -> None:
    author = {"name": "Ada Byron", "affiliation": ["Oxford"], "affiliations": True}
    result = read(jsonl(record(authors=[author])))
    assert result.problem.field == "authors[0].affiliation"
    assert result.report.rejected == 1
