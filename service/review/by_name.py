"""Names with open tasks: the tasks that one name board answers together, most valuable first.

A board shows all identities behind a name, and identities of its block (similar names: one family
name and initial) that the best other tasks are about. Its commit answers any number of tasks, so a
reviewer who works name by name needs fewer decisions than one who works task by task. Blind tasks
are answered one by one and are not counted here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, case, distinct, func, select

from disambig.active_learning.priority import fill_board
from service.db.tables import Name, Signature, Task
from service.review.results import NameAsked
from service.tasks.queries import TaskFilter, build_conditions

COLUMN_KINDS = ("merge", "split")
"""Kinds of tasks that the columns of a board answer; their subject consists of identity ids."""
MAX_TASKS = 10_000
"""Maximum number of tasks that are considered, the most urgent ones."""


def list_names_with_tasks(
    connection: Connection, task_filter: TaskFilter, limit: int = 50
) -> list[NameAsked]:
    """List one name for each block with matching tasks: conflicts first, then by priority."""
    first = case((Task.kind == "conflict", 0), else_=1)
    query = (
        select(
            Task.id,
            Task.kind,
            Task.subject,
            Task.priority,
            Task.name_key,
            Task.block_key,
            Task.leased_by,
            Task.leased_until,
        )
        .where(*build_conditions(task_filter), Task.name_key.is_not(None), Task.blind.is_(None))
        .order_by(first, Task.priority.desc(), Task.key)
        .limit(MAX_TASKS)
    )
    boards = _group_by_board([_TaskRow(**row) for row in connection.execute(query).mappings()])
    boards.sort(
        key=lambda rows: (rows[0].kind != "conflict", -_sum_priority(rows), rows[0].name_key)
    )
    boards = boards[:limit]
    keys = {row.name_key for rows in boards for row in rows}
    printed = select(Name.key, Name.printed).where(Name.key.in_(keys))
    printed_names = {row.key: row.printed for row in connection.execute(printed)}
    papers = _count_papers(connection, {rows[0].name_key for rows in boards})
    return [
        _summarize_board(rows, printed_names, papers.get(rows[0].name_key, 0)) for rows in boards
    ]


def list_extra_identities(
    connection: Connection, task: str, identity_ids: Sequence[str]
) -> list[str]:
    """List the identities that the board of an open task shows in addition to its own.

    Parameters
    ----------
    task : str
        Id of the task.
    identity_ids : sequence of str
        Ids of the identities that the task is about.

    Returns
    -------
    list of str
        Ids of the identities of the best other tasks of its block, as many as fit on the board.
    """
    own_query = select(Task.name_key, Task.block_key).where(
        Task.id == task, Task.state == "open", Task.blind.is_(None)
    )
    own_task = connection.execute(own_query).one_or_none()
    if own_task is None:
        return []
    block = own_task.block_key
    if block is None:
        same_name = select(Task.block_key).where(
            Task.state == "open", Task.name_key == own_task.name_key
        )
        block = connection.scalar(same_name.where(Task.block_key.is_not(None)).limit(1))
    best_subjects = (
        select(Task.subject)
        .where(
            Task.state == "open",
            Task.block_key == block,
            Task.kind.in_(COLUMN_KINDS),
            Task.blind.is_(None),
        )
        .order_by(Task.priority.desc(), Task.key)
    )
    identity_sets = [
        set(identity_ids),
        *(set(subject.split("+")) for subject in connection.scalars(best_subjects)),
    ]
    shown_ids = dict.fromkeys(
        who for k in fill_board(identity_sets) for who in sorted(identity_sets[k])
    )
    return [who for who in shown_ids if who not in identity_sets[0]]


def _count_papers(connection: Connection, names: Collection[int]) -> dict[int, int]:
    query = (
        select(Signature.name_key, func.count(distinct(Signature.work_key)))
        .where(Signature.name_key.in_(names), Signature.retired_version.is_(None))
        .group_by(Signature.name_key)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class _TaskRow:
    id: str
    kind: str
    subject: str
    priority: float
    name_key: int
    block_key: int | None
    leased_by: str | None
    leased_until: datetime | None

    @property
    def identity_ids(self) -> set[str]:
        """Ids of the identities that it is about, if columns answer it."""
        return set(self.subject.split("+")) if self.kind in COLUMN_KINDS else set()


def _group_by_board(rows: Sequence[_TaskRow]) -> list[list[_TaskRow]]:
    """Group tasks by block into those that one board answers, most urgent first.

    Tasks of a name whose block is unknown form a group of their own.
    """
    block_by_name = {row.name_key: row.block_key for row in rows if row.block_key is not None}
    blocks: dict[tuple[bool, int], list[_TaskRow]] = defaultdict(list)
    for row in rows:
        block = block_by_name.get(row.name_key) if row.block_key is None else row.block_key
        blocks[block is None, row.name_key if block is None else block].append(row)
    boards = []
    for block_rows in blocks.values():
        # tasks that columns do not answer are shown on the board of their own name
        board_rows = [
            row
            for row in block_rows
            if row.kind in COLUMN_KINDS or row.name_key == block_rows[0].name_key
        ]
        boards.append([board_rows[k] for k in fill_board(row.identity_ids for row in board_rows)])
    return boards


def _sum_priority(rows: Sequence[_TaskRow]) -> float:
    return sum(row.priority for row in rows)


def _summarize_board(
    rows: Sequence[_TaskRow], printed_names: dict[int, str], papers: int
) -> NameAsked:
    now = datetime.now(UTC)
    reviewers = {
        r.leased_by for r in rows if r.leased_by and r.leased_until and r.leased_until > now
    }
    name, *others = (printed_names[key] for key in dict.fromkeys(row.name_key for row in rows))
    kinds = Counter(row.kind for row in rows)
    return NameAsked(
        name=name,
        others=others,
        task=rows[0].id,
        tasks=len(rows),
        kinds=dict(kinds),
        priority=round(_sum_priority(rows), 6),
        papers=papers,
        held_by=sorted(reviewers),
    )
