"""What an answer of a person is worth, in one scale for all kinds of questions.

Joining a and b mentions of a person of a + b raises the recall of each of the a by b / (a + b),
and of each of the b by a / (a + b); parting them raises precision as much (B-cubed, Bagga and
Baldwin 1998). A mention that is nowhere yet is one of the two sides.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Set
from math import log2

COLUMNS = 8
"""People that one board asks about, at most: what a screen shows side by side."""


def gain(error: float, a: int, b: int) -> float:
    """Expected gain of B-cubed, in mentions, of asking about sides of ``a`` and ``b`` mentions.

    Parameters
    ----------
    error : float
        Probability that what is published is wrong.

    Examples
    --------
    >>> gain(0.5, 2, 2)
    1.0
    """
    return error * 2 * a * b / (a + b)


def priority(gain: float, traffic: float, effort: int) -> float:
    """Expected mentions for the work asked.

    Parameters
    ----------
    traffic : float
        How often the name is read, against the average of 1.
    effort : int
        Papers to look at; their logarithm counts, for a board shows them grouped.

    Examples
    --------
    >>> priority(3.0, 1.0, 8)
    1.0
    """
    return gain * traffic / log2(max(effort, 2))


def on_one_board(
    identities_by_question: Iterable[Set[Hashable]], max_identities: int = COLUMNS
) -> list[int]:
    """Numbers of the questions that one board asks, the best being given first.

    Each is taken whose people fit beside those of the ones before it.

    Parameters
    ----------
    people : iterable of set
        Whom each question is about.
    most : int
        People on the board.

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
