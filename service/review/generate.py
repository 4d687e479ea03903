"""Generate tasks from uncertain decisions of the engine: limited in number, ranked, undecided.

After every publication, a worker generates the tasks about what is published again. They are
ranked by expected corrected mentions per unit of effort (:mod:`disambig.active_learning.priority`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import Connection, select

from disambig.active_learning.priority import compute_priority
from service.actors import Actor
from service.db.bulk import is_in
from service.db.database import Database
from service.db.tables import Decision, Event, Identity, Judgement, Name, Signature, Task, Work
from service.events.history import RUN_PUBLISHED, RUN_ROLLED_BACK
from service.events.log import EventLog
from service.review.uncertainty import (
    UncertainCase,
    UncertainCases,
    find_uncertain_cases,
    list_uncertain_blocks,
)
from service.runs.full_run import Engine
from service.settings import Settings
from service.tasks.close import close_answered_tasks, close_tasks_by_key
from service.tasks.create import NewTask, open_tasks
from service.tasks.page_views import read_traffic
from service.tasks.queries import IS_IN_FORCE
from service.tasks.subjects import make_subject

TASKS_GENERATED = "questions-asked"
"""Kind of the event that updates the generated tasks."""
MAX_SHOWN = 200
"""Maximum number of mentions listed for one side; MAX_MOVED for the smaller side of a split."""
MAX_MOVED = 1_000


class _SignatureRow(NamedTuple):
    key: int
    work: str
    position: int
    name: int
    block: int | None


def find_due_publication(connection: Connection) -> int | None:
    """Return the number of the last publication if tasks were not yet generated for it."""
    published = _find_last_event(connection, (RUN_PUBLISHED, RUN_ROLLED_BACK))
    if published is None:
        return None
    generated = _find_last_event(connection, (TASKS_GENERATED,))
    return published if generated is None or generated < published else None


def generate_tasks(database: Database, actor: Actor, engine: Engine) -> int | None:
    """Update the tasks about what is published, and return their number.

    Return None if another worker was faster, or nothing is due.

    Raises
    ------
    ConstraintError, ModelError, Unavailable
        An immediate retry would fail again.
    """
    settings = engine.settings
    with database.read() as connection:
        publication = find_due_publication(connection)
        blocks = list_uncertain_blocks(connection) if settings.questions else []
    if publication is None:
        return None
    traffic = read_traffic(settings.traffic)
    uncertain = (
        find_uncertain_cases(database, engine, blocks, settings.questions_per_block)
        if blocks
        else None
    )
    return store_tasks(database, actor, publication, uncertain, settings, traffic)


def store_tasks(
    database: Database,
    actor: Actor,
    publication: int,
    uncertain: UncertainCases | None,
    settings: Settings,
    traffic: Mapping[str, float],
) -> int | None:
    """Open tasks for the most valuable uncertain cases, and close stale tasks of these blocks."""
    with database.read() as connection:
        new_tasks = [] if uncertain is None else build_tasks(connection, uncertain.cases, traffic)
    new_tasks.sort(key=lambda task: -task.priority)
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        if find_due_publication(connection) != publication:
            return None
        unsure = _list_unsure(connection)
        new_tasks = [q for q in new_tasks if (q.kind, q.subject) not in unsure][
            : settings.questions
        ]
        seq = event_log.record(
            TASKS_GENERATED, actor, after={"publication": publication, "asked": len(new_tasks)}
        )
        open_tasks(connection, event_log, seq, new_tasks, settings.blind_share)
        blocks = () if uncertain is None else uncertain.blocks
        close_tasks_by_key(
            connection, seq, _list_stale(connection, seq, blocks, settings.questions)
        )
        if uncertain is not None and event_log.last_curation > uncertain.based_on:
            _close_decided(connection, seq, uncertain.cases)
        return len(new_tasks)


def build_tasks(
    connection: Connection, cases: Sequence[UncertainCase], traffic: Mapping[str, float]
) -> list[NewTask]:
    """Return tasks for uncertain cases, in order; ``traffic`` by folded name, 1 by default."""
    if not cases:
        return []
    signature_keys = np.unique(np.concatenate([side for d in cases for side in (d.left, d.right)]))
    signatures = _read_signatures(connection, signature_keys.tolist())
    ids = _read_active_identities(connection, {key for case in cases for key in case.identities})
    names = _read_folded_names(connection, {m.name for m in signatures.values()})
    new_tasks = []
    for case in cases:
        left, right = (
            [signatures[k] for k in side.tolist() if k in signatures]
            for side in (case.left, case.right)
        )
        if left and right and all(key in ids for key in case.identities):
            new_tasks.append(_build_task(case, left, right, ids, names, traffic))
    return new_tasks


def _build_task(
    case: UncertainCase,
    left: list[_SignatureRow],
    right: list[_SignatureRow],
    ids: Mapping[int, tuple[str, str]],
    names: Mapping[int, str],
    traffic: Mapping[str, float],
) -> NewTask:
    question = case.question
    is_split = len(case.identities) == 1
    sides = []
    for side_signatures, key in zip((left, right), case.sides, strict=True):
        smaller = len(side_signatures) == min(len(left), len(right))
        excerpt = side_signatures[: MAX_MOVED if is_split and smaller else MAX_SHOWN]
        mention_refs = [{"work": m.work, "position": m.position} for m in excerpt]
        id_, name = ids[key]
        sides.append(
            {"identity": id_, "name": name, "n": len(side_signatures), "mentions": mention_refs}
        )
    signatures = [*left, *right]
    effort = len({m.work for m in signatures})
    name_key = Counter(m.name for m in signatures).most_common(1)[0][0]
    block = next((m.block for m in signatures if m.block is not None), None)
    identity_ids = [ids[key][0] for key in case.identities]
    weight = traffic.get(names.get(name_key, ""), 1.0)
    return NewTask(
        question.kind.value,
        make_subject(*identity_ids),
        len(signatures),
        round(compute_priority(question.gain, weight, effort), 6),
        {
            "identities": sorted(identity_ids),
            "probability": round(question.probability, 4),
            "moved": question.n_moved,
            "sides": sides,
        },
        name_key,
        block,
        round(question.error, 4),
        effort,
    )


def _find_last_event(connection: Connection, kinds: Collection[str]) -> int | None:
    query = select(Event.seq).where(Event.kind.in_(kinds)).order_by(Event.seq.desc()).limit(1)
    return connection.scalar(query)


def _list_unsure(connection: Connection) -> set[tuple[str, str]]:
    """Return kind and subject of tasks with an answer *unsure* in force."""
    query = (
        select(Task.kind, Task.subject)
        .join(Judgement, Judgement.task_key == Task.key)
        .join(Decision, Decision.key == Judgement.decision_key)
        .where(Task.state == "closed", Decision.kind == "unsure", IS_IN_FORCE)
    )
    return {(kind, subject) for kind, subject in connection.execute(query)}


def _list_stale(
    connection: Connection, seq: int, blocks: Iterable[int], max_tasks: int
) -> list[int]:
    """List open tasks that were not generated again for a scored block, or exceed the maximum.

    Tasks that are leased or have answers are left out.
    """
    answered = select(Judgement.key).where(Judgement.task_key == Task.key).exists()
    query = select(Task.key, Task.block_key, Task.version, Task.created_seq, Task.priority).where(
        Task.state == "open", Task.kind.in_(("merge", "split")), Task.leased_by.is_(None), ~answered
    )
    rows = connection.execute(query.order_by(Task.priority.desc(), Task.key)).all()
    scored_blocks = set(blocks)
    stale_keys = {r.key for r in rows if r.block_key in scored_blocks and r.version != seq}
    current_keys = [r.key for r in rows if r.key not in stale_keys]
    return sorted(stale_keys | set(current_keys[max_tasks:]))


def _close_decided(connection: Connection, seq: int, cases: Sequence[UncertainCase]) -> None:
    """Close tasks that were decided while they were generated."""
    identities = {key for case in cases for key in case.identities}
    close_answered_tasks(connection, seq, identities, ())


def _read_signatures(connection: Connection, keys: Sequence[int]) -> dict[int, _SignatureRow]:
    query = (
        select(Signature.key, Work.id, Signature.position, Signature.name_key, Signature.block_key)
        .join(Work, Work.key == Signature.work_key)
        .where(is_in(connection, Signature.key, keys))
    )
    return {row[0]: _SignatureRow(*row) for row in connection.execute(query)}


def _read_active_identities(
    connection: Connection, keys: Collection[int]
) -> dict[int, tuple[str, str]]:
    query = select(Identity.key, Identity.id, Identity.name).where(
        is_in(connection, Identity.key, keys), Identity.status == "active"
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _read_folded_names(connection: Connection, keys: Collection[int]) -> dict[int, str]:
    query = select(Name.key, Name.folded).where(is_in(connection, Name.key, keys))
    return {row[0]: row[1] for row in connection.execute(query)}
