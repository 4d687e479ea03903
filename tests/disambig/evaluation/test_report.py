"""The report page: complete, self-contained, and deaf to hostile names."""

from __future__ import annotations

import html.parser
import itertools
import math
import re

import numpy as np
import pytest

from disambig.evaluation.metrics import evaluate, reliability_curve
from disambig.evaluation.plots import draw_distribution, draw_reliability
from disambig.evaluation.report import (
    ErrorCase,
    ErrorPart,
    PairScores,
    SampledMention,
    Section,
    SliceTable,
    build_report,
)
from disambig.evaluation.slices import Slice

METRICS = evaluate(np.array([7, 7, 7, 9]), np.array([1, 1, 2, 2]), np.zeros(4, int))
SCORES = PairScores(
    np.array([0.1, 0.3, 0.6, 0.8], dtype=np.float32), np.array([False, False, True, False])
)
EVIL = "<script>alert(1)</script>\u202e\x1b[31m{{ 7*7 }}\"'&"


def case(text: str = "Ann Lee") -> ErrorCase:
    part = ErrorPart(text, 5, (SampledMention(text, text, text, 2001), SampledMention(text, text)))
    return ErrorCase(text, (text,), 12, 9, (part, part))


def page(**more: object) -> str:
    values: dict[str, object] = {"name": "dblp", "within": METRICS, "whole": METRICS}
    section = Section(**(values | more))  # type: ignore[arg-type]
    return build_report([section], title="Identities", facts=[("split", "dev")])


def full_page(text: str) -> str:
    slices = (SliceTable(text, text, text, (Slice(text, 3, 1.0, 0.5, 2 / 3, math.nan),)),)
    section = Section(text, METRICS, METRICS, 2, SCORES, slices, (case(text),), (case(text),))
    return build_report([section], title=text, facts=[(text, text)])


class Reader(html.parser.HTMLParser):
    """Collects tags, attributes and ids, and checks that tags are balanced."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def ids(self) -> list[str]:
        return [value for name, value in self.attributes if name == "id"]


def test_figures_are_shown_in_per_cent() -> None:
    # B-cubed F1 of the worked partition is 12/17.
    assert "70.59" in page()


def test_an_undefined_figure_is_a_dash() -> None:
    singletons = evaluate(np.arange(3), np.arange(3))
    text = page(within=None, whole=singletons)
    assert "<td>–</td>" in text
    assert "nan" not in text


def test_without_blocks_the_headline_is_of_the_whole_corpus() -> None:
    text = page(within=None)
    assert "B-cubed F1, whole corpus" in text
    assert "B-cubed F1, within blocks" not in text


def test_missing_mentions_are_stated() -> None:
    assert "3 labelled mentions are missing in the clusters" in page(missing=3)


def test_the_calibration_error_is_stated_with_its_pairs() -> None:
    # One pair in each of four bins: (.1 + .3 + .4 + .8) / 4
    text = page(pair_scores=SCORES)
    assert "Expected calibration error <strong>0.400</strong> over 4 pairs" in text


def test_without_pair_scores_the_page_does_not_speak_of_probabilities() -> None:
    assert "Are the probabilities honest?" not in page()


def test_plots_are_inline_and_named_for_screen_readers() -> None:
    text = page(pair_scores=SCORES)
    assert text.count('<svg role="img"') == 2
    assert "<title>Reliability, dblp</title>" in text


def test_a_mixture_shows_names_titles_years_and_what_is_left_out() -> None:
    text = page(overmerges=(case("Ann Lee"),))
    assert "<strong>9 persons</strong> over 12 mentions" in text
    assert "5 mentions, 2 shown" in text
    assert "and 7 persons more" in text
    assert '<td class="year">2001</td>' in text


def test_a_partition_without_mixtures_says_so() -> None:
    assert "No identity holds two persons." in page()


def test_hostile_text_stays_text_wherever_it_is_shown() -> None:
    text = full_page(EVIL)
    assert "<script" not in text
    assert "script" not in Reader(text).tags
    assert "{{ 7*7 }}" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_no_control_or_bidirectional_character_reaches_the_page() -> None:
    text = full_page(EVIL + "\u2066\u200f\x00\x9b")
    assert (
        re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
        == []
    )


def test_an_attribute_cannot_be_broken_out_of() -> None:
    names = {name for name, _ in Reader(full_page('" onmouseover="alert(1)')).attributes}
    assert "onmouseover" not in names


def test_the_page_is_self_contained() -> None:
    text = full_page("plain")
    reader = Reader(text)
    assert not {"link", "script", "img", "iframe", "object"} & set(reader.tags)
    loaded = [v for n, v in reader.attributes if n in ("src", "href", "xlink:href", "srcset")]
    assert [value for value in loaded if not value.startswith("#")] == []
    assert "http" not in text
    assert re.findall(r"url\((?!#)|@import", text) == []


def test_tags_are_balanced_and_ids_unique_with_several_sections() -> None:
    sections = [
        Section(name, METRICS, METRICS, 0, SCORES, (), (case(),), (case(),)) for name in ("a", "b")
    ]
    reader = Reader(build_report(sections, title="T"))
    assert reader.open == []
    assert len(reader.ids()) == len(set(reader.ids()))


def test_every_fragment_link_has_a_target() -> None:
    reader = Reader(full_page("plain"))
    links = {v for n, v in reader.attributes if n in ("href", "xlink:href")}
    assert {link.removeprefix("#") for link in links} <= set(reader.ids())


def test_headings_never_skip_a_level() -> None:
    levels = [int(tag[1]) for tag in Reader(full_page("plain")).tags if re.match(r"h\d$", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_the_same_input_gives_the_same_page() -> None:
    assert full_page("plain") == full_page("plain")


@pytest.mark.parametrize("same", [np.array([True, True]), np.array([False, False])])
def test_pairs_of_one_kind_only_can_be_drawn(same: np.ndarray) -> None:
    probability = np.array([0.0, 1.0])
    assert draw_distribution(probability, same, "t", "d").endswith("</svg>")
    assert draw_reliability(reliability_curve(probability, same), "t", "d").endswith("</svg>")


def test_figures_take_their_colours_and_fonts_from_the_page() -> None:
    svg = draw_distribution(np.array([0.2, 0.9]), np.array([False, True]), "t", "d")
    assert "var(--accent)" in svg
    assert re.findall(r"#0[1-5]0[2-6]0[3-7]", svg) == []
    assert "font-family" not in svg
