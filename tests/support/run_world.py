"""Works of invented people, and runs over them in one call."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy import select

from disambig.domain import Work
from service.actors import Actor, Role
from service.db.database import Database
from service.db.tables import Identity, Membership, Proposal, Run, Signature
from service.db.tables import Work as StoredWork
from service.publication import proposals
from service.publication import publish as publishing
from service.publication.results import Difference
from service.runs import results
from service.runs import store as run_store
from service.settings import Settings
from service.worker.worker import Worker
from tests.support.stored_rows import deliver

EDITOR = Actor("cli:editor", Role.EDITOR)

SPEECH = (
    "speech recognition acoustic",
    "speaker prosody voice",
    "phoneme acoustic audio",
    "voice speech prosody",
    "recognition speaker audio",
)
ROBOTS = (
    "robot grasping arm",
    "gripper manipulation planning",
    "motion planning locomotion",
    "arm motion gripper",
    "robot locomotion planning",
)
GENES = ("protein genome folding", "enzyme mutation cell", "sequence genome mutation")


def settings_in(folder: Path, **more: object) -> Settings:
    """Settings with all files in a folder."""
    return Settings(data=folder / "data", workers=1, **more)  # type: ignore[arg-type]


def do(database: Database, settings: Settings, scope: str = "full") -> results.Run:
    """Ask for a run and do it."""
    asked = run_store.create_run(database, EDITOR, scope=scope)
    return done(database, settings, asked.id)


def done(database: Database, settings: Settings, run_id: str) -> results.Run:
    """The run after a worker has done all that waits."""
    said: list[str] = []
    Worker(database, settings, said.append).serve(once=True)
    with database.read() as connection:
        found = run_store.get_run(connection, run_id)
    assert found.state == "proposed", (found.error, said)
    return found


def do_and_publish(database: Database, settings: Settings, scope: str = "full") -> results.Run:
    """Ask for a run, do it and publish it."""
    found = do(database, settings, scope)
    publishing.publish(database, EDITOR, found.id, None)
    return found


def people(database: Database) -> dict[tuple[str, int], str]:
    """Public id of the identity of each published mention, by work and position."""
    with database.read() as connection:
        rows = connection.execute(
            select(StoredWork.id, Signature.position, Identity.id)
            .join(Signature, Signature.work_key == StoredWork.key)
            .join(Membership, Membership.signature_key == Signature.key)
            .join(Identity, Identity.key == Membership.identity_key)
        )
        return {(work, position): identity for work, position, identity in rows}


def groups(database: Database, run_id: str) -> set[frozenset[tuple[str, int]]]:
    """What a run proposes, as sets of (work, position)."""
    found: dict[int, set[tuple[str, int]]] = {}
    with database.read() as connection:
        rows = connection.execute(
            select(Proposal.cluster, StoredWork.id, Signature.position)
            .join(Run, Run.key == Proposal.run_key)
            .join(Signature, Signature.key == Proposal.signature_key)
            .join(StoredWork, StoredWork.key == Signature.work_key)
            .where(Run.id == run_id)
        )
        for cluster, work, position in rows:
            found.setdefault(cluster, set()).add((work, position))
    return {frozenset(group) for group in found.values()}


def lines(database: Database, run_id: str, kind: str | None = None) -> list[Difference]:
    """What publishing a run would change."""
    with database.read() as connection:
        return proposals.list_changes(connection, run_id, kind, None, 500)


def wangs() -> list[Work]:
    """Two people called Wei Wang, one in speech with Otto Brandt, one in robots with Lei Zhang,
    and Ulf Meyer by himself."""
    from tests.support.invented import work

    found = [
        work(f"s{k}", title, "Wei Wang", "Otto Brandt", venue="Interspeech", year=2001 + k)
        for k, title in enumerate(SPEECH)
    ]
    found += [
        work(
            f"r{k}",
            title,
            "Wei Wang",
            "Lei Zhang",
            venue="Robotics: Science and Systems",
            year=2011 + k,
        )
        for k, title in enumerate(ROBOTS)
    ]
    found += [work(f"x{k}", title, "Ulf Meyer") for k, title in enumerate(GENES)]
    return found


def published_wangs(database: Database) -> None:
    """The Wangs, clustered and published: to begin with, by ``copy_of``."""
    deliver(database, *wangs())
    with tempfile.TemporaryDirectory() as folder:
        do_and_publish(database, settings_in(Path(folder)))


__all__ = ["deliver"]
