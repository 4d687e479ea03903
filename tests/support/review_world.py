"""Six works of Wei Wang under three identities, and questions about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from service.actors import Actor, Role
from service.db.database import Database
from service.db.tables import Membership
from service.events.log import EventLog
from service.publication.publish import publish
from service.publication.results import Published
from service.tasks import queries as task_queries
from service.tasks.create import NewTask, open_tasks
from service.tasks.results import Task
from service.tasks.subjects import make_subject
from tests.support.identity_world import add_run, add_works, published

ANN, BO, CY = (Actor(f"key:{name}", Role.REVIEWER) for name in ("ann", "bo", "cy"))


def identities(database: Database, editor: Actor) -> dict[int, str]:
    """Signatures 1 to 6: {1, 2, 3}, {4, 5}, {6}; their ids by signature."""
    add_works(database, [["Wei Wang"]] * 6)
    add_run(database, "r-1", {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2})
    publish(database, editor, "r-1")
    with database.read() as connection:
        return {s: i for i, keys in published(connection).items() for s in keys}


def merge_question(*ids: str, **more: Any) -> NewTask:
    """Whether identities are one person."""
    return NewTask("merge", make_subject(*ids), 5, 1.0, {"identities": list(ids)}, **more)


def split_question(id_: str, *sides: Sequence[int], **more: Any) -> NewTask:
    """Whether the sides, signatures of an identity, are one person."""
    told = [
        {
            "identity": id_,
            "n": len(side),
            "mentions": [{"work": f"w{s - 1}", "position": 0} for s in side],
        }
        for side in sides
    ]
    return NewTask("split", id_, 3, 2.0, {"identities": [id_], "sides": told}, **more)


def ask(database: Database, *questions: NewTask, blind_share: float = 0.0) -> list[str]:
    """Ids of the tasks."""
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        seq = ledger.record("questions-asked", Actor("worker:w", Role.ADMIN))
        return open_tasks(connection, ledger, seq, questions, blind_share)


def task(database: Database, id_: str) -> Task:
    """A task as it is now."""
    with database.read() as connection:
        return task_queries.get_task(connection, id_)


def states(database: Database, ids: Sequence[str]) -> list[str]:
    """Which of the tasks are open."""
    return [task(database, id_).state for id_ in ids]


def publish_as(
    database: Database,
    editor: Actor,
    run_id: str,
    clusters: dict[int, int],
    *,
    home: int | None = None,
) -> Published:
    """Publish signatures by cluster, each under the identity that its first one has, or that of
    the signature ``home``; what that did."""
    with database.read() as connection:
        held = select(Membership.signature_key, Membership.identity_key)
        of = {row[0]: row[1] for row in connection.execute(held)}
    groups: dict[int, int | None] = {}
    for signature, cluster in clusters.items():
        groups.setdefault(cluster, of[signature if home is None else home])
    add_run(database, run_id, clusters, groups=groups)
    return publish(database, editor, run_id)
