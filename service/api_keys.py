"""API keys: create, list, revoke and authenticate.

A key reads ``k-3k9x0f7q2m1b.SECRET``: its public id, a period, and 256 random bits. Only the
SHA-256 digest of the secret is stored. A plain digest suffices: 256 random bits cannot be guessed,
so no slow hash is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from sqlalchemy import Connection, insert, or_, select, update

from disambig.console import escape_text
from service.actors import Actor, Role
from service.db.database import Database
from service.db.tables import ApiKey
from service.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from service.events.log import EventLog
from service.ids import new_id, sanitize_id
from service.values import Value, doc

SECRET_BYTES = 32
MAX_NAME = 200
MAX_PER_MINUTE = 1_000_000
MAX_KEY_LENGTH = 128
"""Maximum length of a key in characters."""
USE_RESOLUTION = timedelta(minutes=1)
"""Resolution of the stored time of last use."""
_NO_DIGEST = hashlib.sha256(b"").digest()

KeyState = Literal["active", "expired", "revoked"]


class Key(Value, kw_only=True):
    """An API key without its secret."""

    id: Annotated[str, doc("Public part of the key.")]
    name: str
    role: Literal["public", "reviewer", "editor", "admin"]
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: Annotated[datetime | None, doc("Time of last use, to the minute.")]
    state: KeyState


class ShownKey(Key, kw_only=True):
    """A newly created key; ``key`` is returned only once."""

    key: Annotated[
        str | None,
        doc(
            "The complete key, to be sent as Authorization: Bearer KEY; null in the response to a "
            "repeated request."
        ),
    ]


class Keys(Value, kw_only=True):
    """All keys, newest first."""

    items: Sequence[Key]


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """Public data of a key, without its secret.

    Attributes
    ----------
    id : str
        Public part, such as ``k-3k9x0f7q2m1b``.
    name : str
        Purpose of the key, as its creator wrote it.
    role : Role
    per_minute : int or None
        Requests allowed a minute; 0: unlimited, None: the limit of the settings.
    """

    id: str
    name: str
    role: Role
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def get_state(self, now: datetime) -> KeyState:
        """Return ``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and self.expires_at <= now
        return "expired" if expired else "active"

    def to_response(self, now: datetime) -> Key:
        """Return the key as the API sends it."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return Key(**{**values, "role": self.role.value}, state=self.get_state(now))

    def to_actor(self, request: str | None = None) -> Actor:
        """Return the actor that uses this key."""
        return Actor(f"key:{self.id}", self.role, request)


def create_key(
    database: Database,
    actor: Actor,
    *,
    name: str,
    role: Role,
    expires_at: datetime | None = None,
    per_minute: int | None = None,
) -> tuple[KeyInfo, str]:
    """Create a key; return its public data and its full text, which is not stored.

    Raises
    ------
    Invalid
        The name is empty or too long, the expiry has passed, or the rate is out of range.
    """
    now = datetime.now(UTC)
    name = _validate_name(name)
    if expires_at is not None:
        expires_at = _validate_expiry(expires_at, now)
    if per_minute is not None and not 0 <= per_minute <= MAX_PER_MINUTE:
        raise Invalid(
            f"a rate of {per_minute} a minute is not between 0 and {MAX_PER_MINUTE:,}",
            "0 means unlimited",
            field="per_minute",
        )
    secret = secrets.token_urlsafe(SECRET_BYTES)
    info = KeyInfo(new_id("k"), name, role, per_minute, now, expires_at, None, None)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        connection.execute(
            insert(ApiKey).values(
                id=info.id,
                name=name,
                role=role.value,
                digest=_compute_digest(secret),
                per_minute=per_minute,
                created_at=now,
                expires_at=expires_at,
            )
        )
        event_log.record("key-created", actor, subject=info.id, after=_to_event(info))
    return info, f"{info.id}.{secret}"


def list_keys(connection: Connection) -> list[KeyInfo]:
    """List all keys, newest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(ApiKey.key.desc()))
    return [_to_info(row) for row in rows.mappings()]


def get_key(connection: Connection, key_id: str) -> KeyInfo:
    """Return the key with a public id.

    Raises
    ------
    NotFound
        No key has this id.
    """
    query = select(*_COLUMNS).where(ApiKey.id == sanitize_id(key_id))
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(
            f"no key {escape_text(key_id[:40])}", "list the keys to see their ids", field="id"
        )
    return _to_info(row)


