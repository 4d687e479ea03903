"""Values that publications return: the diff of a run, and the totals of its changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from service.values import UNSET, UnsetType, Value, doc

DifferenceKind = Literal["conflict", "decision", "merge", "split", "move", "create", "grow"]


class Difference(Value, kw_only=True):
    """One line of the diff of a run.

    Attributes
    ----------
    rank : int
        From 0: conflicts first, then most mentions first.
    kind : str
        ``create``, ``merge``, ``split``, ``move``, ``grow``, ``conflict``, or ``decision`` for
        signatures under a decision.
    mentions : int
    identity : str or None
        Public id of the identity that changes; None for a new one.
    details : dict
        ``name``; ``others``, the target identities, each with ``identity`` (None: a new one),
        ``name`` and ``mentions``; ``stays``, the number of signatures afterwards; ``following``,
        the number of signatures outside the proposal that follow the others; ``decisions``.
    text : str
        The change as text that follows the name of the identity.
    """

    rank: Annotated[int, doc("Rank from 0: conflicts first, then by number of mentions.")]
    kind: DifferenceKind
    mentions: Annotated[int, doc("Mentions that change identity or are in a new one.")]
    identity: Annotated[str | None, doc("The identity concerned; null: a new one.")]
    details: Annotated[
        Mapping[str, Any],
        doc(
            "name; others: target identities, each with identity (null: a new one), name and "
            "mentions; stays: mentions it keeps; following: how many of the mentions were not "
            "clustered by the run and follow the others; decisions: those affected; orcids: the "
            "different iDs of a conflict, with the mentions of each."
        ),
    ]
    text: Annotated[str, doc("Description of the change.")]


class Differences(Value, kw_only=True):
    """A page of the diff of a run, largest changes first."""

    items: Sequence[Difference]
    next: Annotated[str | None, doc("Path and query of the next page; null after the last.")]
    summary: Annotated[Mapping[str, Any] | None, doc("Totals by kind.")]


class Published(Value, kw_only=True):
    """Counts of the changes made by a publication or rollback.

    ``mentions``, ``questions`` and ``blind`` are absent after a rollback.
    """

    event: Annotated[int, doc("Sequence number of the event.")]
    run: str
    mentions: Annotated[int | UnsetType, doc("Mentions in the proposal.")] = UNSET
    moved: Annotated[int, doc("Mentions that changed identity.")]
    created: Annotated[int, doc("Identities created.")]
    revived: Annotated[int, doc("Identities reactivated.")]
    merged: Annotated[int, doc("Identities that now redirect to others.")]
    split: Annotated[int, doc("Identities that were split.")]
    changed: Annotated[int, doc("Identities changed in any way.")]
    questions: Annotated[
        int | UnsetType,
        doc(
            "Open tasks that were closed because their identities no longer exist or their sides "
            "are now separate."
        ),
    ] = UNSET
    blind: Annotated[
        Sequence[str] | UnsetType,
        doc(
            "Ids of the blind tasks among them, at most 20. A rollback reopens them with their "
            "answers."
        ),
    ] = UNSET
