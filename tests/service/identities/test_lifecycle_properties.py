"""Whatever is published, decided, undone and rolled back in whatever order, ids stay sound."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from disambig import domain
from service.actors import Actor, Role
from service.constraints.links import find_violated
from service.constraints.store import read_links_in_force
from service.db.database import Database
from service.db.tables import Decision, Identity, Membership, Run, Signature
from service.decisions.actions import (
    DecisionContext,
    decide_pair,
    merge_identities,
    move_signatures,
    split_identity,
)
from service.decisions.undo import redo_decision, undo_decision
from service.errors import Conflict, Invalid
from service.events.log import EventLog
from service.identities.resolve import resolve_identity
from service.memberships.change import NewMembership, add_memberships, retire_signatures
from service.publication.publish import publish, roll_back
from service.settings import build_sqlite_url
from tests.support.identity_world import add_run, add_works, everything, published

EDITOR = Actor("cli:editor", Role.EDITOR)
WORKS = 6
AUTHORS = 2
N = WORKS * AUTHORS


class Refused(Exception):
    """The service refused a step, as it may."""


def asked(what: Callable[..., Any], *arguments: Any) -> Any:
    """Do it; refusals that are no mistake of the service as Refused."""
    try:
        return what(*arguments)
    except (Conflict, Invalid) as error:
        raise Refused from error


class World:
    """A small database, and what must be true of it after every step."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.runs = 0
        self.ids: set[str] = set()
        add_works(database, [["Wei Wang", "Ann Lee"]] * WORKS)
        self.placed_later = add_works(database, [["Wei Wang"], ["Ann Lee"], ["Wei Wang"]])

    def mentions(self) -> list[tuple[domain.Signature, int, str]]:
        """Published mentions: name, signature key, identity id."""
        with self.database.read() as connection:
            found = {k: i for i, keys in published(connection).items() for k in keys}
            rows = connection.execute(
                select(Signature.key, Signature.work_key, Signature.position)
            ).all()
        return [
            (domain.Signature(f"w{work - 1}", position), key, found[key])
            for key, work, position in rows
            if key in found
        ]

    def step(self, kind: str, numbers: list[int]) -> None:
        """Do something, then assert all that must always hold (:meth:`check`)."""
        with suppress(Refused):
            getattr(self, f"_{kind}")(numbers)
        self.check()

    def _publish(self, numbers: list[int]) -> None:
        with self.database.read() as connection:
            live = list(
                connection.scalars(select(Signature.key).where(Signature.retired_version.is_(None)))
            )
            links = read_links_in_force(connection)
        clusters = {s: numbers[k % len(numbers)] % 5 for k, s in enumerate(live) if s <= N}
        if numbers[0] % 2 and not links:
            clusters = {s: c for s, c in clusters.items() if s % 3}
        self.runs += 1
        add_run(self.database, f"r-{self.runs}", clusters, groups=self._groups(clusters))
        self._published(f"r-{self.runs}")

    def _published(self, run: str) -> None:
        """Publish, and check that rolling back brings back every row, and publishing again."""
        with self.database.read() as connection:
            before = everything(connection)
        asked(publish, self.database, EDITOR, run)
        with self.database.read() as connection:
            after = everything(connection)
        roll_back(self.database, EDITOR, run)
        with self.database.read() as connection:
            assert known(everything(connection), before) == before
        self.check()
        publish(self.database, EDITOR, run)
        with self.database.read() as connection:
            assert without_since(everything(connection)) == without_since(after)

    def _groups(self, clusters: dict[int, int]) -> dict[int, int | None]:
        import numpy as np

        from service.identities.continuity import match_identities

        with self.database.read() as connection:
            rows = dict(
                connection.execute(select(Membership.signature_key, Membership.identity_key)).all()
            )
        keys = sorted(clusters)
        found = match_identities(
            np.array([rows.get(s, -1) for s in keys]), np.array([clusters[s] for s in keys])
        )
        return {c: found.get(c) for c in set(clusters.values())}

    def _publish_respecting(self, numbers: list[int]) -> None:
        """A proposal that differs from what is published by one mention that is free to move."""
        with self.database.read() as connection:
            found = published(connection)
            bound = {e for link in read_links_in_force(connection) for e in (link.a, link.b)}
            key_of = dict(connection.execute(select(Identity.id, Identity.key)).all())
        if not found:
            return
        ids = sorted(found)
        clusters = {s: ids.index(i) for i in ids for s in found[i]}
        free = [s for s in sorted(clusters) if s not in bound]
        for number in numbers[:3]:
            if free:
                clusters[free[number % len(free)]] = number % (len(ids) + 2)
        self.runs += 1
        groups = {ids.index(i): key_of[i] for i in ids}
        add_run(
            self.database,
            f"r-{self.runs}",
            clusters,
            groups={c: groups.get(c) for c in set(clusters.values())},
        )
        self._published(f"r-{self.runs}")

    def _place(self, numbers: list[int]) -> None:
        free = [s for s in self.placed_later if s not in {k for _, k, _ in self.mentions()}]
        with self.database.read() as connection:
            retired = set(
                connection.scalars(
                    select(Signature.key).where(Signature.retired_version.is_not(None))
                )
            )
            active = list(
                connection.scalars(
                    select(Identity.key).where(Identity.status == "active").order_by(Identity.key)
                )
            )
        free = [s for s in free if s not in retired]
        if not free:
            return
        where = active[numbers[0] % len(active)] if active and numbers[0] % 4 else None
        with self.database.write() as connection:
            ledger = EventLog.lock(connection)
            seq = ledger.record("works-placed", EDITOR)
            add_memberships(connection, ledger, seq, [NewMembership(free[0], where, 0.8)])

    def _retire(self, numbers: list[int]) -> None:
        some = self.mentions()
        if not some:
            return
        _, key, _ = some[numbers[0] % len(some)]
        with self.database.write() as connection:
            ledger = EventLog.lock(connection)
            seq = ledger.record("works-loaded", EDITOR)
            connection.execute(
                Signature.__table__.update()
                .where(Signature.__table__.c.key == key)
                .values(retired_version=2)
            )
            retire_signatures(connection, ledger, seq, [key])

    def _merge(self, numbers: list[int]) -> None:
        ids = sorted({i for _, _, i in self.mentions()})
        if len(ids) > 1:
            chosen = [ids[n % len(ids)] for n in numbers[:2]]
            self._done(merge_identities, chosen, None, DecisionContext(allow_same_work=True))

    def _split(self, numbers: list[int]) -> None:
        some = self.mentions()
        if not some:
            return
        identity = some[numbers[0] % len(some)][2]
        mine = [m for m, _, i in some if i == identity]
        cut = numbers[1] % len(mine)
        groups = [mine[:cut], mine[cut:]] if numbers[2] % 2 else [mine[:cut]]
        self._done(split_identity, identity, groups)

    def _move(self, numbers: list[int]) -> None:
        some = self.mentions()
        if not some:
            return
        ids = sorted({i for _, _, i in some})
        to = ids[numbers[1] % len(ids)] if numbers[1] % 3 else None
        self._done(
            move_signatures,
            [some[numbers[0] % len(some)][0]],
            to,
            DecisionContext(allow_same_work=True),
        )

    def _judge(self, numbers: list[int]) -> None:
        some = self.mentions()
        if len(some) > 1:
            a, b = (some[n % len(some)][0] for n in numbers[:2])
            kind = "same" if numbers[2] % 2 else "different"
            self._done(decide_pair, kind, a, b, DecisionContext(allow_same_work=True))

    def _done(self, what: Any, *arguments: Any) -> None:
        """Decide, and check that undoing brings back every row, and redoing the decision."""
        with self.database.read() as connection:
            before = everything(connection)
        made = asked(what, self.database, EDITOR, *arguments)
        with self.database.read() as connection:
            after = everything(connection)
        undo_decision(self.database, EDITOR, made.id)
        with self.database.read() as connection:
            assert known(everything(connection), before) == before
        self.check()
        redo_decision(self.database, EDITOR, made.id)
        with self.database.read() as connection:
            assert everything(connection) == after

    def _undo(self, numbers: list[int]) -> None:
        with self.database.read() as connection:
            ids = list(connection.scalars(select(Decision.id).order_by(Decision.key)))
        if ids:
            turn = undo_decision if numbers[1] % 3 else redo_decision
            asked(turn, self.database, EDITOR, ids[numbers[0] % len(ids)])

    def _rollback(self, numbers: list[int]) -> None:
        with self.database.read() as connection:
            runs = list(connection.scalars(select(Run.id).order_by(Run.key)))
        if runs:
            run = runs[numbers[0] % len(runs)]
            asked(publish if numbers[1] % 3 == 0 else roll_back, self.database, EDITOR, run)

    def check(self) -> None:
        """What is always true."""
        with self.database.read() as connection:
            rows = connection.execute(
                select(Identity.key, Identity.id, Identity.status, Identity.redirect_key)
            ).all()
            members = published(connection)
            identity = dict(
                connection.execute(select(Membership.signature_key, Membership.identity_key)).all()
            )
            retired = set(
                connection.scalars(
                    select(Signature.key).where(Signature.retired_version.is_not(None))
                )
            )
            assert not find_violated(read_links_in_force(connection), identity)
            assert not retired & set(identity)
            by_key = {row[0]: row for row in rows}
            for _, public, status, redirect in rows:
                assert (status == "active") == (public in members)
                if redirect is not None:
                    assert by_key[redirect][2] != "redirected"
                resolve_identity(connection, public)
            now = {row[1] for row in rows}
            assert self.ids <= now
            self.ids = now


