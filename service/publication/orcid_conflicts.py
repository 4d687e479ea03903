"""Detect proposed identities with different ORCID iDs.

Runs apply the iDs that works print, not those that curators attached to identities
(:mod:`service.external_ids.attach`): an attached iD names the person, not the signatures. So a run
may merge identities whose attached iDs differ. The merge is allowed, since either source may be
wrong; the diff of the run lists it, and publishing opens a task of kind ``conflict`` about it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, select

from disambig.arrays import Int64
from disambig.orcid import parse_orcid
from service.db.bulk import is_in
from service.db.signatures import read_identity_keys, read_signatures
from service.db.tables import ExternalId, Identity, Signature
from service.events.log import EventLog
from service.external_ids.attach import SIGNATURE_SOURCE, read_detached_ids
from service.identities.store import ACTIVE, read_identities
from service.memberships.followers import read_members
from service.tasks.create import NewTask, open_tasks

ORCID = "orcid"
MAX_SIGNATURES_SHOWN = 1_000
"""Most signatures of one side in the evidence of a task."""


@dataclass(frozen=True, slots=True)
class OrcidSide:
    """Signatures of one ORCID iD, printed or attached.

    Attributes
    ----------
    orcid : str
    mentions : tuple of int
        Signature keys, ascending.
    origins : tuple of (int, int)
        Source identities by key, with the number of signatures; the largest first.
    """

    orcid: str
    mentions: tuple[int, ...]
    origins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class OrcidConflict:
    """An identity that would have different ORCID iDs.

    ``sides`` has one entry for each iD, the largest first. ``key`` is below 0 for a new identity.
    """

    key: int
    sides: tuple[OrcidSide, ...]

    @property
    def mentions(self) -> int:
        """Number of signatures with one of the iDs."""
        return sum(len(side.mentions) for side in self.sides)


def find_orcid_conflicts(
    connection: Connection, signature: Int64, after: Int64
) -> list[OrcidConflict]:
    """Find identities that would newly have different ORCID iDs, at least one of them attached.

    Omit identities that had these iDs before.

    Parameters
    ----------
    signature, after : int64[n]
        Signature keys and their new identities: a key, or below 0 for a new identity. Other
        signatures keep their identity.
    """
    stated_orcids = _read_stated_orcids(connection)
    orcids_after = _collect_orcids_after(connection, stated_orcids, signature, after)
    if not orcids_after:
        return []
    identity_after = _locate_signatures(connection, orcids_after, signature, after)
    identity_before = read_identity_keys(connection, identity_after.keys())
    orcids_before = _read_orcids(connection, {*orcids_after, *identity_before.values()})
    conflicts = []
    for key, sides in _group_by_orcid(
        connection, orcids_after, stated_orcids, identity_after, identity_before
    ).items():
        mentions = [mention for signatures in sides.values() for mention in signatures]
        origins = {
            key,
            *(identity_before[mention] for mention in mentions if mention in identity_before),
        }
        is_new = len(sides) > 1 and not any(
            sides.keys() <= orcids_before[source] for source in origins
        )
        if is_new and mentions:
            conflicts.append(OrcidConflict(key, _build_sides(sides, identity_before)))
    return conflicts


def open_conflict_tasks(
    connection: Connection, event_log: EventLog, event_seq: int, conflicts: Iterable[OrcidConflict]
) -> None:
    """Open tasks about the conflicts that an event has published."""
    tasks = []
    for conflict in conflicts:
        signature_keys = [m for side in conflict.sides for m in side.mentions]
        key = read_identity_keys(connection, signature_keys)[signature_keys[0]]
        row = read_identities(connection, [key])[key]
        signatures = read_signatures(connection, signature_keys)
        sides = [
            {
                "identity": row.id,
                "name": row.name,
                "orcid": side.orcid,
                "n": len(side.mentions),
                "mentions": [
                    {"work": signatures[m].work, "position": signatures[m].position}
                    for m in side.mentions[:MAX_SIGNATURES_SHOWN]
                ],
            }
            for side in conflict.sides
            if side.mentions
        ]
        values = [side.orcid for side in conflict.sides]
        evidence = {"scheme": ORCID, "values": values, "identities": [row.id], "sides": sides}
        n = conflict.mentions
        name = select(Signature.name_key).where(Signature.key == signature_keys[0])
        tasks.append(NewTask("conflict", row.id, n, float(n), evidence, connection.scalar(name)))
    open_tasks(connection, event_log, event_seq, tasks)


def _read_stated_orcids(connection: Connection) -> dict[int, set[str]]:
    """Read the ORCID iDs that curators attached to active identities, by key."""
    query = (
        select(ExternalId.identity_key, ExternalId.value)
        .join(Identity, Identity.key == ExternalId.identity_key)
        .where(
            ExternalId.scheme == ORCID,
            ExternalId.source != SIGNATURE_SOURCE,
            ExternalId.removed_seq.is_(None),
            Identity.status == ACTIVE,
        )
    )
    orcids: dict[int, set[str]] = defaultdict(set)
    for key, value in connection.execute(query):
        orcids[key].add(value)
    return dict(orcids)


def _collect_orcids_after(
    connection: Connection, stated_orcids: Mapping[int, set[str]], signature: Int64, after: Int64
) -> dict[int, set[str]]:
    """Return attached iDs by the identity that has them afterwards.

    A continued identity keeps its iDs; one that merges as a whole passes them to its target.
    """
    members = read_members(connection, stated_orcids) if stated_orcids else {}
    is_moving = np.isin(signature, list(members))
    target = dict(zip(signature[is_moving].tolist(), after[is_moving].tolist(), strict=True))
    continuing = set(np.unique(after[np.isin(after, list(stated_orcids))]).tolist())
    destinations: dict[int, set[int]] = defaultdict(set)
    for mention, key in members.items():
        destinations[key].add(target.get(mention, key))
    orcids_after: dict[int, set[str]] = defaultdict(set)
    for key, values in stated_orcids.items():
        if key in continuing or key in destinations[key]:
            orcids_after[key] |= values
        elif len(destinations[key]) == 1:
            orcids_after[next(iter(destinations[key]))] |= values
    return dict(orcids_after)


def _locate_signatures(
    connection: Connection, keys: Collection[int], signature: Int64, after: Int64
) -> dict[int, int]:
    """Return the identity afterwards of all signatures of some identities."""
    is_arriving = np.isin(after, list(keys))
    identity_of = read_members(connection, {key for key in keys if key >= 0})
    leaving = set(signature[np.isin(signature, list(identity_of)) & ~is_arriving].tolist())
    identity_of = {mention: key for mention, key in identity_of.items() if mention not in leaving}
    return identity_of | dict(
        zip(signature[is_arriving].tolist(), after[is_arriving].tolist(), strict=True)
    )


def _group_by_orcid(
    connection: Connection,
    orcids_after: Mapping[int, set[str]],
    stated_orcids: Mapping[int, set[str]],
    identity_after: Mapping[int, int],
    identity_before: Mapping[int, int],
) -> dict[int, dict[str, list[int]]]:
    """Group the signatures of each identity by ORCID iD: printed, or attached to their source."""
    removed_ids = read_detached_ids(connection, {key for key in orcids_after if key >= 0})
    rows = select(Signature.key, Signature.orcid).where(
        is_in(connection, Signature.key, identity_after), Signature.orcid.is_not(None)
    )
    printed = {
        key: parsed
        for key, text in connection.execute(rows)
        if text and (parsed := parse_orcid(text))
    }
    groups: dict[int, dict[str, list[int]]] = {
        key: {value: [] for value in values} for key, values in orcids_after.items()
    }
    for mention, key in sorted(identity_after.items()):
        orcid = printed.get(mention)
        if orcid is None or (key, ORCID, orcid) in removed_ids:
            candidates = stated_orcids.get(identity_before.get(mention, key), set())
            orcid = min(candidates & orcids_after[key], default=None)
        if orcid is not None:
            groups[key].setdefault(orcid, []).append(mention)
    return groups


def _read_orcids(connection: Connection, identities: Collection[int]) -> defaultdict[int, set[str]]:
    """Read the ORCID iDs of identities from any source."""
    query = select(ExternalId.identity_key, ExternalId.value).where(
        ExternalId.scheme == ORCID,
        ExternalId.removed_seq.is_(None),
        is_in(connection, ExternalId.identity_key, identities),
    )
    orcids: defaultdict[int, set[str]] = defaultdict(set)
    for key, value in connection.execute(query):
        orcids[key].add(value)
    return orcids


def _build_sides(
    sides: Mapping[str, list[int]], identity_before: Mapping[int, int]
) -> tuple[OrcidSide, ...]:
    ordered_sides = sorted(sides.items(), key=lambda side: (-len(side[1]), side[0]))
    orcid_sides = []
    for value, mentions in ordered_sides:
        count = Counter(identity_before[m] for m in mentions if m in identity_before)
        origins = sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
        orcid_sides.append(OrcidSide(value, tuple(mentions), tuple(origins)))
    return tuple(orcid_sides)
