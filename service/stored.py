"""Works as they are stored, read back for the engine.

All functions want one read (or write) from the first call to the last, so that works and their
signatures agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, and_, select

from disambig import domain
from disambig.ingest import load_work
from service.database import in_batches
from service.tables import Signature, Work, WorkVersion

KEYS_AT_ONCE = 2_000

_CURRENT = and_(WorkVersion.work_key == Work.key, WorkVersion.version == Work.version)
_RECORDS = select(Work.key, WorkVersion.record).join(WorkVersion, _CURRENT)


def works_by_key(connection: Connection, keys: Iterable[int]) -> dict[int, domain.Work]:
    """Current versions of works by rising key; keys of no work are left out."""
    found: dict[int, domain.Work] = {}
    for some in in_batches(sorted(set(keys)), KEYS_AT_ONCE):
        rows = connection.execute(_RECORDS.where(Work.key.in_(some)).order_by(Work.key))
        for key, record in rows:
            found[key] = load_work(record)
    return found


def all_works(
    connection: Connection, at_once: int = KEYS_AT_ONCE
) -> Iterator[tuple[int, domain.Work]]:
    """Keys and current versions of all works by rising key, ``at_once`` in memory."""
    last = 0
    while True:
        page = _RECORDS.where(Work.key > last).order_by(Work.key).limit(at_once)
        rows = connection.execute(page).all()
        for key, record in rows:
            yield key, load_work(record)
        if len(rows) < at_once:
            return
        last = rows[-1][0]


def works_of_blocks(
    connection: Connection, block_keys: Iterable[int]
) -> Iterator[tuple[int, domain.Work]]:
    """Keys and current versions of the works with a mention in one of these blocks.

    By rising key, each once.
    """
    keys: set[int] = set()
    for some in in_batches(sorted(set(block_keys)), KEYS_AT_ONCE):
        keys.update(
            connection.scalars(
                select(Signature.work_key)
                .where(Signature.block_key.in_(some), Signature.retired_version.is_(None))
                .distinct()
            )
        )
    for some in in_batches(sorted(keys), KEYS_AT_ONCE):
        yield from works_by_key(connection, some).items()


def signature_keys(connection: Connection, work_keys: Iterable[int]) -> dict[tuple[int, int], int]:
    """Keys of the mentions of these works' current versions, by work key and position."""
    found: dict[tuple[int, int], int] = {}
    query = select(Signature.work_key, Signature.position, Signature.key).where(
        Signature.retired_version.is_(None)
    )
    for some in in_batches(sorted(set(work_keys)), KEYS_AT_ONCE):
        for work_key, position, key in connection.execute(
            query.where(Signature.work_key.in_(some))
        ):
            found[work_key, position] = key
    return found
