"""Decisions on pairs of mentions, recorded singly or in bulk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import orjson

from disambig.console import escape_text
from disambig.domain import Signature
from service.actors import Actor
from service.db.database import Database
from service.decisions.actions import DecisionContext, decide_pair, record_unsure
from service.decisions.draft import DecisionResult
from service.decisions.results import Applied, Bulk, DecisionKind, Refused
from service.errors import ServiceError, Unavailable
from service.values import asdict


@dataclass(frozen=True, slots=True)
class PairDecision:
    """A decision on two mentions, to be recorded."""

    kind: DecisionKind
    a: Signature
    b: Signature
    context: DecisionContext


def record_pair_decision(database: Database, actor: Actor, pair: PairDecision) -> DecisionResult:
    """Record that two mentions are the same person, different persons, or undecidable.

    Raises
    ------
    Invalid, NotFound, Conflict, Stale
        As :func:`service.decisions.actions.decide_pair`.
    """
    if pair.kind == "unsure":
        return record_unsure(database, actor, [pair.a, pair.b], pair.context)
    return decide_pair(database, actor, pair.kind, pair.a, pair.b, pair.context)


def record_in_bulk(
    database: Database,
    actor: Actor,
    lines: Iterable[tuple[int, bytes]],
    parse: Callable[[bytes], PairDecision],
) -> Bulk:
    """Record one decision per line, each in its own transaction and in order.

    A decision that is rejected has no effect and is reported with the reason.

    Parameters
    ----------
    lines : iterable of (int, bytes)
        Line numbers and texts.
    parse : callable
        Parses a line; a :class:`~service.errors.ServiceError` that it raises rejects the line.

    Raises
    ------
    Unavailable
        If the database is; the client has to repeat the request.
    """
    applied, refused = [], []
    for line, text in lines:
        try:
            decision = record_pair_decision(database, actor, parse(text))
        except Unavailable:
            raise
        except ServiceError as error:
            refused.append(_describe_refusal(line, error))
        else:
            applied.append(Applied(line=line, **asdict(decision.to_response())))
    return Bulk(applied=applied, refused=refused)


def _describe_refusal(line: int, error: ServiceError) -> Refused:
    details = {k: v for k, v in error.details.items() if k not in ("headers", "line")}
    return Refused(
        line=line,
        status=error.status,
        title=error.title,
        detail=escape_text(error.problem),
        remedy=escape_text(error.remedy),
        field=error.field,
        details=orjson.loads(orjson.dumps(details, default=str)),
    )
