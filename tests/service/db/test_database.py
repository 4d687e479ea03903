from sqlalchemy import select

from service.db.database import Database
from service.db.tables import Event
from service.events.log import EventLog


def test_events_are_numbered_in_order(database: Database, editor) -> None:
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        assert [ledger.record("a", editor), ledger.record("b", editor)] == [1, 2]
    with database.read() as connection:
        assert list(connection.scalars(select(Event.kind).order_by(Event.seq))) == ["a", "b"]
