"""Subjects of tasks: the identities and mentions that a task is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_

from disambig.domain import Signature
from service.db.signatures import read_signature_keys
from service.db.tables import Task


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


def read_listed_signatures(
    connection: Connection, mentions: Iterable[Mapping[str, Any]]
) -> set[int]:
    """Return signature keys of the mentions that a task lists; retired ones are left out."""
    signatures = {Signature(mention["work"], mention["position"]) for mention in mentions}
    return set(read_signature_keys(connection, signatures).values())
