"""Reviewers: workload, pace, and agreement on blind tasks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from statistics import median

from sqlalchemy import Connection, func, select

from service.db.tables import Judgement, Task
from service.review.generate import find_due_publication
from service.review.results import PairAgreement, Reviewer, Reviewers, TaskCounts
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


def summarize_reviewers(connection: Connection) -> Reviewers:
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
    n_leases = {holder.reviewer: holder.tasks for holder in list_lease_holders(connection)}
    return Reviewers(
        reviewers=summarize_workload(answers, n_leases, datetime.now(UTC)),
        agreement=summarize_agreement(answers),
        answers=len(answers),
    )


def summarize_workload(
    answers: Iterable[Answer], n_leases: Mapping[str, int], now: datetime
) -> list[Reviewer]:
    """Return the workload of each reviewer, those with the most answers first.

    It has the number of answers in total, by answer, of the last day and of the last week, the
    median time in seconds, and the number of leases.
    """
    by_reviewer: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_reviewer[answer.reviewer].append(answer)
    reviewers = []
    for reviewer in {*by_reviewer, *n_leases}:
        own_answers = by_reviewer.get(reviewer, [])
        seconds = [a.seconds for a in own_answers if a.seconds is not None]
        counts = Counter(a.answer for a in own_answers)
        reviewers.append(
            Reviewer(
                reviewer=reviewer,
                answers=len(own_answers),
                by_answer={answer: counts[answer] for answer in ANSWERS},
                last_day=sum(a.at > now - timedelta(days=1) for a in own_answers),
                last_week=sum(a.at > now - timedelta(days=7) for a in own_answers),
                median_seconds=median(seconds) if seconds else None,
                last_at=max((a.at for a in own_answers), default=None),
                held=n_leases.get(reviewer, 0),
            )
        )
    return sorted(reviewers, key=lambda r: (-r.answers, r.reviewer))[:MAX_REVIEWERS]


def summarize_agreement(all_answers: Sequence[Answer]) -> list[PairAgreement]:
    """Return the agreement of each pair of reviewers on shared blind tasks, most tasks first."""
    by_task: dict[int, dict[str, str]] = defaultdict(dict)
    for answer in all_answers:
        if answer.blind:
            by_task[answer.task].setdefault(answer.reviewer, answer.answer)
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for by_reviewer in by_task.values():
        for first, second in combinations(sorted(by_reviewer), 2):
            pairs[first, second].append((by_reviewer[first], by_reviewer[second]))
    agreements = [_measure_agreement(who, answers) for who, answers in pairs.items()]
    return sorted(agreements, key=lambda pair: (-pair.questions, pair.reviewers))[:MAX_REVIEWERS]


def _measure_agreement(
    reviewers: tuple[str, str], answers: Sequence[tuple[str, str]]
) -> PairAgreement:
    agreement = Agreement.from_pairs(answers)
    return PairAgreement(
        reviewers=reviewers,
        questions=agreement.questions,
        agreed=agreement.agreed,
        percent=agreement.percent,
        kappa=agreement.kappa,
    )


def count_tasks(connection: Connection, task_filter: TaskFilter) -> TaskCounts:
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
    query_answered = (
        select(func.count(Judgement.task_key.distinct()))
        .join(Task, Task.key == Judgement.task_key)
        .where(Task.state == "open", IS_IN_FORCE)
    )
    return TaskCounts(
        open=sum(kinds.values()),
        kinds=kinds,
        mentions=mentions,
        answered_once=connection.scalar(query_answered) or 0,
        held=list_lease_holders(connection),
        due=find_due_publication(connection) is not None,
    )
