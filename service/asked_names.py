"""Names with open questions: what one board answers at once, the most valuable name first.

A board shows everybody behind a name and its commit answers any number of questions, so who works
name by name needs fewer decisions than who answers question by question. Questions that several
people are asked blind are answered one by one and do not count here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, case, distinct, func, select

from service.tables import Name, Signature, Task
from service.tasks import Wanted, conditions


@dataclass(frozen=True, slots=True)
class NameAsked:
    """A printed name with open questions.

    Attributes
    ----------
    name : str
    task : str
        Id of its most urgent question.
    tasks : int
    kinds : dict of str to int
        Questions of each kind.
    priority : float
        Sum of theirs: expected mentions for the work asked.
    papers : int
        Papers that bear the name.
    held_by : list of str
        Who works on some of them now.
    """

    name: str
    task: str
    tasks: int
    kinds: dict[str, int]
    priority: float
    papers: int
    held_by: list[str]


def names(connection: Connection, wanted: Wanted, limit: int = 50) -> list[NameAsked]:
    """Names with questions like those wanted: with conflicts first, then by priority."""
    asked = (*conditions(wanted), Task.name_key.is_not(None), Task.blind.is_(None))
    value, first = func.sum(Task.priority), case((Task.kind == "conflict", 0), else_=1)
    query = (
        select(Task.name_key, func.min(first).label("first"), value.label("value"))
        .where(*asked)
        .group_by(Task.name_key)
        .order_by("first", value.desc(), Task.name_key)
        .limit(limit)
    )
    worth = {row.name_key: row.value for row in connection.execute(query)}
    printed = select(Name.key, Name.printed).where(Name.key.in_(worth))
    named = {row.key: row.printed for row in connection.execute(printed)}
    rows = (
        select(Task.name_key, Task.id, Task.kind, Task.leased_by, Task.leased_until)
        .where(*asked, Task.name_key.in_(worth))
        .order_by(first, Task.priority.desc(), Task.key)
    )
    of: dict[int, list[_Row]] = defaultdict(list)
    for row in connection.execute(rows):
        of[row.name_key].append(_Row(*row[1:]))
    papers = _papers(connection, worth)
    return [_told(named[key], of[key], worth[key], papers.get(key, 0)) for key in worth]


def _papers(connection: Connection, names: Collection[int]) -> dict[int, int]:
    query = (
        select(Signature.name_key, func.count(distinct(Signature.work_key)))
        .where(Signature.name_key.in_(names), Signature.retired_version.is_(None))
        .group_by(Signature.name_key)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    kind: str
    leased_by: str | None
    leased_until: datetime | None


def _told(name: str, rows: Sequence[_Row], priority: float, papers: int) -> NameAsked:
    now = datetime.now(UTC)
    held = {r.leased_by for r in rows if r.leased_by and r.leased_until and r.leased_until > now}
    kinds = Counter(row.kind for row in rows)
    return NameAsked(
        name, rows[0].id, len(rows), dict(kinds), round(priority, 6), papers, sorted(held)
    )
