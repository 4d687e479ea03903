"""Authentication by API key, role guards and rate limits.

A key is sent as ``Authorization: Bearer KEY`` or ``X-API-Key: KEY``. Valid keys are cached
for :data:`KEY_CACHE_SECONDS` seconds in each server process, so a key revoked in one process is
rejected by all of them after that time at the latest. Rates are counted per process: with
several processes a client may send up to that many times the requests.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from urllib.parse import unquote_to_bytes

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from service import api_keys
from service.actors import Actor, Role
from service.api.http.problems import request_id
from service.db.database import Database
from service.errors import Forbidden, ServiceError, Unauthenticated
from service.settings import Settings

KEY_CACHE_SECONDS = 3.0
"""Seconds for which a valid key is cached."""
_MAX_KEYS = 10_000
_MAX_BUCKETS = 100_000

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], None]


class BadRequest(ServiceError):
    """A path or query that cannot be decoded as text."""

    status, title = 400, "Invalid request"


class TooManyRequests(ServiceError):
    """A client that exceeds its rate limit."""

    status, title = 429, "Too many requests"


def require_role(role: Role) -> Guard:
    """Return a guard that requires a role or a higher one."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        actor = get_actor(connection.scope)
        if actor.role.includes(role):
            return
        if actor.role is Role.PUBLIC:
            raise Unauthenticated(
                f"this needs a key with the role {role.value}",
                "send Authorization: Bearer with a key; create one with disambig key create",
            )
        raise Forbidden(
            f"the key's role is {actor.role.value}, this needs {role.value}",
            "ask an administrator for a key with that role",
        )

    return guard


def get_actor(scope: Any) -> Actor:
    """Return the actor of an authenticated request."""
    actor: Actor = scope["state"]["actor"]
    return actor


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RateLimits:
    """Token buckets: one minute's requests per client, refilled continuously."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` returns seconds."""
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str, per_minute: int) -> dict[str, str]:
        """Count one request of a client and return the rate limit headers.

        Raises
        ------
        TooManyRequests
            If the limit is exhausted.
        """
        if per_minute == 0:
            return {}
        now = self._clock()
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = _Bucket(per_minute, now)
            if len(self._buckets) > _MAX_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        refilled = bucket.tokens + (now - bucket.at) * per_minute / 60
        bucket.tokens, bucket.at = min(refilled, per_minute), now
        enough = bucket.tokens >= 1
        if enough:
            bucket.tokens -= 1
        headers = {
            "RateLimit-Limit": str(per_minute),
            "RateLimit-Remaining": str(int(bucket.tokens)),
            "RateLimit-Reset": str(math.ceil((per_minute - bucket.tokens) * 60 / per_minute)),
        }
        if enough:
            return headers
        wait = max(1, math.ceil((1 - bucket.tokens) * 60 / per_minute))
        raise TooManyRequests(
            f"more than {per_minute} requests per minute",
            f"wait {wait} s; a key may have a higher limit",
            headers={**headers, "Retry-After": str(wait)},
        )


class KeyCache:
    """Cache of recently validated keys, by digest of their text."""

    def __init__(self, database: Database) -> None:
        """Store the database; nothing is read before the first key."""
        self._database = database
        self._infos: OrderedDict[bytes, tuple[float, api_keys.KeyInfo]] = OrderedDict()
        self.uses = api_keys.KeyUseRecorder(database)

    async def find(self, text: str) -> api_keys.KeyInfo:
        """Return the information of a key.

        Raises
        ------
        Unauthenticated
            If it is unknown, expired or revoked.
        """
        digest = sha256(text.encode("utf-8", "replace")).digest()
        until, info = self._infos.get(digest, (0.0, None))
        if (
            info is None
            or until < time.monotonic()
            or info.get_state(datetime.now(UTC)) != "active"
        ):
            info = await asyncio.to_thread(self._look_up, text)
            self._infos[digest] = (time.monotonic() + KEY_CACHE_SECONDS, info)
            if len(self._infos) > _MAX_KEYS:
                self._infos.popitem(last=False)
        self.uses.record(info)
        return info

    def clear(self) -> None:
        """Empty the cache; called when this process revokes a key."""
        self._infos.clear()

    def _look_up(self, text: str) -> api_keys.KeyInfo:
        with self._database.read() as connection:
            return api_keys.authenticate(connection, text)


