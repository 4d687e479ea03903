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
    event_log: EventLog,
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
    event_log : EventLog
    seq : int
        Sequence number of the event.
    versions : iterable of CurrentVersion
        One for each work.
    cache : KeyCache
    """
    current_versions = list(versions)
    stored_rows = _read_stored_rows(
        connection, [v.work_key for v in current_versions if not v.created]
    )
    changes = _match_versions(current_versions, stored_rows, cache)
    name_forms = dict.fromkeys(m.name for _, m in chain(changes.matches, changes.new))
    name_keys = ensure_name_keys(connection, cache, name_forms)
    active = (row for rows in stored_rows.values() for row in rows if not row.signature.retired)
    blocks_before = {row.block_key for row in active if row.block_key is not None}
    texts = (name.block for name in name_forms if name.block)
    block_keys = touch_blocks(connection, cache, texts, blocks_before, seq)

    def to_values(mention: PrintedAuthor) -> _ColumnValues:
        position, name, affiliation, orcid = mention
        printed, folded, block = name
        return position, name_keys[folded], block_keys.get(block), printed, affiliation, orcid

    _retire(connection, changes.retired)
    earlier = {row.signature.key: row for rows in stored_rows.values() for row in rows}
    _update_rows(
        connection, [(earlier[key], to_values(mention)) for key, mention in changes.matches]
    )
    new_keys = allocate_keys(connection, Signature, len(changes.new))
    insert_rows(
        connection,
        Signature,
        ("key", "work_key", *_COLUMNS),
        (
            (k, work, *to_values(mention))
            for k, (work, mention) in zip(new_keys, changes.new, strict=True)
        ),
    )
    retired_keys = sorted(
        key for retired_batch in changes.retired.values() for key in retired_batch
    )
    matched_keys = sorted(key for key, _ in changes.matches)
    if retired_keys or matched_keys:
        membership_change.retire_signatures(
            connection, event_log, seq, retired_keys, updated_keys=matched_keys
        )


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
    for work_key, key, retired, folded, *values in connection.execute(
        query.where(is_in(connection, Signature.work_key, work_keys))
    ):
        position, block_key, orcid = values[0], values[2], values[5]
        signature = StoredSignature(key, position, folded, orcid, retired is not None)
        rows_by_work[work_key].append(_StoredRow(signature, block_key, tuple(values)))
    return rows_by_work


def _match_versions(
    versions: Iterable[CurrentVersion], stored_rows: Mapping[int, list[_StoredRow]], cache: KeyCache
) -> _SignatureChanges:
    changes = _SignatureChanges([], [], {})
    for version in versions:
        work_key, authors = (
            version.work_key,
            list_printed_authors(version.work, cache.get_name_forms),
        )
        rows = stored_rows.get(work_key)
        if not rows:
            changes.new += [(work_key, author) for author in authors]
            continue
        matches = match_signatures([row.signature for row in rows], authors)
        changes.matches += [(signature.key, author) for signature, author in matches.matches]
        changes.new += [(work_key, author) for author in matches.new]
        if matches.retired:
            retired_keys = [signature.key for signature in matches.retired]
            changes.retired.setdefault(version.version, []).extend(retired_keys)
    return changes


def _retire(connection: Connection, retired: Mapping[int, list[int]]) -> None:
    for version, keys in retired.items():
        is_retired = is_in(connection, Signature.key, keys)
        connection.execute(update(Signature).where(is_retired).values(retired_version=version))


def _update_rows(
    connection: Connection, matches: Iterable[tuple[_StoredRow, _ColumnValues]]
) -> None:
    changed = [
        (row, values) for row, values in matches if row.signature.retired or row.values != values
    ]
    moving_keys = [row.signature.key for row, values in changed if row.values[0] != values[0]]
    if moving_keys:
        # a position is unique within a work: free the positions of all moving rows first
        is_moving = is_in(connection, Signature.key, moving_keys)
        temporary_position = -1 - Signature.position
        connection.execute(update(Signature).where(is_moving).values(position=temporary_position))
    rows = [(row.signature.key, None, *values) for row, values in changed]
    update_rows(connection, Signature, ("retired_version", *_COLUMNS), rows)