def known(found: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What was found, without the identities and lineage of ids that did not exist before."""
    keys = {row[0] for row in before["identities"]}
    return {
        **found,
        "identities": [row for row in found["identities"] if row[0] in keys],
        "lineage": [row for row in found["lineage"] if row[1] in keys],
    }


def without_since(found: dict[str, Any]) -> dict[str, Any]:
    """What was found, without what tells when it came to be."""
    return {
        "memberships": [row[:-1] for row in found["memberships"]],
        "identities": found["identities"],
        "external": found["external"],
        "lineage": [row[1:] for row in found["lineage"]],
    }


STEPS = [
    "publish",
    "publish_respecting",
    "place",
    "retire",
    "merge",
    "split",
    "move",
    "judge",
    "undo",
    "rollback",
]


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.lists(st.integers(0, 50), min_size=3, max_size=12)),
        min_size=2,
        max_size=9,
    )
)
def test_identities_stay_sound(
    sqlite_template: Path, tmp_path: Path, steps: list[tuple[str, list[int]]]
) -> None:
    file = tmp_path / "world.sqlite"
    for name in ("world.sqlite-wal", "world.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    shutil.copy(sqlite_template, file)
    database = Database(build_sqlite_url(file))
    try:
        world = World(database)
        world.step("publish", [0, 1, 2, 0, 1, 3, 0, 0, 1])
        for kind, numbers in steps:
            world.step(kind, numbers)
    finally:
        database.close()


def test_a_mention_that_was_put_alone_has_its_id_back_when_its_run_is_published_again(
    database: Database,
) -> None:
    world = World(database)
    world.step("publish", [0, 1, 2, 0, 1, 3, 0, 0, 1])
    world.step("publish", [6, 30, 30, 27, 46, 18, 21, 34, 19, 34, 10, 28])
    world.step("publish", [11, 42, 2, 28, 22, 42, 3, 43, 40, 37, 38, 16])
    with database.read() as connection:
        assert len(everything(connection)["identities"]) == 6


@pytest.mark.parametrize("first", [0, 1])
def test_a_long_sequence_on_either_database(database: Database, first: int) -> None:
    world = World(database)
    world.step("publish", [0, 1, 2, 0, 1, 3, 0, 0, 1])
    for k in range(20):
        kind = STEPS[(k * 7 + first) % len(STEPS)]
        world.step(kind, [(k * 5 + first) % 11, (k * 3 + 1) % 13, k, 2, 0, 1])
