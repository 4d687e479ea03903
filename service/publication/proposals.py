"""Proposals of runs: store atomically, compare with the published state, list changes.

A proposal is rows of :class:`~service.db.tables.Proposal`, the identities that its groups would
continue, and the changes that publishing it would make. It is replaced when the run is rebased
(:func:`rebase`), and removed when it can no longer be published
(:func:`service.worker.housekeeping.remove_stale_proposals`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, delete, select, update

from disambig.arrays import Float32, Int64
from service import job_queue
from service.actors import Actor
from service.db import tables
from service.db.bulk import read_integer_table
from service.db.database import Database, insert_rows
from service.db.tables import (
    Decision,
    DecisionLink,
    Membership,
    Proposal,
    ProposalChange,
    ProposalGroup,
)
from service.errors import Conflict, Invalid
from service.events.log import EventLog
from service.identities.continuity import match_identities
from service.job_queue import Claim
from service.publication.diff import (
    KINDS,
    Diff,
    DiffLine,
    compute_diff,
    describe_change,
    map_to_targets,
)
from service.publication.diff_lines import MembershipChanges, describe_lines
from service.publication.orcid_conflicts import OrcidConflict, find_orcid_conflicts
from service.publication.plan import side_effects
from service.publication.results import Difference
from service.runs import artifacts
from service.runs import store as run_store
from service.runs.full_run import ClusteringResult
from service.runs.results import Run
from service.works.read import SignatureKeys

PAGE = 500
"""Most lines of one page."""


@dataclass(frozen=True, eq=False)
class _ProposedClusters:
    """Signature keys, ascending; the group and the confidence of each."""

    signature: Int64
    cluster: Int64
    confidence: Float32


def store_proposal(database: Database, actor: Actor, claim: Claim, found: ClusteringResult) -> None:
    """Store the result of a run, match it with published identities, set the run to proposed.

    Raises
    ------
    LostClaim
        If the claim was lost; nothing is stored.
    """
    with database.read() as connection:
        proposed = _number_clusters(found.signature, found.cluster, found.confidence)
        renewed = not found.is_complete and run_store.get_run(connection, claim.id).rebases > 0
        if renewed:
            proposed = _merge_with_stored(connection, claim.key, proposed)
        continues, compared, rows = _compare_with_published(connection, proposed)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        before = job_queue.lock_claim(connection, claim)
        _write(connection, claim.key, proposed, continues, rows)
        if found.statistics is not None:
            run_store.delete_artifacts(connection, claim.key)
            artifacts.store_statistics(connection, claim.key, found.statistics)
        kept = (before.summary or {}) if renewed else {}
        summary = {
            **kept,
            **found.counts,
            **compared.totals,
            "groups": int(proposed.cluster.max(initial=-1)) + 1,
            "whole": found.is_complete or bool(kept.get("whole")),
            "problems": [p[:500] for p in found.problems[:100]],
            "n_problems": len(found.problems),
        }
        connection.execute(
            update(tables.Run)
            .where(tables.Run.key == claim.key)
            .values(
                state="proposed",
                based_on=found.based_on,
                model=found.model,
                claimed_by=None,
                heartbeat_at=None,
                ended_at=ledger.at,
                stage=None,
                error=None,
                summary=summary,
            )
        )
        ledger.record("run-proposed", actor, subject=claim.id, after=compared.totals)


def list_changes(
    connection: Connection,
    run_id: str,
    kind: str | None = None,
    cursor: int | None = None,
    limit: int = 50,
) -> list[Difference]:
    """List the changes that publishing a run would make (or has made), the largest first.

    Parameters
    ----------
    kind : str or None
        Only changes of that kind.
    cursor : int or None
        Rank of the last line on the previous page.

    Raises
    ------
    NotFound
        If there is no such run.
    Invalid
        If the kind is unknown.
    Conflict
        If the run has no proposal (yet).
    """
    if kind is not None and kind not in KINDS:
        raise Invalid(
            f"unknown kind of change {kind[:40]!r}", f"use one of {', '.join(KINDS)}", field="kind"
        )
    run = run_store.get_run(connection, run_id)
    if run.summary is None:
        raise Conflict(
            f"run {run_id} is {run.state} and has no proposal",
            "wait until it is proposed",
            state=run.state,
        )
    wanted = (
        select(
            ProposalChange.rank,
            ProposalChange.kind,
            ProposalChange.mentions,
            ProposalChange.identity,
            ProposalChange.details,
        )
        .where(ProposalChange.run_key == run_store.get_run_key(connection, run_id))
        .order_by(ProposalChange.rank)
        .limit(min(max(limit, 1), PAGE))
    )
    if kind is not None:
        wanted = wanted.where(ProposalChange.kind == kind)
    if cursor is not None:
        wanted = wanted.where(ProposalChange.rank > min(max(cursor, -1), 2**31 - 1))
    return [
        Difference(**row._mapping, text=describe_change(row.kind, row.mentions, row.details))
        for row in connection.execute(wanted)
    ]


def rebase(database: Database, actor: Actor, run_id: str, reason: str | None = None) -> Run:
    """Queue a proposed run again, to bring it up to date.

    The worker clusters the blocks touched since with the current decisions, keeps the rest of the
    proposal, and compares it with the current published state.

    Raises
    ------
    NotFound
        If there is no such run.
    Conflict
        If it is not proposed or rolled back, or its proposal was removed.
    """
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        found = run_store.get_run(connection, run_id)
        key = run_store.get_run_key(connection, run_id)
        held = connection.scalar(
            select(ProposalGroup.cluster).where(ProposalGroup.run_key == key).limit(1)
        )
        if found.state not in ("proposed", "rolled-back") or held is None:
            raise Conflict(
                f"run {run_id} is {found.state}"
                + ("" if held is not None else " and its proposal was removed"),
                "start a new run" if found.state != "running" else "wait until it is proposed",
                state=found.state,
            )
        connection.execute(
            update(tables.Run)
            .where(tables.Run.key == key)
            .values(
                state="queued",
                rebases=tables.Run.rebases + 1,
                attempts=0,
                ended_at=None,
                error=None,
                stage=None,
                done=0,
                total=None,
                claimed_by=None,
                heartbeat_at=None,
            )
        )
        ledger.record(
            "run-rebased",
            actor,
            subject=run_id,
            reason=reason,
            before={"state": found.state, "based_on": found.based_on},
        )
        return run_store.get_run(connection, run_id)


def _number_clusters(
    signature: Int64, cluster: npt.NDArray[Any], confidence: Float32
) -> _ProposedClusters:
    """Sort by signature; number groups by their first signature."""
    from disambig.clustering.cross_block import renumber

    order = np.argsort(signature, kind="stable")
    return _ProposedClusters(
        signature[order], renumber(cluster[order]).astype(np.int64), confidence[order]
    )


def _merge_with_stored(
    connection: Connection, run_key: int, fresh: _ProposedClusters
) -> _ProposedClusters:
    """Replace newly clustered signatures in a stored proposal; drop retired ones."""
    rows = connection.execute(
        select(Proposal.signature_key, Proposal.cluster, Proposal.confidence).where(
            Proposal.run_key == run_key
        ),
        execution_options={"stream_results": True, "yield_per": 50_000},
    )
    old = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, 3)
    signature, cluster = old[:, 0].astype(np.int64), old[:, 1].astype(np.int64)
    current = SignatureKeys.read(connection).key
    kept = np.isin(signature, current) & ~np.isin(signature, fresh.signature)
    first = int(fresh.cluster.max(initial=-1)) + 1
    return _number_clusters(
        np.concatenate([fresh.signature, signature[kept]]),
        np.concatenate([fresh.cluster, cluster[kept] + first]),
        np.concatenate([fresh.confidence, old[kept, 2].astype(np.float32)]),
    )


def _compare_with_published(
    connection: Connection, proposed: _ProposedClusters
) -> tuple[dict[int, int], Diff, list[tuple[Any, ...]]]:
    """Return the identity that each group continues, the diff, and the rows of its lines."""
    placed = read_integer_table(
        connection, select(Membership.signature_key, Membership.identity_key)
    )
    keys, size = np.unique(placed[:, 1], return_counts=True)
    identity = _looked_up(placed, proposed.signature)
    decided = np.isin(proposed.signature, _read_decided_signatures(connection))
    continues = match_identities(
        identity, proposed.cluster, confirmed=decided & (identity >= 0), mentions=(keys, size)
    )
    target = map_to_targets(proposed.cluster, continues)
    sizes = dict(zip(keys.tolist(), size.tolist(), strict=True))
    shown, further = _with_others(
        connection, MembershipChanges(proposed.signature, identity, target), sizes
    )
    conflicts = [
        _conflict(clash) for clash in find_orcid_conflicts(connection, shown.signature, shown.after)
    ]
    compared = compute_diff(
        shown.before,
        shown.after,
        np.isin(shown.signature, _read_decided_signatures(connection)),
        sizes,
        conflicts,
    )
    totals = {**compared.totals, **further, "mentions": len(proposed.signature)}
    rows = list(describe_lines(connection, compared.lines, shown, len(proposed.signature)))
    return continues, Diff(compared.lines, totals), rows


def _conflict(clash: OrcidConflict) -> DiffLine:
    """Return a line of the diff for an identity that would have different ORCID iDs."""
    origins: Counter[int] = Counter()
    for side in clash.sides:
        origins.update(dict(side.origins))
    orcids = tuple((side.orcid, len(side.mentions)) for side in clash.sides)
    return DiffLine("conflict", clash.key, clash.mentions, tuple(origins.items()), orcids=orcids)


def _with_others(
    connection: Connection, shown: MembershipChanges, sizes: Mapping[int, int]
) -> tuple[MembershipChanges, dict[str, int]]:
    """Append the signatures outside the proposal that publishing would move.

    Proposed signatures are where publishing would put them. Also return the totals of signatures
    outside the proposal. See :func:`service.publication.plan.side_effects`.
    """
    touched = np.unique(np.concatenate([shown.before, shown.after]))
    mentions = sum(sizes.get(key, 0) for key in touched[touched >= 0].tolist())
    if mentions == int((shown.before >= 0).sum()):
        return shown, {"mentions_beside": 0, "mentions_following": 0, "mentions_apart": 0}
    target = dict(zip(shown.signature.tolist(), shown.after.tolist(), strict=True))
    before = zip(shown.signature.tolist(), shown.before.tolist(), strict=True)
    inside = {signature: key for signature, key in before if key >= 0}
    fresh = -2 - int(shown.after.min(initial=-1)) + 1
    found = side_effects(connection, inside, target, max(fresh, 0))
    target |= found.separations
    moved = sorted(found.moves.items())
    extra = np.array(
        [(s, found.identity_before[s], to) for s, to in moved], dtype=np.int64
    ).reshape(-1, 3)
    after = np.array([target[s] for s in shown.signature.tolist()], dtype=np.int64)
    whole = MembershipChanges(
        np.concatenate([shown.signature, extra[:, 0]]),
        np.concatenate([shown.before, extra[:, 1]]),
        np.concatenate([after, extra[:, 2]]),
    )
    return whole, {
        "mentions_beside": len(found.identity_before),
        "mentions_following": len(moved),
        "mentions_apart": len(found.separations),
    }


def _looked_up(placed: Int64, signature: Int64) -> Int64:
    """Return the identity of each signature, -1 for none; int64[n]."""
    order = np.argsort(placed[:, 0], kind="stable")
    known, identity = placed[order, 0], placed[order, 1]
    if not len(known):
        return np.full(len(signature), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, signature), len(known) - 1)
    return np.where(known[at] == signature, identity[at], -1)


def _read_decided_signatures(connection: Connection) -> Int64:
    """Return signature keys under decisions in force, ascending; int64[n]."""
    standing = (
        select(DecisionLink.a_key, DecisionLink.b_key)
        .join(Decision, Decision.key == DecisionLink.decision_key)
        .where(Decision.undone_seq.is_(None))
    )
    moved = read_integer_table(
        connection, select(Membership.signature_key).where(Membership.origin == "decision")
    )
    return np.unique(
        np.concatenate([read_integer_table(connection, standing).ravel(), moved.ravel()])
    )


def _write(
    connection: Connection,
    run_key: int,
    proposed: _ProposedClusters,
    continues: Mapping[int, int],
    lines: Iterable[tuple[Any, ...]],
) -> None:
    for of in (Proposal, ProposalGroup, ProposalChange):
        connection.execute(delete(of).where(of.run_key == run_key))
    rows = zip(
        proposed.signature.tolist(),
        proposed.cluster.tolist(),
        np.round(proposed.confidence.astype(np.float64), 4).tolist(),
        strict=True,
    )
    columns = ("run_key", "signature_key", "cluster", "confidence")
    insert_rows(connection, Proposal, columns, ((run_key, *row) for row in rows))
    groups = range(int(proposed.cluster.max(initial=-1)) + 1)
    insert_rows(
        connection,
        ProposalGroup,
        ("run_key", "cluster", "identity_key"),
        ((run_key, number, continues.get(number)) for number in groups),
    )
    insert_rows(
        connection,
        ProposalChange,
        ("run_key", "rank", "kind", "mentions", "identity", "details"),
        ((run_key, *line) for line in lines),
    )
