"""Look up signatures: keys by work id and position, the reverse, and the identity of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, select

from disambig import domain
from service.db.bulk import is_in
from service.db.tables import Membership, Signature, Work
from service.text import to_storable


def read_signature_keys(
    connection: Connection, signatures: Collection[domain.Signature]
) -> dict[domain.Signature, int]:
    """Return the key of each signature, in order.

    Unknown and retired signatures are left out.
    """
    if not signatures:
        return {}
    query = (
        select(Work.id, Signature.position, Signature.key)
        .join(Signature, Signature.work_key == Work.key)
        .where(
            Signature.retired_version.is_(None),
            is_in(connection, Work.id, {to_storable(s.work) for s in signatures}),
        )
    )
    keys = {domain.Signature(row[0], row[1]): row[2] for row in connection.execute(query)}
    return {signature: keys[signature] for signature in signatures if signature in keys}


def read_signatures(
    connection: Connection, signature_keys: Iterable[int]
) -> dict[int, domain.Signature]:
    """Return work id and position of each signature, by key; include retired signatures."""
    query = select(Signature.key, Work.id, Signature.position).join(
        Work, Work.key == Signature.work_key
    )
    rows = connection.execute(query.where(is_in(connection, Signature.key, signature_keys)))
    return {row[0]: domain.Signature(row[1], row[2]) for row in rows}


def read_identity_keys(connection: Connection, signature_keys: Iterable[int]) -> dict[int, int]:
    """Return the identity key of each signature; unassigned ones are left out."""
    keys = list(signature_keys)
    if not keys:
        return {}
    query = select(Membership.signature_key, Membership.identity_key).where(
        is_in(connection, Membership.signature_key, keys)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
