"""What commands of the service share: ``--database``, settings, the database, who asks.

Like all modules of commands it imports only click and the like at the top, so that help is
instant.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from disambig.cli.options import examples, json_option, quiet_option
from disambig.console import progress

if TYPE_CHECKING:
    from service.actors import Actor
    from service.db.database import Database
    from service.settings import Settings

__all__ = [
    "actor",
    "connected",
    "database_option",
    "examples",
    "json_option",
    "opened",
    "progress",
    "quiet_option",
]

F = TypeVar("F", bound=Callable[..., Any])


def database_option(command: F) -> F:
    """``--database URL``, passed on as ``database``: a string, or None where the settings say."""
    return click.option(
        "--database",
        metavar="URL",
        help="Address of the database, such as postgresql://user@host:5432/name or "
        "sqlite:////path/to/file; left out, the one that disambig config shows.",
    )(command)


@contextmanager
def opened(database: str | None = None, **given: object) -> Iterator[tuple[Settings, Database]]:
    """The settings and the database, at the schema of this version; closed at the end.

    Parameters
    ----------
    database : str, optional
        What ``--database`` was given.
    **given
        Other settings from the command line; None where an option was left out.

    Raises
    ------
    Invalid
        If a setting or the address is wrong.
    Unavailable
        If the database cannot be reached, or PostgreSQL is not at this version's schema.
    """
    from service.db.migrations import open_database
    from service.settings import read_settings

    settings = read_settings(database=database, **given)
    found = open_database(settings)
    try:
        yield settings, found
    finally:
        found.close()


@contextmanager
def connected(database: str | None = None) -> Iterator[tuple[Settings, Database]]:
    """Like :func:`opened`, with the database as it is: for commands that see to its schema."""
    from service.db.migrations import connect
    from service.settings import read_settings

    settings = read_settings(database=database)
    found = connect(settings)
    try:
        yield settings, found
    finally:
        found.close()


def actor() -> Actor:
    """Who runs the command: whoever can reach the database may do everything."""
    from service.actors import Actor, Role

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number that has no name
        name = str(os.getuid())
    return Actor(f"cli:{name}", Role.ADMIN)
