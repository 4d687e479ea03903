"""Random samples of published mentions, reviewed blindly, to estimate precision and recall.

A sample refers to one moment: answers are about the identities as published when it was drawn,
whatever is published or decided later. Mentions are drawn at random within strata of the frequency
of their printed name, so that the inclusion probability of every mention is known.

Answers are those of any task. ``same`` states that the identity is exactly the person.
``different`` states the errors, in the evidence. For a mention: how many of the identity's mentions
belong to others (``wrong``), and how many of the person's are in other identities (``missing``).
For an identity: how many mentions of each person it has (``parts``). Each is a number, or the list
of the mentions.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from sqlalchemy import Connection, select

from disambig.arrays import Int64
from disambig.console import escape_text
from disambig.evaluation.sampling_estimates import Estimate, Quality, ReviewedSample, allocate
from service.actors import Actor
from service.db.bulk import is_in
from service.db.database import Database
from service.db.tables import Event, Identity, Judgement, Membership, Signature, Task, Work
from service.errors import Conflict, Invalid, NotFound
from service.events.log import EventLog
from service.ids import new_id, sanitize_id
from service.review.results import (
    Drawn,
    Estimated,
    Estimates,
    Reviewing,
    SampleUnit,
    Share,
    Stratum,
)
from service.tasks.agreement import combine_answers
from service.tasks.create import NewTask, open_tasks
from service.tasks.queries import IS_IN_FORCE
from service.values import to_dict

SAMPLE_DRAWN = "sample-drawn"
UNITS = get_args(SampleUnit)
SLICE_STARTS = (1, 2, 10, 100, 1000)
"""Number of mentions of a printed name from which each slice begins."""
SLICES = ("1", "2-9", "10-99", "100-999", "1000 and more")
MAX_SIZE = 20_000
"""Maximum number of mentions or identities in one sample."""


def draw_sample(
    database: Database,
    actor: Actor,
    size: int,
    unit: SampleUnit = "mention",
    seed: int | None = None,
    reason: str | None = None,
) -> Drawn:
    """Draw a sample, and open a blind task for each mention or identity of it.

    Parameters
    ----------
    size : int
        Number of draws. A published mention is drawn at most once; an identity is drawn in
        proportion to its mentions, possibly several times.
    unit : SampleUnit
        ``mention`` (precision and recall) or ``identity`` (precision only).
    seed : int, optional
        Seed of the random generator; by default a random one, stored in the event log.

    Raises
    ------
    Invalid
        If the unit, the size or the seed is invalid.
    Conflict
        If nothing is published.
    """
    if unit not in UNITS:
        raise Invalid(f"unknown unit {unit[:40]!r}", "use mention or identity", field="unit")
    if not 2 <= size <= MAX_SIZE:
        raise Invalid(
            f"sample size {size} is out of range", f"draw 2 to {MAX_SIZE:,}", field="size"
        )
    number = secrets.randbits(53) if seed is None else seed
    if not 0 <= number < 2**53:
        raise Invalid(
            f"seed {number} is out of range", "use a number from 0 to 2^53 - 1", field="seed"
        )
    with database.write() as connection:
        event_log = EventLog.lock(connection)
        rows = _read_published(connection)
        if not len(rows):
            raise Conflict("nothing is published", "publish a run, then draw a sample")
        stratum = _assign_strata(rows[:, 2])
        population = np.bincount(stratum, minlength=len(SLICES))
        draws = allocate(population.tolist(), size)
        rows_drawn = _draw_rows(stratum, draws, number, replace=unit == "identity")
        strata = tuple(
            Stratum(slice=name, mentions=int(n), drawn=take)
            for name, n, take in zip(SLICES, population, draws, strict=True)
            if n
        )
        sample = new_id("s")
        after = {"unit": unit, "size": size, "seed": number, "strata": [to_dict(s) for s in strata]}
        seq = event_log.record(SAMPLE_DRAWN, actor, subject=sample, reason=reason, after=after)
        new_tasks = _build_tasks(connection, sample, unit, rows, stratum, rows_drawn)
        open_tasks(connection, event_log, seq, new_tasks)
        return Drawn(
            id=sample,
            unit=unit,
            size=size,
            seed=number,
            sequence=seq,
            tasks=len(new_tasks),
            strata=strata,
        )


def _read_published(connection: Connection) -> Int64:
    """Read key, identity key and name key of every published mention; int64[n, 3] by key."""
    from service.db.bulk import read_integer_table

    query = (
        select(Signature.key, Membership.identity_key, Signature.name_key)
        .join(Membership, Membership.signature_key == Signature.key)
        .where(Signature.retired_version.is_(None))
        .order_by(Signature.key)
    )
    return read_integer_table(connection, query)


def _assign_strata(name: Int64) -> Int64:
    _, code, count = np.unique(name, return_inverse=True, return_counts=True)
    stratum: Int64 = np.searchsorted(SLICE_STARTS, count[code], side="right").astype(np.int64) - 1
    return stratum


def _draw_rows(stratum: Int64, draws: Sequence[int], seed: int, *, replace: bool) -> Int64:
    """Return the rows drawn, in random order, so that a partly reviewed sample is still random."""
    rng = np.random.default_rng(seed)
    parts = [
        rng.choice(np.flatnonzero(stratum == h), take, replace=replace)
        for h, take in enumerate(draws)
        if take
    ]
    rows_drawn: Int64 = rng.permutation(np.concatenate(parts))
    return rows_drawn


def _build_tasks(
    connection: Connection, sample: str, unit: str, rows: Int64, stratum: Int64, rows_drawn: Int64
) -> list[NewTask]:
    size = np.bincount(np.unique(rows[:, 1], return_inverse=True)[1])
    identity_sizes = size[np.unique(rows[:, 1], return_inverse=True)[1]]
    query = (
        select(
            Signature.key,
            Work.id.label("work"),
            Work.title,
            Signature.position,
            Signature.printed,
            Identity.id.label("identity"),
        )
        .join(Work, Work.key == Signature.work_key)
        .join(Membership, Membership.signature_key == Signature.key)
        .join(Identity, Identity.key == Membership.identity_key)
        .where(is_in(connection, Signature.key, rows[rows_drawn, 0].tolist()))
    )
    signature_rows = {row.key: row for row in connection.execute(query)}
    new_tasks: dict[str, NewTask] = {}
    for rank, k in enumerate(rows_drawn.tolist()):
        row, p = signature_rows[int(rows[k, 0])], int(identity_sizes[k])
        mention = {
            "work": row.work,
            "position": row.position,
            "printed": row.printed[:500],
            "title": row.title[:1000],
        }
        subject = row.identity if unit == "identity" else f"{row.work}:{row.position}"
        draws = [SLICES[int(stratum[k])]]
        if subject in new_tasks:
            draws = [*new_tasks[subject].evidence["draws"], *draws]
        evidence = {
            "sample": sample,
            "unit": unit,
            "identity": row.identity,
            "mention": mention,
            "published": p,
            "draws": draws,
            "question": "Is this identity exactly one person, and all of that person?"
            if unit == "mention"
            else "Is this identity exactly one person?",
        }
        new_tasks[subject] = NewTask(
            "sample",
            f"{sample}+{subject}",
            p,
            1.0 - rank / len(rows_drawn),
            evidence,
            name_key=int(rows[k, 2]),
            effort=p,
            blind=sample,
        )
    return list(new_tasks.values())


def estimate_quality(connection: Connection, sample: str | None = None) -> Estimates:
    """Estimate precision and recall of what was published when a sample was drawn, by slice.

    Parameters
    ----------
    sample : str, optional
        Id of the sample; by default the latest.

    Raises
    ------
    NotFound
        If there is no such sample.
    """
    event = _find_sample_event(connection, sample)
    parameters = event.after
    strata = [Stratum(**s) for s in parameters["strata"]]
    number = {s.slice: k for k, s in enumerate(strata)}
    states = {"reviewed": 0, "open": 0, "unsure": 0, "unusable": 0}
    stratum: list[int] = []
    values: list[tuple[float, ...]] = []
    for evidence, answers in _read_answers(connection, event.subject):
        state, value = _evaluate_answers(parameters["unit"], evidence, answers)
        states[state] += 1
        if value is not None:
            for name in evidence["draws"]:
                stratum.append(number[name])
                values.append(value)
    reviewed = _to_reviewed(parameters["unit"], np.array(stratum, dtype=np.int64), strata, values)
    slices = [
        _build_estimates(s, reviewed.select_strata(np.array([k])).estimate_quality())
        for k, s in enumerate(strata)
    ]
    everything = Stratum(
        slice="everything",
        mentions=sum(s.mentions for s in strata),
        drawn=sum(s.drawn for s in strata),
    )
    return Estimates(
        sample=event.subject,
        unit=parameters["unit"],
        drawn_at=event.at,
        drawn_by=event.actor,
        sequence=event.seq,
        tasks=Reviewing(**states),
        overall=_build_estimates(everything, reviewed.estimate_quality()),
        slices=slices,
    )


def _find_sample_event(connection: Connection, sample: str | None) -> Any:
    query = select(Event.seq, Event.at, Event.actor, Event.subject, Event.after)
    query = query.where(Event.kind == SAMPLE_DRAWN)
    if sample is not None:
        query = query.where(Event.subject == sanitize_id(sample))
    row = connection.execute(query.order_by(Event.seq.desc()).limit(1)).first()
    if row is None:
        problem = (
            "no sample was drawn" if sample is None else f"no sample {escape_text(sample[:40])}"
        )
        raise NotFound(problem, "disambig review sample draws one", field="sample")
    return row


def _read_answers(
    connection: Connection, sample: str
) -> list[tuple[dict[str, Any], list[tuple[str, Mapping[str, Any] | None]]]]:
    """Read the evidence of each task of a sample, and its answers in force, in order."""
    tasks = select(Task.key, Task.evidence).where(Task.kind == "sample", Task.blind == sample)
    answer_query = (
        select(Judgement.task_key, Judgement.answer, Judgement.evidence)
        .join(Task, Task.key == Judgement.task_key)
        .where(Task.kind == "sample", Task.blind == sample, IS_IN_FORCE)
        .order_by(Judgement.key)
    )
    by_task: dict[int, list[tuple[str, Mapping[str, Any] | None]]] = {}
    for key, answer, evidence in connection.execute(answer_query):
        by_task.setdefault(key, []).append((answer, evidence))
    rows = connection.execute(tasks.order_by(Task.key))
    return [(evidence, by_task.get(key, [])) for key, evidence in rows]


def _evaluate_answers(
    unit: str,
    evidence: Mapping[str, Any],
    answers: Sequence[tuple[str, Mapping[str, Any] | None]],
) -> tuple[str, tuple[float, ...] | None]:
    """Return the state of a task, and the mean of the counts in its majority answers."""
    combined = combine_answers([answer for answer, _ in answers], blind=True)
    if combined is None:
        return "open", None
    if combined == "unsure":
        return "unsure", None
    p = int(evidence["published"])
    if combined == "same":
        return "reviewed", (p, p, p) if unit == "mention" else (p,)
    parse = parse_mention_counts if unit == "mention" else parse_identity_parts
    values = [parse(p, details or {}) for answer, details in answers if answer == combined]
    usable = [value for value in values if value is not None]
    if not usable:
        return "unusable", None
    if unit == "identity":  # parts of different number have no mean
        return "reviewed", usable[0]
    return "reviewed", tuple(np.mean(np.array(usable, dtype=np.float64), axis=0).tolist())


def parse_mention_counts(published: int, details: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return the numbers of shared, the person's and the identity's mentions; None if invalid."""
    wrong, missing = _parse_count(details.get("wrong", 0)), _parse_count(details.get("missing", 0))
    if wrong is None or missing is None or not 0 <= wrong < published or missing < 0:
        return None
    if wrong + missing == 0:
        return None
    shared = published - wrong
    return float(shared), float(shared + missing), float(published)


