"""Keys: shown once, told apart in constant time, worthless when expired or revoked."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from service import api_keys
from service.actors import Role
from service.db.database import Database
from service.db.tables import ApiKey, Event
from service.errors import Conflict, Invalid, NotFound, Unauthenticated


def made(database: Database, admin, **given) -> tuple[api_keys.KeyInfo, str]:
    return api_keys.create_key(database, admin, **{"name": "import", "role": Role.EDITOR, **given})


def test_a_key_authenticates_as_the_role_it_was_made_with(database, admin) -> None:
    info, text = made(database, admin, per_minute=30)
    with database.read() as connection:
        found = api_keys.authenticate(connection, text)
    assert found == info
    assert (found.role, found.per_minute, found.to_actor("q").name) == (
        Role.EDITOR,
        30,
        f"key:{info.id}",
    )


def test_the_secret_is_stored_nowhere(database, admin) -> None:
    info, text = made(database, admin)
    secret = text.partition(".")[2]
    assert len(secret) == 43  # 256 bits in base 64
    with database.read() as connection:
        rows = [str(tuple(r)) for t in (ApiKey, Event) for r in connection.execute(select(t))]
    assert info.id in "".join(rows)
    assert secret not in "".join(rows)


@pytest.mark.parametrize(
    "text",
    ["", ".", "k-000000000000.secret", "\0.x", "ｋ.x", "k-1" * 10_000, "a.b.c", "\ud800.\ud800"],
)
def test_what_is_no_key_is_refused_and_not_shown_again(database, text: str) -> None:
    with database.read() as connection, pytest.raises(Unauthenticated) as refused:
        api_keys.authenticate(connection, text)
    assert str(refused.value).startswith("the key is unknown")


def test_the_id_alone_or_with_another_secret_is_refused(database, admin) -> None:
    (first, one), (_, other) = made(database, admin), made(database, admin)
    mixed = f"{first.id}.{other.partition('.')[2]}"
    for text in (first.id, f"{first.id}.", mixed, one[:-1], one + "A"):
        with database.read() as connection, pytest.raises(Unauthenticated, match="unknown"):
            api_keys.authenticate(connection, text)


def test_an_expired_key_is_refused_by_name(database, admin) -> None:
    info, text = made(database, admin, expires_at=datetime.now(UTC) + timedelta(days=1))
    with database.write() as connection:
        api_keys.authenticate(connection, text)
        connection.execute(update(ApiKey).values(expires_at=datetime.now(UTC)))
    with database.read() as connection, pytest.raises(Unauthenticated, match="is expired"):
        api_keys.authenticate(connection, text)
    with database.read() as connection:
        assert [k.get_state(datetime.now(UTC)) for k in api_keys.list_keys(connection)] == [
            "expired"
        ]
    assert info.get_state(datetime.now(UTC)) == "active"  # what was known then


def test_a_revoked_key_is_refused_and_stays_revoked_since_the_first_time(database, admin) -> None:
    info, text = made(database, admin)
    first = api_keys.revoke_key(database, admin, info.id, "lost laptop")
    assert api_keys.revoke_key(database, admin, info.id) == first
    with database.read() as connection:
        with pytest.raises(Unauthenticated, match="is revoked"):
            api_keys.authenticate(connection, text)
        events = connection.execute(select(Event.kind, Event.subject, Event.reason)).all()
    assert events == [("key-created", info.id, None), ("key-revoked", info.id, "lost laptop")]


def test_no_key_revokes_itself_and_no_unknown_key_is_revoked(database, admin) -> None:
    info, _ = made(database, admin)
    with pytest.raises(Conflict):
        api_keys.revoke_key(database, info.to_actor(), info.id)
    for unknown in ("k-000000000000", "\0", "\ud800", ""):
        with pytest.raises(NotFound):
            api_keys.revoke_key(database, admin, unknown)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "  "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"per_minute": -1}, "per_minute"),
        ({"per_minute": 2**63}, "per_minute"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at"),
    ],
)
def test_bad_wishes_are_refused_by_field(database, admin, given, field) -> None:
    with pytest.raises(Invalid) as refused:
        made(database, admin, **given)
    assert refused.value.field == field
    with database.read() as connection:
        assert api_keys.list_keys(connection) == []


def test_use_is_stored_at_most_once_a_minute(database, admin) -> None:
    info, _ = made(database, admin)
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    seen = []
    for seconds in (0, 59, 60, 61):
        with database.write() as connection:
            api_keys.mark_used(connection, info.id, noon + timedelta(seconds=seconds))
            seen.append(api_keys.get_key(connection, info.id).used_at)
    assert [(s - noon).seconds for s in seen if s] == [0, 0, 60, 60]


def test_uses_are_noted_beside_the_request(database, admin) -> None:
    info, _ = made(database, admin)
    uses = api_keys.KeyUseRecorder(database)
    uses.record(info)
    uses.record(info)
    uses.close()
    with database.read() as connection:
        assert api_keys.get_key(connection, info.id).used_at is not None
