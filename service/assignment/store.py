"""Store an assignment: memberships, an event, tasks about unsure authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from disambig import domain
from disambig.active_learning.priority import compute_gain, compute_priority
from service.actors import Actor
from service.db.bulk import is_in
from service.db.database import Database
from service.db.tables import Identity, Membership, Signature, Task, Work
from service.events.log import EventLog
from service.memberships import change as membership_change
from service.memberships.change import NewMembership
from service.tasks.create import NewTask, close_tasks, open_tasks
from service.text import fold_name
from service.values import replace, to_dict

if TYPE_CHECKING:
    from disambig import domain
    from service.assignment.policy import AuthorVerdict
    from service.assignment.results import Placement

KIND = "assign"
NO_TRAFFIC: Mapping[str, float] = {}
WORKS_AT_ONCE = 500


def store_assignment(
    connection: Connection,
    event_log: EventLog,
    actor: Actor,
    work: domain.Work,
    signatures: Mapping[int, int],
    verdicts: Sequence[AuthorVerdict],
    results: Sequence[Placement],
    blind_share: float = 0.0,
    traffic: Mapping[str, float] = NO_TRAFFIC,
) -> list[Placement]:
    """Store the verdicts on a work's authors; skip signatures that were assigned meanwhile.

    Parameters
    ----------
    connection, event_log
        Of one write.
    signatures : mapping of int to int
        Signature key at each position.
    verdicts, results : sequences
        The same verdicts, with keys and with public ids.
    blind_share : float
        Share of the tasks that are blind.
    traffic : mapping of str to float
        Page views by folded name; 1 for other names.

    Returns
    -------
    list of Placement
        With the ids of new identities and of tasks.
    """
    unassigned = _find_unassigned(connection, signatures.values())
    to_store = [
        (verdict, result)
        for verdict, result in zip(verdicts, results, strict=True)
        if signatures.get(verdict.position) in unassigned
    ]
    active = _find_active(connection, [c.identity for c, _ in to_store if c.identity is not None])
    new_memberships, unsure = [], []
    for verdict, result in to_store:
        is_matched = verdict.verdict == "matched" and verdict.identity in active
        if is_matched or verdict.verdict == "new":
            new_memberships.append(
                NewMembership(
                    signatures[verdict.position],
                    verdict.identity if is_matched else None,
                    verdict.probability or 0.0,
                    verdict.position,
                )
            )
        elif verdict.verdict == "unsure":
            unsure.append(result)
    if not new_memberships and not unsure:
        return list(results)
    seq = event_log.record(
        "works-placed",
        actor,
        subject=work.id,
        after={"placements": [_summarize(result) for _, result in to_store]},
    )
    change = (
        membership_change.add_memberships(connection, event_log, seq, new_memberships)
        if new_memberships
        else None
    )
    questions = [
        _make_question(connection, work, result, signatures[result.position], traffic)
        for result in unsure
    ]
    task_ids = open_tasks(connection, event_log, seq, questions, blind_share)
    task_of = dict(zip((q.position for q in unsure), task_ids, strict=True))
    decided_subjects = {
        str(domain.Signature(work.id, c.position)) for c, _ in to_store if c.verdict != "unsure"
    }
    close_tasks(connection, seq, actor, KIND, decided_subjects)
    public_ids = {} if change is None else {key: row.id for key, row in change.rows.items()}
    new_keys = {} if change is None else change.keys
    return [_add_ids(result, task_of, new_keys, public_ids) for result in results]


def close_outdated_assign_tasks(database: Database, actor: Actor) -> int:
    """Close tasks about signatures that have an identity now or are retired; return how many."""
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        task_query = select(Task.subject, Task.evidence).where(
            Task.kind == KIND, Task.state == "open"
        )
        open_tasks_by_signature = {
            (str(evidence["work"]), int(evidence["position"])): subject
            for subject, evidence in connection.execute(task_query)
            if "work" in evidence and "position" in evidence
        }
        unassigned = set[tuple[str, int]]()
        for low in range(0, len(open_tasks_by_signature), WORKS_AT_ONCE):
            works = sorted(
                {work for work, _ in list(open_tasks_by_signature)[low : low + WORKS_AT_ONCE]}
            )
            unassigned_query = (
                select(Work.id, Signature.position)
                .join(Signature, Signature.work_key == Work.key)
                .outerjoin(Membership, Membership.signature_key == Signature.key)
                .where(
                    Work.id.in_(works),
                    Signature.retired_version.is_(None),
                    Membership.signature_key.is_(None),
                )
            )
            unassigned |= {
                (work, position) for work, position in connection.execute(unassigned_query)
            }
        subjects = [
            subject
            for mention, subject in open_tasks_by_signature.items()
            if mention not in unassigned
        ]
        if not subjects:
            return 0
        seq = event_log.record("tasks-answered", actor, after={"tasks": len(subjects)})
        return close_tasks(connection, seq, actor, KIND, subjects)


def _add_ids(
    result: Placement,
    tasks: Mapping[int, str],
    new_keys: Mapping[int, int],
    public_ids: Mapping[int, str],
) -> Placement:
    from service.identities.lifecycle import make_placeholder_key

    key = new_keys.get(make_placeholder_key(result.position))
    identity = result.identity if key is None else public_ids[key]
    return replace(result, identity=identity, task=tasks.get(result.position))


def _summarize(result: Placement) -> dict[str, Any]:
    return {
        "position": result.position,
        "verdict": result.verdict,
        "identity": result.identity,
        "probability": result.probability,
        "reasons": list(result.reasons),
    }


def _make_question(
    connection: Connection,
    work: domain.Work,
    result: Placement,
    signature: int,
    traffic: Mapping[str, float],
) -> NewTask:
    """Build the task: which identity? Unassigned is wrong if the first candidate is right."""
    error = result.probability or 0.0
    sizes = [rival.works for rival in result.rivals]
    effort = 1 + sum(sizes)
    task_priority = compute_priority(
        compute_gain(error, 1, max(sizes[:1], default=1)),
        traffic.get(fold_name(result.name), 1.0),
        effort,
    )
    name_key = connection.scalar(select(Signature.name_key).where(Signature.key == signature))
    evidence = {
        "work": work.id,
        "position": result.position,
        "name": result.name,
        "title": work.title[:500],
        "rivals": [to_dict(rival) for rival in result.rivals],
    }
    subject = str(domain.Signature(work.id, result.position))
    return NewTask(
        KIND,
        subject,
        1,
        round(task_priority, 6),
        evidence,
        name_key,
        error=round(error, 4),
        effort=effort,
    )


def _find_unassigned(connection: Connection, signatures: Any) -> set[int]:
    keys = list(signatures)
    assigned = select(Membership.signature_key).where(
        is_in(connection, Membership.signature_key, keys)
    )
    current = select(Signature.key).where(
        is_in(connection, Signature.key, keys), Signature.retired_version.is_(None)
    )
    return set(connection.scalars(current)) - set(connection.scalars(assigned))


def _find_active(connection: Connection, identities: Sequence[int]) -> set[int]:
    query = select(Identity.key).where(
        is_in(connection, Identity.key, identities), Identity.status == "active"
    )
    return set(connection.scalars(query))
