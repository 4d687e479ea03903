"""Copied pages, read to exact counts. The abstracts of the bundled pages are filler words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from disambig.domain import Author, Work
from disambig.errors import FormatError
from disambig.ingest import PageKind, Severity
from tests.support.ingest_reading import PAGES, Result, read, record

Write = Callable[[str | bytes], Path]

KIMIN, DEEPAK = PAGES / "kimin-lee.txt", PAGES / "deepak-pathak.txt"
KUANG, JUNHYUK, TRENDING = (
    PAGES / f"{name}.txt" for name in ("kuang-huei-lee", "junhyuk-oh", "trending")
)


def titled(result: Result, beginning: str) -> Work:
    (work,) = (work for work in result.works if work.title.startswith(beginning))
    return work


def names(work: Work) -> list[str]:
    return [author.name for author in work.authors]


@pytest.fixture
def page(tmp_path: Path) -> Write:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "page.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("path", "papers"), [(KIMIN, 43), (DEEPAK, 44), (KUANG, 22), (JUNHYUK, 27), (TRENDING, 75)]
)
def test_every_paper_of_a_page_becomes_a_work_and_nothing_is_told(path: Path, papers: int) -> None:
    result = read(path)
    assert (len(result.works), result.problems) == (papers, [])


@pytest.mark.parametrize("path", [KIMIN, DEEPAK, KUANG, JUNHYUK, TRENDING])
def test_every_work_of_a_page_has_its_abstract(path: Path) -> None:
    assert all(len(work.abstract or "") > 500 for work in read(path).works)


@pytest.mark.parametrize("path", [KIMIN, DEEPAK, KUANG, JUNHYUK, TRENDING])
def test_line_ends_and_blank_lines_make_no_difference(path: Path, tmp_path: Path) -> None:
    dense = tmp_path / path.name
    lines = [line for line in path.read_text().split("\n") if line]
    dense.write_bytes("\r\n".join(lines).encode())
    assert read(dense).works == read(path).works


# Name clusters


def test_the_header_of_a_name_cluster_is_read() -> None:
    (header,) = read(KIMIN).report.pages
    assert (header.kind, header.name, header.papers, header.n_records) == (
        PageKind.NAME_CLUSTER,
        "Kimin Lee",
        43,
        43,
    )


def test_a_paper_of_a_name_cluster_has_all_that_is_printed() -> None:
    work = titled(read(KIMIN), "Network Randomization")
    assert work.title == (
        "Network Randomization: A Simple Technique for Generalization "
        "in Deep Reinforcement Learning"
    )
    assert (work.venue, work.year, work.authors_complete) == ("ICLR", 2020, True)
    assert names(work) == ["Kimin Lee", "Kibok Lee 0003", "Jinwoo Shin", "Honglak Lee"]


def test_a_title_that_reads_like_a_heading_stays_a_title() -> None:
    assert names(titled(read(DEEPAK), "SAPG: Split and Aggregate")) == [
        "Jayesh Singla",
        "Ananye Agarwal",
        "Deepak Pathak",
    ]


def test_the_pages_own_name_is_added_where_the_cut_list_hides_it() -> None:
    work = titled(read(KIMIN), "Latent Action Pretraining")
    assert names(work)[7:] == ["Reuben Tan", "Kimin Lee"]
    assert not work.authors_complete


def test_the_pages_own_name_is_not_added_twice() -> None:
    work = titled(read(KIMIN), "StyleDrop")
    assert (len(work.authors), names(work)[3]) == (8, "Kimin Lee")


def test_a_list_of_eight_may_be_cut_even_with_the_own_name_in_it() -> None:
    assert not titled(read(KIMIN), "StyleDrop").authors_complete


@pytest.mark.parametrize(("path", "name"), [(KIMIN, "Kimin Lee"), (DEEPAK, "Deepak Pathak")])
def test_the_own_name_is_on_every_paper_once(path: Path, name: str) -> None:
    assert all(names(work).count(name) == 1 for work in read(path).works)


def test_lengths_of_the_printed_lists_are_as_on_the_page() -> None:
    # Counted on the page: 233 bullets in lists of 3 to 8, three of the eights without the name.
    lengths = Counter(len(work.authors) for work in read(KIMIN).works)
    assert lengths == {3: 2, 4: 16, 5: 5, 6: 8, 7: 6, 8: 4, 9: 2}


def test_venues_of_a_name_cluster_lose_the_word_conference_or_journal() -> None:
    venues = Counter(work.venue for work in read(DEEPAK).works)
    assert venues == {
        "NeurIPS": 15,
        "ICML": 15,
        "ICRA": 6,
        "ICLR": 4,
        "IROS": 2,
        "UAI": 1,
        "JMLR": 1,
    }


CLUSTER = """Author name cluster
Ada Byron
2 papers
2 author rows

ICLR Workshop 2023 Workshop Paper
Engines
  • ADA BYRON 0002
  • Bob Ox
First paragraph of 2020 Words Paper.

