"""Decisions that stand against a later one: found, taken back with it, and put back by its undo.

What an overridden decision states besides is not lost: the later decision states it again, as
far as it agrees with where mentions are now. Questions that it had answered are asked again,
unless the later one answers them too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
from service.errors import Conflict
from service.events.history import DECISION_MADE, DECISION_REDONE, DECISION_UNDONE
from service.tasks.close import ask_undecided, give_back, pass_on

OVERRIDES = "overrides"
"""Key of the ids of overridden decisions in the evidence of the one that overrides them."""


@dataclass(frozen=True, slots=True)
class Opposed:
    """A decision in force that stands against an arrangement.

    Attributes
    ----------
    id, kind, action, actor : str
    at : datetime
    reason : str or None
    text : str
        What it states that would no longer hold, with the chain that leads there.
    """

    id: str
    kind: str
    action: str
    actor: str
    at: datetime
    reason: str | None
    text: str

    def told(self) -> dict[str, Any]:
        """As a client is told."""
        return {
            "decision": self.id,
            "kind": self.kind,
            "action": self.action,
            "actor": self.actor,
            "at": self.at.isoformat(),
            "reason": self.reason,
            "text": self.text,
        }


def opposed(
    connection: Connection, target: Mapping[int, int], links: Sequence[Link], draft: str
) -> list[Opposed]:
    """The decisions in force that cannot stay so, oldest first.

    Parameters
    ----------
    target : mapping of int to int
        Where mentions will be, of every identity that changes.
    links : sequence of Link
        What the new decision states.
    draft : str
        What the new decision is called in ``links``.
    """
    ends = {end for link in links for end in (link.a, link.b)} | target.keys()
    known = remove_retired_signatures(connection, read_links_around(connection, ends))
    found: dict[str, str] = {}
    bad = find_violated(known, target)
    name = make_namer(connection, {end for link in bad for end in (link.a, link.b)})
    for link in bad:
        what = "are the same person" if link.must else "are different persons"
        found.setdefault(link.decision, f"{name(link.a)} and {name(link.b)} {what}")
    left = [link for link in known if link.decision not in found]
    while clashes := find_contradictions([*left, *links]):
        clash = clashes[0]
        name = make_namer(connection, {*clash.signatures, clash.cannot.a, clash.cannot.b})
        text = clash.describe(name).replace(f"({draft})", "(this arrangement)")
        against = [d for d in clash.decisions if d != draft]
        if not against:  # cannot be: an arrangement puts no mention in two places
            break
        found.update(dict.fromkeys(against, text))
        left = [link for link in left if link.decision not in found]
    return _described(connection, found)


def void(
    connection: Connection,
    decisions: Collection[str],
    seq: int,
    target: Mapping[int, int],
    draft: str,
) -> list[Link]:
    """Take decisions back by the event ``seq``; what of theirs still holds, as links of ``draft``.

    ``target`` tells where the mentions of all identities that change will be.
    """
    links = read_links_around(connection, target)
    state = update(Decision).where(is_in(connection, Decision.id, decisions))
    connection.execute(state.values(undone_seq=seq))
    gone = set(decisions)
    return [
        Link(link.a, link.b, link.must, draft)
        for link in links
        if link.decision in gone and _holds(link, target)
    ]


def _holds(link: Link, target: Mapping[int, int]) -> bool:
    """Whether a link goes on to hold where only the mentions of ``target`` change."""
    inside = (link.a in target) + (link.b in target)
    if inside == 2:
        return (target[link.a] == target[link.b]) == link.must
    # whoever is published elsewhere is untouched; one that is nowhere must not tie others
    return inside == 0 or not link.must


def stands_alone(connection: Connection, decision: str, made: int, ended: int | None) -> None:
    """Refuse to undo or redo a decision by itself that has to follow another.

    Parameters
    ----------
    decision : str
    made : int
        Number of the event that made it.
    ended : int or None
        Number of the event that undid it, if it is undone.

    Raises
    ------
    Conflict
        If another overrode it, or it was noted with another.
    """
    for event, verb in ((made, "was noted with"), (ended, "was overridden by")):
        other = event and connection.scalar(select(Event.subject).where(Event.seq == event))
        if other and other != decision:
            raise Conflict(
                f"decision {decision} {verb} {other}", f"undo {other}", decisions=[other]
            )


def turn(connection: Connection, decision: str, made: int, seq: int, *, undoing: bool) -> None:
    """Carry an undo or a redo over to what a decision overrode, and to what was noted with it.

    Parameters
    ----------
    decision : str
    made : int
        Number of the event that made it.
    seq : int
        Number of the event under way.
    undoing : bool
    """
    noted = update(Decision).where(Decision.event_seq == made, Decision.id != decision)
    connection.execute(noted.values(undone_seq=seq if undoing else None))
    if undoing:
        over, undone = _overridden_by(connection, decision), None
    else:
        undone = seq
        evidence = connection.scalar(select(Decision.evidence).where(Decision.id == decision)) or {}
        query = select(Decision.id).where(
            is_in(connection, Decision.id, evidence.get(OVERRIDES) or []),
            Decision.undone_seq.is_(None),
        )
        over = list(connection.scalars(query))
    state = update(Decision).where(is_in(connection, Decision.id, over))
    connection.execute(state.values(undone_seq=undone))


def ask_again(connection: Connection, decision: str, seq: int) -> None:
    """At the end of the event ``seq``, by which a decision overrides others: ask what these had
    answered, unless it answers that too.
    """
    over = _overridden_by(connection, decision)
    for other in over:
        pass_on(connection, last_turn(connection, other), seq)
    query = select(DecisionLink.a_key, DecisionLink.b_key).join(
        Decision, Decision.key == DecisionLink.decision_key
    )
    links = connection.execute(query.where(is_in(connection, Decision.id, over)))
    ask_undecided(connection, seq, (), {end for link in links for end in link})


def ask_no_more(connection: Connection, decision: str, last: int, seq: int) -> None:
    """At the beginning of the event ``seq``, which undoes a decision that ``last`` made or redid:
    take back what :func:`ask_again` did.
    """
    for other in _overridden_by(connection, decision):
        give_back(connection, last_turn(connection, other), last, seq)


def last_turn(connection: Connection, decision: str) -> int:
    """Number of the event that last made, undid or redid a decision."""
    query = select(func.max(Event.seq)).where(
        Event.subject == decision, Event.kind.in_((DECISION_MADE, DECISION_UNDONE, DECISION_REDONE))
    )
    return connection.scalars(query).one() or 0


def _overridden_by(connection: Connection, decision: str) -> list[str]:
    """Decisions that a decision overrides now."""
    mine = select(Event.seq).where(Event.subject == decision)
    query = select(Decision.id).where(Decision.undone_seq.in_(mine), Decision.id != decision)
    evidence = connection.scalar(select(Decision.evidence).where(Decision.id == decision)) or {}
    over = is_in(connection, Decision.id, evidence.get(OVERRIDES) or [])
    return list(connection.scalars(query.where(over).order_by(Decision.key)))


def _described(connection: Connection, texts: Mapping[str, str]) -> list[Opposed]:
    query = select(
        Decision.id, Decision.kind, Decision.action, Decision.actor, Decision.at, Decision.reason
    ).where(is_in(connection, Decision.id, texts))
    rows = connection.execute(query.order_by(Decision.key))
    return [Opposed(*row, text=texts[row[0]]) for row in rows]


def refuse(found: Sequence[Opposed]) -> None:
    """Refuse what earlier decisions stand against.

    Raises
    ------
    Conflict
        With the decisions and what each states.
    """
    if found:
        raise Conflict(
            f"this contradicts earlier decisions: {'; '.join(one.text for one in found[:MAX_SHOWN])}",
            "send override to take them back with this, or arrange it otherwise",
            decisions=[one.id for one in found],
            overridden=[one.told() for one in found[:MAX_SHOWN]],
        )
