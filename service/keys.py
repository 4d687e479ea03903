"""Keys of the API: made once, shown once, kept as a digest, used until they expire or are revoked.

A key reads ``k-3k9x0f7q2m1b.SECRET``: its public id, a point, and 256 random bits. A plain SHA-256
of such a secret is enough: nobody guesses 256 bits, so there is nothing to slow down.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from disambig.console import safe
from service.actors import Actor, Role
from service.database import Database
from service.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable
from service.ids import new_id, sane
from service.ledger import EventLog
from service.tables import ApiKey

SECRET_BYTES = 32
MAX_NAME = 200
MAX_PER_MINUTE = 1_000_000
LONGEST = 128
"""Characters of the longest text that may be a key."""
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is kept when a key was last used."""
_NOBODY = hashlib.sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What is known of a key; its secret is not.

    Attributes
    ----------
    id : str
        Public part, such as ``k-3k9x0f7q2m1b``.
    name : str
        What it is for, in the words of who made it.
    role : Role
    per_minute : int or None
        Requests a minute it may make; 0: any number, None: as the settings say.
    """

    id: str
    name: str
    role: Role
    per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def state(self, now: datetime) -> str:
        """``active``, ``expired`` or ``revoked``."""
        if self.revoked_at is not None:
            return "revoked"
        expired = self.expires_at is not None and self.expires_at <= now
        return "expired" if expired else "active"

    def actor(self, request: str | None = None) -> Actor:
        """Who acts with this key."""
        return Actor(f"key:{self.id}", self.role, request)


def create(
    database: Database,
    actor: Actor,
    *,
    name: str,
    role: Role,
    expires_at: datetime | None = None,
    per_minute: int | None = None,
) -> tuple[KeyInfo, str]:
    """Make a key; what is known of it, and its text, which is told this once and kept nowhere.

    Raises
    ------
    Invalid
        The name is empty or too long, the expiry has passed, or the rate is out of range.
    """
    now = datetime.now(UTC)
    name = _checked_name(name)
    if expires_at is not None:
        expires_at = _checked_expiry(expires_at, now)
    if per_minute is not None and not 0 <= per_minute <= MAX_PER_MINUTE:
        raise Invalid(
            f"a rate of {per_minute} a minute is not between 0 and {MAX_PER_MINUTE:,}",
            "0 means any number",
            field="per_minute",
        )
    secret = secrets.token_urlsafe(SECRET_BYTES)
    made = KeyInfo(new_id("k"), name, role, per_minute, now, expires_at, None, None)
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        connection.execute(
            insert(ApiKey).values(
                id=made.id,
                name=name,
                role=role.value,
                digest=_digest(secret),
                per_minute=per_minute,
                created_at=now,
                expires_at=expires_at,
            )
        )
        ledger.record("key-created", actor, subject=made.id, after=_told(made))
    return made, f"{made.id}.{secret}"


def listed(connection: Connection) -> list[KeyInfo]:
    """All keys, the newest first."""
    rows = connection.execute(select(*_COLUMNS).order_by(ApiKey.key.desc()))
    return [_info(row) for row in rows.mappings()]


def found(connection: Connection, key_id: str) -> KeyInfo:
    """The key of a public id.

    Raises
    ------
    NotFound
        No key has it.
    """
    query = select(*_COLUMNS).where(ApiKey.id == sane(key_id))
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotFound(f"no key {safe(key_id[:40])}", "list the keys to see their ids", field="id")
    return _info(row)


def revoke(database: Database, actor: Actor, key_id: str, reason: str | None = None) -> KeyInfo:
    """Make a key worthless from now on; one that is revoked stays as it is.

    Raises
    ------
    NotFound
        No key has this id.
    Conflict
        It is the key that this request was sent with, which would lock its owner out by mistake.
    """
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        before = found(connection, key_id)
        if before.revoked_at is not None:
            return before
        if actor.name == f"key:{before.id}":
            raise Conflict("this request was sent with the key it would revoke", "use another key")
        changed = update(ApiKey).where(ApiKey.id == before.id).values(revoked_at=ledger.at)
        connection.execute(changed)
        after = found(connection, before.id)
        ledger.record(
            "key-revoked",
            actor,
            subject=before.id,
            reason=reason,
            before=_told(before),
            after=_told(after),
        )
        return after


def authenticate(connection: Connection, text: str) -> KeyInfo:
    """The key that a request was sent with, in a time that tells nothing of its secret.

    Raises
    ------
    Unauthenticated
        It is no key, unknown, expired or revoked.
    """
    key_id, _, secret = text.strip().partition(".") if len(text) <= LONGEST else ("", "", "")
    query = select(*_COLUMNS, ApiKey.digest).where(ApiKey.id == sane(key_id))
    row = connection.execute(query).mappings().first()
    given = _digest(secret)
    same = hmac.compare_digest(given, _NOBODY if row is None else row["digest"])
    if row is None or not same:
        raise Unauthenticated(
            "the key is unknown", "send Authorization: Bearer with the whole key as it was shown"
        )
    info = _info(row)
    state = info.state(datetime.now(UTC))
    if state != "active":
        raise Unauthenticated(f"the key {info.id} is {state}", "ask an administrator for a new one")
    return info


class Uses:
    """Notes when keys were last used, beside the requests that use them.

    A note must not make a reader wait for a writer, so one thread of its own writes them; one
    that cannot be written is dropped. Close it when done.
    """

    def __init__(self, database: Database) -> None:
        """Nothing is started before the first note."""
        self._database = database
        self._lock = threading.Lock()
        self._noted: dict[str, datetime] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="key-uses")

    def note(self, info: KeyInfo) -> None:
        """Note that a key is used now, unless that was noted within the last minute."""
        now = datetime.now(UTC)
        with self._lock:
            last = self._noted.get(info.id, info.used_at)
            if last is not None and now - last < SEEN_EVERY:
                return
            self._noted[info.id] = now
            self._thread.submit(self._write, info.id, now)

    def close(self) -> None:
        """Write what is waiting and stop."""
        self._thread.shutdown(wait=True)

    def _write(self, key_id: str, now: datetime) -> None:
        try:
            with self._database.write() as connection:
                mark_used(connection, key_id, now)
        except Unavailable:
            with self._lock:
                self._noted.pop(key_id, None)


def mark_used(connection: Connection, key_id: str, now: datetime) -> None:
    """Store that a key was used, unless another process stored it within the last minute."""
    stale = or_(ApiKey.used_at.is_(None), ApiKey.used_at <= now - SEEN_EVERY)
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


def _checked_expiry(moment: datetime, now: datetime) -> datetime:
    """The moment in UTC."""
    try:
        found = moment.astimezone(UTC)
    except OverflowError:  # its year in UTC would be 0 or 10000
        found = None
    if found is None or found <= now:
        raise Invalid(
            f"{moment.isoformat()} has passed, or never comes",
            "give a moment to come",
            field="expires_at",
        )
    return found


def _info(row: Mapping[Any, Any]) -> KeyInfo:
    values = {name: row[name] for name in KeyInfo.__slots__}
    return KeyInfo(**{**values, "role": Role(values["role"])})


def _told(info: KeyInfo) -> dict[str, Any]:
    """A key in the log of events."""
    return {
        "name": info.name,
        "role": info.role.value,
        "per_minute": info.per_minute,
        "expires_at": info.expires_at.isoformat() if info.expires_at else None,
        "revoked_at": info.revoked_at.isoformat() if info.revoked_at else None,
    }


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        raise Invalid(
            f"the name of a key has 1 to {MAX_NAME} characters",
            "say what it is for, such as “nightly import”",
            field="name",
        )
    if not name.isprintable():
        raise Invalid("the name holds control characters", "leave them out", field="name")
    return name


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
