"""Workload, pace and agreement, by hand."""

from datetime import UTC, datetime, timedelta

from service.review.reviewers import Answer, summarize_agreement, summarize_workload

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def answer(task: int, who: str, said: str, hours: float = 1, seconds=None, blind=True) -> Answer:
    return Answer(task, who, said, NOW - timedelta(hours=hours), seconds, blind)


def test_workload_counts_what_was_answered_lately_and_the_median_pace() -> None:
    given = [
        answer(1, "ann", "same", 1, 10.0),
        answer(2, "ann", "different", 30, 20.0),
        answer(3, "ann", "same", 24 * 8, 90.0),
        answer(4, "bo", "unsure", 2),
    ]
    ann, bo, cy = summarize_workload(given, {"cy": 2, "ann": 1}, NOW)
    assert (ann.reviewer, ann.answers, ann.last_day, ann.last_week) == ("ann", 3, 1, 2)
    assert (ann.median_seconds, ann.held) == (20.0, 1)
    assert ann.by_answer == {"same": 2, "different": 1, "unsure": 0}
    assert (bo.median_seconds, bo.last_at) == (None, NOW - timedelta(hours=2))
    assert (cy.answers, cy.held, cy.last_at) == (0, 2, None)


def test_agreement_is_of_blind_tasks_that_two_answered() -> None:
    given = [
        answer(1, "ann", "same"),
        answer(1, "bo", "same"),
        answer(2, "ann", "different"),
        answer(2, "bo", "same"),
        answer(2, "cy", "same"),
        answer(3, "ann", "same", blind=False),
        answer(3, "bo", "same", blind=False),
    ]
    found = {tuple(row.reviewers): row for row in summarize_agreement(given)}
    assert {who: (row.questions, row.agreed) for who, row in found.items()} == {
        ("ann", "bo"): (2, 1),
        ("ann", "cy"): (1, 0),
        ("bo", "cy"): (1, 1),
    }
    assert found["ann", "bo"].kappa == 0.0