ICML Conference 2020 Conference Paper, as we said.

AAMAS Conference 2024 Extended Abstract
Looms
* Cy Pea
* Ada Byron
Text.
"""


def test_an_abstract_may_have_paragraphs_that_begin_like_headings(page: Write) -> None:
    work = titled(read(page(CLUSTER)), "Engines")
    assert work.abstract == (
        "First paragraph of 2020 Words Paper.\n\nICML Conference 2020 Conference Paper, as we said."
    )


def test_a_workshop_stays_a_workshop_and_other_paper_types_are_known(page: Write) -> None:
    assert [work.venue for work in read(page(CLUSTER)).works] == ["ICLR Workshop", "AAMAS"]


def test_the_own_name_is_recognised_without_case_and_homonym_number(page: Write) -> None:
    assert names(titled(read(page(CLUSTER)), "Engines")) == ["ADA BYRON 0002", "Bob Ox"]


def test_a_short_list_without_the_own_name_is_completed_and_told(page: Write) -> None:
    result = read(page(CLUSTER.replace("* Ada Byron", "* Dee Quill")))
    assert names(titled(result, "Looms")) == ["Cy Pea", "Dee Quill", "Ada Byron"]
    assert (result.problem.severity, result.problem.line) == (Severity.WARNING, 14)


def test_another_count_than_declared_is_told(page: Write) -> None:
    result = read(page(CLUSTER.replace("2 papers", "3 papers")))
    assert result.problem.severity is Severity.WARNING
    assert "the page says 3, 2 were found" in str(result.problem)


@pytest.mark.parametrize(
    ("gone", "field"),
    [
        ("  • ADA BYRON 0002\n  • Bob Ox\n", "authors"),
        ("Engines\n", "title"),
    ],
)
def test_a_paper_with_a_part_missing_is_rejected_and_the_rest_goes_on(
    page: Write, gone: str, field: str
) -> None:
    result = read(page(CLUSTER.replace(gone, "")))
    assert [work.title for work in result.works] == ["Looms"]
    assert (result.problem.line, result.problem.field) == (6, field)


def test_a_paper_without_abstract_is_kept(page: Write) -> None:
    assert titled(read(page(CLUSTER.replace("Text.\n", ""))), "Looms").abstract is None


def test_a_year_that_cannot_be_is_rejected(page: Write) -> None:
    result = read(page(CLUSTER.replace("AAMAS Conference 2024", "AAMAS Conference 0024")))
    assert (len(result.works), result.problem.field) == (1, "year")


def test_bytes_that_are_no_text_cost_only_their_record(page: Write) -> None:
    result = read(page(CLUSTER.encode().replace(b"Bob Ox", b"Bj\xf6rn")))
    assert [work.title for work in result.works] == ["Looms"]
    assert result.problem.problem == "not UTF-8 (byte 0xf6 in the record)"


def test_a_page_without_papers_gives_none(page: Write) -> None:
    result = read(page("Author name cluster\nAda Byron\n0 papers\n"))
    assert (result.works, result.problems) == ([], [])


# Profiles


def test_the_header_of_a_profile_is_read() -> None:
    (header,) = read(KUANG).report.pages
    assert header.kind is PageKind.PROFILE
    assert (header.name, header.papers, header.citations, header.h_index) == (
        "Kuang-Huei Lee",
        22,
        12_401,
        117,
    )


def test_a_paper_of_a_profile_has_all_that_is_printed() -> None:
    work = titled(read(KUANG), "Deep Hierarchical Planning")
    assert (work.title, work.year, work.venue) == (
        "Deep Hierarchical Planning from Pixels",
        2022,
        None,
    )
    assert names(work) == ["Danijar Hafner", "Kuang-Huei Lee", "Ian Fischer"]
    assert (work.keywords, work.authors_complete) == (("AI",), False)


def test_places_printed_for_a_paper_stay_with_the_work() -> None:
    work = titled(read(KUANG), "Deep Hierarchical Planning")
    assert work.affiliations == ("deepmind", "utoronto")
    assert all(author.affiliations == () for author in work.authors)


def test_the_person_of_a_profile_is_added_where_the_list_is_cut() -> None:
    work = titled(read(KUANG), "RT-1: Robotics Transformer")
    assert names(work) == [
        "Anthony Brohan",
        "Noah Brown",
        "Justice Carbajal",
        "Kuang-Huei Lee",
    ]


def test_a_date_without_year_leaves_the_year_missing() -> None:
    work = titled(read(KUANG), "See it to Place it")
    assert (work.year, work.keywords) == (None, ("LG",))


def test_a_list_without_et_al_is_complete() -> None:
    work = titled(read(JUNHYUK), "Many-Goals")
    assert names(work) == ["Vivek Veeriah", "Junhyuk Oh", "Satinder Singh"]
    assert work.authors_complete


def test_letters_beyond_ascii_are_read_as_printed() -> None:
    assert names(titled(read(JUNHYUK), "Unicorn"))[1:3] == ["Augustin Žídek", "André Barreto"]


PROFILE = """Home
Ada Byron
AI
h-index3
1papers
AIJun 8, 1843
Notes
Cy Pea, Dan Fox, Jr. · here, there
An abstract.
"""


def test_a_name_suffix_after_a_comma_belongs_to_the_name(page: Write) -> None:
    assert names(read(page(PROFILE)).work) == ["Cy Pea", "Dan Fox, Jr."]


def test_a_complete_list_without_the_person_is_left_and_told(page: Write) -> None:
    result = read(page(PROFILE))
    assert (len(result.work.authors), result.problem.severity) == (2, Severity.WARNING)


def test_a_profile_keeps_its_name_below_what_was_copied_with_it(page: Write) -> None:
    (header,) = read(page(PROFILE)).report.pages
    assert header.name == "Ada Byron"


def test_a_date_above_the_header_is_no_paper(page: Write) -> None:
    assert len(read(page("AIJun 9, 1843\n" + PROFILE)).works) == 1


def test_a_profile_record_without_authors_is_rejected(page: Write) -> None:
    text = "We show that engines can do whatever we know how to order them to perform and no more"
    result = read(page(PROFILE.replace("Cy Pea, Dan Fox, Jr. · here, there", text)))
    assert (result.works, result.problem.field) == ([], "authors")


# Listings


def test_papers_of_a_listing_are_text_only() -> None:
    works = read(TRENDING).works
    assert {work.authors for work in works} == {()}


def test_furniture_above_a_listing_is_no_paper() -> None:
    works = read(TRENDING).works
    assert works[0].title.startswith("Towards Robust Offline Reinforcement Learning")
    assert works[-1].title.startswith("Weakly Supervised Deep Recurrent Neural Networks")


def test_a_stray_line_in_a_listing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "page.txt"
    path.write_text(TRENDING.read_text() + "\n\nLoad more\n")
    result = read(path)
    assert (len(result.works), result.problem.severity) == (75, Severity.WARNING)


def test_an_essay_is_no_listing(page: Write) -> None:
    with pytest.raises(FormatError, match="unknown format"):
        read(page("A heading\n\n" + "Many words. " * 50 + "\n\n" + "More words. " * 50))


def test_a_declared_page_is_read_as_a_listing_on_trust(page: Write) -> None:
    result = read(page("A title\n\n" + "Many words. " * 50), format="page")
    assert result.work.title == "A title"


# Several pages


def test_a_paper_on_two_pages_is_one_work_with_both_own_names() -> None:
    result = read(KUANG, JUNHYUK)
    work = titled(result, "Gemini 2.5")
    assert names(work)[2:] == ["Mike Schaekermann", "Junhyuk Oh", "Kuang-Huei Lee"]
    assert (len(result.works), result.report.duplicates) == (48, 1)


def test_the_order_of_pages_changes_no_position() -> None:
    def by_id(result: Result) -> dict[str, Work]:
        return {work.id: work for work in result.works}

    assert by_id(read(KUANG, JUNHYUK)) == by_id(read(JUNHYUK, KUANG))


def test_a_page_given_twice_adds_nothing() -> None:
    assert read(KIMIN, KIMIN).works == read(KIMIN).works


def test_the_id_of_a_paper_does_not_depend_on_its_page() -> None:
    ids = [titled(read(path), "Gemini 2.5").id for path in (KUANG, JUNHYUK)]
    assert ids == ["page:gemini-2-5-pushing-the-frontier-fa80ecde"] * 2


def test_ids_of_all_bundled_pages_differ() -> None:
    works = read(PAGES).works
    assert (len({work.id for work in works}), len(works)) == (210, 210)


def test_a_longer_printed_list_wins_over_a_shorter_one(page: Write, tmp_path: Path) -> None:
    short = PROFILE.replace("Cy Pea, Dan Fox, Jr. · here, there", "Cy Pea et al.")
    longer = short.replace("Cy Pea et al.", "Cy Pea, Ada Byron, Di Low")
    other = tmp_path / "other.txt"
    other.write_text(longer)
    work = read(page(short), other).work
    assert (names(work), work.authors_complete) == (["Cy Pea", "Ada Byron", "Di Low"], True)


def test_another_paper_with_the_same_facts_but_other_authors_is_rejected(
    page: Write, tmp_path: Path
) -> None:
    # Neither list is cut, so the papers are two.
    other = tmp_path / "other.txt"
    other.write_text(PROFILE.replace("Cy Pea, Dan Fox, Jr.", "Cy Pea, Ada Byron"))
    result = read(page(PROFILE.replace("Dan Fox, Jr.", "Ada Byron, Di Low")), other)
    assert (len(result.works), result.problem.field) == (1, "id")


def test_pages_and_native_records_are_read_together(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_bytes(KIMIN.read_bytes())
    (tmp_path / "works.jsonl").write_text(json.dumps(record()))
    works = read(tmp_path).works
    assert (len(works), works[0].authors) == (44, (Author("Ada Byron"),))
