"""Expected gain and priority of review questions, on one scale for all kinds of questions.

Joining a and b mentions of a person of a + b raises the recall of each of the a by b / (a + b),
and of each of the b by a / (a + b); separating them raises precision as much (B-cubed, Bagga and
Baldwin 1998). An unassigned mention is one of the two sides.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Set
from math import log2

MAX_BOARD_IDENTITIES = 8
"""Maximal number of identities on one board: as many as a screen shows side by side."""


def compute_gain(error: float, a: int, b: int) -> float:
    """Return the expected B-cubed gain, in mentions, of a question on ``a`` and ``b`` mentions.

    Parameters
    ----------
    error : float
        Probability that the published state is wrong.

    Examples
    --------
    >>> gain(0.5, 2, 2)
    1.0
    """
    return error * 2 * a * b / (a + b)


def compute_priority(gain: float, traffic: float, effort: int) -> float:
    """Return the priority of a question: expected gain, weighted by traffic, per effort.

    Parameters
    ----------
    traffic : float
        Page views of the name, relative to an average of 1.
    effort : int
        Papers to check; their logarithm counts, since a board shows them grouped.

    Examples
    --------
    >>> priority(3.0, 1.0, 8)
    1.0
    """
    return gain * traffic / log2(max(effort, 2))


def fill_board(
    identities_by_question: Iterable[Set[Hashable]], max_identities: int = MAX_BOARD_IDENTITIES
) -> list[int]:
    """Return the indices of the questions that fit on one board; questions come best first.

    A question is taken if its identities fit together with those already taken.

    Parameters
    ----------
    identities_by_question : iterable of set
        Identities of each question.
    max_identities : int
        Maximal number of identities on the board.

    Examples
    --------
    >>> on_one_board([{"a", "b"}, {"c", "d"}, {"a", "c"}, {"b"}], most=3)
    [0, 2, 3]
    """
    on_board: set[Hashable] = set()
    numbers = []
    for number, identities in enumerate(identities_by_question):
        if len(on_board | identities) <= max_identities:
            on_board |= identities
            numbers.append(number)
    return numbers
