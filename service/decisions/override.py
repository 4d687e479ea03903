"""Override: revoke earlier decisions that contradict a new one; its undo puts them in force again.

The links of an overridden decision that agree with the new memberships are not lost: the new
decision states them again. Tasks that it had answered are reopened, unless the new decision
answers them too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, func, select, update

from service.constraints.links import Link, find_contradictions, find_violated
from service.constraints.store import (
    MAX_SHOWN,
    make_namer,
    read_links_around,
    remove_retired_signatures,
)
from service.db.bulk import is_in
from service.db.tables import Decision, DecisionLink, Event
from service.decisions.results import Overridden
from service.errors import Conflict
from service.events.history import DECISION_MADE, DECISION_REDONE, DECISION_UNDONE
from service.tasks.close import reopen_undecided_tasks, revert_transfer, transfer_closures
from service.values import to_dict

OVERRIDES = "overrides"
"""Key of the overridden decisions' ids in the evidence of the decision that overrides them."""


def find_contradicted(
    connection: Connection, target: Mapping[int, int], links: Sequence[Link], decision_id: str
) -> list[Overridden]:
    """Return the decisions in force that a new decision contradicts, oldest first.

    Parameters
    ----------
    target : mapping of int to int
        New identity of each signature of every identity that changes.
    links : sequence of Link
        Links of the new decision.
    decision_id : str
        Id of the new decision in ``links``.
    """
    ends = {end for link in links for end in (link.a, link.b)} | target.keys()
    known_links = remove_retired_signatures(connection, read_links_around(connection, ends))
    texts: dict[str, str] = {}
    violated = find_violated(known_links, target)
    name = make_namer(connection, {end for link in violated for end in (link.a, link.b)})
    for link in violated:
        relation = "are the same person" if link.must else "are different persons"
        texts.setdefault(link.decision, f"{name(link.a)} and {name(link.b)} {relation}")
    compatible = [link for link in known_links if link.decision not in texts]
    while clashes := find_contradictions([*compatible, *links]):
        clash = clashes[0]
        name = make_namer(connection, {*clash.signatures, clash.cannot.a, clash.cannot.b})
        text = clash.describe(name).replace(f"({decision_id})", "(this arrangement)")
        contradicted = [d for d in clash.decisions if d != decision_id]
        if not contradicted:  # cannot happen: an arrangement puts no mention in two identities
            break
        texts.update(dict.fromkeys(contradicted, text))
        compatible = [link for link in compatible if link.decision not in texts]
    return _describe(connection, texts)


def revoke(
    connection: Connection,
    decisions: Collection[str],
    seq: int,
    target: Mapping[int, int],
    new_decision: str,
) -> list[Link]:
    """Revoke decisions by the event ``seq``, and return links of theirs that still hold.

    The links returned are links of ``new_decision``. ``target`` is the new identity of each
    signature of every identity that changes.
    """
    links = read_links_around(connection, target)
    statement = update(Decision).where(is_in(connection, Decision.id, decisions))
    connection.execute(statement.values(undone_seq=seq))
    revoked = set(decisions)
    return [
        Link(link.a, link.b, link.must, new_decision)
        for link in links
        if link.decision in revoked and _is_satisfied(link, target)
    ]


def _is_satisfied(link: Link, target: Mapping[int, int]) -> bool:
    """Whether a link still holds if only the signatures of ``target`` change."""
    n_inside = (link.a in target) + (link.b in target)
    if n_inside == 2:
        return (target[link.a] == target[link.b]) == link.must
    # signatures outside the target do not move; an unassigned one must not bind others
    return n_inside == 0 or not link.must


def check_independent(
    connection: Connection, decision: str, made_seq: int, undone_seq: int | None
) -> None:
    """Check that a decision can be undone or redone independently of another.

    Parameters
    ----------
    decision : str
    made_seq : int
        Number of the event that recorded it.
    undone_seq : int or None
        Number of the event that undid it, if it is undone.

    Raises
    ------
    Conflict
        If another decision overrode it, or it was recorded with another decision.
    """
    for event, verb in ((made_seq, "was recorded with"), (undone_seq, "was overridden by")):
        owner = event and connection.scalar(select(Event.subject).where(Event.seq == event))
        if owner and owner != decision:
            raise Conflict(
                f"decision {decision} {verb} {owner}", f"undo {owner}", decisions=[owner]
            )


