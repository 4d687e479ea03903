"""Subjects of tasks: the identities and mentions that a task is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from service.db.bulk import is_in
from service.db.tables import Membership, Signature, Task, Work


def make_subject(*identities: str) -> str:
    """Return the subject of a task about identities: their ids in order."""
    return "+".join(sorted(identities))


def parse_subject(subject: str) -> set[str]:
    """Return ids of the identities that a task is about."""
    return set(subject.split("+"))


def is_within_identity(kind: str, subject: str) -> bool:
    """Whether a task asks if parts of one identity are one person.

    This includes conflicts of different ORCID iDs of one identity. The subject of a conflict about
    an id that several identities have consists of its scheme and value instead.
    """
    return kind == "split" or (kind == "conflict" and ":" not in subject)


def has_identity_subject() -> ColumnElement[bool]:
    """Return the condition that a task's subject consists of identity ids."""
    is_conflict_within = and_(Task.kind == "conflict", ~Task.subject.contains(":"))
    return or_(Task.kind.in_(("merge", "split")), is_conflict_within)


def read_signature_keys(connection: Connection, mentions: Iterable[Mapping[str, Any]]) -> set[int]:
    """Read signature keys of the mentions that a task lists; retired ones are left out."""
    pairs = {(m["work"], m["position"]) for m in mentions}
    query = (
        select(Work.id, Signature.position, Signature.key)
        .join(Work, Work.key == Signature.work_key)
        .where(
            Signature.retired_version.is_(None), is_in(connection, Work.id, {w for w, _ in pairs})
        )
    )
    rows = connection.execute(query) if pairs else ()
    return {key for work, position, key in rows if (work, position) in pairs}


def read_identity_keys(connection: Connection, signatures: Collection[int]) -> dict[int, int]:
    """Read the identity key of each signature; unassigned ones are left out."""
    if not signatures:
        return {}
    query = select(Membership.signature_key, Membership.identity_key).where(
        is_in(connection, Membership.signature_key, signatures)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
