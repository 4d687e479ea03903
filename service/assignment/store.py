"""Store an assignment: memberships, an event, tasks about unsure authors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from disambig.active_learning.priority import compute_gain, compute_priority
from disambig.domain import Signature as Mention
from service.actors import Actor
from service.db.bulk import is_in
from service.db.database import Database
from service.db.tables import Identity, Membership, Signature, Task, Work
from service.events.log import EventLog
from service.memberships import change as membership_change
from service.memberships.change import NewMembership
from service.tasks.create import NewTask, close_tasks, open_tasks
from service.text import fold_name

if TYPE_CHECKING:
    from disambig import domain
    from service.assignment.policy import AuthorVerdict
    from service.assignment.result import AssignmentResult

KIND = "assign"
NO_TRAFFIC: Mapping[str, float] = {}
WORKS_AT_ONCE = 500


def store_assignment(
    connection: Connection,
    ledger: EventLog,
    actor: Actor,
    work: domain.Work,
    signatures: Mapping[int, int],
    choices: Sequence[AuthorVerdict],
    results: Sequence[AssignmentResult],
    blind_share: float = 0.0,
    traffic: Mapping[str, float] = NO_TRAFFIC,
) -> list[AssignmentResult]:
    """Store the verdicts on a work's authors; skip signatures that were assigned meanwhile.

    Parameters
    ----------
    connection, ledger
        Of one write.
    signatures : mapping of int to int
        Signature key at each position.
    choices, told : sequences
        The same verdicts, with keys and with public ids.
    blind_share : float
        Share of the tasks that are blind.
    traffic : mapping of str to float
        Page views by folded name; 1 for other names.

    Returns
    -------
    list of Assigned
        With the ids of new identities and of tasks.
    """
    unassigned = _still_nowhere(connection, signatures.values())
    open_ = [
        (choice, result)
        for choice, result in zip(choices, results, strict=True)
        if signatures.get(choice.position) in unassigned
    ]
    active = _active(connection, [c.identity for c, _ in open_ if c.identity is not None])
    new_memberships, unsure = [], []
    for choice, result in open_:
        fits = choice.verdict == "matched" and choice.identity in active
        if fits or choice.verdict == "new":
            new_memberships.append(
                NewMembership(
                    signatures[choice.position],
                    choice.identity if fits else None,
                    choice.probability or 0.0,
                    choice.position,
                )
            )
        elif choice.verdict == "unsure":
            unsure.append(result)
    if not new_memberships and not unsure:
        return list(results)
    seq = ledger.record(
        "works-placed",
        actor,
        subject=work.id,
        after={"placements": [_brief(result) for _, result in open_]},
    )
    change = membership_change.add_memberships(connection, ledger, seq, new_memberships) if new_memberships else None
    questions = [
        _question(connection, work, result, signatures[result.position], traffic) for result in unsure
    ]
    ids_of_tasks = open_tasks(connection, ledger, seq, questions, blind_share)
    tasks = dict(zip((q.position for q in unsure), ids_of_tasks, strict=True))
    decided_subjects = {str(Mention(work.id, c.position)) for c, _ in open_ if c.verdict != "unsure"}
    close_tasks(connection, seq, actor, KIND, decided_subjects)
    ids = {} if change is None else {key: row.id for key, row in change.rows.items()}
    new = {} if change is None else change.keys
    return [_add_ids(result, tasks, new, ids) for result in results]


def close_answered_tasks(database: Database, actor: Actor) -> int:
    """Close tasks about signatures that have an identity now or are retired; return how many."""
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        task_query = select(Task.subject, Task.evidence).where(Task.kind == KIND, Task.state == "open")
        open_ = {
            (str(evidence["work"]), int(evidence["position"])): subject
            for subject, evidence in connection.execute(task_query)
            if "work" in evidence and "position" in evidence
        }
        left = set[tuple[str, int]]()
        for low in range(0, len(open_), WORKS_AT_ONCE):
            works = sorted({work for work, _ in list(open_)[low : low + WORKS_AT_ONCE]})
            nowhere = (
                select(Work.id, Signature.position)
                .join(Signature, Signature.work_key == Work.key)
                .outerjoin(Membership, Membership.signature_key == Signature.key)
                .where(
                    Work.id.in_(works),
                    Signature.retired_version.is_(None),
                    Membership.signature_key.is_(None),
                )
            )
            left |= {(work, position) for work, position in connection.execute(nowhere)}
        subjects = [subject for mention, subject in open_.items() if mention not in left]
        if not subjects:
            return 0
        seq = ledger.record("tasks-answered", actor, after={"tasks": len(subjects)})
        return close_tasks(connection, seq, actor, KIND, subjects)


def _add_ids(
    result: AssignmentResult, tasks: Mapping[int, str], new: Mapping[int, int], ids: Mapping[int, str]
) -> AssignmentResult:
    from service.identities.lifecycle import make_placeholder_key

    key = new.get(make_placeholder_key(result.position))
    identity = result.identity if key is None else ids[key]
    return replace(result, identity=identity, task=tasks.get(result.position))


def _brief(result: AssignmentResult) -> dict[str, Any]:
    return {
        "position": result.position,
        "verdict": result.verdict.value,
        "identity": result.identity,
        "probability": result.probability,
        "reasons": list(result.reasons),
    }


def _question(
    connection: Connection,
    work: domain.Work,
    result: AssignmentResult,
    signature: int,
    traffic: Mapping[str, float],
) -> NewTask:
    """Build the task: which identity? Unassigned is wrong if the first candidate is right."""
    error = result.probability or 0.0
    sizes = [rival.works for rival in result.rivals]
    effort = 1 + sum(sizes)
    worth = compute_priority(
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
        "rivals": [asdict(rival) for rival in result.rivals],
    }
    subject = str(Mention(work.id, result.position))
    return NewTask(
        KIND, subject, 1, round(worth, 6), evidence, name_key, error=round(error, 4), effort=effort
    )


def _still_nowhere(connection: Connection, signatures: Any) -> set[int]:
    keys = list(signatures)
    has = select(Membership.signature_key).where(
        is_in(connection, Membership.signature_key, keys)
    )
    current = select(Signature.key).where(
        is_in(connection, Signature.key, keys), Signature.retired_version.is_(None)
    )
    return set(connection.scalars(current)) - set(connection.scalars(has))


def _active(connection: Connection, identities: Sequence[int]) -> set[int]:
    query = select(Identity.key).where(
        is_in(connection, Identity.key, identities), Identity.status == "active"
    )
    return set(connection.scalars(query))
