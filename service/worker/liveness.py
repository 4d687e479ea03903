"""``python -m service.worker.liveness``: check that a worker of this host is alive (status 0 or 1).

For the health check of a container that runs ``disambig worker``.
"""

from __future__ import annotations

import socket
import sys
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from disambig.console import escape_text
from disambig.errors import DisambigError
from service.db.database import Database
from service.db.migrations import connect
from service.db.tables import Worker
from service.settings import read_settings


def has_live_worker(database: Database, host: str, timeout: float) -> bool:
    """Return whether a worker of ``host`` had a heartbeat in the last ``timeout`` seconds."""
    oldest = datetime.now(UTC) - timedelta(seconds=timeout)
    query = select(Worker.key).where(
        Worker.host == host, Worker.stopped_at.is_(None), Worker.heartbeat_at >= oldest
    )
    with database.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def main() -> int:
    """Check the worker of this host in the database of the settings."""
    try:
        settings = read_settings()
        database = connect(settings)
        try:
            is_alive = has_live_worker(database, socket.gethostname(), settings.heartbeat)
        finally:
            database.close()
    except DisambigError as error:
        print(f"Error: {escape_text(str(error))}", file=sys.stderr)
        return 1
    if not is_alive:
        print(
            f"no heartbeat of a worker of this host within {settings.heartbeat:g} s",
            file=sys.stderr,
        )
    return 0 if is_alive else 1


if __name__ == "__main__":
    sys.exit(main())
