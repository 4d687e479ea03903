"""Idempotent writes: a request repeated with the same key gets the stored response.

The client sends the header ``Idempotency-Key``. The response is stored for a day in the
transaction of the write, so neither exists without the other. Of two concurrent requests, the
second waits for the first (:func:`run_once`), or is rejected with ``Retry-After``
(:func:`run_once_in_parts`). A failed request leaves nothing behind: it is not stored and can be
sent again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from service.db.database import Database, Within
from service.db.tables import Idempotency
from service.errors import Conflict, Invalid
from service.events.log import EventLog

RETENTION = timedelta(hours=24)
PENDING_TIMEOUT = timedelta(minutes=1)
"""Time without a response after which a write in parts counts as dead, with its server. If it is
still running, its parts are done twice, which changes nothing: they are works, stored once."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An HTTP response as sent; ``is_replay`` if an earlier request did the work."""

    status: int
    body: bytes
    content_type: str = "application/json"
    is_replay: bool = False


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A write with an idempotency key: its actor, its key and a digest of the request."""

    actor: str
    token: str
    digest: bytes


class ReusedKey(Invalid):
    """The same Idempotency-Key was used for two different requests."""

    title = "Idempotency key reused"


def parse_idempotency_key(
    actor: str, token: str | None, *request: bytes
) -> IdempotentRequest | None:
    """Return the idempotent write of a request; None if it has no Idempotency-Key.

    Parameters
    ----------
    actor : str
        Owner of the key: two actors may use the same key.
    token : str or None
        The header.
    *request : bytes
        What identifies the request: method, path, query, body.

    Raises
    ------
    Invalid
        If the header is empty, too long, or contains other than visible ASCII characters.
    """
    if token is None:
        return None
    if not _TOKEN.fullmatch(token):
        raise Invalid(
            "the header is not 1 to 200 visible ASCII characters",
            "generate a new one for each write, such as a UUID",
            field="Idempotency-Key",
        )
    digest = hashlib.sha256()
    for part in request:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return IdempotentRequest(actor, token, digest.digest())


def run_once(
    database: Database,
    request: IdempotentRequest | None,
    operation: Callable[[Database], StoredResponse],
) -> StoredResponse:
    """Run a write and store its response in one transaction, or return the stored response.

    Parameters
    ----------
    database : Database
    request : IdempotentRequest or None
        None if the request has no idempotency key.
    operation : callable
        Performs the write through a database whose transactions are nested in this one.

    Raises
    ------
    ReusedKey
        If the key was used for another request within the last day.
    """
    if request is None:
        return operation(database)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        earlier_response = _find_stored_response(connection, request, event_log.at)
        if earlier_response is not None:
            return earlier_response
        response = operation(Within(database, connection))
        _store_response(connection, request, event_log.at, response)
        return response


def run_once_in_parts(
    database: Database,
    request: IdempotentRequest | None,
    operation: Callable[[Database], StoredResponse],
) -> StoredResponse:
    """Do the same as :func:`run_once` for a write that is too long for one transaction.

    The write must be repeatable from any point where it was interrupted, as loading works is.

    Raises
    ------
    ReusedKey
        If the key was used for another request within the last day.
    Conflict
        If the same request is in progress.
    """
    if request is None:
        return operation(database)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        earlier_response = _find_stored_response(connection, request, event_log.at)
        if earlier_response is not None:
            return earlier_response
        _store_response(connection, request, event_log.at, None)
    try:
        response = operation(database)
    except BaseException:
        with database.write() as connection:
            connection.execute(delete(Idempotency).where(_is_same_key(request)))
        raise
    with database.write() as connection:
        connection.execute(
            update(Idempotency)
            .where(_is_same_key(request))
            .values(status=response.status, content_type=response.content_type, body=response.body)
        )
    return response


def _is_same_key(request: IdempotentRequest) -> ColumnElement[bool]:
    return and_(Idempotency.actor == request.actor, Idempotency.token == request.token)


def _find_stored_response(
    connection: Connection, request: IdempotentRequest, now: datetime
) -> StoredResponse | None:
    """Return the response stored for a request, after deleting expired ones."""
    connection.execute(delete(Idempotency).where(Idempotency.created_at < now - RETENTION))
    row = connection.execute(select(Idempotency.__table__).where(_is_same_key(request))).first()
    if row is None:
        return None
    if row.digest != request.digest:
        raise ReusedKey(
            "this key was sent with another request",
            "generate a new key for each write; send the same body to get the same response",
            field="Idempotency-Key",
        )
    if row.status is not None:
        return StoredResponse(row.status, row.body, row.content_type, is_replay=True)
    if row.created_at.astimezone(UTC) > now - PENDING_TIMEOUT:
        raise Conflict("the same request is in progress", "retry later", headers={"Retry-After": 5})
    connection.execute(delete(Idempotency).where(_is_same_key(request)))
    return None


def _store_response(
    connection: Connection,
    request: IdempotentRequest,
    now: datetime,
    response: StoredResponse | None,
) -> None:
    connection.execute(
        insert(Idempotency).values(
            actor=request.actor,
            token=request.token,
            digest=request.digest,
            created_at=now,
            status=None if response is None else response.status,
            content_type=None if response is None else response.content_type,
            body=None if response is None else response.body,
        )
    )
