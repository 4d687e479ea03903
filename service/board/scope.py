"""Select what a board shows: identities, unassigned mentions, and the question.

Identities of other names are included if the most valuable tasks of the block concern them. The
board and its preview read the same scope, so both cover the same mentions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from disambig import domain
from service.db.bulk import is_in
from service.db.signatures import read_identity_keys, read_signature_keys
from service.db.tables import Membership, Signature, Work
from service.identities.store import ACTIVE, IdentityRow, read_identities, read_identities_by_id
from service.profiles.name import NameSummary, find_name
from service.review.by_name import list_extra_identities
from service.tasks import queries as task_queries

MAX_BOARD_MENTIONS = 2_000
"""Maximum mentions on one board."""
MAX_BOARD_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class BoardQuestion:
    """The task for which a board is opened.

    Attributes
    ----------
    task : str
        Id.
    kind : str
    is_blind : bool
        Whether reviewers answer without seeing each other's answers.
    probability : float or None
        Probability that the two sides are one person.
    sides : list of (list of domain.Signature)
        Mentions concerned: none, one side (which identity?) or two (one person?).
    """

    task: str
    kind: str
    is_blind: bool
    probability: float | None
    sides: list[list[domain.Signature]] = field(default_factory=list)


@dataclass(frozen=True)
class BoardScope:
    """Content of a board.

    Attributes
    ----------
    name : NameSummary
    rows : list of IdentityRow
        In the order of the columns.
    mentions : dict of int to (int or None)
        Identity key by signature key, most relevant signatures first; None: unassigned.
    hidden_counts : dict of int to int
        Number of omitted mentions by identity key.
    n_omitted : int
        Number of omitted identities.
    question : BoardQuestion or None
    signature_of : dict of domain.Signature to int
        Signature keys of the mentions in question.
    """

    name: NameSummary
    rows: list[IdentityRow]
    mentions: dict[int, int | None]
    hidden_counts: dict[int, int]
    n_omitted: int
    question: BoardQuestion | None
    signature_of: dict[domain.Signature, int]

    def side_keys(self, number: int) -> list[int]:
        """Return the signature keys of one side of the question."""
        if self.question is None or number >= len(self.question.sides):
            return []
        keys = (self.signature_of.get(m) for m in self.question.sides[number])
        return [key for key in keys if key is not None]


def read_scope(connection: Connection, text: str, task_id: str | None = None) -> BoardScope:
    """Select the content of the board of a printed name.

    Raises
    ------
    NotFound
        If no work has the name, or the task does not exist.
    """
    name = find_name(connection, text)
    question = None if task_id is None else read_question(connection, task_id)
    question_mentions = [m for side in (question.sides if question else ()) for m in side]
    signature_of = read_signature_keys(connection, question_mentions)
    identity_of = read_identity_keys(connection, signature_of.values())
    first_identities = list(
        dict.fromkeys(identity_of[key] for key in signature_of.values() if key in identity_of)
    )
    related_identities = (
        [] if question is None else _list_related_identities(connection, question, first_identities)
    )
    identity_keys = list(
        dict.fromkeys(
            [*first_identities, *related_identities, *_list_name_identities(connection, name.key)]
        )
    )
    sizes = _count_members(connection, identity_keys)
    question_keys = set(signature_of.values())
    unassigned = _list_unassigned(connection, name.key, question_keys)
    remaining = MAX_BOARD_MENTIONS - min(len(unassigned), MAX_BOARD_MENTIONS // 2)
    shown_counts: dict[int, int] = {}
    for key in identity_keys:
        n = sizes.get(key, 0)
        if (n > remaining and shown_counts and key not in first_identities) or len(
            shown_counts
        ) >= MAX_BOARD_COLUMNS:
            continue
        shown_counts[key] = min(n, max(remaining, 0))
        remaining -= shown_counts[key]
    members = _list_members(connection, shown_counts)
    mentions: dict[int, int | None] = {}
    for key, n in shown_counts.items():
        shown_keys = sorted(members[key], key=lambda s: (s not in question_keys, s))[:n]
        mentions.update(dict.fromkeys(shown_keys, key))
    hidden_counts = {
        key: sizes[key] - n for key, n in shown_counts.items() if n < sizes.get(key, 0)
    }
    mentions.update(dict.fromkeys(unassigned[: MAX_BOARD_MENTIONS - len(mentions)], None))
    rows = read_identities(connection, shown_counts)
    return BoardScope(
        name,
        [rows[key] for key in shown_counts if key in rows],
        mentions,
        hidden_counts,
        len(identity_keys) - len(shown_counts),
        question,
        signature_of,
    )


def read_question(connection: Connection, task_id: str) -> BoardQuestion:
    """Return the question of a task.

    Raises
    ------
    NotFound
        If the task does not exist.
    """
    task = task_queries.get_task(connection, task_id)
    evidence = task.evidence
    probability = evidence.get("probability")
    sides = [_parse_mentions(side) for side in _as_list(evidence.get("sides"))]
    if task.kind == "merge":
        # a task stores some mentions of each side; the question covers all
        all_members = _list_mentions(connection, task.subject.split("+"))
        sides = all_members if len(all_members) == 2 else sides
    if task.kind == "split":
        sides = _complete_sides(connection, task.subject, evidence, sides)
    if task.kind == "conflict" and not sides:
        identity_ids = [i for i in _as_list(evidence.get("identities")) if isinstance(i, str)]
        sides = _list_mentions(connection, identity_ids[:2])
    if task.kind == "assign" and isinstance(evidence.get("work"), str):
        sides = [[domain.Signature(evidence["work"], int(evidence.get("position", 0)))]]
        rivals = [r for r in _as_list(evidence.get("rivals")) if isinstance(r, Mapping)]
        sides += _list_mentions(connection, [str(r.get("identity")) for r in rivals[:1]])
        probability = rivals[0].get("probability") if rivals else None
    number = float(probability) if isinstance(probability, int | float) else None
    return BoardQuestion(task.id, task.kind, task.blind, number, [side for side in sides if side])


def _complete_sides(
    connection: Connection,
    subject: str,
    evidence: Mapping[str, Any],
    sides: list[list[domain.Signature]],
) -> list[list[domain.Signature]]:
    """Complete a truncated side of a split task with all mentions not on the other side."""
    entries = [side for side in _as_list(evidence.get("sides")) if isinstance(side, Mapping)]
    sizes = [int(side.get("n", 0)) for side in entries]
    all_members = _list_mentions(connection, [subject])
    if len(sides) != 2 or len(sizes) != 2 or not all_members:
        return sides
    for k, other in ((0, 1), (1, 0)):
        if sizes[k] > len(sides[k]) and sizes[other] <= len(sides[other]):
            other_side = set(sides[other])
            sides = sides.copy()
            sides[k] = [m for m in all_members[0] if m not in other_side]
            break
    return sides


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _parse_mentions(side: Any) -> list[domain.Signature]:
    entries = side.get("mentions") if isinstance(side, Mapping) else side
    return [
        domain.Signature(str(m["work"]), int(m["position"]))
        for m in _as_list(entries)
        if isinstance(m, Mapping) and "work" in m and "position" in m
    ]


def _list_mentions(connection: Connection, ids: Sequence[str]) -> list[list[domain.Signature]]:
    """List the mentions of each active identity."""
    rows = read_identities_by_id(connection, ids)
    members = []
    for identity_id in ids:
        row = rows.get(identity_id)
        if row is None or row.status != ACTIVE:
            continue
        query = (
            select(Work.id, Signature.position)
            .join(Signature, Signature.work_key == Work.key)
            .join(Membership, Membership.signature_key == Signature.key)
            .where(Membership.identity_key == row.key, Signature.retired_version.is_(None))
            .order_by(Signature.key)
            .limit(MAX_BOARD_MENTIONS)
        )
        members.append([domain.Signature(*pair) for pair in connection.execute(query)])
    return members


def _list_related_identities(
    connection: Connection, question: BoardQuestion, first: Sequence[int]
) -> list[int]:
    """List related identities that the board of a task shows in addition to its own."""
    first_ids = [row.id for row in read_identities(connection, first).values()]
    ids = list_extra_identities(connection, question.task, first_ids)
    rows = read_identities_by_id(connection, ids)
    return [
        rows[identity_id].key
        for identity_id in ids
        if identity_id in rows and rows[identity_id].status == ACTIVE
    ]


def _list_name_identities(connection: Connection, name_key: int) -> list[int]:
    """List identities with mentions of the name, those with most mentions first."""
    query = (
        select(Membership.identity_key)
        .join(Signature, Signature.key == Membership.signature_key)
        .where(Signature.name_key == name_key, Signature.retired_version.is_(None))
        .group_by(Membership.identity_key)
        .order_by(func.count().desc(), Membership.identity_key)
    )
    return list(connection.scalars(query))


def _count_members(connection: Connection, identities: Sequence[int]) -> dict[int, int]:
    query = (
        select(Membership.identity_key, func.count())
        .where(is_in(connection, Membership.identity_key, identities))
        .group_by(Membership.identity_key)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _list_members(connection: Connection, identities: Iterable[int]) -> dict[int, list[int]]:
    """List the signature keys of each identity."""
    query = (
        select(Membership.identity_key, Signature.key)
        .join(Signature, Signature.key == Membership.signature_key)
        .where(
            is_in(connection, Membership.identity_key, identities),
            Signature.retired_version.is_(None),
        )
    )
    members: dict[int, list[int]] = defaultdict(list)
    for identity, signature in connection.execute(query):
        members[identity].append(signature)
    return members


def _list_unassigned(connection: Connection, name_key: int, question_keys: set[int]) -> list[int]:
    query = (
        select(Signature.key)
        .outerjoin(Membership, Membership.signature_key == Signature.key)
        .where(
            Signature.name_key == name_key,
            Signature.retired_version.is_(None),
            Membership.signature_key.is_(None),
        )
        .order_by(Signature.key)
        .limit(MAX_BOARD_MENTIONS)
    )
    signature_keys = list(connection.scalars(query))
    other_keys = set(question_keys) - set(signature_keys)
    assigned_query = select(Membership.signature_key).where(
        is_in(connection, Membership.signature_key, other_keys)
    )
    other_keys -= set(connection.scalars(assigned_query)) if other_keys else set()
    return [*sorted(other_keys), *sorted(signature_keys, key=lambda s: (s not in question_keys, s))]
