"""Find ORCID iDs and e-mail addresses that reliably identify one person.

Both are wrong often enough to need checks. A publisher copies the corresponding author's ORCID iD
to every author; a laboratory prints one address for all; the iD of a co-author is on the wrong
line. So an identifier belongs to the person who has it on most works, and its other uses are
ignored; if two persons have it on equally many, it is ignored everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from disambig.arrays import Bool, Int64
from disambig.console import escape_text
from disambig.corpus.corpus import Corpus
from disambig.names import GivenRelation, NameTable, compare_names
from disambig.orcid import is_orcid

MAX_NAMES = 50
"""An identifier with more distinct names is not personal; comparing them all would be slow."""

MIN_GIVEN_LETTERS = 3
"""Letters of a given name from which it is the same name, not an abbreviation."""

MAX_USES = 5
"""Most uses that a warning names."""

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
    """The identifiers of one kind, and the signatures that they reliably identify.

    Attributes
    ----------
    kind : str
        Name in messages: "ORCID iD" or "e-mail".
    texts : list of str
        Each distinct identifier, in order of its first signature.
    row, value : int64[N]
        Signature row, and index into ``texts``; in row order.
    problems : tuple of str
        One line for each identifier that was ignored, everywhere or at some signatures.
    """

    kind: str
    texts: list[str]
    row: Int64
    value: Int64
    problems: tuple[str, ...] = ()

    def select(self, is_kept: Bool, lines: Mapping[int, str]) -> Identifiers:
        """Return a copy with some uses, bool[N]; ``lines`` say for indices into ``texts`` which
        uses are ignored and why, and are added to the problems.
        """
        problems = [escape_text(f"{self.kind} {self.texts[v]} {lines[v]}") for v in sorted(lines)]
        return Identifiers(
            self.kind,
            self.texts,
            self.row[is_kept],
            self.value[is_kept],
            (*self.problems, *problems),
        )


def find_orcids(corpus: Corpus) -> Identifiers:
    """Find the ORCID iDs that have a valid check digit, where they fit the person of most works."""
    return _remove_misplaced(corpus, _collect("ORCID iD", corpus.orcids, is_orcid))


def find_emails(corpus: Corpus) -> Identifiers:
    """Find the personal e-mail addresses, where they fit the person of most works."""
    return _remove_misplaced(corpus, _collect("e-mail", corpus.emails, is_personal))


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


def _remove_misplaced(corpus: Corpus, identifiers: Identifiers) -> Identifiers:
    """Keep the uses of each identifier that fit one person, one on each work."""
    return _remove_repeats(corpus, _remove_other_names(corpus, identifiers))


def _remove_other_names(corpus: Corpus, identifiers: Identifiers) -> Identifiers:
    """Keep the uses under the names of the person who has the identifier on most works.

    An identifier that two persons have on equally many works is ignored everywhere.
    """
    n_names = max(len(corpus.names), 1)
    name = corpus.signature_name[identifiers.row].astype(np.int64)
    key, first, kind = np.unique(
        identifiers.value * n_names + name, return_index=True, return_inverse=True
    )
    value, name = key // n_names, key % n_names
    work = corpus.signature_work[identifiers.row].astype(np.int64)
    works = np.unique(kind * max(corpus.n_works, 1) + work) // max(corpus.n_works, 1)
    n_works = np.bincount(works, minlength=len(key))
    count = np.bincount(value, minlength=len(identifiers.texts))
    is_kept = count[value] <= MAX_NAMES
    lines = {
        int(v): f"is ignored: {count[v]} different names have it"
        for v in np.flatnonzero(count > MAX_NAMES)
    }
    few = np.flatnonzero((count[value] > 1) & is_kept)
    a, b = (few[ends] for ends in list_equal_pairs(value[few]))
    misfit = ~_can_share_identifier(corpus, name[a], name[b])
    a, b = a[misfit], b[misfit]
    order = np.argsort(value[a], kind="stable")
    a, b = a[order], b[order]
    owners: dict[int, str] = {}
    for v in np.unique(value[a]).tolist():
        low, high = np.searchsorted(value, [v, v + 1])
        pairs = slice(*np.searchsorted(value[a], [v, v + 1]))
        conflict = np.zeros((high - low,) * 2, dtype=bool)
        conflict[a[pairs] - low, b[pairs] - low] = True
        printed = [corpus.names[n].printed for n in name[low:high].tolist()]
        chosen = _choose_person(n_works[low:high], conflict | conflict.T, printed)
        is_kept[low:high] = chosen
        if chosen.any():
            owner = printed[int(np.argmax(np.where(chosen, n_works[low:high], 0)))]
            owners[v] = f"{n_works[low:high][chosen].sum():,} works give it to {owner}"
        else:
            at = first[[a[pairs][0], b[pairs][0]]]
            one, other = (describe_uses(corpus, identifiers.row[[k]]) for k in at)
            lines[v] = f"is ignored: the names of {one} and {other} are incompatible"
    for v, rows in group_rows(identifiers, ~is_kept[kind]):
        if v in owners:
            lines[v] = f"is ignored at {describe_uses(corpus, rows)}: {owners[v]}"
    return identifiers.select(is_kept[kind], lines)


def group_rows(identifiers: Identifiers, uses: Bool) -> Iterator[tuple[int, Int64]]:
    """Yield the signature rows of some uses, bool[N], identifier by identifier."""
    row, value = identifiers.row[uses], identifiers.value[uses]
    order = np.argsort(value, kind="stable")
    values, start = np.unique(value[order], return_index=True)
    end = np.append(start, len(order))[1:]
    for value_code, low, high in zip(values.tolist(), start, end, strict=True):
        yield value_code, row[order[low:high]]


def _can_share_identifier(corpus: Corpus, a: Int64, b: Int64) -> Bool:
    """Return which names may be one person's who has an identifier under both, bool[P].

    These are compatible names and a written-out given name with another family name: an
    identifier goes astray to somebody of the same given name far more rarely than people marry.
    """
    if not len(a):
        return np.zeros(0, dtype=bool)
    names, index = np.unique(np.concatenate([a, b]), return_inverse=True)
    table = NameTable.from_names([corpus.names[n] for n in names.tolist()])
    left, right = index.astype(np.int32).reshape(2, -1)
    evidence = compare_names(table, left, right)
    has_same_given = (
        (evidence["given_relation"] >= GivenRelation.FIRST)
        & (evidence["given_min"] >= MIN_GIVEN_LETTERS)
        & ~(evidence["middle_relation"] == -1)
        & ~(evidence["suffix_conflict"] == 1)
        & ~(evidence["homonym_equal"] == 0)
    )
    can_share: Bool = (evidence["compatible"] == 1) | has_same_given
    return can_share


def _choose_person(n_works: Int64, conflict: Bool, printed: Sequence[str]) -> Bool:
    """Return which names of an identifier are the person's who has it on most works, bool[n].

    The names of a person do not conflict with each other. Each name is tried as the first, and
    others are added by descending number of works. None if two persons have equally many.

    Parameters
    ----------
    n_works : int64[n]
        Works of each name.
    conflict : bool[n, n]
    """
    order = sorted(range(len(printed)), key=lambda k: (-n_works[k], printed[k]))

    def choose(candidates: Bool) -> Bool:
        best = np.zeros(len(printed), dtype=bool)
        for first in order:
            chosen = np.zeros(len(printed), dtype=bool)
            for k in (first, *order):
                if candidates[k] and candidates[first] and not (chosen & conflict[k]).any():
                    chosen[k] = True
            if n_works[chosen].sum() > n_works[best].sum():
                best = chosen
        return best

    best = choose(np.ones(len(printed), dtype=bool))
    rival = choose(~best)
    return best if n_works[best].sum() > n_works[rival].sum() else np.zeros_like(best)


def _remove_repeats(corpus: Corpus, identifiers: Identifiers) -> Identifiers:
    """Keep one use of an identifier on each work: of the name with most uses, then the first."""
    key = identifiers.value * max(corpus.n_works, 1) + corpus.signature_work[identifiers.row]
    n_names = max(len(corpus.names), 1)
    name = identifiers.value * n_names + corpus.signature_name[identifiers.row]
    _, kind, count = np.unique(name, return_inverse=True, return_counts=True)
    # sorted by key, every repetition is adjacent; comparing all pairs would be quadratic
    order = np.lexsort((-count[kind], key))
    is_kept = np.ones(len(key), dtype=bool)
    is_kept[order[1:]] = key[order[1:]] != key[order[:-1]]
    lines = {
        v: f"is ignored at {describe_uses(corpus, rows)}: another author of the work has it"
        for v, rows in group_rows(identifiers, ~is_kept)
    }
    return identifiers.select(is_kept, lines)


def describe_uses(corpus: Corpus, rows: Int64) -> str:
    """Name signatures: "W1:0 (Ada Byron), W2:1 (Ada Byron) and 3 more"."""
    uses = [f"{corpus.signature(r)} ({corpus.printed_name(r)})" for r in rows[:MAX_USES].tolist()]
    rest = len(rows) - MAX_USES
    return ", ".join(uses) + (f" and {rest:,} more" if rest > 0 else "")
