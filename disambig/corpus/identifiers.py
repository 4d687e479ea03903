"""Find ORCID iDs and e-mail addresses that reliably identify one person.

Both are wrong often enough to need checks. A publisher copies the corresponding author's ORCID iD
to every author; a laboratory prints one address for all; the iD of a co-author is on the wrong
line. An identifier with one of these faults is ignored everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Int64
from disambig.console import escape_text
from disambig.corpus.corpus import Corpus
from disambig.names import NameTable, are_compatible
from disambig.orcid import is_orcid

MAX_NAMES = 50
"""An identifier with more distinct names is not personal; comparing them all would be slow."""

ROLES = frozenset(
    [
        "abuse",
        "admin",
        "administration",
        "admissions",
        "all",
        "chair",
        "committee",
        "conference",
        "contact",
        "contacts",
        "correspondence",
        "department",
        "dept",
        "director",
        "editor",
        "editorial",
        "editors",
        "enquiries",
        "feedback",
        "group",
        "hello",
        "help",
        "helpdesk",
        "hr",
        "info",
        "information",
        "inquiries",
        "journal",
        "journals",
        "lab",
        "library",
        "mail",
        "mailbox",
        "marketing",
        "me",
        "media",
        "no-reply",
        "noreply",
        "nobody",
        "office",
        "permissions",
        "postmaster",
        "pr",
        "press",
        "privacy",
        "program",
        "publications",
        "publisher",
        "reprints",
        "research",
        "root",
        "sales",
        "secretariat",
        "secretary",
        "service",
        "staff",
        "submissions",
        "support",
        "team",
        "test",
        "unknown",
        "user",
        "web",
        "webmaster",
    ]
)
"""Local parts of addresses that belong to a function, not a person."""

_EMAIL = re.compile(r"([^@\s<>\"]+)@[^@\s<>\"]+\.[^@\s.<>\"]+")


@dataclass(frozen=True, eq=False)
class Identifiers:
    """The reliable identifiers of one kind, and their signatures.

    Attributes
    ----------
    kind : str
        Name in messages: "ORCID iD" or "e-mail".
    texts : list of str
        Each distinct identifier, in order of its first signature.
    row, value : int64[N]
        Signature row, and index into ``texts``; in row order.
    problems : tuple of str
        One line for each identifier that was ignored.
    """

    kind: str
    texts: list[str]
    row: Int64
    value: Int64
    problems: tuple[str, ...] = ()

    def remove(self, values: set[int], problems: Sequence[str]) -> Identifiers:
        """Return a copy without some identifiers (indices into ``texts``); add their problems."""
        is_kept = ~np.isin(self.value, list(values))
        return Identifiers(
            self.kind,
            self.texts,
            self.row[is_kept],
            self.value[is_kept],
            (*self.problems, *problems),
        )


def find_orcids(corpus: Corpus) -> Identifiers:
    """Find the ORCID iDs that have a valid check digit and belong to one person."""
    return _remove_unreliable(corpus, _collect("ORCID iD", corpus.orcids, is_orcid))


def find_emails(corpus: Corpus) -> Identifiers:
    """Find the personal e-mail addresses that belong to one person."""
    return _remove_unreliable(corpus, _collect("e-mail", corpus.emails, is_personal))


def is_personal(address: str) -> bool:
    """Return whether an address is one person's, not an office's.

    >>> is_personal("m.curie@example.org"), is_personal("info@example.org")
    (True, False)
    """
    match = _EMAIL.fullmatch(address)
    return match is not None and match[1].split("+")[0].rstrip("0123456789") not in ROLES


def list_equal_pairs(key: Int64) -> tuple[Int64, Int64]:
    """Return all index pairs i < j with ``key[i] == key[j]``."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    end = np.searchsorted(ordered, ordered, side="right")
    partners = end - 1 - np.arange(len(key))
    a = np.repeat(np.arange(len(key)), partners)
    first = np.cumsum(partners) - partners
    b = np.arange(len(a)) - np.repeat(first, partners) + a + 1
    return order[a], order[b]


def _collect(kind: str, texts: Sequence[str], is_usable: Callable[[str], bool]) -> Identifiers:
    codes: dict[str, int] = {}
    row, value = [], []
    for signature, text in enumerate(texts):
        if text and (text in codes or is_usable(text)):
            row.append(signature)
            value.append(codes.setdefault(text, len(codes)))
    return Identifiers(kind, list(codes), np.array(row, np.int64), np.array(value, np.int64))


def _remove_unreliable(corpus: Corpus, identifiers: Identifiers) -> Identifiers:
    """Remove identifiers of two authors of one work, or with incompatible names."""
    reasons = _find_repeated_on_work(corpus, identifiers)
    reasons = {**_find_conflicting_names(corpus, identifiers), **reasons}
    lines = [
        escape_text(f"{identifiers.kind} {identifiers.texts[v]} is ignored: {reasons[v]}")
        for v in sorted(reasons)
    ]
    return identifiers.remove(set(reasons), lines) if reasons else identifiers


def _find_repeated_on_work(corpus: Corpus, identifiers: Identifiers) -> dict[int, str]:
    key = identifiers.value * corpus.n_works + corpus.signature_work[identifiers.row]
    # sorted by key, every repetition is adjacent; comparing all pairs would be quadratic
    order = np.argsort(key, kind="stable")
    repeats = np.flatnonzero(key[order][1:] == key[order][:-1])
    reasons: dict[int, str] = {}
    for a, b in zip(order[repeats].tolist(), order[repeats + 1].tolist(), strict=True):
        value = int(identifiers.value[a])
        if value not in reasons:
            one, other = (corpus.signature(int(identifiers.row[x])) for x in (a, b))
            reasons[value] = f"two authors of one work have it, {one} and {other}"
    return reasons


def _find_conflicting_names(corpus: Corpus, identifiers: Identifiers) -> dict[int, str]:
    name = corpus.signature_name[identifiers.row].astype(np.int64)
    _, first = np.unique(identifiers.value * len(corpus.names) + name, return_index=True)
    value, name, row = identifiers.value[first], name[first], identifiers.row[first]
    n_names = np.bincount(value, minlength=len(identifiers.texts))
    reasons = {
        int(v): f"{n_names[v]} different names have it" for v in np.flatnonzero(n_names > MAX_NAMES)
    }
    few = np.flatnonzero((n_names[value] > 1) & (n_names[value] <= MAX_NAMES))
    a, b = list_equal_pairs(value[few])
    if not len(a):
        return reasons
    name_codes, index = np.unique(name[few], return_inverse=True)
    table = NameTable.from_names([corpus.names[n] for n in name_codes.tolist()])
    agree = are_compatible(table, index[a].astype(np.int32), index[b].astype(np.int32))
    for x, y in zip(few[a[~agree]].tolist(), few[b[~agree]].tolist(), strict=True):
        one, other = (
            f"{corpus.signature(int(row[z]))} ({corpus.printed_name(int(row[z]))})" for z in (x, y)
        )
        reasons.setdefault(int(value[x]), f"the names of {one} and {other} are incompatible")
    return reasons
