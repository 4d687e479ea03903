"""Publish the proposal of a run, and roll a publication back: one transaction each."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, select, update

from service.actors import Actor
from service.constraints.store import (
    read_links_in_force,
    remove_retired_signatures,
    require_links_hold,
)
from service.db.database import Database
from service.db.tables import Event, Proposal, Run, State
from service.errors import Conflict, NotFound, Stale
from service.events.history import (
    RUN_PUBLISHED,
    RUN_ROLLED_BACK,
    HistoryEvent,
    list_curations_since,
    list_events_in_force_since,
    summarize_events,
)
from service.events.log import EventLog
from service.memberships.change import ChangeResult, change_memberships
from service.memberships.restore import read_event_effects, revert_event
from service.publication.orcid_conflicts import (
    OrcidConflict,
    find_orcid_conflicts,
    open_conflict_tasks,
)
from service.publication.plan import PublicationPlan, plan_publication
from service.publication.results import Published
from service.tasks.blind import list_blind_tasks
from service.tasks.close import close_moot_tasks, record_transitions, revert_transitions
from service.values import to_dict


class _Run(NamedTuple):
    key: int
    id: str
    state: str
    based_on: int | None
    event_seq: int | None


def publish(
    database: Database,
    actor: Actor,
    run_id: str,
    reason: str | None = None,
    *,
    expected: int | None = None,
) -> Published:
    """Publish the proposal of a run; return its totals with the ``event``.

    ``questions`` counts the tasks that become moot, ``blind`` lists the ids of those among them
    that were blind tasks.

    The change is atomic for readers. Signatures outside the proposal stay, or follow; see
    :mod:`service.publication.plan`. A rolled-back run can be published again as long as nothing
    else was published or decided; the ids that it had created are reused.

    Parameters
    ----------
    expected : int, optional
        Sequence number of the last publication or decision that the caller has seen.

    Raises
    ------
    NotFound
        If there is no such run.
    Conflict
        If it has no proposal, if something was published or decided since its works and
        decisions were read, or if it contradicts a decision.
    Stale
        If ``expected`` is no longer the last.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        run = _get_run(connection, run_id)
        _check_publishable(connection, event_log, run, expected)
        plan = plan_publication(connection, run.key, run.id)
        conflicts = _find_conflicts(connection, plan)
        earlier_run = connection.scalar(
            select(Run.id).join(State, State.publication_run == Run.key).where(State.key == 1)
        )
        seq = event_log.record(
            RUN_PUBLISHED,
            actor,
            subject=run.id,
            reason=reason,
            before={"run": earlier_run},
            is_curation=True,
        )
        change_result = change_memberships(connection, event_log, seq, plan.memberships)
        open_conflict_tasks(connection, event_log, seq, conflicts)
        closed_tasks = close_moot_tasks(connection, seq, change_result.rows)
        record_transitions(connection, seq)
        require_links_hold(
            connection,
            remove_retired_signatures(connection, read_links_in_force(connection)),
            f"run {run.id} breaks decisions",
            "rebase the run",
        )
        published = Published(
            event=seq,
            run=run.id,
            mentions=plan.n_proposed,
            questions=len(closed_tasks),
            blind=list_blind_tasks(connection, closed_tasks),
            **_count_changes(change_result),
        )
        _store_counts(connection, published)
        columns = {"state": "published", "event_seq": seq}
        connection.execute(update(Run).where(Run.key == run.key).values(**columns))
        connection.execute(update(State).values(publication_run=run.key))
    return published


def roll_back(
    database: Database, actor: Actor, publication: str | int, reason: str | None = None
) -> Published:
    """Restore the state before a publication; return the totals with the ``event``.

    Works assigned since keep their identity, or follow if it ends.

    Parameters
    ----------
    publication : str or int
        Id of the run, or sequence number of the event that published it.

    Raises
    ------
    NotFound
        If there is no such run, or no such publication.
    Conflict
        If the run is not published, or later publications or decisions concern the same
        identities: undo these first.
    """
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        run_id = (
            publication
            if isinstance(publication, str)
            else _get_published_run(connection, publication)
        )
        run = _get_run(connection, run_id)
        event_seq = publication if isinstance(publication, int) else run.event_seq
        if run.state != "published" or run.event_seq is None or run.event_seq != event_seq:
            raise Conflict(
                f"run {run.id} is {run.state}, not published by this event",
                "roll back a run that is published",
                state=run.state,
            )
        publication_effects = read_event_effects(connection, run.event_seq)
        later_events = list_events_in_force_since(
            connection,
            publication_effects.seq,
            publication_effects.identities,
            publication_effects.moves,
        )
        if later_events:
            raise Conflict(
                f"run {run.id} cannot be rolled back before: {summarize_events(later_events)}",
                "undo these first",
                since=_to_dicts(later_events),
            )
        seq = event_log.record(
            RUN_ROLLED_BACK,
            actor,
            subject=run.id,
            reason=reason,
            before={"event": publication_effects.seq},
            is_curation=True,
        )
        revert_transitions(connection, publication_effects.seq, seq)
        change_result = revert_event(connection, event_log, publication_effects, seq)
        close_moot_tasks(connection, seq, change_result.rows)
        record_transitions(connection, seq)
        require_links_hold(
            connection,
            remove_retired_signatures(connection, read_links_in_force(connection)),
            f"what was published before run {run.id} breaks later decisions",
            "undo these first",
        )
        rolled_back = Published(event=seq, run=run.id, **_count_changes(change_result))
        _store_counts(connection, rolled_back)
        connection.execute(update(Run).where(Run.key == run.key).values(state="rolled-back"))
        _restore_earlier_publication(connection, run, publication_effects.seq)
    return rolled_back