class AuthMiddleware(ASGIMiddleware):
    """Authenticate requests, apply rate limits, and reject anonymous reads if these are disabled.

    Routes with ``opt={"open": True}`` need no key even if reading does, and are not counted.
    """

    scopes = (ScopeType.HTTP,)

    def __init__(self, settings: Settings, key_cache: KeyCache, limits: RateLimits) -> None:
        """One instance per application."""
        self.settings, self.key_cache, self.limits = settings, key_cache, limits

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Put the actor into ``scope["state"]`` and call the next application."""
        check_encoding(scope)
        state: dict[str, Any] = scope["state"]
        open_to_all = bool(scope["route_handler"].opt.get("open"))
        text = read_key(scope)
        if text is None:
            state["actor"] = Actor("anonymous", Role.PUBLIC, request_id(scope))
            if not open_to_all:
                self._count_request(scope, client_address(scope), self.settings.rate_public)
                self._require_public_read()
        else:
            info = await self._identify(scope, text)
            state["actor"] = info.to_actor(request_id(scope))
            rate = self.settings.rate_key if info.per_minute is None else info.per_minute
            if not open_to_all:
                self._count_request(scope, info.id, rate)
        await next_app(scope, receive, send)

    async def _identify(self, scope: Scope, text: str) -> api_keys.KeyInfo:
        try:
            return await self.key_cache.find(text)
        except Unauthenticated:  # failed attempts count against the public rate limit
            self._count_request(scope, client_address(scope), self.settings.rate_public)
            raise

    def _count_request(self, scope: Scope, client: str, per_minute: int) -> None:
        scope["state"]["headers"] = self.limits.take(client, per_minute)

    def _require_public_read(self) -> None:
        if not self.settings.public_read:
            raise Unauthenticated(
                "reading this service needs a key",
                "send Authorization: Bearer with a key",
            )


def read_key(scope: Scope) -> str | None:
    """Return the key of a request; None without one.

    Raises
    ------
    Unauthenticated
        If the Authorization header has another scheme than Bearer.
    """
    authorization: str | None = None
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            return value.decode("latin-1").strip()
        if name == b"authorization":
            authorization = value.decode("latin-1")
    if authorization is None:
        return None
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise Unauthenticated(
            "the Authorization header contains no key", "write Authorization: Bearer KEY"
        )
    return text.strip()


def client_address(scope: Scope) -> str:
    """Return the client address; for IPv6 its /64 network, which one client may own."""
    client = scope.get("client")
    host = client[0] if client else "unknown"
    if ":" in host:
        try:
            return str(ipaddress.ip_network(f"{host.split('%')[0]}/64", strict=False))
        except ValueError:
            return host
    return host


def check_encoding(scope: Scope) -> None:
    """Reject paths and queries that are not UTF-8 or contain U+0000.

    Raises
    ------
    BadRequest
        Naming the invalid part.
    """
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "replace")
    for field, raw in (("path", path.split(b"?")[0]), ("query", scope["query_string"])):
        if b"%" not in raw and raw.isascii() and b"\0" not in raw:
            continue
        decoded = unquote_to_bytes(raw)
        try:
            decoded.decode()
        except UnicodeDecodeError:
            raise BadRequest(
                f"the {field} is not UTF-8", "percent-encode the text as UTF-8", field=field
            ) from None
        if b"\0" in decoded:
            raise BadRequest(f"the {field} contains the character U+0000", "remove it", field=field)
