"""Decide the verdict on each author from score, decisions and ORCID iDs; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from service.assignment.results import Placement, Rival
from service.external_ids.orcid_holders import OrcidHolder

if TYPE_CHECKING:
    from disambig.assignment.assign import AuthorAssignment


class PlacementVerdict(StrEnum):
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
class SignatureConstraint:
    """Keys of the identities that a signature must belong to, and of those it cannot."""

    must: frozenset[int] = frozenset()
    cannot: frozenset[int] = frozenset()


UNCONSTRAINED = SignatureConstraint()


@dataclass(frozen=True, slots=True)
class AuthorVerdict:
    """Verdict on one author with its evidence; ``candidates`` are (identity key, probability).

    ``by_decision``: a curator's decision fixed it. ``by_orcid``: an ORCID iD did.
    """

    position: int
    verdict: PlacementVerdict
    identity: int | None = None
    probability: float | None = None
    candidates: tuple[tuple[int, float], ...] = ()
    by_decision: bool = False
    by_orcid: bool = False


def decide_verdicts(
    placements: Sequence[AuthorAssignment],
    keys: Sequence[int],
    constraints: Mapping[int, SignatureConstraint],
    used_identities: Iterable[int],
    threshold: float,
    holders: Mapping[int, OrcidHolder] | None = None,
) -> list[AuthorVerdict]:
    """Apply decisions and ORCID iDs to the engine's assignments; return verdicts in their order.

    Parameters
    ----------
    placements : sequence of AuthorAssignment
        Their identities are indices into ``keys``.
    keys : sequence of int
        Keys of identities.
    constraints : mapping of int to SignatureConstraint
        Constraints of decisions, by position.
    used_identities : iterable of int
        Identities of other signatures of the work.
    threshold : float
        Probability from which the model assigns.
    holders : mapping of int to OrcidHolder, optional
        The identity that has the author's ORCID iD, by position.
    """
    constraint_of = [constraints.get(p.position, UNCONSTRAINED) for p in placements]
    holder_of = [(holders or {}).get(p.position) for p in placements]
    excluded = set(used_identities)
    verdicts: dict[int, AuthorVerdict] = {}
    order = sorted(
        range(len(placements)), key=lambda k: (not constraint_of[k].must, holder_of[k] is None)
    )
    for k in order:
        verdict = _decide(placements[k], keys, constraint_of[k], excluded, threshold)
        verdict = _apply_orcid(verdict, constraint_of[k], holder_of[k], excluded)
        if verdict.identity is not None:
            excluded.add(verdict.identity)
        verdicts[k] = verdict
    return [verdicts[k] for k in range(len(placements))]


def _decide(
    placement: AuthorAssignment,
    keys: Sequence[int],
    constraint: SignatureConstraint,
    used_identities: set[int],
    threshold: float,
) -> AuthorVerdict:
    position = placement.position
    candidates = [(keys[i], p) for i, p in placement.rivals]
    if placement.identity is not None:
        candidates.insert(0, (keys[placement.identity], placement.probability))
    if constraint.must:
        target = min(constraint.must)
        if (
            len(constraint.must) == 1
            and target not in constraint.cannot
            and target not in used_identities
        ):
            others = tuple(o for o in candidates if o[0] != target)
            return AuthorVerdict(
                position, PlacementVerdict.MATCHED, target, 1.0, others, by_decision=True
            )
        required = tuple((i, 1.0) for i in sorted(constraint.must))
        return AuthorVerdict(
            position, PlacementVerdict.UNSURE, None, 1.0, required, by_decision=True
        )
    remaining = tuple(
        o for o in candidates if o[0] not in constraint.cannot and o[0] not in used_identities
    )
    best = remaining[0][1] if remaining else 0.0
    if placement.identity is not None and remaining[:1] == tuple(candidates[:1]):
        return AuthorVerdict(
            position, PlacementVerdict.MATCHED, remaining[0][0], best, remaining[1:]
        )
    if placement.verdict == "new" or (len(remaining) < len(candidates) and best < threshold - 0.05):
        # all likely candidates are excluded
        return AuthorVerdict(position, PlacementVerdict.NEW, None, 1 - best, remaining)
    return AuthorVerdict(position, PlacementVerdict.UNSURE, None, best, remaining)


def _apply_orcid(
    verdict: AuthorVerdict,
    constraint: SignatureConstraint,
    holder: OrcidHolder | None,
    used_identities: set[int],
) -> AuthorVerdict:
    """Assign the author to the identity that has the ORCID iD, unless decisions exclude it.

    If the names are incompatible, a verdict of new becomes unsure.
    """
    if holder is None or constraint.must or holder.identity in constraint.cannot | used_identities:
        return verdict
    target = holder.identity
    others = tuple(o for o in verdict.candidates if o[0] != target)
    if verdict.identity is not None and verdict.identity != target:
        others = ((verdict.identity, verdict.probability or 0.0), *others)
    if holder.is_name_compatible:
        if verdict.identity == target:
            return verdict
        return AuthorVerdict(
            verdict.position, PlacementVerdict.MATCHED, target, 1.0, others, by_orcid=True
        )
    if verdict.verdict == PlacementVerdict.NEW:
        return AuthorVerdict(
            verdict.position,
            PlacementVerdict.UNSURE,
            None,
            0.5,
            ((target, 0.5), *others),
            by_orcid=True,
        )
    return verdict


def make_placement(
    position: int,
    name: str,
    verdict: PlacementVerdict,
    *,
    identity: str | None = None,
    probability: float | None = None,
    reasons: Sequence[str] = (),
    rivals: Sequence[Rival] = (),
) -> Placement:
    """Make the result for one author, without a task."""
    return Placement(
        position=position,
        name=name,
        verdict=verdict.value,
        identity=identity,
        probability=probability,
        reasons=reasons,
        rivals=rivals,
        task=None,
    )
