"""Describe the lines of a diff with public ids, names and the decisions concerned."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from disambig.arrays import Int64
from service.db.bulk import is_in
from service.db.tables import Decision, DecisionLink, Identity, Signature
from service.identities.summary import choose_display_name
from service.publication.diff import DiffLine

MAX_OTHERS = 200
"""Most other identities, or decisions, of one line."""


@dataclass(frozen=True, eq=False)
class MembershipChanges:
    """Signature keys, and keys of their identities before and after; int64[n] each."""

    signature: Int64
    before: Int64
    after: Int64


def describe_lines(
    connection: Connection, lines: list[DiffLine], changes: MembershipChanges, n_proposed: int
) -> Iterator[tuple[Any, ...]]:
    """Yield rank, kind, mentions, identity and details of each line.

    The first ``n_proposed`` signatures of ``changes`` are those of the proposal.
    """
    keys = {key for line in lines for key in (line.key, *(k for k, _ in line.others[:MAX_OTHERS]))}
    identities = _read_identities(connection, [key for key in keys if key >= 0])
    new_names = _name_new_identities(connection, {key for key in keys if key < 0}, changes)
    decisions = _read_decisions(
        connection, {line.key for line in lines if line.kind == "decision"}, changes
    )
    pairs = zip(
        changes.before[n_proposed:].tolist(), changes.after[n_proposed:].tolist(), strict=True
    )
    following = Counter(pairs)

    def get_id_and_name(key: int) -> tuple[str | None, str]:
        return identities.get(key, (None, "")) if key >= 0 else (None, new_names.get(key, ""))

    for rank, line in enumerate(lines):
        public, name = get_id_and_name(line.key)
        others = [
            {"identity": get_id_and_name(key)[0], "name": get_id_and_name(key)[1], "mentions": n}
            for key, n in sorted(line.others, key=lambda other: -other[1])[:MAX_OTHERS]
        ]
        details = {
            "name": name,
            "others": others,
            "stays": line.n_remaining,
            "following": sum(following[line.key, key] for key, _ in line.others),
        }
        if line.kind == "decision":
            details["decisions"] = decisions.get(line.key, [])
        if line.kind == "conflict":
            details["orcids"] = [{"orcid": value, "mentions": n} for value, n in line.orcids]
        yield rank, line.kind, line.mentions, public, details


def _read_identities(
    connection: Connection, keys: Iterable[int]
) -> dict[int, tuple[str | None, str]]:
    query = select(Identity.key, Identity.id, Identity.name).where(
        is_in(connection, Identity.key, keys)
    )
    return {key: (public, name) for key, public, name in connection.execute(query)}


def _name_new_identities(
    connection: Connection, new_keys: set[int], changes: MembershipChanges
) -> dict[int, str]:
    """Return the display names that new identities would have."""
    rows = np.isin(changes.after, list(new_keys))
    identity_of = dict(
        zip(changes.signature[rows].tolist(), changes.after[rows].tolist(), strict=True)
    )
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    query = select(Signature.key, Signature.printed).where(
        is_in(connection, Signature.key, identity_of)
    )
    for key, printed in connection.execute(query):
        names = counts[identity_of[key]]
        names[printed] = names.get(printed, 0) + 1
    return {key: choose_display_name(names) for key, names in counts.items()}


def _read_decisions(
    connection: Connection, identities: set[int], changes: MembershipChanges
) -> dict[int, list[str]]:
    """Return public ids of the decisions in force about identities, at most MAX_OTHERS each."""
    rows = np.isin(changes.before, list(identities))
    identity_of = dict(
        zip(changes.signature[rows].tolist(), changes.before[rows].tolist(), strict=True)
    )
    decisions: dict[int, set[str]] = defaultdict(set)
    for end in (DecisionLink.a_key, DecisionLink.b_key):
        query = (
            select(end, Decision.id)
            .join(Decision, Decision.key == DecisionLink.decision_key)
            .where(Decision.undone_seq.is_(None), is_in(connection, end, identity_of))
        )
        for key, decision in connection.execute(query):
            decisions[identity_of[key]].add(decision)
    return {key: sorted(ids)[:MAX_OTHERS] for key, ids in decisions.items()}
