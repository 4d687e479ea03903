"""Who reviews: how much, how fast, and how far reviewers agree where two answered blindly."""

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
from service.review.generate import due
from service.tasks.agreement import ANSWERS, Agreement
from service.tasks.leases import holders
from service.tasks.queries import KINDS, STANDING, Wanted, conditions

RECENT = 50_000
"""Latest answers that count."""
MOST = 200
"""Reviewers, and pairs of them, that are told of."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer that counts; ``blind``: given without seeing what others said."""

    task: int
    reviewer: str
    answer: str
    at: datetime
    seconds: float | None
    blind: bool


def overview(connection: Connection) -> dict[str, Any]:
    """Workload and pace of each reviewer, and how far each pair of them agrees."""
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
        .where(STANDING)
        .order_by(Judgement.key.desc())
        .limit(RECENT)
    )
    given = [Answer(*row) for row in connection.execute(query)]
    held = {row["reviewer"]: row["tasks"] for row in holders(connection)}
    return {
        "reviewers": workload(given, held, datetime.now(UTC)),
        "agreement": agreement(given),
        "answers": len(given),
    }


def workload(
    given: Iterable[Answer], held: Mapping[str, int], now: datetime
) -> list[dict[str, Any]]:
    """Of each reviewer: answers in all, by what they say, of the last day and week, the median
    of the seconds they took, and tasks held now; those with the most answers first.
    """
    by: dict[str, list[Answer]] = defaultdict(list)
    for answer in given:
        by[answer.reviewer].append(answer)
    found: list[dict[str, Any]] = []
    for reviewer in {*by, *held}:
        own = by.get(reviewer, [])
        took = [a.seconds for a in own if a.seconds is not None]
        said = Counter(a.answer for a in own)
        found.append(
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
    return sorted(found, key=lambda row: (-row["answers"], row["reviewer"]))[:MOST]


def agreement(given: Sequence[Answer]) -> list[dict[str, Any]]:
    """Of each two reviewers who answered the same blind tasks; those with the most first."""
    by_task: dict[int, dict[str, str]] = defaultdict(dict)
    for answer in given:
        if answer.blind:
            by_task[answer.task].setdefault(answer.reviewer, answer.answer)
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for said in by_task.values():
        for one, other in combinations(sorted(said), 2):
            pairs[one, other].append((said[one], said[other]))
    found: list[dict[str, Any]] = [
        {"reviewers": list(who), **asdict(Agreement.of(answers))} for who, answers in pairs.items()
    ]
    return sorted(found, key=lambda row: (-row["questions"], row["reviewers"]))[:MOST]


def counts(connection: Connection, wanted: Wanted) -> dict[str, Any]:
    """Open tasks by kind, who works on how many, and whether a worker has yet to ask any."""
    kinds = dict.fromkeys(KINDS, 0)
    mentions = 0
    query = (
        select(Task.kind, func.count(), func.sum(Task.mentions))
        .where(*conditions(wanted))
        .group_by(Task.kind)
    )
    for kind, n, some in connection.execute(query):
        kinds[kind] = n
        mentions += int(some or 0)
    waiting = (
        select(func.count(Judgement.task_key.distinct()))
        .join(Task, Task.key == Judgement.task_key)
        .where(Task.state == "open", STANDING)
    )
    return {
        "open": sum(kinds.values()),
        "kinds": kinds,
        "mentions": mentions,
        "answered_once": connection.scalar(waiting) or 0,
        "held": holders(connection),
        "due": due(connection) is not None,
    }
