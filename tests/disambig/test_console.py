"""Hostile text, progress bars and short counts."""

from __future__ import annotations

import io
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disambig.console import escape_text, format_count, make_console, show_progress


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("Eve\x1b[31mred", "Eve\\x1b[31mred"),
        ("a\x9b2Jb", "a\\x9b2Jb"),
        ("Wang\u202egnaW", "Wang\\u202egnaW"),
        ("\u2066isolated\u2069", "\\u2066isolated\\u2069"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half\ud800", "half\\ud800"),
        ("bell\x07", "bell\\x07"),
        ("two\r\nlines\tand\u2028more", "two  lines and more"),
    ],
)
def test_characters_with_power_over_a_terminal_become_visible(hostile: str, shown: str) -> None:
    assert escape_text(hostile) == shown


@pytest.mark.parametrize(
    "name", ["Jan Hajič", "李伟", "عبد الله", "Nguyễn Văn A", "می\u200cرود", "O'Neil [red]"]
)
def test_names_of_every_script_stay_as_they_are(name: str) -> None:
    assert escape_text(name) == name


@given(st.text())
def test_safe_text_can_be_printed_on_one_line_in_utf8(text: str) -> None:
    shown = escape_text(text)
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode("utf-8") == shown


@given(st.text())
def test_safe_text_is_left_alone_the_second_time(text: str) -> None:
    assert escape_text(escape_text(text)) == escape_text(text)


def test_markup_in_a_name_is_printed_not_obeyed() -> None:
    out = make_console()
    with out.capture() as captured:
        out.print("[red]Eve[/red] :smile:")
    assert captured.get() == "[red]Eve[/red] :smile:\n"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def attach(monkeypatch: pytest.MonkeyPatch, screen: io.StringIO, delay: float = 0.0) -> None:
    """Make the screen standard error; called in the test, after pytest has set up its own."""
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("disambig.console._DELAY_SECONDS", delay)
    monkeypatch.setattr("disambig.console._FLUSH_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")


def wait_for(text: str, screen: io.StringIO) -> bool:
    """Give the drawing thread up to five seconds."""
    end = time.monotonic() + 5
    while text not in screen.getvalue() and time.monotonic() < end:
        time.sleep(0.01)
    return text in screen.getvalue()


def test_a_bar_on_a_terminal_shows_count_total_and_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, screen := Terminal())
    with show_progress("Comparing", total=20_000, unit="pairs") as advance:
        advance(12_300)
        assert wait_for("12.3k/20k pairs", screen)


def test_a_bar_without_a_total_shows_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, screen := Terminal())
    with show_progress("Reading", unit="rows") as advance:
        advance(7)
        assert wait_for("7 rows", screen)


def test_quiet_draws_nothing_even_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, screen := Terminal())
    with show_progress("Comparing", total=10, quiet=True) as advance:
        advance(5)
        time.sleep(0.2)
    assert screen.getvalue() == ""


def test_short_work_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, screen := Terminal(), delay=60.0)
    with show_progress("Comparing", total=10) as advance:
        advance(10)
    assert "Comparing" not in screen.getvalue()


def test_nothing_is_drawn_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, file := io.StringIO())
    with show_progress("Comparing", total=10) as advance:
        advance(10)
        time.sleep(0.2)
    assert file.getvalue() == ""


def test_an_error_inside_a_bar_comes_out_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    attach(monkeypatch, Terminal())
    with pytest.raises(KeyError, match="lost"), show_progress("Comparing"):
        raise KeyError("lost")


@pytest.mark.parametrize(
    ("n", "shown"), [(0, "0"), (9999, "9999"), (10_000, "10k"), (1_250_000, "1.25M"), (2e9, "2G")]
)
def test_counts_are_short(n: float, shown: str) -> None:
    assert format_count(n) == shown
