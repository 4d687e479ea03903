"""Effects of a change of memberships on identities, and the rows that it writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, delete, select, update

from service.db import tables
from service.db.bulk import analyze_tables, is_in
from service.db.database import insert_rows
from service.db.tables import Identity, IdentityVersion, Lineage, Move, Signature, Work
from service.events.log import EventLog
from service.external_ids import attach as external_ids
from service.identities.lifecycle import UNASSIGNED, Flow, LifecycleChanges, derive_lifecycle
from service.identities.store import (
    ACTIVE,
    REDIRECTED,
    SPLIT,
    IdentityRow,
    insert_identities,
    read_identities,
    read_redirects_to,
    update_identities,
)
from service.identities.summary import (
    FULL_SCAN_MIN_KEYS,
    IdentitySummary,
    read_identity_members,
    read_signature_members,
    summarize_identities,
)


class Membership(NamedTuple):
    """Membership of a mention in an identity, current or planned.

    Attributes
    ----------
    identity : int
        Key, or a placeholder key of a new identity.
    confidence : float
    origin : str
        ``run``, ``decision``, ``placement`` or ``import``.
    origin_key : int or None
        Key of the run or decision.
    since : int or None
        Number of the event that created it; None for the current event.
    """

    identity: int
    confidence: float
    origin: str
    origin_key: int | None = None
    since: int | None = None


@dataclass(frozen=True, slots=True)
class EndState:
    """Predetermined state of an identity that is left without mentions."""

    status: str
    redirect: int | None = None


MembershipMove = tuple[Membership | None, Membership | None]
"""Old and new membership of a mention; None if unassigned."""


def count_flows(moves: Mapping[int, MembershipMove]) -> list[Flow]:
    """Count the mentions that move between each pair of identities, in order of keys."""
    count = Counter(
        (old.identity if old else UNASSIGNED, new.identity if new else UNASSIGNED)
        for old, new in moves.values()
    )
    return [Flow(a, b, n) for (a, b), n in sorted(count.items()) if a != b]


def _flatten_redirects(redirects: Mapping[int, int]) -> dict[int, int]:
    """Return the final target of each redirect."""
    targets = dict(redirects)
    for key in targets:
        visited = {key}
        while (target := targets[key]) in targets and target not in visited:
            visited.add(target)
            targets[key] = targets[target]
    return targets


@dataclass
class MembershipChange:
    """A change in progress; call ``load``, ``decide_states`` and ``write``, in this order."""

    connection: Connection
    event_log: EventLog
    event_seq: int
    moves: Mapping[int, MembershipMove]
    flows: Sequence[Flow]
    new_keys: Mapping[int, int]
    ids: dict[int, str]
    is_revert: bool = False
    old_rows: dict[int, IdentityRow] = field(default_factory=dict)
    rows: dict[int, IdentityRow] = field(default_factory=dict)
    old_counts: dict[int, int] = field(default_factory=dict)
    summaries: dict[int, IdentitySummary] = field(default_factory=dict)
    end_states: Mapping[int, EndState] = field(default_factory=dict)
    lifecycle: LifecycleChanges = field(
        default_factory=lambda: LifecycleChanges([], [], [], [], [], [])
    )

    def load(self, further: Collection[int]) -> None:
        """Read the identities concerned, and summarize their members after the change."""
        keys = {k for f in self.flows for k in (f.source, f.target)} | set(further)
        keys -= {UNASSIGNED, *self.ids}
        self.old_rows = read_identities(self.connection, keys)
        self.ids.update((row.key, row.id) for row in self.old_rows.values())
        members = read_identity_members(self.connection, keys) if keys else []
        self.old_counts = dict(Counter(m[0] for m in members))
        arrivals = {
            s: new.identity
            for s, (old, new) in self.moves.items()
            if new and (old is None or old.identity != new.identity)
        }
        departures = {
            s for s, (old, new) in self.moves.items() if old and (not new or s in arrivals)
        }
        remaining = [m for m in members if m[1] not in departures]
        remaining += read_signature_members(self.connection, arrivals) if arrivals else []
        self.summaries = summarize_identities(remaining)

    def decide_states(
        self, is_curated: Mapping[int, bool], end_states: Mapping[int, EndState]
    ) -> None:
        """Derive the new state of the identities."""
        n_remaining = {key: facts.mentions for key, facts in self.summaries.items()}
        self.end_states = {
            key: fate
            for key, fate in end_states.items()
            if key not in n_remaining and fate.status != ACTIVE
        }
        successors = self._resolve_final_redirects()
        was_active = {key: row.status == ACTIVE for key, row in self.old_rows.items()}
        final_successors = {key: successors.get(key, UNASSIGNED) for key in self.end_states}
        self.lifecycle = derive_lifecycle(
            self.flows, n_remaining, was_active, final_successors, is_revert=self.is_revert
        )
        merges = self.lifecycle.merges
        redirects = _flatten_redirects({a: b for a, b, _ in merges} | successors)
        merges[:] = [(a, redirects[a], n) for a, _, n in merges]
        for key, row in self.old_rows.items():
            status, redirect = self._derive_state(row, redirects)
            self.rows[key] = row.with_summary(self.summaries.get(key))._replace(
                status=status, redirect_key=redirect, curated=is_curated.get(key, row.curated)
            )
        for key in self.new_keys.values():
            empty_row = IdentityRow(
                key,
                self.ids[key],
                ACTIVE,
                None,
                "",
                0,
                None,
                None,
                is_curated.get(key, False),
                self.event_seq,
            )
            self.rows[key] = empty_row.with_summary(self.summaries[key])
        self._collapse_redirects({a: b for a, b in redirects.items() if a in self.old_rows})
        flow_keys = {k for f in self.flows for k in (f.source, f.target)}
        self.rows = {
            key: row._replace(version=self.event_seq)
            for key, row in self.rows.items()
            if key in flow_keys or row != self.old_rows.get(key)
        }

    def _resolve_final_redirects(self) -> dict[int, int]:
        """Return the final targets of identities whose predetermined state is a redirect."""
        redirects = {k: f.redirect for k, f in self.end_states.items() if f.redirect is not None}
        target_rows = read_identities(self.connection, set(redirects.values()) - set(self.old_rows))
        self.ids.update((row.key, row.id) for row in target_rows.values())
        next_targets = {
            k: r.redirect_key for k, r in target_rows.items() if r.redirect_key is not None
        }
        final = _flatten_redirects(next_targets | redirects)
        final_rows = read_identities(
            self.connection, {final[key] for key in redirects} - set(self.ids)
        )
        self.ids.update((row.key, row.id) for row in final_rows.values())
        return {key: final[key] for key in redirects if final[key] != key}

    def _derive_state(
        self, row: IdentityRow, redirects: Mapping[int, int]
    ) -> tuple[str, int | None]:
        """Return the new status and redirect of an existing identity."""
        if row.key in self.summaries:
            return ACTIVE, None
        if row.key in redirects and (row.status == ACTIVE or row.key in self.end_states):
            return REDIRECTED, redirects[row.key]
        if row.status == ACTIVE or row.key in self.end_states:
            return SPLIT, None
        return row.status, row.redirect_key

    def _collapse_redirects(self, redirects: Mapping[int, int]) -> None:
        """Update redirects to identities that are now redirected, so that none forms a chain."""
        redirecting_rows = read_redirects_to(self.connection, set(redirects))
        for key, row in redirecting_rows.items():
            self.ids.setdefault(key, row.id)
            current_row = self.rows.get(key, row)
            target_key = redirects.get(current_row.redirect_key or 0)
            if current_row.status == REDIRECTED and target_key is not None:
                self.old_rows.setdefault(key, row)
                self.rows[key] = current_row._replace(redirect_key=target_key)

    def write(self) -> None:
        """Write all rows, in an order that satisfies foreign keys."""
        new_keys = set(self.new_keys.values())
        insert_identities(self.connection, (self.rows[key] for key in sorted(new_keys)))
        update_identities(self.connection, [r for k, r in self.rows.items() if k not in new_keys])
        self._write_memberships()
        self._write_versions(new_keys)
        self._write_lineage()
        if len(self.moves) >= FULL_SCAN_MIN_KEYS:
            analyze_tables(self.connection, tables.Membership, Identity, Signature, Work)
        n_remaining = {key: facts.mentions for key, facts in self.summaries.items()}
        changes = self.lifecycle.to_change_entries(self.ids, n_remaining, is_revert=self.is_revert)
        self.event_log.append_changes(self.event_seq, changes)
        external_ids.follow_memberships(
            self.connection,
            self.event_log,
            self.event_seq,
            {
                k: self.summaries[k].orcids if k in self.summaries else ()
                for k in {*self.old_rows, *new_keys}
            },
            {a: b for a, b, _ in self.lifecycle.merges},
            {
                k
                for k, r in self.rows.items()
                if k in self.old_rows and self.old_rows[k].status != r.status
            },
        )

    def _write_memberships(self) -> None:
        ends = [s for s, (old, _) in self.moves.items() if old]
        if ends:
            condition = is_in(self.connection, tables.Membership.signature_key, ends)
            self.connection.execute(delete(tables.Membership).where(condition))
        columns = ("signature_key", "identity_key", "confidence", "origin", "origin_key", "since")
        new = ((s, *place) for s, (_, place) in self.moves.items() if place)
        insert_rows(self.connection, tables.Membership, columns, new)
        names = (
            "event_seq",
            "signature_key",
            "from_identity",
            "from_confidence",
            "from_origin",
            "from_origin_key",
            "from_since",
            "to_identity",
            "to_confidence",
            "to_origin",
            "to_origin_key",
        )
        rows = (
            (self.event_seq, s, *(old or (None,) * 5), *(new[:4] if new else (None,) * 4))
            for s, (old, new) in self.moves.items()
        )
        insert_rows(self.connection, Move, names, rows)

    def _write_versions(self, new_keys: set[int]) -> None:
        missing = {r.redirect_key for r in (*self.rows.values(), *self.old_rows.values())}
        unknown = {key for key in missing if key is not None} - set(self.ids)
        rows = read_identities(self.connection, unknown).values() if unknown else ()
        ids = self.ids | {row.key: row.id for row in rows}
        insert_rows(
            self.connection,
            IdentityVersion,
            ("event_seq", "identity_key", "before", "after"),
            (
                (
                    self.event_seq,
                    key,
                    None
                    if key in new_keys
                    else self.old_rows[key].to_dict(ids, self.old_counts.get(key, 0)),
                    row.to_dict(ids, self.summaries[key].mentions if key in self.summaries else 0),
                )
                for key, row in self.rows.items()
            ),
        )

    def _end_lineage(self) -> None:
        """End the lineage of identities that are active again."""
        query = (
            select(Lineage.event_seq, Lineage.parent_key, IdentityVersion.after)
            .join(
                IdentityVersion,
                (IdentityVersion.event_seq == Lineage.event_seq)
                & (IdentityVersion.identity_key == Lineage.parent_key),
            )
            .where(Lineage.undone_seq.is_(None))
            .where(is_in(self.connection, Lineage.parent_key, self.lifecycle.revived_keys))
        )
        for seq, parent, after in self.connection.execute(query).all():
            if after["status"] != ACTIVE:
                statement = update(Lineage).where(
                    Lineage.event_seq == seq, Lineage.parent_key == parent
                )
                self.connection.execute(statement.values(undone_seq=self.event_seq))

    def _write_lineage(self) -> None:
        if self.lifecycle.revived_keys and not self.is_revert:
            self._end_lineage()
        rows = [
            (self.event_seq, a, b, "merge", n)
            for a, b, n in self.lifecycle.merges
            if a not in self.end_states
        ]
        rows += [
            (self.event_seq, parent.key, child, "split", n)
            for parent in self.lifecycle.splits
            if parent.key not in self.end_states
            for child, n in parent.children
        ]
        columns = ("event_seq", "parent_key", "child_key", "kind", "mentions")
        insert_rows(self.connection, Lineage, columns, rows)
