"""Shared types of the gold loaders: labelled works, gold blocks, and problems of records."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from anyascii import anyascii

from disambig.domain import Label, Work
from disambig.errors import RecordError

# Apostrophes do not separate words: O'Hara and O’Hara are one word each.
_APOSTROPHES = re.compile("['’‘ʼ`´]")
_NOT_WORD = re.compile(r"[\W_]+")
_HOMONYM_NUMBER = re.compile(r"\d{4}")
_NUMBERED = re.compile(r"\s+\d{4}$")


@dataclass(frozen=True, slots=True)
class LabelledWork:
    """A work and the labels of its signatures. The labels' ``split`` is still empty."""

    work: Work
    labels: tuple[Label, ...] = ()


def _ignore_problem(problem: RecordError) -> None:
    """Do nothing: the default if the caller reads :attr:`Problems.errors` afterwards."""


@dataclass
class Problems:
    """Problems of the records of a gold set.

    ``on_problem`` is called with each problem at once, so that a long run can show it.
    ``errors`` lists them in order; ``rejected`` counts the records left out. Other problems lose
    a label or a field at most.
    """

    on_problem: Callable[[RecordError], None] = _ignore_problem
    errors: list[RecordError] = field(default_factory=list)
    rejected: int = 0

    def warn(self, file: str, line: int, field: str, problem: str, remedy: str) -> None:
        """Report a problem of a record that is not rejected."""
        error = RecordError(file, line, field, problem, remedy)
        self.errors.append(error)
        self.on_problem(error)

    def reject(self, file: str, line: int, field: str, problem: str, remedy: str) -> None:
        """Report a problem and reject the record."""
        self.rejected += 1
        self.warn(file, line, field, problem, remedy)


def split_name(name: str) -> list[str]:
    """Split a name into transliterated lower-case words, without a homonym number.

    >>> name_words("Kibok Lee 0003"), name_words("Jean-Luc Müller")
    (['kibok', 'lee'], ['jean', 'luc', 'muller'])
    """
    words = [word for word in _NOT_WORD.split(anyascii(_APOSTROPHES.sub("", name)).lower()) if word]
    if len(words) > 1 and _HOMONYM_NUMBER.fullmatch(words[-1]):
        words.pop()
    return words


def strip_homonym_number(name: str) -> str:
    """Strip dblp's homonym number: "Kibok Lee 0003" becomes "Kibok Lee"."""
    return _NUMBERED.sub("", name) or name


def compute_gold_block(name: str, family: str | None = None) -> str:
    """Compute the block in which a gold signature is evaluated: first initial and family name.

    The family name is the last word if the source does not state it. This is a fixed convention
    of the labels, independent of the blocking of the engine, so that metrics stay comparable when
    the engine changes.

    >>> gold_block("Jan HAJIČ"), gold_block("Kees van Deemter", "van Deemter"), gold_block("Lin")
    ('j hajic', 'k van deemter', 'lin')
    """
    words = split_name(name)
    if not words:
        return ""
    family_words = split_name(family or "") or words[-1:]
    if len(words) <= len(family_words):
        return " ".join(family_words)
    return " ".join([words[0][0], *family_words])
