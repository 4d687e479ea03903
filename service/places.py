"""Keys of signatures by place, which is how the engine's arrays know them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, Select, select

from service.errors import Unavailable
from service.tables import Signature

Int64 = npt.NDArray[np.int64]

POSITIONS = 20
"""Bits of a place that hold the position: a work has fewer than a million authors."""
ROWS_AT_ONCE = 50_000


@dataclass(frozen=True, eq=False)
class Places:
    """Keys of signatures by place: ``place`` int64[n] ascending, ``key`` int64[n].

    A place is the work's key and the position on it in one number.
    """

    place: Int64
    key: Int64

    @classmethod
    def read(cls, connection: Connection, *where: Any) -> Places:
        """Of all signatures that are not retired, or of some."""
        wanted = select(Signature.work_key, Signature.position, Signature.key).where(
            Signature.retired_version.is_(None), *where
        )
        rows = table(connection, wanted)
        place = place_of(rows[:, 0], rows[:, 1])
        order = np.argsort(place, kind="stable")
        return cls(place[order], rows[order, 2])

    def keys(self, place: Int64) -> Int64:
        """Key of the signature at each place.

        Raises
        ------
        Unavailable
            If there is no signature at one: works and signatures do not fit together.
        """
        if not len(place):
            return np.empty(0, dtype=np.int64)
        at = np.minimum(np.searchsorted(self.place, place), max(len(self.place) - 1, 0))
        wrong = self.place[at] != place if len(self.place) else np.ones(len(place), dtype=bool)
        if wrong.any():
            work, position = divmod(int(place[np.flatnonzero(wrong)[0]]), 1 << POSITIONS)
            raise Unavailable(
                f"the author at position {position} of the work with key {work} has no signature",
                "load that work again",
            )
        return self.key[at]


def place_of(work: Int64, position: npt.NDArray[np.integer]) -> Int64:
    """Place of each signature: the key of its work and its position."""
    found: Int64 = work.astype(np.int64) << POSITIONS | position.astype(np.int64)
    return found


def table(connection: Connection, wanted: Select[*tuple[Any, ...]]) -> Int64:
    """Rows of a query whose columns are all integers, int64[n, columns]."""
    width = len(wanted.selected_columns)
    options = {"stream_results": True, "yield_per": ROWS_AT_ONCE}
    result = connection.execute(wanted, execution_options=options)
    parts = [np.empty((0, width), dtype=np.int64)]
    parts += [
        np.array([tuple(row) for row in some], dtype=np.int64).reshape(-1, width)
        for some in result.partitions()
    ]
    return np.concatenate(parts)
