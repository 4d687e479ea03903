"""Shared parts of the service's commands: ``--database``, settings, the database, the actor.

Like all command modules it imports heavy packages inside functions, so that help is instant.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from disambig.cli.options import format_examples, json_option, quiet_option
from disambig.console import show_progress

if TYPE_CHECKING:
    from service.actors import Actor
    from service.db.database import Database
    from service.settings import Settings

__all__ = [
    "connect_service",
    "database_option",
    "format_examples",
    "get_actor",
    "json_option",
    "open_service",
    "quiet_option",
    "show_progress",
]

F = TypeVar("F", bound=Callable[..., Any])


def database_option(command: F) -> F:
    """Add ``--database URL``, passed as ``database``: a string, or None for the settings."""
    return click.option(
        "--database",
        metavar="URL",
        help="Address of the database, such as postgresql://user@host:5432/name or "
        "sqlite:////path/to/file; default: the one that disambig config shows.",
    )(command)


@contextmanager
def open_service(
    database: str | None = None, **overrides: object
) -> Iterator[tuple[Settings, Database]]:
    """Open the settings and the database at the current schema; close it at the end.

    Parameters
    ----------
    database : str, optional
        Value of ``--database``.
    **overrides
        Other settings from the command line; None for an omitted option.

    Raises
    ------
    Invalid
        A setting or the address is invalid.
    Unavailable
        The database cannot be reached, or PostgreSQL is at another schema revision.
    """
    from service.db.migrations import open_database
    from service.settings import read_settings

    settings = read_settings(database=database, **overrides)
    opened_database = open_database(settings)
    try:
        yield settings, opened_database
    finally:
        opened_database.close()


@contextmanager
def connect_service(database: str | None = None) -> Iterator[tuple[Settings, Database]]:
    """Like :func:`open_service`, at any schema revision: for commands that manage the schema."""
    from service.db.migrations import connect
    from service.settings import read_settings

    settings = read_settings(database=database)
    connected_database = connect(settings)
    try:
        yield settings, connected_database
    finally:
        connected_database.close()


def get_actor() -> Actor:
    """Return the user that runs the command; access to the database implies all rights."""
    from service.actors import Actor, Role

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a user id without a name
        name = str(os.getuid())
    return Actor(f"cli:{name}", Role.ADMIN)
