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
from service.constraints.store import read_signatures
from service.db.bulk import is_in
from service.db.tables import ExternalId, Identity, Signature
from service.events.log import EventLog
from service.external_ids.attach import SIGNATURE_SOURCE, read_detached_ids
from service.external_ids.schemes import parse_orcid
from service.identities.store import ACTIVE, read_identities
from service.memberships.followers import read_members
from service.tasks.create import NewTask, open_tasks
from service.tasks.subjects import read_identity_keys

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
    stated = _read_stated_orcids(connection)
    gathered = _collect_orcids_after(connection, stated, signature, after)
    if not gathered:
        return []
    there = _mentions_at(connection, gathered, signature, after)
    origin = read_identity_keys(connection, there.keys())
    before = _had(connection, {*gathered, *origin.values()})
    clashing = []
    for key, sides in _by_orcid(connection, gathered, stated, there, origin).items():
        mentions = [mention for some in sides.values() for mention in some]
        whence = {key, *(origin[mention] for mention in mentions if mention in origin)}
        new = len(sides) > 1 and not any(sides.keys() <= before[home] for home in whence)
        if new and mentions:
            clashing.append(OrcidConflict(key, _sides(sides, origin)))
    return clashing


def open_conflict_tasks(
    connection: Connection, ledger: EventLog, event_seq: int, found: Iterable[OrcidConflict]
) -> None:
    """Open tasks about the conflicts that an event has published."""
    asked = []
    for clash in found:
        every = [m for side in clash.sides for m in side.mentions]
        key = read_identity_keys(connection, every)[every[0]]
        row = read_identities(connection, [key])[key]
        places = read_signatures(connection, every)
        sides = [
            {
                "identity": row.id,
                "name": row.name,
                "orcid": side.orcid,
                "n": len(side.mentions),
                "mentions": [
                    {"work": places[m].work, "position": places[m].position}
                    for m in side.mentions[:MAX_SIGNATURES_SHOWN]
                ],
            }
            for side in clash.sides
            if side.mentions
        ]
        values = [side.orcid for side in clash.sides]
        evidence = {"scheme": ORCID, "values": values, "identities": [row.id], "sides": sides}
        n = clash.mentions
        name = select(Signature.name_key).where(Signature.key == every[0])
        asked.append(NewTask("conflict", row.id, n, float(n), evidence, connection.scalar(name)))
    open_tasks(connection, ledger, event_seq, asked)


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
    found: dict[int, set[str]] = defaultdict(set)
    for key, value in connection.execute(query):
        found[key].add(value)
    return dict(found)


def _collect_orcids_after(
    connection: Connection, stated: Mapping[int, set[str]], signature: Int64, after: Int64
) -> dict[int, set[str]]:
    """Return attached iDs by the identity that has them afterwards.

    A continued identity keeps its iDs; one that merges as a whole passes them to its target.
    """
    members = read_members(connection, stated) if stated else {}
    moving = np.isin(signature, list(members))
    target = dict(zip(signature[moving].tolist(), after[moving].tolist(), strict=True))
    goes_on = set(np.unique(after[np.isin(after, list(stated))]).tolist())
    ways: dict[int, set[int]] = defaultdict(set)
    for mention, key in members.items():
        ways[key].add(target.get(mention, key))
    found: dict[int, set[str]] = defaultdict(set)
    for key, values in stated.items():
        if key in goes_on or key in ways[key]:
            found[key] |= values
        elif len(ways[key]) == 1:
            found[next(iter(ways[key]))] |= values
    return dict(found)


def _mentions_at(
    connection: Connection, keys: Collection[int], signature: Int64, after: Int64
) -> dict[int, int]:
    """Return the identity afterwards of all signatures of some identities."""
    here = np.isin(after, list(keys))
    found = read_members(connection, {key for key in keys if key >= 0})
    leaving = set(signature[np.isin(signature, list(found)) & ~here].tolist())
    found = {mention: key for mention, key in found.items() if mention not in leaving}
    return found | dict(zip(signature[here].tolist(), after[here].tolist(), strict=True))


def _by_orcid(
    connection: Connection,
    gathered: Mapping[int, set[str]],
    stated: Mapping[int, set[str]],
    there: Mapping[int, int],
    origin: Mapping[int, int],
) -> dict[int, dict[str, list[int]]]:
    """Group the signatures of each identity by ORCID iD: printed, or attached to their source."""
    refused = read_detached_ids(connection, {key for key in gathered if key >= 0})
    rows = select(Signature.key, Signature.orcid).where(
        is_in(connection, Signature.key, there), Signature.orcid.is_not(None)
    )
    printed = {key: found for key, text in connection.execute(rows) if (found := parse_orcid(text))}
    by: dict[int, dict[str, list[int]]] = {
        key: {value: [] for value in values} for key, values in gathered.items()
    }
    for mention, key in sorted(there.items()):
        bears = printed.get(mention)
        if bears is None or (key, ORCID, bears) in refused:
            known = stated.get(origin.get(mention, key), set())
            bears = min(known & gathered[key], default=None)
        if bears is not None:
            by[key].setdefault(bears, []).append(mention)
    return by


def _had(connection: Connection, identities: Collection[int]) -> defaultdict[int, set[str]]:
    """Read the ORCID iDs of identities from any source."""
    query = select(ExternalId.identity_key, ExternalId.value).where(
        ExternalId.scheme == ORCID,
        ExternalId.removed_seq.is_(None),
        is_in(connection, ExternalId.identity_key, identities),
    )
    found: defaultdict[int, set[str]] = defaultdict(set)
    for key, value in connection.execute(query):
        found[key].add(value)
    return found


def _sides(sides: Mapping[str, list[int]], origin: Mapping[int, int]) -> tuple[OrcidSide, ...]:
    ordered = sorted(sides.items(), key=lambda side: (-len(side[1]), side[0]))
    found = []
    for value, mentions in ordered:
        count = Counter(origin[m] for m in mentions if m in origin)
        origins = sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
        found.append(OrcidSide(value, tuple(mentions), tuple(origins)))
    return tuple(found)
