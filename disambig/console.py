"""Terminal output: escaped text, consoles and progress bars.

Names and titles are untrusted. :func:`escape_text` is the only function that
escapes what could control a terminal (escape sequences, control and bidirectional characters). The
consoles created here never interpret markup, so ``[red]`` in a name is printed as it is. rich is
imported at first use, so that ``--help`` stays fast.
"""

from __future__ import annotations

import sys
import threading
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

# joiners that Persian and Indic names need; every other format character is escaped
_JOINERS = {"\u200c", "\u200d"}
_SPACE_CATEGORIES = {"Zs", "Zl", "Zp"}
_ESCAPED_CATEGORIES = {"Cc", "Cf", "Cs"}
_DELAY_SECONDS = 2.0
_FLUSH_SECONDS = 0.05


def escape_text(text: str) -> str:
    r"""Return one line of text that cannot move the cursor, change colours or reorder text.

    Line breaks, tabs and other white space become a space; control characters, format
    characters (such as bidirectional overrides) and surrogates become a visible ``\x1b`` or
    ``\u202e``.

    >>> print(safe("Eve\x1b[2J \u202eoohW"))
    Eve\x1b[2J \u202eoohW
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape_character(character) for character in text)


def _escape_character(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\t\n\v\f\r\x85" or category in _SPACE_CATEGORIES:
        return " "
    if character in _JOINERS or category not in _ESCAPED_CATEGORIES:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def format_count(n: float) -> str:
    """Format a count in at most five characters.

    >>> [format_count(n) for n in (7, 9999, 12345, 2_500_000, 3e9)]
    ['7', '9999', '12.3k', '2.5M', '3G']
    """
    for start, size, suffix in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if n >= start:
            return f"{n / size:.3g}{suffix}"
    return f"{n:.0f}"


def make_console(*, stderr: bool = False) -> Console:
    """Create a rich console on standard output or error that ignores markup and emoji."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False)


@contextmanager
def show_progress(
    description: str, total: int | None = None, unit: str = "", *, quiet: bool = False
) -> Iterator[Callable[[int], None]]:
    """Draw a progress bar with rate and time left on standard error; yield ``advance(n)``.

    Nothing is drawn if ``quiet``, if standard error is not a terminal, or if the work takes less
    than two seconds. Without a total the bar pulses and shows the count. ``advance`` may be called
    a million times a second: the screen is updated at most twenty times a second.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda n: None
        return
    bar = _Bar(escape_text(description), total, unit)
    try:
        yield bar.advance
    finally:
        bar.close()


class _Bar:
    """A bar that a timer thread shows after a delay, and that disappears when closed."""

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self._progress = _make_bar(unit)
        self._task = self._progress.add_task(description, total=total)
        self._lock = threading.Lock()
        self._closed = False
        self._pending, self._flushed = 0, time.monotonic()
        self._timer = threading.Timer(_DELAY_SECONDS, self._show)
        self._timer.daemon = True
        self._timer.start()

    def advance(self, n: int) -> None:
        self._pending += n
        now = time.monotonic()
        if now - self._flushed >= _FLUSH_SECONDS:
            self._progress.advance(self._task, self._pending)
            self._pending, self._flushed = 0, now

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._closed = True
            self._progress.stop()

    def _show(self) -> None:
        with self._lock:
            if not self._closed:
                self._progress.start()


def _make_bar(unit: str) -> Progress:
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        """Count, total if known, and units per second."""

        def render(self, task: Task) -> Text:
            done = format_count(task.completed)
            of = f"/{format_count(task.total)}" if task.total is not None else ""
            speed = f" · {format_count(task.speed)}/s" if task.speed else ""
            return Text(f"{done}{of} {unit}".rstrip() + speed, style="dim", no_wrap=True)

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=20),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(compact=True),
        console=make_console(stderr=True),
        transient=True,
    )
