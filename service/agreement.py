"""What several people's answers to one question come to, and how far people agree: pure.

Cohen's kappa is how much two people agree beyond what chance would give: with the share ``p`` of
questions that they answer alike and the share ``e`` that they would if each gave its own answers,
as often as it does, at random, kappa = (p - e) / (1 - e) (Cohen 1960, "A coefficient of agreement
for nominal scales", Educational and Psychological Measurement 20, 37-46).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ANSWERS = ("same", "different", "unsure")
ASKED = 2
"""People who answer a blind question, and one more where they differ."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two people agree.

    Attributes
    ----------
    questions : int
        That both answered.
    agreed : int
    percent : float or None
        None without questions.
    kappa : float or None
        None where chance alone would make them agree always: both gave one and the same answer.
    """

    questions: int
    agreed: int
    percent: float | None
    kappa: float | None

    @classmethod
    def of(cls, pairs: Sequence[tuple[str, str]]) -> Agreement:
        """Of the answers that both gave to each question.

        >>> Agreement.of([("same", "same"), ("same", "different")] * 5).kappa
        0.0
        """
        n = len(pairs)
        if n == 0:
            return cls(0, 0, None, None)
        agreed = sum(a == b for a, b in pairs)
        one, other = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
        # in whole numbers, so that chance of 1 is told from chance of nearly 1
        by_chance = sum(one[answer] * other[answer] for answer in one)
        kappa = None
        if by_chance < n * n:
            kappa = (agreed * n - by_chance) / (n * n - by_chance)
        return cls(n, agreed, 100 * agreed / n, kappa)


def outcome(answers: Sequence[str], *, blind: bool) -> str | None:
    """What the answers to a question come to; None while more are wanted.

    One answer settles an open question. Of a blind one two that agree do, or else the majority
    of three; three that all differ leave it unsure.
    """
    if not answers or (blind and len(answers) < ASKED):
        return None
    if not blind:
        return answers[-1]
    (most, n), *_ = Counter(answers).most_common(1)
    if n > 1:
        return most
    return None if len(answers) <= ASKED else "unsure"
