"""Server processes: prepare the database, bind one socket, run uvicorn."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import socket as sockets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import select

from service import log
from service.db import migrations
from service.db.database import Database
from service.db.migrations import connect
from service.db.tables import ApiKey, Identity, Work
from service.errors import Invalid, Unavailable
from service.observability import metrics
from service.settings import Settings

SHUTDOWN_SECONDS = 30
"""Seconds that running requests have to finish when the server stops."""
BACKLOG = 2048


def prepare(settings: Settings, *, migrate: bool) -> dict[str, int]:
    """Prepare the database; return 1 or 0 for whether it holds keys, works and identities.

    Raises
    ------
    Invalid
        The address of the database is malformed.
    Unavailable
        The database cannot be reached, or is of another version and ``migrate`` is false.
    """
    database = connect(settings)
    try:
        if migrate and migrations.can_upgrade(database):
            migrations.migrate(database)
        migrations.require_head_revision(database)
        return _read_contents(database)
    finally:
        database.close()


def _read_contents(database: Database) -> dict[str, int]:
    with database.read() as connection:
        return {
            name: len(connection.execute(select(column).limit(1)).all())
            for name, column in (
                ("keys", ApiKey.key),
                ("works", Work.key),
                ("identities", Identity.key),
            )
        }


@contextmanager
def bind_socket(settings: Settings) -> Iterator[sockets.socket]:
    """Bind the socket to listen on; all processes share it.

    Raises
    ------
    Invalid
        This machine has no such address.
    Unavailable
        Another process listens on the port.
    """
    try:
        addresses = sockets.getaddrinfo(
            settings.host, settings.port, type=sockets.SOCK_STREAM, flags=sockets.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise Invalid(
            f"{settings.host!r} is not an address of this machine ({error})",
            "give --host an address, such as 127.0.0.1",
            field="host",
        ) from error
    family, kind, protocol, _, address = addresses[0]
    with sockets.socket(family, kind, protocol) as socket:
        socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
        try:
            socket.bind(address)
        except OSError as error:
            raise Unavailable(
                f"cannot listen on {settings.host} port {settings.port}: {error.strerror}",
                "stop the process that listens there, or give another --port (0: any free port)",
                field="port",
            ) from error
        socket.set_inheritable(True)
        yield socket


def format_address(socket: sockets.socket) -> str:
    """Return the URL of a bound socket on this machine."""
    host, port = socket.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1" if host == "0.0.0.0" else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(settings: Settings, socket: sockets.socket) -> None:
    """Serve until stopped, in this process or in several child processes."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    is_multiprocess = settings.processes > 1
    log.configure(settings.log_format, settings.log_level)
    metrics_folder = (
        settings.data / f"metrics-{os.getpid()}" if is_multiprocess and settings.metrics else None
    )
    if metrics_folder is not None:
        metrics.enable_multiprocess(metrics_folder)
    config = uvicorn.Config(
        partial(create_application, settings),
        factory=True,
        loop="uvloop" if os.name != "nt" else "asyncio",
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        workers=settings.processes,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    if not is_multiprocess:
        uvicorn.Server(config).run(sockets=[socket])
        return
    try:
        Multiprocess(config, sockets=[socket]).run()
    finally:
        if metrics_folder is not None:
            shutil.rmtree(metrics_folder, ignore_errors=True)


def create_application(settings: Settings) -> Any:
    """Create the application of one server process."""
    from service.app import create_app

    log.configure(settings.log_format, settings.log_level)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_stop_with_parent, args=(parent,), daemon=True).start()
    return create_app(settings, warm=True)


def _stop_with_parent(parent: Any) -> None:
    """Stop this process when its parent is killed, so that the port is released."""
    multiprocessing.connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
