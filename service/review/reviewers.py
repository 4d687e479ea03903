"""Reviewers: workload, pace, and agreement on blind tasks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from statistics import median
from typing import Any

from sqlalchemy import Connection, func, select

from service.db.tables import Judgement, Task
from service.review.generate import find_due_publication
from service.tasks.agreement import ANSWERS, Agreement
from service.tasks.leases import list_lease_holders
from service.tasks.queries import IS_IN_FORCE, KINDS, TaskFilter, build_conditions

MAX_RECENT = 50_000
"""Number of latest answers that are counted."""
MAX_REVIEWERS = 200
"""Maximum number of reviewers, and of pairs of them, in a report."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer in force; ``blind`` if it was given without seeing other answers."""

    task: int
    reviewer: str
    answer: str
    at: datetime
    seconds: float | None
    blind: bool


def summarize_reviewers(connection: Connection) -> dict[str, Any]:
    """Return workload and pace of each reviewer, and the agreement of each pair."""
    query = (
        select(
            Judgement.task_key,
            Judgement.reviewer,
            Judgement.answer,
            Judgement.at,
            Judgement.seconds,
            Task.blind.is_not(None),
        )
        .join(Task, Task.key == Judgement.task_key)
        .where(IS_IN_FORCE)
        .order_by(Judgement.key.desc())
        .limit(MAX_RECENT)
    )
    answers = [Answer(*row) for row in connection.execute(query)]
    held = {row["reviewer"]: row["tasks"] for row in list_lease_holders(connection)}
    return {
        "reviewers": summarize_workload(answers, held, datetime.now(UTC)),
        "agreement": summarize_agreement(answers),
        "answers": len(answers),
    }


def summarize_workload(
    answers: Iterable[Answer], held: Mapping[str, int], now: datetime
) -> list[dict[str, Any]]:
    """Return the workload of each reviewer, those with the most answers first.

    It has the number of answers in total, by answer, of the last day and of the last week, the
    median time in seconds, and the number of leases.
    """
    by: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by[answer.reviewer].append(answer)
    rows: list[dict[str, Any]] = []
    for reviewer in {*by, *held}:
        own = by.get(reviewer, [])
        took = [a.seconds for a in own if a.seconds is not None]
        said = Counter(a.answer for a in own)
        rows.append(
            {
                "reviewer": reviewer,
                "answers": len(own),
                "by_answer": {answer: said[answer] for answer in ANSWERS},
                "last_day": sum(a.at > now - timedelta(days=1) for a in own),
                "last_week": sum(a.at > now - timedelta(days=7) for a in own),
                "median_seconds": median(took) if took else None,
                "last_at": max((a.at for a in own), default=None),
                "held": held.get(reviewer, 0),
            }
        )
    return sorted(rows, key=lambda row: (-row["answers"], row["reviewer"]))[:MAX_REVIEWERS]


def summarize_agreement(given: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return the agreement of each pair of reviewers on shared blind tasks, most tasks first."""
    by_task: dict[int, dict[str, str]] = defaultdict(dict)
    for answer in given:
        if answer.blind:
            by_task[answer.task].setdefault(answer.reviewer, answer.answer)
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for said in by_task.values():
        for one, other in combinations(sorted(said), 2):
            pairs[one, other].append((said[one], said[other]))
    rows: list[dict[str, Any]] = [
        {"reviewers": list(who), **asdict(Agreement.from_pairs(answers))}
        for who, answers in pairs.items()
    ]
    return sorted(rows, key=lambda row: (-row["questions"], row["reviewers"]))[:MAX_REVIEWERS]


def count_tasks(connection: Connection, task_filter: TaskFilter) -> dict[str, Any]:
    """Count matching tasks by kind; list leases, and whether a worker must still generate tasks."""
    kinds = dict.fromkeys(KINDS, 0)
    mentions = 0
    query = (
        select(Task.kind, func.count(), func.sum(Task.mentions))
        .where(*build_conditions(task_filter))
        .group_by(Task.kind)
    )
    for kind, n, n_mentions in connection.execute(query):
        kinds[kind] = n
        mentions += int(n_mentions or 0)
    waiting = (
        select(func.count(Judgement.task_key.distinct()))
        .join(Task, Task.key == Judgement.task_key)
        .where(Task.state == "open", IS_IN_FORCE)
    )
    return {
        "open": sum(kinds.values()),
        "kinds": kinds,
        "mentions": mentions,
        "answered_once": connection.scalar(waiting) or 0,
        "held": list_lease_holders(connection),
        "due": find_due_publication(connection) is not None,
    }
