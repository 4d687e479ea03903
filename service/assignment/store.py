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
    told: Sequence[AssignmentResult],
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
    there = _still_nowhere(connection, signatures.values())
    open_ = [
        (choice, said)
        for choice, said in zip(choices, told, strict=True)
        if signatures.get(choice.position) in there
    ]
    active = _active(connection, [c.identity for c, _ in open_ if c.identity is not None])
    placed, asked = [], []
    for choice, said in open_:
        fits = choice.verdict == "matched" and choice.identity in active
        if fits or choice.verdict == "new":
            placed.append(
                NewMembership(
                    signatures[choice.position],
                    choice.identity if fits else None,
                    choice.probability or 0.0,
                    choice.position,
                )
            )
        elif choice.verdict == "unsure":
            asked.append(said)
    if not placed and not asked:
        return list(told)
    seq = ledger.record(
        "works-placed",
        actor,
        subject=work.id,
        after={"placements": [_brief(said) for _, said in open_]},
    )
    made = membership_change.add_memberships(connection, ledger, seq, placed) if placed else None
    questions = [
        _question(connection, work, said, signatures[said.position], traffic) for said in asked
    ]
    ids_of_tasks = open_tasks(connection, ledger, seq, questions, blind_share)
    tasks = dict(zip((q.position for q in asked), ids_of_tasks, strict=True))
    answered = {str(Mention(work.id, c.position)) for c, _ in open_ if c.verdict != "unsure"}
    close_tasks(connection, seq, actor, KIND, answered)
    ids = {} if made is None else {key: row.id for key, row in made.rows.items()}
    new = {} if made is None else made.keys
    return [_add_ids(said, tasks, new, ids) for said in told]


def close_answered_tasks(database: Database, actor: Actor) -> int:
    """Close tasks about signatures that have an identity now or are retired; return how many."""
    with database.write() as connection:
        ledger = EventLog.lock(connection)
        asked = select(Task.subject, Task.evidence).where(Task.kind == KIND, Task.state == "open")
        open_ = {
            (str(evidence["work"]), int(evidence["position"])): subject
            for subject, evidence in connection.execute(asked)
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
        answered = [subject for mention, subject in open_.items() if mention not in left]
        if not answered:
            return 0
        seq = ledger.record("tasks-answered", actor, after={"tasks": len(answered)})
        return close_tasks(connection, seq, actor, KIND, answered)


def _add_ids(
    said: AssignmentResult, tasks: Mapping[int, str], new: Mapping[int, int], ids: Mapping[int, str]
) -> AssignmentResult:
    from service.identities.lifecycle import make_placeholder_key

    key = new.get(make_placeholder_key(said.position))
    identity = said.identity if key is None else ids[key]
    return replace(said, identity=identity, task=tasks.get(said.position))


def _brief(said: AssignmentResult) -> dict[str, Any]:
    return {
        "position": said.position,
        "verdict": said.verdict.value,
        "identity": said.identity,
        "probability": said.probability,
        "reasons": list(said.reasons),
    }


def _question(
    connection: Connection,
    work: domain.Work,
    said: AssignmentResult,
    signature: int,
    traffic: Mapping[str, float],
) -> NewTask:
    """Build the task: which identity? Unassigned is wrong if the first candidate is right."""
    error = said.probability or 0.0
    sizes = [rival.works for rival in said.rivals]
    effort = 1 + sum(sizes)
    worth = compute_priority(
        compute_gain(error, 1, max(sizes[:1], default=1)),
        traffic.get(fold_name(said.name), 1.0),
        effort,
    )
    name_key = connection.scalar(select(Signature.name_key).where(Signature.key == signature))
    evidence = {
        "work": work.id,
        "position": said.position,
        "name": said.name,
        "title": work.title[:500],
        "rivals": [asdict(rival) for rival in said.rivals],
    }
    subject = str(Mention(work.id, said.position))
    return NewTask(
        KIND, subject, 1, round(worth, 6), evidence, name_key, error=round(error, 4), effort=effort
    )


def _still_nowhere(connection: Connection, signatures: Any) -> set[int]:
    wanted = list(signatures)
    has = select(Membership.signature_key).where(
        is_in(connection, Membership.signature_key, wanted)
    )
    current = select(Signature.key).where(
        is_in(connection, Signature.key, wanted), Signature.retired_version.is_(None)
    )
    return set(connection.scalars(current)) - set(connection.scalars(has))


def _active(connection: Connection, identities: Sequence[int]) -> set[int]:
    query = select(Identity.key).where(
        is_in(connection, Identity.key, identities), Identity.status == "active"
    )
    return set(connection.scalars(query))
