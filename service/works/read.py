"""Read stored works and signature keys for the engine.

Make all calls in one read (or write) transaction, so that works and their signatures agree.
Arrays of the engine name a signature by (work, position); :class:`SignatureKeys` maps these to
signature keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, and_, select

from disambig import domain
from disambig.arrays import Int64
from disambig.domain import POSITION_BITS
from disambig.ingest import load_work
from service.db.bulk import read_integer_table
from service.db.database import split_keys
from service.db.tables import Signature, Work, WorkVersion
from service.errors import Unavailable


@dataclass(frozen=True, eq=False)
class SignatureKeys:
    """Signature keys by place key: ``place_key`` int64[n] ascending, ``key`` int64[n].

    A place key holds the work's key and the position on the work in one integer.
    """

    place_key: Int64
    key: Int64

    @classmethod
    def read(cls, connection: Connection, *where: Any) -> SignatureKeys:
        """Read the keys of current signatures that meet the conditions."""
        query = select(Signature.work_key, Signature.position, Signature.key).where(
            Signature.retired_version.is_(None), *where
        )
        rows = read_integer_table(connection, query)
        place_key = signature_place_key(rows[:, 0], rows[:, 1])
        order = np.argsort(place_key, kind="stable")
        return cls(place_key[order], rows[order, 2])

    def look_up(self, place_key: Int64) -> Int64:
        """Return the signature key of each place key, int64[n].

        Raises
        ------
        Unavailable
            If a place key has no signature: works and signatures are inconsistent.
        """
        if not len(place_key):
            return np.empty(0, dtype=np.int64)
        index = np.minimum(
            np.searchsorted(self.place_key, place_key), max(len(self.place_key) - 1, 0)
        )
        is_missing = (
            self.place_key[index] != place_key
            if len(self.place_key)
            else np.ones(len(place_key), dtype=bool)
        )
        if is_missing.any():
            work, position = divmod(
                int(place_key[np.flatnonzero(is_missing)[0]]), 1 << POSITION_BITS
            )
            raise Unavailable(
                f"the author at position {position} of the work with key {work} has no signature",
                "load that work again",
            )
        return self.key[index]


def signature_place_key(work: Int64, position: npt.NDArray[np.integer]) -> Int64:
    """Pack the key of the work and the position on it into one integer; int64[n]."""
    place_key: Int64 = work.astype(np.int64) << POSITION_BITS | position.astype(np.int64)
    return place_key


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


def read_signature_keys_of_works(
    connection: Connection, work_keys: Iterable[int]
) -> dict[tuple[int, int], int]:
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
