"""TODO docstring."""

from __future__ import annotations

from dataclasses import dataclass

from service.assignment.policy import Verdict


@dataclass(frozen=True, slots=True)
class Rival:
    """An identity a mention may be of; where the verdict is unsure, the evidence in words."""

    identity: str
    name: str
    works: int
    probability: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """One author of a work, and what was or would be decided.

    Attributes
    ----------
    position : int
    name : str
        As printed.
    verdict : Verdict
    identity : str or None
        Matched or known; of one that is new once it is stored.
    probability : float or None
        That the verdict is right where it is matched or new; that it is the first of the
        rivals where it is unsure.
    reasons : tuple of str
        Strongest first.
    rivals : tuple of Rival
        Other identities, most probable first.
    task : str or None
        The question that was asked about it.
    """

    position: int
    name: str
    verdict: Verdict
    identity: str | None = None
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    rivals: tuple[Rival, ...] = ()
    task: str | None = None