def parse_identity_parts(published: int, details: Mapping[str, Any]) -> tuple[float, ...] | None:
    """Return the number of mentions of each person in an identity; None if invalid.

    Mentions that are not listed form one more part.
    """
    listed_parts = details.get("parts")
    if not isinstance(listed_parts, list) or len(listed_parts) > published:
        return None
    sizes = [_parse_count(part) for part in listed_parts]
    if any(size is None or size < 1 for size in sizes):
        return None
    parts = [float(size) for size in sizes if size is not None]
    remaining = published - sum(parts)
    parts += [remaining] if remaining > 0 else []
    return tuple(parts) if remaining >= 0 and len(parts) > 1 else None


def _parse_count(value: Any) -> int | None:
    """Return a count, which can be sent as a number or as a list of mentions; None if invalid."""
    if isinstance(value, list):
        signatures = {
            (m.get("work"), m.get("position"))
            for m in value
            if isinstance(m, dict)
            and isinstance(m.get("work"), str)
            and isinstance(m.get("position"), int)
        }
        return len(signatures) if len(signatures) == len(value) else None
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**31:
        return None
    return value


def _to_reviewed(
    unit: str, stratum: Int64, strata: Sequence[Stratum], values: Sequence[tuple[float, ...]]
) -> ReviewedSample:
    population = np.array([s.mentions for s in strata], dtype=np.int64)
    if unit == "identity":
        return ReviewedSample.from_identities(stratum, population, values)
    shared, person, published = np.array(values, dtype=np.float64).reshape(-1, 3).T
    return ReviewedSample.from_mentions(stratum, population, published, person, shared)


def _build_estimates(stratum: Stratum, quality: Quality) -> Estimated:
    return Estimated(
        slice=stratum.slice,
        mentions=stratum.mentions,
        drawn=stratum.drawn,
        reviewed=quality.bcubed_precision.reviewed,
        precision=_to_share(quality.bcubed_precision),
        recall=_to_share(quality.bcubed_recall),
        f1=_to_share(quality.bcubed_f1),
        pairwise_precision=_to_share(quality.pairwise_precision),
        pairwise_recall=_to_share(quality.pairwise_recall),
    )


def _to_share(estimate: Estimate | None) -> Share | None:
    if estimate is None or np.isnan(estimate.value):
        return None
    return Share(estimate=estimate.value, low=estimate.low, high=estimate.high)
