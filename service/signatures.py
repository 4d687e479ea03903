"""Author mentions into the database, as the versions of their works come in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, select, update

from disambig.domain import Work
from service import memberships
from service.database import insert_rows, take_keys
from service.ledger import EventLog
from service.lookup import Lookup, name_keys, touch_blocks
from service.mentions import Known, Mention, mentions_of, settled
from service.sets import among, update_rows
from service.tables import Name, Signature

_SAID = ("position", "name_key", "block_key", "printed", "affiliation", "orcid")
"""Columns that a new version of the work may change."""

_Said = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Fresh:
    """A version of a work that has just become the current one."""

    work_key: int
    version: int
    work: Work
    created: bool


@dataclass(frozen=True, slots=True)
class _Stored:
    known: Known
    block_key: int | None
    said: _Said


@dataclass(slots=True)
class _Outcome:
    """Mentions of all works by what becomes of them."""

    kept: list[tuple[int, Mention]]
    new: list[tuple[int, Mention]]
    retired: dict[int, list[int]]


def write_signatures(
    connection: Connection, ledger: EventLog, seq: int, versions: Iterable[Fresh], lookup: Lookup
) -> None:
    """Insert new mentions, move and change those that stay, retire those that are gone.

    Every block that gains, has or loses a mention of these works is touched.

    Parameters
    ----------
    connection : Connection
        Of a write that holds the ledger.
    ledger : Ledger
    seq : int
        Number of the event that does this.
    versions : iterable of Fresh
        One of each work.
    lookup : Lookup
    """
    fresh = list(versions)
    stored = _stored(connection, [v.work_key for v in fresh if not v.created])
    outcome = _settled(fresh, stored, lookup)
    spellings = dict.fromkeys(m.name for _, m in chain(outcome.kept, outcome.new))
    names = name_keys(connection, lookup, spellings)
    active = (row for rows in stored.values() for row in rows if not row.known.retired)
    before = {row.block_key for row in active if row.block_key is not None}
    texts = (name.block for name in spellings if name.block)
    blocks = touch_blocks(connection, lookup, texts, before, seq)

    def said(mention: Mention) -> _Said:
        position, name, affiliation, orcid = mention
        printed, folded, block = name
        return position, names[folded], blocks.get(block), printed, affiliation, orcid

    _retire(connection, outcome.retired)
    earlier = {row.known.key: row for rows in stored.values() for row in rows}
    _change(connection, [(earlier[key], said(mention)) for key, mention in outcome.kept])
    keys = take_keys(connection, Signature, len(outcome.new))
    insert_rows(
        connection,
        Signature,
        ("key", "work_key", *_SAID),
        ((k, work, *said(mention)) for k, (work, mention) in zip(keys, outcome.new, strict=True)),
    )
    gone = sorted(key for some in outcome.retired.values() for key in some)
    stays = sorted(key for key, _ in outcome.kept)
    if gone or stays:
        memberships.retire(connection, ledger, seq, gone, changed=stays)


def _stored(connection: Connection, work_keys: Sequence[int]) -> dict[int, list[_Stored]]:
    """All mentions of these works, retired ones too."""
    found: dict[int, list[_Stored]] = defaultdict(list)
    if not work_keys:
        return found
    columns = [getattr(Signature, name) for name in _SAID]
    query = select(
        Signature.work_key, Signature.key, Signature.retired_version, Name.folded, *columns
    ).join(Name, Name.key == Signature.name_key)
    for work_key, key, retired, folded, *said in connection.execute(
        query.where(among(connection, Signature.work_key, work_keys))
    ):
        position, block_key, orcid = said[0], said[2], said[5]
        known = Known(key, position, folded, orcid, retired is not None)
        found[work_key].append(_Stored(known, block_key, tuple(said)))
    return found


def _settled(
    fresh: Iterable[Fresh], stored: Mapping[int, list[_Stored]], lookup: Lookup
) -> _Outcome:
    outcome = _Outcome([], [], {})
    for version in fresh:
        work_key, mentions = version.work_key, mentions_of(version.work, lookup.spelling)
        rows = stored.get(work_key)
        if not rows:
            outcome.new += [(work_key, mention) for mention in mentions]
            continue
        result = settled([row.known for row in rows], mentions)
        outcome.kept += [(known.key, mention) for known, mention in result.kept]
        outcome.new += [(work_key, mention) for mention in result.new]
        if result.retired:
            gone = [known.key for known in result.retired]
            outcome.retired.setdefault(version.version, []).extend(gone)
    return outcome


def _retire(connection: Connection, retired: Mapping[int, list[int]]) -> None:
    for version, keys in retired.items():
        gone = among(connection, Signature.key, keys)
        connection.execute(update(Signature).where(gone).values(retired_version=version))


def _change(connection: Connection, kept: Iterable[tuple[_Stored, _Said]]) -> None:
    changed = [(row, said) for row, said in kept if row.known.retired or row.said != said]
    moving = [row.known.key for row, said in changed if row.said[0] != said[0]]
    if moving:
        # a position belongs to one mention: those that change places all leave them first
        leaving = among(connection, Signature.key, moving)
        elsewhere = -1 - Signature.position
        connection.execute(update(Signature).where(leaving).values(position=elsewhere))
    rows = [(row.known.key, None, *said) for row, said in changed]
    update_rows(connection, Signature, ("retired_version", *_SAID), rows)
