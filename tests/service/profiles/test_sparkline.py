"""The strip of years: a bar a year, told in words too."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from service.profiles.sparkline import MAX_YEARS, draw_years

SVG = "{http://www.w3.org/2000/svg}"


def drawn(works: dict[int, int], name: str = "Wei Wang") -> ElementTree.Element:
    return ElementTree.fromstring(draw_years(name, works))


def test_there_is_a_bar_for_each_year_with_works_and_the_tallest_is_the_most() -> None:
    bars = drawn({2001: 1, 2003: 4}).findall(f"{SVG}rect")
    assert [(b.get("x"), b.get("height")) for b in bars] == [("0", "10"), ("20", "40")]


def test_it_has_a_title_and_a_description() -> None:
    picture = drawn({2001: 1, 2003: 4})
    assert picture.get("role") == "img"
    assert picture.findtext(f"{SVG}title") == "Works per year of Wei Wang"
    assert picture.findtext(f"{SVG}desc") == "5 works from 2001 to 2003; most in a year: 4."


def test_without_years_it_says_so() -> None:
    assert drawn({}).findtext(f"{SVG}desc") == "No years are known."


def test_many_years_are_cut_to_the_latest() -> None:
    picture = drawn(dict.fromkeys(range(1500, 2021), 1))
    assert len(picture.findall(f"{SVG}rect")) == MAX_YEARS
    assert [t.text for t in picture.findall(f"{SVG}text")] == ["1901", "2020"]


def test_one_year_far_away_does_not_make_it_wide() -> None:
    picture = drawn({1: 1, 2020: 1})
    assert int(picture.get("width") or 0) <= MAX_YEARS * 10


@pytest.mark.parametrize("name", ["<script>", "a\x07b", "&amp;", '"', "\ufffe", "x" * 10_000])
def test_any_name_gives_a_picture(name: str) -> None:
    assert drawn({2000: 1}, name).findtext(f"{SVG}title")
