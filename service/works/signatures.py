"""Store signatures (author mentions) as new versions of their works arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, select, update

from disambig.domain import Work
from service.db.bulk import is_in, update_rows
from service.db.database import allocate_keys, insert_rows
from service.db.tables import Name, Signature
from service.events.log import EventLog
from service.memberships import change as membership_change
from service.works.name_keys import KeyCache, ensure_name_keys, touch_blocks
from service.works.versions import (
    PrintedAuthor,
    StoredSignature,
    list_printed_authors,
    match_signatures,
)

_COLUMNS = ("position", "name_key", "block_key", "printed", "affiliation", "orcid")
"""Columns that a new version of the work may change."""

_ColumnValues = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class CurrentVersion:
    """A version of a work that has just become the current version."""

    work_key: int
    version: int
    work: Work
    created: bool


@dataclass(frozen=True, slots=True)
class _StoredRow:
    signature: StoredSignature
    block_key: int | None
    values: _ColumnValues


@dataclass(slots=True)
class _SignatureChanges:
    """Signatures of all works to update, to insert and to retire."""

    matches: list[tuple[int, PrintedAuthor]]
    new: list[tuple[int, PrintedAuthor]]
    retired: dict[int, list[int]]


def store_signatures(
    connection: Connection,
    ledger: EventLog,
    seq: int,
    versions: Iterable[CurrentVersion],
    cache: KeyCache,
) -> None:
    """Insert new signatures, update matched ones, retire those that the new versions lack.

    Touch every block that gains, has or loses a signature of these works.

    Parameters
    ----------
    connection : Connection
        Of a write that holds the event log.
    ledger : EventLog
    seq : int
        Sequence number of the event.
    versions : iterable of CurrentVersion
        One for each work.
    cache : KeyCache
    """
    current_versions = list(versions)
    stored = _read_stored_rows(connection, [v.work_key for v in current_versions if not v.created])
    outcome = _match_versions(current_versions, stored, cache)
    spellings = dict.fromkeys(m.name for _, m in chain(outcome.matches, outcome.new))
    names = ensure_name_keys(connection, cache, spellings)
    active = (row for rows in stored.values() for row in rows if not row.signature.retired)
    before = {row.block_key for row in active if row.block_key is not None}
    texts = (name.block for name in spellings if name.block)
    blocks = touch_blocks(connection, cache, texts, before, seq)

    def said(mention: PrintedAuthor) -> _ColumnValues:
        position, name, affiliation, orcid = mention
        printed, folded, block = name
        return position, names[folded], blocks.get(block), printed, affiliation, orcid

    _retire(connection, outcome.retired)
    earlier = {row.signature.key: row for rows in stored.values() for row in rows}
    _update_rows(connection, [(earlier[key], said(mention)) for key, mention in outcome.matches])
    keys = allocate_keys(connection, Signature, len(outcome.new))
    insert_rows(
        connection,
        Signature,
        ("key", "work_key", *_COLUMNS),
        ((k, work, *said(mention)) for k, (work, mention) in zip(keys, outcome.new, strict=True)),
    )
    gone = sorted(key for some in outcome.retired.values() for key in some)
    stays = sorted(key for key, _ in outcome.matches)
    if gone or stays:
        membership_change.retire_signatures(connection, ledger, seq, gone, changed=stays)


def _read_stored_rows(
    connection: Connection, work_keys: Sequence[int]
) -> dict[int, list[_StoredRow]]:
    """Read all signatures of these works, including retired ones, by work."""
    rows_by_work: dict[int, list[_StoredRow]] = defaultdict(list)
    if not work_keys:
        return rows_by_work
    columns = [getattr(Signature, name) for name in _COLUMNS]
    query = select(
        Signature.work_key, Signature.key, Signature.retired_version, Name.folded, *columns
    ).join(Name, Name.key == Signature.name_key)
    for work_key, key, retired, folded, *said in connection.execute(
        query.where(is_in(connection, Signature.work_key, work_keys))
    ):
        position, block_key, orcid = said[0], said[2], said[5]
        known = StoredSignature(key, position, folded, orcid, retired is not None)
        rows_by_work[work_key].append(_StoredRow(known, block_key, tuple(said)))
    return rows_by_work


def _match_versions(
    fresh: Iterable[CurrentVersion], stored: Mapping[int, list[_StoredRow]], lookup: KeyCache
) -> _SignatureChanges:
    outcome = _SignatureChanges([], [], {})
    for version in fresh:
        work_key, mentions = (
            version.work_key,
            list_printed_authors(version.work, lookup.get_name_forms),
        )
        rows = stored.get(work_key)
        if not rows:
            outcome.new += [(work_key, mention) for mention in mentions]
            continue
        result = match_signatures([row.signature for row in rows], mentions)
        outcome.matches += [(known.key, mention) for known, mention in result.matches]
        outcome.new += [(work_key, mention) for mention in result.new]
        if result.retired:
            gone = [known.key for known in result.retired]
            outcome.retired.setdefault(version.version, []).extend(gone)
    return outcome


def _retire(connection: Connection, retired: Mapping[int, list[int]]) -> None:
    for version, keys in retired.items():
        gone = is_in(connection, Signature.key, keys)
        connection.execute(update(Signature).where(gone).values(retired_version=version))


def _update_rows(connection: Connection, matches: Iterable[tuple[_StoredRow, _ColumnValues]]) -> None:
    changed = [(row, said) for row, said in matches if row.signature.retired or row.values != said]
    moving = [row.signature.key for row, said in changed if row.values[0] != said[0]]
    if moving:
        # a position is unique within a work: free the positions of all moving rows first
        leaving = is_in(connection, Signature.key, moving)
        elsewhere = -1 - Signature.position
        connection.execute(update(Signature).where(leaving).values(position=elsewhere))
    rows = [(row.signature.key, None, *said) for row, said in changed]
    update_rows(connection, Signature, ("retired_version", *_COLUMNS), rows)
