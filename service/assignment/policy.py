"""Decide the verdict on each author from score, decisions and ORCID iDs; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from service.assignment.candidates import FREE, SignatureConstraint
from service.external_ids.orcid_holders import Holder

if TYPE_CHECKING:
    from disambig.assignment.assign import AuthorAssignment


class Verdict(StrEnum):
    """Outcome for one author of a work."""

    MATCHED = "matched"
    NEW = "new"
    UNSURE = "unsure"
    KNOWN = "known"
    """The signature has an identity already."""
    LATER = "later"
    """Left to the next run: nothing is published yet, the work has too many authors, or the time
    limit was reached."""


@dataclass(frozen=True, slots=True)
class AuthorVerdict:
    """Verdict on one author with its evidence; ``candidates`` are (identity key, probability).

    ``by_decision``: a curator's decision fixed it. ``by_orcid``: an ORCID iD did.
    """

    position: int
    verdict: Verdict
    identity: int | None = None
    probability: float | None = None
    candidates: tuple[tuple[int, float], ...] = ()
    by_decision: bool = False
    by_orcid: bool = False


def decide_verdicts(
    placements: Sequence[AuthorAssignment],
    keys: Sequence[int],
    bonds: Mapping[int, SignatureConstraint],
    taken: Iterable[int],
    threshold: float,
    holders: Mapping[int, Holder] | None = None,
) -> list[AuthorVerdict]:
    """Apply decisions and ORCID iDs to the engine's assignments; return verdicts in their order.

    Parameters
    ----------
    placements : sequence of Placement
        Their identities are indices into ``keys``.
    keys : sequence of int
        Keys of identities.
    bonds : mapping of int to Bond
        Constraints of decisions, by position.
    taken : iterable of int
        Identities of other signatures of the work.
    threshold : float
        Probability from which the model assigns.
    holders : mapping of int to Holder, optional
        The identity that has the author's ORCID iD, by position.
    """
    free = [bonds.get(p.position, FREE) for p in placements]
    held = [(holders or {}).get(p.position) for p in placements]
    barred = set(taken)
    found: dict[int, AuthorVerdict] = {}
    order = sorted(range(len(placements)), key=lambda k: (not free[k].must, held[k] is None))
    for k in order:
        choice = _one(placements[k], keys, free[k], barred, threshold)
        choice = _with_orcid(choice, free[k], held[k], barred)
        if choice.identity is not None:
            barred.add(choice.identity)
        found[k] = choice
    return [found[k] for k in range(len(placements))]


def _one(
    placement: AuthorAssignment,
    keys: Sequence[int],
    bond: SignatureConstraint,
    taken: set[int],
    threshold: float,
) -> AuthorVerdict:
    at = placement.position
    odds = [(keys[i], p) for i, p in placement.rivals]
    if placement.identity is not None:
        odds.insert(0, (keys[placement.identity], placement.probability))
    if bond.must:
        target = min(bond.must)
        if len(bond.must) == 1 and target not in bond.cannot and target not in taken:
            others = tuple(o for o in odds if o[0] != target)
            return AuthorVerdict(at, Verdict.MATCHED, target, 1.0, others, by_decision=True)
        sure = tuple((i, 1.0) for i in sorted(bond.must))
        return AuthorVerdict(at, Verdict.UNSURE, None, 1.0, sure, by_decision=True)
    left = tuple(o for o in odds if o[0] not in bond.cannot and o[0] not in taken)
    best = left[0][1] if left else 0.0
    if placement.identity is not None and left[:1] == tuple(odds[:1]):
        return AuthorVerdict(at, Verdict.MATCHED, left[0][0], best, left[1:])
    if placement.verdict == "new" or (len(left) < len(odds) and best < threshold - 0.05):
        # all likely candidates are excluded
        return AuthorVerdict(at, Verdict.NEW, None, 1 - best, left)
    return AuthorVerdict(at, Verdict.UNSURE, None, best, left)


def _with_orcid(
    choice: AuthorVerdict, bond: SignatureConstraint, holder: Holder | None, taken: set[int]
) -> AuthorVerdict:
    """Assign the author to the identity that has the ORCID iD, unless decisions exclude it.

    If the names are incompatible, a verdict of new becomes unsure.
    """
    if holder is None or bond.must or holder.identity in bond.cannot | taken:
        return choice
    target = holder.identity
    others = tuple(o for o in choice.candidates if o[0] != target)
    if choice.identity is not None and choice.identity != target:
        others = ((choice.identity, choice.probability or 0.0), *others)
    if holder.is_name_compatible:
        if choice.identity == target:
            return choice
        return AuthorVerdict(choice.position, Verdict.MATCHED, target, 1.0, others, by_orcid=True)
    if choice.verdict == Verdict.NEW:
        return AuthorVerdict(
            choice.position, Verdict.UNSURE, None, 0.5, ((target, 0.5), *others), by_orcid=True
        )
    return choice
