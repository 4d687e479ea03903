"""Results of assigning new works: authors, verdicts and candidate identities."""

from __future__ import annotations

from dataclasses import dataclass

from service.assignment.policy import Verdict


@dataclass(frozen=True, slots=True)
class Candidate:
    """An identity that an author may belong to; ``reasons`` only for an unsure verdict."""

    identity: str
    name: str
    works: int
    probability: float
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AssignmentResult:
    """One author of a work with its verdict.

    Attributes
    ----------
    position : int
    name : str
        As printed.
    verdict : Verdict
    identity : str or None
        Public id of the matched or known identity; of a new one once it is stored.
    probability : float or None
        Of the verdict if it is matched or new; of the first of ``rivals`` if it is unsure.
    reasons : tuple of str
        Evidence for the verdict, the strongest first.
    rivals : tuple of Rival
        Other candidate identities, most probable first.
    task : str or None
        Id of the task that was opened about it.
    """

    position: int
    name: str
    verdict: Verdict
    identity: str | None = None
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    rivals: tuple[Candidate, ...] = ()
    task: str | None = None
