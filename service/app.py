"""Composition root of the HTTP service: create the application from settings and a database."""

from __future__ import annotations

import importlib.metadata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Response, Router
from litestar.config.compression import CompressionConfig
from litestar.connection import Request
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import Message, Scope, Send

from service.actors import Actor
from service.api.http import docs_page
from service.api.http.problems import render_problem, request_id
from service.api.middleware.access_log import observe_request
from service.api.middleware.auth import AuthMiddleware, KeyCache, RateLimits, get_actor
from service.api.middleware.cache import CacheMiddleware, LastEvent, ResponseCache
from service.api.routes import V1, health
from service.api.routes.assigner import SharedAssigner
from service.db.database import Database
from service.db.migrations import open_database
from service.observability.metrics import Metrics
from service.profiles.search import Vocabulary
from service.settings import Settings
from service.web.routes import API_PREFIXES, _UnroutedErrorPage
from service.web.site import PAGES

SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Sent with every response that does not set its own."""

DESCRIPTION = """\
Author name disambiguation: assigns the author mentions of works to identities. Identities have
permanent ids; after a merge the old id redirects (301), after a split it returns 410 with its
successors.

Lists are paginated: follow `next`. Errors are `application/problem+json` with a remedy. Editable
resources have an ETag; send it back in If-Match. Reads return 304 for a matching If-None-Match.
Keys are sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`."""


class Application(Litestar):
    """Litestar application that serves HEAD for every GET route."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif scope["method"] == "HEAD":
            get_scope: Any = {**scope, "method": "GET"}
            await self._observed(get_scope, receive, _drop_body(send))
        else:
            await self._observed(scope, receive, send)

    async def _observed(self, scope: Any, receive: Any, send: Any) -> None:
        await observe_request(super().__call__, self.state.metrics, scope, receive, send)


def create_app(
    settings: Settings, database: Database | None = None, *, warm: bool = False
) -> Litestar:
    """Create the application.

    Parameters
    ----------
    settings : Settings
    database : Database or None
        Default: the database in the settings, closed with the application.
    warm : bool
        Whether to load the assignment model in the background before the first posted work.

    Raises
    ------
    Invalid, Unavailable
        If the database in the settings cannot be used.
    """
    owns_database = database is None
    store = open_database(settings) if database is None else database
    key_cache, hot, last_event = KeyCache(store), ResponseCache(), LastEvent(store)

    assigner = SharedAssigner(store, settings)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        if warm and settings.place_new:
            assigner.keep_warm()
        yield
        assigner.close()
        key_cache.uses.close()
        last_event.close()
        if owns_database:
            store.close()

    return Application(
        route_handlers=[
            Router("/v1", route_handlers=V1),
            docs_page.show_docs,
            *health.PROBES,
            PAGES,
        ],
        lifespan=[lifespan],
        middleware=[
            AuthMiddleware(settings, key_cache, RateLimits()),
            CacheMiddleware(hot, last_event),
        ],
        dependencies=_dependencies(settings, store),
        exception_handlers={Exception: handle_exception},
        before_send=[_finish_headers],
        compression_config=CompressionConfig(
            backend="gzip", gzip_compress_level=4, minimum_size=1000, exclude_opt_key="hot"
        ),
        request_max_body_size=settings.body_limit,
        openapi_config=_openapi(),
        state=State(
            {
                "hot": hot,
                "keys": key_cache,
                "vocabulary": Vocabulary(),
                "metrics": Metrics(store) if settings.metrics else None,
                "readiness": health.Readiness(settings, store),
                "assigner": assigner,
            }
        ),
        logging_config=None,
    )


def _dependencies(settings: Settings, database: Database) -> dict[str, Provide]:
    def actor(request: Request[Any, Any, Any]) -> Actor:
        return get_actor(request.scope)

    return {
        "settings": Provide(lambda: settings, sync_to_thread=False),
        "database": Provide(lambda: database, sync_to_thread=False),
        "actor": Provide(actor, sync_to_thread=False),
    }


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="disambig",
        version=importlib.metadata.version("disambig"),
        description=DESCRIPTION,
        openapi_router=Router("/schema", route_handlers=[], opt={"open": True}),
        render_plugins=[JsonRenderPlugin(path=["/openapi.json", "/"])],
        use_handler_docstrings=True,
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", description="An API key."),
                "header": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
            }
        ),
    )


async def _finish_headers(message: Message, scope: Scope) -> None:
    """Add the headers that every response has."""
    if message["type"] != "http.response.start":
        return
    headers = list(message.get("headers", ()))
    present = {name.lower() for name, _ in headers}
    state: dict[str, Any] = scope.get("state", {})
    all_headers = {
        "X-Request-ID": request_id(scope),
        **state.get("headers", {}),
        **SECURITY_HEADERS,
    }
    headers += [
        (name.lower().encode(), value.encode())
        for name, value in all_headers.items()
        if name.lower().encode() not in present
    ]
    message["headers"] = headers


def _drop_body(send: Send) -> Send:
    async def send_without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_without_body


def handle_exception(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Return the response for an exception: a problem for API paths, otherwise a page."""
    first = request.scope["path"].strip("/").partition("/")[0]
    return render_problem(request, error) if first in API_PREFIXES else _UnroutedErrorPage(error)
