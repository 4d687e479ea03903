"""Predict what the next clustering would change after an arrangement.

The pairs of the board are clustered again under the decisions in force and the arrangement. The
result is compared with the identities that the arrangement leaves; differences that the engine had
before the arrangement are marked as not new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import Connection

from disambig import domain
from disambig.arrays import Int64
from service.board.request import DRAFT_ID, ArrangementPlan
from service.board.results import ChangeKind, Rescored
from service.constraints.links import Link
from service.constraints.store import read_links_around, remove_retired_signatures
from service.db.signatures import read_signatures
from service.identities.continuity import match_identities
from service.identities.lifecycle import UNASSIGNED
from service.identities.store import read_identities
from service.memberships.change import read_memberships

if TYPE_CHECKING:
    from service.board.block_cache import BlockView

MAX_CHANGES = 20
"""Maximum changes listed."""


@dataclass(frozen=True, slots=True)
class EngineChange:
    """Mentions that the next clustering would move to another identity, or to a new one.

    Attributes
    ----------
    kind : str
        ``merge``, ``split`` or ``move``.
    source : int
        Current identity.
    target : int
        Future identity; UNASSIGNED for a new one.
    mentions : frozenset of int
        Signature keys.
    """

    kind: ChangeKind
    source: int
    target: int
    mentions: frozenset[int]


def diff_clustering(
    signature: Sequence[int], identity: Int64, cluster: Int64
) -> list[EngineChange]:
    """Compare a clustering with identities and return the differences, largest first.

    Parameters
    ----------
    signature : sequence of int
        Keys.
    identity : int64[n]
        Identity of each signature; negative: unassigned, and ignored.
    cluster : int64[n]
        Cluster of each signature.
    """
    identity_of_cluster = match_identities(identity, cluster)
    size = Counter(identity.tolist())
    departures: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key, source, c in zip(signature, identity.tolist(), cluster.tolist(), strict=True):
        target = identity_of_cluster.get(c, UNASSIGNED)
        if source != target and source >= 0:
            departures[source, target if target != UNASSIGNED else -2 - c].append(key)
    changes = []
    for (source, target), members in departures.items():
        is_whole = len(members) == size[source]
        kind: ChangeKind = "split" if target < 0 else "merge" if is_whole else "move"
        changes.append(EngineChange(kind, source, max(target, UNASSIGNED), frozenset(members)))
    return sorted(changes, key=lambda s: (-len(s.mentions), s.source, s.target, min(s.mentions)))


def preview_reclustering(
    connection: Connection, view: BlockView, plan: ArrangementPlan, overridden_ids: Collection[str]
) -> list[Rescored]:
    """Return what the next clustering would change after an arrangement, new changes first.

    Parameters
    ----------
    plan : ArrangementPlan
        The arrangement.
    overridden_ids : collection of str
        Ids of decisions that it overrides.
    """
    keys = view.signature.tolist()
    links = remove_retired_signatures(connection, read_links_around(connection, keys))
    links_in_force = [link for link in links if link.decision not in overridden_ids]
    new_links = plan.build_links(DRAFT_ID)
    signatures = read_signatures(
        connection, {end for link in (*links, *new_links) for end in (link.a, link.b)}
    )
    clusters_after = _cluster_under(view, [*links_in_force, *new_links], signatures)
    clusters_before = _cluster_under(view, links, signatures)
    published = {s: place.identity for s, place in read_memberships(connection, keys).items()}
    current, target = _read_identities(published, plan, keys)
    block = view.scored.batch.block.astype(np.int64)
    known_changes = {
        (s.kind, s.mentions)
        for s in diff_clustering(keys, *_split_by_block(current, clusters_before, block))
    }
    changes_after = diff_clustering(keys, *_split_by_block(target, clusters_after, block))
    ranked_changes = [
        ((change.kind, change.mentions) in known_changes, change) for change in changes_after
    ]
    ranked_changes.sort(key=lambda pair: pair[0])
    width = int(block.max(initial=0)) + 1
    rows = read_identities(connection, {*published.values()})
    names = {key: f"{row.name} ({row.id})" for key, row in rows.items()}
    return [
        Rescored(
            kind=change.kind,
            text=_phrase_change(change, width, names),
            mentions=len(change.mentions),
            new=not is_known,
        )
        for is_known, change in ranked_changes[:MAX_CHANGES]
    ]


def _cluster_under(
    view: BlockView, links: Sequence[Link], signatures: Mapping[int, domain.Signature]
) -> Int64:
    kind = {True: domain.ConstraintKind.MUST, False: domain.ConstraintKind.CANNOT}
    constraints = [
        domain.Constraint(kind[k.must], signatures[k.a], signatures[k.b], f"decision {k.decision}")
        for k in links
    ]
    return view.cluster(view.apply_constraints(constraints)).astype(np.int64)


def _read_identities(
    published: Mapping[int, int], plan: ArrangementPlan, keys: Sequence[int]
) -> tuple[Int64, Int64]:
    """Return the identity of each signature before and after; new ones get larger numbers."""
    current = np.array([published.get(k, UNASSIGNED) for k in keys], dtype=np.int64)
    arrangement = plan.arrangement
    first_new_key = max([*published.values(), *arrangement.current.values(), 0]) + 1
    target_keys = [arrangement.target.get(k, published.get(k, UNASSIGNED)) for k in keys]
    target = np.array(
        [of if of >= UNASSIGNED else first_new_key - 2 - of for of in target_keys], dtype=np.int64
    )
    return current, target


def _split_by_block(identity: Int64, cluster: Int64, block: Int64) -> tuple[Int64, Int64]:
    """Split identities by block, because nothing is compared across blocks."""
    width = int(block.max(initial=0)) + 1
    return np.where(identity >= 0, identity * width + block, UNASSIGNED), cluster


def _phrase_change(change: EngineChange, width: int, names: Mapping[int, str]) -> str:
    n = len(change.mentions)
    count = "1 paper" if n == 1 else f"{n} papers"
    source = names.get(change.source // width, "the new profile")
    if change.kind == "split":
        return f"{count} of {source} would become a new profile"
    target = names.get(change.target // width, "the new profile")
    if change.kind == "merge":
        return f"{source} with {count} would merge into {target}"
    return f"{count} of {source} would move to {target}"
