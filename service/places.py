"""Map (work, position), by which the engine's arrays name signatures, to signature keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, select

from service.errors import Unavailable
from service.tables import Signature

Int64 = npt.NDArray[np.int64]

POSITION_BITS = 20
"""Bits of a place key that hold the position: a work has fewer than a million authors."""
ROWS_AT_ONCE = 50_000


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
        index = np.minimum(np.searchsorted(self.place_key, place_key), max(len(self.place_key) - 1, 0))
        is_missing = self.place_key[index] != place_key if len(self.place_key) else np.ones(len(place_key), dtype=bool)
        if is_missing.any():
            work, position = divmod(int(place_key[np.flatnonzero(is_missing)[0]]), 1 << POSITION_BITS)
            raise Unavailable(
                f"the author at position {position} of the work with key {work} has no signature",
                "load that work again",
            )
        return self.key[index]


def signature_place_key(work: Int64, position: npt.NDArray[np.integer]) -> Int64:
    """Pack the key of the work and the position on it into one integer; int64[n]."""
    place_key: Int64 = work.astype(np.int64) << POSITION_BITS | position.astype(np.int64)
    return place_key


def read_integer_table(connection: Connection, query: Select[*tuple[Any, ...]]) -> Int64:
    """Return the rows of a query whose columns are all integers, int64[n, columns]."""
    width = len(query.selected_columns)
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    result = connection.execute(query, execution_options=options)
    parts = [np.empty((0, width), dtype=np.int64)]
    parts += [
        np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, width)
        for rows in result.partitions()
    ]
    return np.concatenate(parts)