def _get_run(connection: Connection, run_id: str) -> _Run:
    query = select(Run.key, Run.id, Run.state, Run.based_on, Run.event_seq)
    row = connection.execute(query.where(Run.id == run_id)).first()
    if row is None:
        raise NotFound(f"there is no run {run_id[:40]!r}", "list the runs", field="run")
    return _Run(*row)


def _get_published_run(connection: Connection, event_seq: int) -> str:
    query = select(Event.subject).where(Event.seq == event_seq, Event.kind == RUN_PUBLISHED)
    run_id = connection.scalar(query) if 0 < event_seq < 2**63 else None
    if run_id is None:
        raise NotFound(f"event {event_seq} published nothing", "list the runs", field="event")
    return run_id


def _check_publishable(
    connection: Connection, event_log: EventLog, run: _Run, expected: int | None
) -> None:
    """Reject a run that cannot be published in its state."""
    curated = event_log.last_curation
    if expected is not None and expected != curated:
        raise Stale(
            f"something was published or decided since event {expected}",
            "look at it, then publish",
            curated=curated,
        )
    if run.state not in ("proposed", "rolled-back"):
        raise Conflict(
            f"run {run.id} is {run.state}, not proposed",
            "publish a run that is proposed",
            state=run.state,
        )
    stored_proposal = select(Proposal.signature_key).where(Proposal.run_key == run.key).limit(1)
    if run.state == "rolled-back" and connection.scalar(stored_proposal) is None:
        raise Conflict(f"the proposal of run {run.id} was removed", "start a new run")
    based_on = run.based_on or 0
    if curated <= based_on:
        return
    later_events = list_curations_since(connection, based_on)
    if (
        run.state == "rolled-back"
        and later_events
        and all(e.subject == run.id for e in later_events)
    ):
        return
    raise Conflict(
        f"since run {run.id} read its works and decisions there was "
        f"{summarize_events(later_events)}",
        "rebase the run",
        since=_to_dicts(later_events),
    )


def _restore_earlier_publication(connection: Connection, run: _Run, event_seq: int) -> None:
    """Make the run that was published before the current publication again."""
    if connection.scalar(select(State.publication_run)) != run.key:
        return
    before = connection.scalar(select(Event.before).where(Event.seq == event_seq)) or {}
    earlier = select(Run.key, Run.state).where(Run.id == before.get("run"))
    row = connection.execute(earlier).first()
    key = row[0] if row is not None and row[1] == "published" else None
    connection.execute(update(State).values(publication_run=key))


def _to_dicts(events: list[HistoryEvent]) -> list[dict[str, Any]]:
    return [event.to_dict() for event in events[:100]]


def _find_conflicts(connection: Connection, plan: PublicationPlan) -> list[OrcidConflict]:
    n = len(plan.memberships)
    signature = np.fromiter(plan.memberships, np.int64, n)
    after = np.fromiter(
        (membership.identity for membership in plan.memberships.values()), np.int64, n
    )
    return find_orcid_conflicts(connection, signature, after)


def _store_counts(connection: Connection, published: Published) -> None:
    """Store the counts of a publication or rollback with its event."""
    counts = {name: value for name, value in to_dict(published).items() if name != "event"}
    connection.execute(update(Event).where(Event.seq == published.event).values(after=counts))


def _count_changes(change_result: ChangeResult) -> dict[str, Any]:
    """Return the totals of a change."""
    effects = change_result.lifecycle
    return {
        "moved": change_result.n_moved,
        "created": len(effects.created_keys),
        "revived": len(effects.revived_keys),
        "merged": len(effects.merges),
        "split": len(effects.splits),
        "changed": len(change_result.rows),
    }