def carry_over(
    connection: Connection, decision: str, made_seq: int, seq: int, *, is_undo: bool
) -> None:
    """Extend an undo or a redo to the decisions that were overridden or recorded with it.

    Parameters
    ----------
    decision : str
    made_seq : int
        Number of the event that recorded it.
    seq : int
        Number of the current event.
    is_undo : bool
    """
    statement = update(Decision).where(Decision.event_seq == made_seq, Decision.id != decision)
    connection.execute(statement.values(undone_seq=seq if is_undo else None))
    if is_undo:
        overridden, undone_seq = _list_overridden(connection, decision), None
    else:
        undone_seq = seq
        evidence = connection.scalar(select(Decision.evidence).where(Decision.id == decision)) or {}
        query = select(Decision.id).where(
            is_in(connection, Decision.id, evidence.get(OVERRIDES) or []),
            Decision.undone_seq.is_(None),
        )
        overridden = list(connection.scalars(query))
    update_overridden = update(Decision).where(is_in(connection, Decision.id, overridden))
    connection.execute(update_overridden.values(undone_seq=undone_seq))


def reopen_overridden_tasks(connection: Connection, decision: str, seq: int) -> None:
    """Reopen the tasks that overridden decisions had answered, unless the new one answers them.

    Call it at the end of the event ``seq``, by which the decision overrides the others.
    """
    overridden = _list_overridden(connection, decision)
    for other in overridden:
        transfer_closures(connection, find_last_event(connection, other), seq)
    query = select(DecisionLink.a_key, DecisionLink.b_key).join(
        Decision, Decision.key == DecisionLink.decision_key
    )
    links = connection.execute(query.where(is_in(connection, Decision.id, overridden)))
    reopen_undecided_tasks(connection, seq, (), {end for link in links for end in link})


def revert_reopened_tasks(connection: Connection, decision: str, last_event: int, seq: int) -> None:
    """Revert what :func:`reopen_overridden_tasks` did.

    Call it at the beginning of the event ``seq``, which undoes a decision that ``last_event``
    recorded or redid.
    """
    for other in _list_overridden(connection, decision):
        revert_transfer(connection, find_last_event(connection, other), last_event, seq)


def find_last_event(connection: Connection, decision: str) -> int:
    """Return the number of the event that last recorded, undid or redid a decision."""
    query = select(func.max(Event.seq)).where(
        Event.subject == decision, Event.kind.in_((DECISION_MADE, DECISION_UNDONE, DECISION_REDONE))
    )
    return connection.scalars(query).one() or 0


def _list_overridden(connection: Connection, decision: str) -> list[str]:
    """List the decisions that a decision overrides now."""
    own_events = select(Event.seq).where(Event.subject == decision)
    query = select(Decision.id).where(Decision.undone_seq.in_(own_events), Decision.id != decision)
    evidence = connection.scalar(select(Decision.evidence).where(Decision.id == decision)) or {}
    is_listed = is_in(connection, Decision.id, evidence.get(OVERRIDES) or [])
    return list(connection.scalars(query.where(is_listed).order_by(Decision.key)))


def _describe(connection: Connection, texts: Mapping[str, str]) -> list[Overridden]:
    query = select(
        Decision.id.label("decision"),
        Decision.kind,
        Decision.action,
        Decision.actor,
        Decision.at,
        Decision.reason,
    ).where(is_in(connection, Decision.id, texts))
    rows = connection.execute(query.order_by(Decision.key)).mappings()
    return [Overridden(**row, text=texts[row["decision"]]) for row in rows]


def refuse_contradicted(contradicted_decisions: Sequence[Overridden]) -> None:
    """Check that no earlier decision is contradicted.

    Raises
    ------
    Conflict
        With the decisions and their statements.
    """
    if contradicted_decisions:
        texts = [decision.text for decision in contradicted_decisions[:MAX_SHOWN]]
        raise Conflict(
            f"this contradicts earlier decisions: {'; '.join(texts)}",
            "send override to revoke them, or arrange it differently",
            decisions=[decision.decision for decision in contradicted_decisions],
            overridden=[to_dict(decision) for decision in contradicted_decisions[:MAX_SHOWN]],
        )
