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

MAX_PAGE = 500
"""Most lines of one page."""


@dataclass(frozen=True, eq=False)
class _ProposedClusters:
    """Signature keys, ascending; the group and the confidence of each."""

    signature: Int64
    cluster: Int64
    confidence: Float32


def store_proposal(
    database: Database, actor: Actor, claim: Claim, result: ClusteringResult
) -> None:
    """Store the result of a run, match it with published identities, set the run to proposed.

    Raises
    ------
    LostClaim
        If the claim was lost; nothing is stored.
    """
    with database.read() as connection:
        proposed = _number_clusters(result.signature, result.cluster, result.confidence)
        is_rebase = not result.is_complete and run_store.get_run(connection, claim.id).rebases > 0
        if is_rebase:
            proposed = _merge_with_stored(connection, claim.key, proposed)
        identity_of_cluster, diff, rows = _compare_with_published(connection, proposed)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        claimed_run = job_queue.lock_claim(connection, claim)
        _write_rows(connection, claim.key, proposed, identity_of_cluster, rows)
        if result.statistics is not None:
            run_store.delete_artifacts(connection, claim.key)
            artifacts.store_statistics(connection, claim.key, result.statistics)
        earlier_summary = (claimed_run.summary or {}) if is_rebase else {}
        summary = {
            **earlier_summary,
            **result.counts,
            **diff.totals,
            "groups": int(proposed.cluster.max(initial=-1)) + 1,
            "whole": result.is_complete or bool(earlier_summary.get("whole")),
            "problems": [p[:500] for p in result.problems[:100]],
            "n_problems": len(result.problems),
        }
        connection.execute(
            update(tables.Run)
            .where(tables.Run.key == claim.key)
            .values(
                state="proposed",
                based_on=result.based_on,
                model=result.model,
                claimed_by=None,
                heartbeat_at=None,
                ended_at=event_log.at,
                stage=None,
                error=None,
                summary=summary,
            )
        )
        event_log.record("run-proposed", actor, subject=claim.id, after=diff.totals)


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
    query = (
        select(
            ProposalChange.rank,
            ProposalChange.kind,
            ProposalChange.mentions,
            ProposalChange.identity,
            ProposalChange.details,
        )
        .where(ProposalChange.run_key == run_store.get_run_key(connection, run_id))
        .order_by(ProposalChange.rank)
        .limit(min(max(limit, 1), MAX_PAGE))
    )
    if kind is not None:
        query = query.where(ProposalChange.kind == kind)
    if cursor is not None:
        query = query.where(ProposalChange.rank > min(max(cursor, -1), 2**31 - 1))
    return [
        Difference(**row._mapping, text=describe_change(row.kind, row.mentions, row.details))
        for row in connection.execute(query)
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
        event_log = EventLog.lock(connection)
        run = run_store.get_run(connection, run_id)
        key = run_store.get_run_key(connection, run_id)
        first_group = connection.scalar(
            select(ProposalGroup.cluster).where(ProposalGroup.run_key == key).limit(1)
        )
        if run.state not in ("proposed", "rolled-back") or first_group is None:
            raise Conflict(
                f"run {run_id} is {run.state}"
                + ("" if first_group is not None else " and its proposal was removed"),
                "start a new run" if run.state != "running" else "wait until it is proposed",
                state=run.state,
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
        event_log.record(
            "run-rebased",
            actor,
            subject=run_id,
            reason=reason,
            before={"state": run.state, "based_on": run.based_on},
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
    connection: Connection, run_key: int, new: _ProposedClusters
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
    current_keys = SignatureKeys.read(connection).key
    is_kept = np.isin(signature, current_keys) & ~np.isin(signature, new.signature)
    offset = int(new.cluster.max(initial=-1)) + 1
    return _number_clusters(
        np.concatenate([new.signature, signature[is_kept]]),
        np.concatenate([new.cluster, cluster[is_kept] + offset]),
        np.concatenate([new.confidence, old[is_kept, 2].astype(np.float32)]),
    )


def _compare_with_published(
    connection: Connection, proposed: _ProposedClusters
) -> tuple[dict[int, int], Diff, list[tuple[Any, ...]]]:
    """Return the identity that each group continues, the diff, and the rows of its lines."""
    memberships = read_integer_table(
        connection, select(Membership.signature_key, Membership.identity_key)
    )
    keys, size = np.unique(memberships[:, 1], return_counts=True)
    identity = _look_up_identities(memberships, proposed.signature)
    is_decided = np.isin(proposed.signature, _read_decided_signatures(connection))
    identity_of_cluster = match_identities(
        identity, proposed.cluster, confirmed=is_decided & (identity >= 0), mentions=(keys, size)
    )
    target = map_to_targets(proposed.cluster, identity_of_cluster)
    sizes = dict(zip(keys.tolist(), size.tolist(), strict=True))
    changes, side_effect_totals = _add_side_effects(
        connection, MembershipChanges(proposed.signature, identity, target), sizes
    )
    conflicts = [
        _to_conflict_line(clash)
        for clash in find_orcid_conflicts(connection, changes.signature, changes.after)
    ]
    diff = compute_diff(
        changes.before,
        changes.after,
        np.isin(changes.signature, _read_decided_signatures(connection)),
        sizes,
        conflicts,
    )
    totals = {**diff.totals, **side_effect_totals, "mentions": len(proposed.signature)}
    rows = list(describe_lines(connection, diff.lines, changes, len(proposed.signature)))
    return identity_of_cluster, Diff(diff.lines, totals), rows


def _to_conflict_line(conflict: OrcidConflict) -> DiffLine:
    """Return a line of the diff for an identity that would have different ORCID iDs."""
    origins: Counter[int] = Counter()
    for side in conflict.sides:
        origins.update(dict(side.origins))
    orcids = tuple((side.orcid, len(side.mentions)) for side in conflict.sides)
    return DiffLine(
        "conflict", conflict.key, conflict.mentions, tuple(origins.items()), orcids=orcids
    )


def _add_side_effects(
    connection: Connection, changes: MembershipChanges, sizes: Mapping[int, int]
) -> tuple[MembershipChanges, dict[str, int]]:
    """Append the signatures outside the proposal that publishing would move.

    Proposed signatures are where publishing would put them. Also return the totals of signatures
    outside the proposal. See :func:`service.publication.plan.side_effects`.
    """
    affected = np.unique(np.concatenate([changes.before, changes.after]))
    mentions = sum(sizes.get(key, 0) for key in affected[affected >= 0].tolist())
    if mentions == int((changes.before >= 0).sum()):
        return changes, {"mentions_beside": 0, "mentions_following": 0, "mentions_apart": 0}
    target = dict(zip(changes.signature.tolist(), changes.after.tolist(), strict=True))
    before = zip(changes.signature.tolist(), changes.before.tolist(), strict=True)
    identity_before = {signature: key for signature, key in before if key >= 0}
    first_new = -2 - int(changes.after.min(initial=-1)) + 1
    effects = side_effects(connection, identity_before, target, max(first_new, 0))
    target |= effects.separations
    moves = sorted(effects.moves.items())
    extra = np.array(
        [(s, effects.identity_before[s], to) for s, to in moves], dtype=np.int64
    ).reshape(-1, 3)
    after = np.array([target[s] for s in changes.signature.tolist()], dtype=np.int64)
    all_changes = MembershipChanges(
        np.concatenate([changes.signature, extra[:, 0]]),
        np.concatenate([changes.before, extra[:, 1]]),
        np.concatenate([after, extra[:, 2]]),
    )
    return all_changes, {
        "mentions_beside": len(effects.identity_before),
        "mentions_following": len(moves),
        "mentions_apart": len(effects.separations),
    }


def _look_up_identities(memberships: Int64, signature: Int64) -> Int64:
    """Return the identity of each signature, -1 for none; int64[n]."""
    order = np.argsort(memberships[:, 0], kind="stable")
    signature_keys, identity = memberships[order, 0], memberships[order, 1]
    if not len(signature_keys):
        return np.full(len(signature), -1, dtype=np.int64)
    index = np.minimum(np.searchsorted(signature_keys, signature), len(signature_keys) - 1)
    return np.where(signature_keys[index] == signature, identity[index], -1)


def _read_decided_signatures(connection: Connection) -> Int64:
    """Return signature keys under decisions in force, ascending; int64[n]."""
    links = (
        select(DecisionLink.a_key, DecisionLink.b_key)
        .join(Decision, Decision.key == DecisionLink.decision_key)
        .where(Decision.undone_seq.is_(None))
    )
    moves = read_integer_table(
        connection, select(Membership.signature_key).where(Membership.origin == "decision")
    )
    return np.unique(np.concatenate([read_integer_table(connection, links).ravel(), moves.ravel()]))


def _write_rows(
    connection: Connection,
    run_key: int,
    proposed: _ProposedClusters,
    identity_of_cluster: Mapping[int, int],
    lines: Iterable[tuple[Any, ...]],
) -> None:
    for table in (Proposal, ProposalGroup, ProposalChange):
        connection.execute(delete(table).where(table.run_key == run_key))
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
        ((run_key, number, identity_of_cluster.get(number)) for number in groups),
    )
    insert_rows(
        connection,
        ProposalChange,
        ("run_key", "rank", "kind", "mentions", "identity", "details"),
        ((run_key, *line) for line in lines),
    )
