"""What questions are about: identities, by what a question is known, and mentions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from service.sets import among
from service.tables import Membership, Signature, Task, Work


def subject_of(*identities: str) -> str:
    """What a question about identities is known by: their ids in order."""
    return "+".join(sorted(identities))


def about(subject: str) -> set[str]:
    """Ids of the identities that a question is about."""
    return set(subject.split("+"))


def divides(kind: str, subject: str) -> bool:
    """Whether a question is whether parts of one identity are one person.

    Such is a conflict of different ORCID iDs of one identity; one about an id that several have
    is known by its scheme and value.
    """
    return kind == "split" or (kind == "conflict" and ":" not in subject)


def about_identities() -> ColumnElement[bool]:
    """Condition that a question is known by the identities it is about."""
    within = and_(Task.kind == "conflict", ~Task.subject.contains(":"))
    return or_(Task.kind.in_(("merge", "split")), within)


def mentions_of(connection: Connection, told: Iterable[Mapping[str, Any]]) -> set[int]:
    """Keys of the mentions that a task names, as far as they still are."""
    wanted = {(m["work"], m["position"]) for m in told}
    query = (
        select(Work.id, Signature.position, Signature.key)
        .join(Work, Work.key == Signature.work_key)
        .where(
            Signature.retired_version.is_(None), among(connection, Work.id, {w for w, _ in wanted})
        )
    )
    rows = connection.execute(query) if wanted else ()
    return {key for work, position, key in rows if (work, position) in wanted}


def identity_of(connection: Connection, signatures: Collection[int]) -> dict[int, int]:
    """Identity of each of some mentions, of those that have one."""
    if not signatures:
        return {}
    query = select(Membership.signature_key, Membership.identity_key).where(
        among(connection, Membership.signature_key, signatures)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
