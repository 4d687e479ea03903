"""What every gold loader gives and says: labelled works, their blocks, and the problems met."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from anyascii import anyascii

from disambig.domain import Label, Work
from disambig.errors import RecordError

# Apostrophes join what they stand in: O'Hara is one word, as O’Hara is.
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_NOT_WORD = re.compile(r"[\W_]+")
_HOMONYM_NUMBER = re.compile(r"\d{4}")
_NUMBERED = re.compile(r"\s+\d{4}$")


@dataclass(frozen=True, slots=True)
class LabelledWork:
    """A work and the labels of its signatures. The labels' ``split`` is still empty."""

    work: Work
    labels: tuple[Label, ...] = ()


def _print_nothing(problem: RecordError) -> None:
    """Keep quiet: the default where the caller reads :attr:`Problems.found` afterwards."""


@dataclass
class Problems:
    """What was wrong with the records of a gold set.

    ``tell`` is called with each problem at once, so that a long run can show it. ``found``
    keeps them in order; ``rejected`` counts the records that were left out because of theirs,
    the other problems cost a label or a field at most.
    """

    tell: Callable[[RecordError], None] = _print_nothing
    found: list[RecordError] = field(default_factory=list)
    rejected: int = 0

    def note(self, file: str, line: int, field: str, problem: str, remedy: str) -> None:
        """Report a problem of a record that is kept."""
        error = RecordError(file, line, field, problem, remedy)
        self.found.append(error)
        self.tell(error)

    def reject(self, file: str, line: int, field: str, problem: str, remedy: str) -> None:
        """Report a problem that cost the whole record."""
        self.rejected += 1
        self.note(file, line, field, problem, remedy)


def name_words(name: str) -> list[str]:
    """Words of a name, transliterated and in small letters, without a homonym number.

    >>> name_words("Kibok Lee 0003"), name_words("Jean-Luc Müller")
    (['kibok', 'lee'], ['jean', 'luc', 'muller'])
    """
    words = [word for word in _NOT_WORD.split(anyascii(_APOSTROPHES.sub("", name)).lower()) if word]
    if len(words) > 1 and _HOMONYM_NUMBER.fullmatch(words[-1]):
        words.pop()
    return words


def bare_name(name: str) -> str:
    """A printed name without dblp's homonym number: "Kibok Lee 0003" is "Kibok Lee"."""
    return _NUMBERED.sub("", name) or name


def gold_block(name: str, family: str | None = None) -> str:
    """Block in which a gold signature is measured: first initial and family name.

    The family name is the last word where the source does not state it. This is a fixed
    convention of the labels and knows nothing of how the engine blocks, so that figures stay
    comparable when the engine changes.

    >>> gold_block("Jan HAJIČ"), gold_block("Kees van Deemter", "van Deemter"), gold_block("Lin")
    ('j hajic', 'k van deemter', 'lin')
    """
    words = name_words(name)
    if not words:
        return ""
    family_words = name_words(family or "") or words[-1:]
    if len(words) <= len(family_words):
        return " ".join(family_words)
    return " ".join([words[0][0], *family_words])
