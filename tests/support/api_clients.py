"""The application on a test's database, and clients with keys of each role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Litestar
from litestar.testing import TestClient

from service import api_keys
from service.actors import Actor, Role
from service.app import create_app
from service.db.database import Database
from service.settings import Settings
from tests.support.declared_answers import check_response

MAKER = Actor("cli:maker", Role.ADMIN)


def key_of(database: Database, role: str) -> str:
    """The text of a new key."""
    return api_keys.create_key(database, MAKER, name=f"a {role}", role=Role(role), per_minute=0)[1]


@contextmanager
def serving(database: Database, **settings: Any) -> Iterator[TestClient[Litestar]]:
    """A client without a key; errors of the server are answers, as they are over the wire."""
    app = create_app(Settings(rate_public=0, **settings), database)
    with TestClient(app, raise_server_exceptions=False) as client:
        client.event_hooks["response"].append(check_response)
        yield client


def bearer(key: str) -> dict[str, str]:
    """The header that sends a key."""
    return {"Authorization": f"Bearer {key}"}
