"""A write that a client may send again: the same answer without doing it twice.

The client names the write in the header ``Idempotency-Key``. Its answer is stored for a day in
the transaction that did it, so there is never one without the other. Of two requests at the same
time the second waits for the first (:func:`once`), or is told to (:func:`once_in_parts`). What
failed left nothing behind, so it is not stored either and may be sent again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from service.database import Database
from service.errors import Conflict, Invalid
from service.ledger import EventLog
from service.tables import Idempotency

KEPT = timedelta(hours=24)
PENDING = timedelta(minutes=1)
"""After this long without an answer, a write in parts is taken to have died with its server. If it
has not, its parts are done twice, which changes nothing: they are works, and stored once."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is sent; ``replayed`` where an earlier request did the work."""

    status: int
    body: bytes
    content_type: str = "application/json"
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write that may be sent again: who names it how, and a digest of what was asked."""

    actor: str
    token: str
    digest: bytes


class Reused(Invalid):
    """One Idempotency-Key for two different requests."""

    title = "Idempotency key reused"


def attempt(actor: str, token: str | None, *request: bytes) -> Attempt | None:
    """The attempt that a request makes; None where it sent no Idempotency-Key.

    Parameters
    ----------
    actor : str
        Whose keys these are: two actors may use the same.
    token : str or None
        The header.
    *request : bytes
        All that makes the request what it is: method, path, query, body.

    Raises
    ------
    Invalid
        The header is empty, too long, or not of visible ASCII letters.
    """
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise Invalid(
            "the header is not 1 to 200 visible ASCII characters",
            "make up a new one for each write, such as a UUID",
            field="Idempotency-Key",
        )
    digest = hashlib.sha256()
    for part in request:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return Attempt(actor, token, digest.digest())


def once(database: Database, tried: Attempt | None, act: Callable[[Database], Answer]) -> Answer:
    """Do a write in one transaction with the note that it was done, or tell what it answered.

    Parameters
    ----------
    database : Database
    tried : Attempt or None
        None: the client does not mean to send it again.
    act : callable
        Does it through the database it is given, whose transactions are parts of this one.

    Raises
    ------
    Reused
        The key was used for another request within the last day.
    """
    if tried is None:
        return act(database)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        row = _noted(connection, tried, ledger.at)
        if row is not None:
            return row
        answer = act(Within(database, connection))
        _note(connection, tried, ledger.at, answer)
        return answer


def once_in_parts(
    database: Database, tried: Attempt | None, act: Callable[[Database], Answer]
) -> Answer:
    """As :func:`once`, for a write that would hold up all others were it one transaction.

    It must be one that may be repeated from any point it broke off at, as loading works is.

    Raises
    ------
    Reused
        The key was used for another request within the last day.
    Conflict
        The same request is under way.
    """
    if tried is None:
        return act(database)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        row = _noted(connection, tried, ledger.at)
        if row is not None:
            return row
        _note(connection, tried, ledger.at, None)
    try:
        answer = act(database)
    except BaseException:
        with database.write() as connection:
            connection.execute(delete(Idempotency).where(_same(tried)))
        raise
    with database.write() as connection:
        connection.execute(
            update(Idempotency)
            .where(_same(tried))
            .values(status=answer.status, content_type=answer.content_type, body=answer.body)
        )
    return answer


class Within(Database):
    """A write under way, lent to use cases as the database: what they write commits with it."""

    def __init__(self, database: Database, connection: Connection) -> None:
        """``connection`` is of a write of ``database`` and outlives this."""
        self.url, self.engine = database.url, database.engine
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """The connection of the write, which also sees what was written so far."""
        yield self._connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A part of the write: when its block raises, the part alone leaves nothing."""
        with self._connection.begin_nested():
            yield self._connection

    def close(self) -> None:
        """Nothing: whoever opened the database closes it."""


def _same(tried: Attempt) -> ColumnElement[bool]:
    return and_(Idempotency.actor == tried.actor, Idempotency.token == tried.token)


def _noted(connection: Connection, tried: Attempt, now: datetime) -> Answer | None:
    """What is stored for the attempt; forgets what is too old."""
    connection.execute(delete(Idempotency).where(Idempotency.created_at < now - KEPT))
    row = connection.execute(select(Idempotency.__table__).where(_same(tried))).first()
    if row is None:
        return None
    if row.digest != tried.digest:
        raise Reused(
            "this key was sent with another request",
            "make up a new key for each write; send the same body to have the same answer",
            field="Idempotency-Key",
        )
    if row.status is not None:
        return Answer(row.status, row.body, row.content_type, replayed=True)
    if row.created_at.astimezone(UTC) > now - PENDING:
        raise Conflict(
            "the same request is under way", "send it again in a while", headers={"Retry-After": 5}
        )
    connection.execute(delete(Idempotency).where(_same(tried)))
    return None


def _note(connection: Connection, tried: Attempt, now: datetime, answer: Answer | None) -> None:
    connection.execute(
        insert(Idempotency).values(
            actor=tried.actor,
            token=tried.token,
            digest=tried.digest,
            created_at=now,
            status=None if answer is None else answer.status,
            content_type=None if answer is None else answer.content_type,
            body=None if answer is None else answer.body,
        )
    )
