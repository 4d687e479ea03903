"""Read stored works and signature keys for the engine.

Make all calls in one read (or write) transaction, so that works and their signatures agree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, and_, select

from disambig import domain
from disambig.ingest import load_work
from service.database import split_keys
from service.tables import Signature, Work, WorkVersion

KEYS_AT_ONCE = 2_000

_CURRENT = and_(WorkVersion.work_key == Work.key, WorkVersion.version == Work.version)
_RECORDS = select(Work.key, WorkVersion.record).join(WorkVersion, _CURRENT)


def read_works(connection: Connection, keys: Iterable[int]) -> dict[int, domain.Work]:
    """Return current versions of works by ascending key; omit keys without a work."""
    works: dict[int, domain.Work] = {}
    for batch in split_keys(sorted(set(keys)), KEYS_AT_ONCE):
        rows = connection.execute(_RECORDS.where(Work.key.in_(batch)).order_by(Work.key))
        for key, record in rows:
            works[key] = load_work(record)
    return works


def iterate_works(
    connection: Connection, at_once: int = KEYS_AT_ONCE
) -> Iterator[tuple[int, domain.Work]]:
    """Yield key and current version of all works by ascending key, ``at_once`` in memory."""
    last = 0
    while True:
        page = _RECORDS.where(Work.key > last).order_by(Work.key).limit(at_once)
        rows = connection.execute(page).all()
        for key, record in rows:
            yield key, load_work(record)
        if len(rows) < at_once:
            return
        last = rows[-1][0]


def iterate_works_of_blocks(
    connection: Connection, block_keys: Iterable[int]
) -> Iterator[tuple[int, domain.Work]]:
    """Yield key and current version of the works with a signature in one of these blocks.

    Works come by ascending key, each once.
    """
    keys: set[int] = set()
    for batch in split_keys(sorted(set(block_keys)), KEYS_AT_ONCE):
        keys.update(
            connection.scalars(
                select(Signature.work_key)
                .where(Signature.block_key.in_(batch), Signature.retired_version.is_(None))
                .distinct()
            )
        )
    for batch in split_keys(sorted(keys), KEYS_AT_ONCE):
        yield from read_works(connection, batch).items()


def read_signature_keys(connection: Connection, work_keys: Iterable[int]) -> dict[tuple[int, int], int]:
    """Return signature keys of these works' current versions by work key and position."""
    signature_keys: dict[tuple[int, int], int] = {}
    query = select(Signature.work_key, Signature.position, Signature.key).where(
        Signature.retired_version.is_(None)
    )
    for batch in split_keys(sorted(set(work_keys)), KEYS_AT_ONCE):
        for work_key, position, key in connection.execute(
            query.where(Signature.work_key.in_(batch))
        ):
            signature_keys[work_key, position] = key
    return signature_keys
