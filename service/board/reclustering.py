"""What the engine would change next, once an arrangement binds it.

The pairs of the board are grouped anew under the decisions in force and the arrangement. Told is
where that differs from what the arrangement leaves; what the engine wanted before just as much is
marked as not new.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Connection

from disambig import domain
from disambig.arrays import Int64
from service.constraints.links import Link
from service.constraints.store import read_links_around, read_signatures, remove_retired_signatures
from service.identities.continuity import match_identities
from service.identities.lifecycle import UNASSIGNED
from service.identities.store import read_identities
from service.memberships.change import read_memberships

if TYPE_CHECKING:
    from service.board.block_cache import BlockView
    from service.board.request import ArrangementPlan

MAX_CHANGES = 20
"""Changes that are told."""


@dataclass(frozen=True, slots=True)
class EngineChange:
    """Mentions that the engine would take from one person to another, or to a new one.

    Attributes
    ----------
    kind : str
        ``merge``, ``split`` or ``move``.
    source : int
        Identity they are of.
    target : int
        Identity they would be of; NOWHERE for a new one.
    mentions : frozenset of int
        Signature keys.
    """

    kind: str
    source: int
    target: int
    mentions: frozenset[int]


def diff_clustering(
    signature: Sequence[int], identity: Int64, cluster: Int64
) -> list[EngineChange]:
    """How a clustering differs from identities, the largest differences first.

    Parameters
    ----------
    signature : sequence of int
        Keys.
    identity : int64[n]
        Of each mention; mentions of a negative one are nowhere, and left out.
    cluster : int64[n]
        Its cluster.
    """
    continues = match_identities(identity, cluster)
    size = Counter(identity.tolist())
    went: dict[tuple[int, int], list[int]] = defaultdict(list)
    for key, of, c in zip(signature, identity.tolist(), cluster.tolist(), strict=True):
        to = continues.get(c, UNASSIGNED)
        if of != to and of >= 0:
            went[of, to if to != UNASSIGNED else -2 - c].append(key)
    found = []
    for (of, to), some in went.items():
        whole = len(some) == size[of]
        kind = "split" if to < 0 else "merge" if whole else "move"
        found.append(EngineChange(kind, of, max(to, UNASSIGNED), frozenset(some)))
    return sorted(found, key=lambda s: (-len(s.mentions), s.source, s.target, min(s.mentions)))


def preview_reclustering(
    connection: Connection, view: BlockView, found: ArrangementPlan, gone: Collection[str]
) -> list[dict[str, Any]]:
    """What the engine would change after an arrangement, new differences first.

    Parameters
    ----------
    found : Read
        The arrangement.
    gone : collection of str
        Decisions that it overrides.
    """
    keys = view.signature.tolist()
    links = remove_retired_signatures(connection, read_links_around(connection, keys))
    left = [link for link in links if link.decision not in gone]
    places = read_signatures(
        connection, {e for k in (*links, *found.build_links("d-")) for e in (k.a, k.b)}
    )
    now = _clustered(view, [*left, *found.build_links("d-")], places)
    before = _clustered(view, links, places)
    published = {s: place.identity for s, place in read_memberships(connection, keys).items()}
    current, target = _identities(published, found, keys)
    block = view.scored.batch.block.astype(np.int64)
    known = {(s.kind, s.mentions) for s in diff_clustering(keys, *_apart(current, before, block))}
    after = diff_clustering(keys, *_apart(target, now, block))
    told = [((shift.kind, shift.mentions) in known, shift) for shift in after]
    told.sort(key=lambda pair: pair[0])
    width = int(block.max(initial=0)) + 1
    rows = read_identities(connection, {*published.values()})
    names = {key: f"{row.name} ({row.id})" for key, row in rows.items()}
    return [
        {
            "kind": shift.kind,
            "text": _words(shift, width, names),
            "mentions": len(shift.mentions),
            "new": not old,
        }
        for old, shift in told[:MAX_CHANGES]
    ]


def _clustered(
    view: BlockView, links: Sequence[Link], places: Mapping[int, domain.Signature]
) -> Int64:
    kind = {True: domain.ConstraintKind.MUST, False: domain.ConstraintKind.CANNOT}
    stated = [
        domain.Constraint(kind[k.must], places[k.a], places[k.b], f"decision {k.decision}")
        for k in links
    ]
    return view.cluster(view.apply_constraints(stated)).astype(np.int64)


def _identities(
    published: Mapping[int, int], found: ArrangementPlan, keys: Sequence[int]
) -> tuple[Int64, Int64]:
    """Identity of each mention before and after; new identities get numbers above all others."""
    current = np.array([published.get(k, UNASSIGNED) for k in keys], dtype=np.int64)
    plan = found.arrangement
    first = max([*published.values(), *plan.current.values(), 0]) + 1
    after = [plan.target.get(k, published.get(k, UNASSIGNED)) for k in keys]
    target = np.array([of if of >= UNASSIGNED else first - 2 - of for of in after], dtype=np.int64)
    return current, target


def _apart(identity: Int64, cluster: Int64, block: Int64) -> tuple[Int64, Int64]:
    """The parts of identities block by block: across blocks nothing was compared."""
    width = int(block.max(initial=0)) + 1
    return np.where(identity >= 0, identity * width + block, UNASSIGNED), cluster


def _words(shift: EngineChange, width: int, names: Mapping[int, str]) -> str:
    n = len(shift.mentions)
    some = "1 mention" if n == 1 else f"{n} mentions"
    source = names.get(shift.source // width, "the new person")
    if shift.kind == "split":
        return f"{some} of {source} would become a person of their own"
    target = names.get(shift.target // width, "the new person")
    if shift.kind == "merge":
        return f"{source} with {some} would join {target}"
    return f"{some} of {source} would go to {target}"
