"""Combine several reviewers' answers to one task, and measure inter-rater agreement (pure).

Cohen's kappa measures the agreement of two reviewers beyond chance. With the share ``p`` of tasks
that they answer alike, and the share ``e`` expected if each gave answers at random with its own
frequencies, kappa = (p - e) / (1 - e) (Cohen 1960, "A coefficient of agreement for nominal
scales", Educational and Psychological Measurement 20, 37-46).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from service.tasks.results import AnswerKind

ANSWERS = get_args(AnswerKind)
MIN_BLIND_ANSWERS = 2
"""Number of reviewers who answer a blind task; one more if they disagree."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two reviewers.

    Attributes
    ----------
    questions : int
        Number of tasks that both answered.
    agreed : int
        Number of tasks with equal answers.
    percent : float or None
        None without tasks.
    kappa : float or None
        None if chance agreement is 1: both gave the same single answer every time.
    """

    questions: int
    agreed: int
    percent: float | None
    kappa: float | None

    @classmethod
    def from_pairs(cls, pairs: Sequence[tuple[str, str]]) -> Agreement:
        """Measure agreement from the pair of answers to each task.

        >>> Agreement.from_pairs([("same", "same"), ("same", "different")] * 5).kappa
        0.0
        """
        n = len(pairs)
        if n == 0:
            return cls(0, 0, None, None)
        n_agreed = sum(a == b for a, b in pairs)
        first_counts, second_counts = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
        # in integers, to distinguish a chance agreement of 1 from one of nearly 1
        chance_pairs = sum(first_counts[answer] * second_counts[answer] for answer in first_counts)
        kappa = None
        if chance_pairs < n * n:
            kappa = (n_agreed * n - chance_pairs) / (n * n - chance_pairs)
        return cls(n, n_agreed, 100 * n_agreed / n, kappa)


def combine_answers(answers: Sequence[str], *, blind: bool) -> str | None:
    """Combine the answers to a task; None while further answers are needed.

    One answer settles a task that is not blind. A blind task needs two equal answers, or the
    majority of three; three different answers make it unsure.
    """
    if not answers or (blind and len(answers) < MIN_BLIND_ANSWERS):
        return None
    if not blind:
        return answers[-1]
    (top_answer, n), *_ = Counter(answers).most_common(1)
    if n > 1:
        return top_answer
    return None if len(answers) <= MIN_BLIND_ANSWERS else "unsure"
