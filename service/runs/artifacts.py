"""Corpus statistics that a run stores for later runs, as rows and as files.

The rows are durable. The files are a copy in the data folder whose arrays are memory-mapped, so
that the processes of one machine share the pages that they read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import Connection, select

from service.db.database import Database, insert_rows
from service.db.tables import RunArtifact
from service.errors import Unavailable

if TYPE_CHECKING:
    from disambig.corpus.statistics import Statistics

PART_BYTES = 4 * 2**20
"""Bytes of one row."""
PREFIX = "statistics/"


def store_statistics(connection: Connection, run_key: int, folder: Path) -> int:
    """Store the files that :func:`disambig.out_of_core.staging.save_statistics` wrote; return their
    bytes.
    """
    n_bytes = 0

    def iterate_parts() -> Iterator[tuple[int, str, int, bytes]]:
        nonlocal n_bytes
        for file in sorted(folder.iterdir()):
            with file.open("rb") as stream:
                number = 0
                while content := stream.read(PART_BYTES):
                    n_bytes += len(content)
                    yield run_key, PREFIX + file.name, number, content
                    number += 1

    insert_rows(connection, RunArtifact, ("run_key", "name", "part", "content"), iterate_parts())
    return n_bytes


def open_statistics(database: Database, data: Path, run_key: int, run_id: str) -> Statistics:
    """Open the statistics of a run; copy them to the data folder if they are missing there.

    Raises
    ------
    Unavailable
        If the copy cannot be written, or the run has no stored statistics (any more).
    """
    from disambig.out_of_core.staging import load_statistics

    folder = data / "statistics" / run_id
    if not folder.is_dir():
        try:
            _copy_to_folder(database, run_key, folder)
        except OSError as error:
            raise Unavailable(
                f"statistics of run {run_id} cannot be copied to {folder} ({error})",
                "check that the data folder can be written to and has space",
            ) from error
    return load_statistics(folder)


def remove_other_copies(data: Path, kept_run_ids: set[str]) -> None:
    """Remove copies of the statistics of other runs; processes that have them open keep them."""
    folder = data / "statistics"
    if folder.is_dir():
        for copy in folder.iterdir():
            if copy.name not in kept_run_ids:
                shutil.rmtree(copy, ignore_errors=True)


def _copy_to_folder(database: Database, run_key: int, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary_folder = folder.with_name(f".{folder.name}.{uuid4().hex[:8]}")
    temporary_folder.mkdir()
    try:
        with database.read() as connection:
            rows = connection.execute(
                select(RunArtifact.name, RunArtifact.content)
                .where(RunArtifact.run_key == run_key)
                .order_by(RunArtifact.name, RunArtifact.part),
                execution_options={"stream_results": True, "yield_per": 4},
            )
            for name, content in rows:
                with (temporary_folder / Path(name).name).open("ab") as stream:
                    stream.write(content)
        if not (temporary_folder / "texts.json").is_file():
            raise Unavailable(
                "the run has no stored statistics", "start a full run: disambig run start"
            )
        try:
            os.rename(temporary_folder, folder)  # atomic
        except OSError:
            if not folder.is_dir():  # another process created it meanwhile
                raise
    finally:
        shutil.rmtree(temporary_folder, ignore_errors=True)
