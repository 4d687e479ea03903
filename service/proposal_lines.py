"""The lines of a difference as readers see them: public ids, names, and decisions concerned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, select

from service.differences import Line
from service.facts import display_name
from service.sets import among
from service.tables import Decision, DecisionLink, Identity, Signature

Int64 = npt.NDArray[np.int64]

NAMED = 200
"""Other identities that one line names."""


@dataclass(frozen=True, eq=False)
class Shown:
    """Keys of signatures, and of their identities before and after; int64[n] each."""

    signature: Int64
    before: Int64
    after: Int64


def lines_of(
    connection: Connection, lines: list[Line], shown: Shown, spoken: int
) -> Iterator[tuple[Any, ...]]:
    """Rank, kind, mentions, identity and details of each line; the first ``spoken`` mentions
    shown are those the proposal speaks of."""
    named = {key for line in lines for key in (line.key, *(k for k, _ in line.others[:NAMED]))}
    known = _identities(connection, [key for key in named if key >= 0])
    fresh = _new_names(connection, {key for key in named if key < 0}, shown)
    decisions = _decisions_of(
        connection, {line.key for line in lines if line.kind == "decision"}, shown
    )
    pairs = zip(shown.before[spoken:].tolist(), shown.after[spoken:].tolist(), strict=True)
    following = Counter(pairs)

    def told(key: int) -> tuple[str | None, str]:
        return known.get(key, (None, "")) if key >= 0 else (None, fresh.get(key, ""))

    for rank, line in enumerate(lines):
        public, name = told(line.key)
        others = [
            {"identity": told(key)[0], "name": told(key)[1], "mentions": n}
            for key, n in sorted(line.others, key=lambda other: -other[1])[:NAMED]
        ]
        details = {
            "name": name,
            "others": others,
            "stays": line.stays,
            "following": sum(following[line.key, key] for key, _ in line.others),
        }
        if line.kind == "decision":
            details["decisions"] = decisions.get(line.key, [])
        if line.kind == "conflict":
            details["orcids"] = [{"orcid": value, "mentions": n} for value, n in line.orcids]
        yield rank, line.kind, line.mentions, public, details


def _identities(connection: Connection, keys: Iterable[int]) -> dict[int, tuple[str | None, str]]:
    query = select(Identity.key, Identity.id, Identity.name).where(
        among(connection, Identity.key, keys)
    )
    return {key: (public, name) for key, public, name in connection.execute(query)}


def _new_names(connection: Connection, made: set[int], shown: Shown) -> dict[int, str]:
    """What new identities would be called."""
    rows = np.isin(shown.after, list(made))
    of = dict(zip(shown.signature[rows].tolist(), shown.after[rows].tolist(), strict=True))
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    query = select(Signature.key, Signature.printed).where(among(connection, Signature.key, of))
    for key, printed in connection.execute(query):
        names = counts[of[key]]
        names[printed] = names.get(printed, 0) + 1
    return {key: display_name(names) for key, names in counts.items()}


def _decisions_of(
    connection: Connection, identities: set[int], shown: Shown
) -> dict[int, list[str]]:
    """Public ids of the decisions in force about mentions of identities, at most NAMED each."""
    rows = np.isin(shown.before, list(identities))
    of = dict(zip(shown.signature[rows].tolist(), shown.before[rows].tolist(), strict=True))
    found: dict[int, set[str]] = defaultdict(set)
    for end in (DecisionLink.a_key, DecisionLink.b_key):
        query = (
            select(end, Decision.id)
            .join(Decision, Decision.key == DecisionLink.decision_key)
            .where(Decision.undone_seq.is_(None), among(connection, end, of))
        )
        for key, decision in connection.execute(query):
            found[of[key]].add(decision)
    return {key: sorted(ids)[:NAMED] for key, ids in found.items()}