def revoke_key(database: Database, actor: Actor, key_id: str, reason: str | None = None) -> KeyInfo:
    """Revoke a key from now on; a revoked key stays unchanged.

    Raises
    ------
    NotFound
        No key has this id.
    Conflict
        The key authenticates this request; revoking it could lock out its owner by mistake.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        before = get_key(connection, key_id)
        if before.revoked_at is not None:
            return before
        if actor.name == f"key:{before.id}":
            raise Conflict(
                "this request is authenticated by the key that it would revoke", "use another key"
            )
        statement = update(ApiKey).where(ApiKey.id == before.id).values(revoked_at=event_log.at)
        connection.execute(statement)
        after = get_key(connection, before.id)
        event_log.record(
            "key-revoked",
            actor,
            subject=before.id,
            reason=reason,
            before=_to_event(before),
            after=_to_event(after),
        )
        return after


def authenticate(connection: Connection, text: str) -> KeyInfo:
    """Return the key of a request; the comparison of secrets takes constant time.

    Raises
    ------
    Unauthenticated
        The text is not a key, or the key is unknown, expired or revoked.
    """
    key_id, _, secret = text.strip().partition(".") if len(text) <= MAX_KEY_LENGTH else ("", "", "")
    query = select(*_COLUMNS, ApiKey.digest).where(ApiKey.id == sanitize_id(key_id))
    row = connection.execute(query).mappings().first()
    digest = _compute_digest(secret)
    matches = hmac.compare_digest(digest, _NO_DIGEST if row is None else row["digest"])
    if row is None or not matches:
        raise Unauthenticated(
            "the key is unknown", "send Authorization: Bearer with the whole key as it was shown"
        )
    info = _to_info(row)
    state = info.get_state(datetime.now(UTC))
    if state != "active":
        raise Unauthenticated(f"the key {info.id} is {state}", "ask an administrator for a new one")
    return info


class KeyUseRecorder:
    """Record the last use of keys in the background.

    A separate thread writes the records so that no request waits for a writer; a record that
    cannot be written is dropped. Close it when done.
    """

    def __init__(self, database: Database) -> None:
        """Create the recorder; its thread starts with the first record."""
        self._database = database
        self._lock = threading.Lock()
        self._recorded_at: dict[str, datetime] = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="key-uses")

    def record(self, info: KeyInfo) -> None:
        """Record that a key is used now, unless it was recorded within the last minute."""
        now = datetime.now(UTC)
        with self._lock:
            last = self._recorded_at.get(info.id, info.used_at)
            if last is not None and now - last < USE_RESOLUTION:
                return
            self._recorded_at[info.id] = now
            self._executor.submit(self._write, info.id, now)

    def close(self) -> None:
        """Write the pending records and stop."""
        self._executor.shutdown(wait=True)

    def _write(self, key_id: str, now: datetime) -> None:
        try:
            with self._database.write() as connection:
                mark_used(connection, key_id, now)
        except Unavailable:
            with self._lock:
                self._recorded_at.pop(key_id, None)


def mark_used(connection: Connection, key_id: str, now: datetime) -> None:
    """Store that a key was used, unless another process stored it within the last minute."""
    stale = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= now - USE_RESOLUTION)
    connection.execute(update(ApiKey).where(ApiKey.id == key_id, stale).values(used_at=now))


_COLUMNS = (
    ApiKey.id,
    ApiKey.name,
    ApiKey.role,
    ApiKey.per_minute,
    ApiKey.created_at,
    ApiKey.expires_at,
    ApiKey.revoked_at,
    ApiKey.used_at,
)


def _validate_expiry(moment: datetime, now: datetime) -> datetime:
    """Return the expiry in UTC; reject one that has passed."""
    try:
        expiry = moment.astimezone(UTC)
    except OverflowError:  # its year in UTC would be 0 or 10000
        expiry = None
    if expiry is None or expiry <= now:
        raise Invalid(
            f"{moment.isoformat()} has passed or is out of range",
            "give a time in the future",
            field="expires_at",
        )
    return expiry


def _to_info(row: Mapping[Any, Any]) -> KeyInfo:
    values = {name: row[name] for name in KeyInfo.__slots__}
    return KeyInfo(**{**values, "role": Role(values["role"])})


def _to_event(info: KeyInfo) -> dict[str, Any]:
    """Return the data of a key for the event log."""
    return {
        "name": info.name,
        "role": info.role.value,
        "per_minute": info.per_minute,
        "expires_at": info.expires_at.isoformat() if info.expires_at else None,
        "revoked_at": info.revoked_at.isoformat() if info.revoked_at else None,
    }


def _validate_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise Invalid(
            f"the name of a key has 1 to {MAX_NAME} characters",
            "describe its purpose, such as “nightly import”",
            field="name",
        )
    if not name.isprintable():
        raise Invalid("the name holds control characters", "leave them out", field="name")
    return name


def _compute_digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
