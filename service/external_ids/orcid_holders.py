"""Find the published identity that has the ORCID iD of an author, whatever its block.

An iD is accepted under the engine's conditions (:mod:`disambig.corpus.identifiers`): its check
digit is correct, exactly one author of the work has it, and exactly one identity has it. The names
decide whether it is conclusive: publishers print one author's iD with another author's name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from disambig.orcid import parse_orcid
from service.db.bulk import is_in
from service.db.tables import ExternalId, Identity, Membership, Signature

if TYPE_CHECKING:
    from disambig import domain

MAX_NAMES = 50
"""Maximum number of printed names of an identity that are compared."""
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class OrcidHolder:
    """Key of the one active identity with an author's ORCID iD; whether the names agree."""

    identity: int
    is_name_compatible: bool


def find_holders(connection: Connection, work: domain.Work) -> dict[int, OrcidHolder]:
    """Return holders of the ORCID iDs of a work's authors by position; omit ambiguous iDs."""
    positions_by_orcid: dict[str, list[int]] = defaultdict(list)
    for at, author in enumerate(work.authors):
        orcid = parse_orcid(author.orcid) if author.orcid and author.name.strip() else None
        if orcid:
            positions_by_orcid[orcid].append(at)
    unique_positions = {value: at[0] for value, at in positions_by_orcid.items() if len(at) == 1}
    if not unique_positions:
        return {}
    query = (
        select(ExternalId.value, ExternalId.identity_key)
        .join(Identity, Identity.key == ExternalId.identity_key)
        .where(
            ExternalId.scheme == "orcid",
            ExternalId.removed_seq.is_(None),
            Identity.status == ACTIVE,
            is_in(connection, ExternalId.value, unique_positions),
        )
        .distinct()
    )
    identities_by_orcid: dict[str, list[int]] = defaultdict(list)
    for value, identity in connection.execute(query):
        identities_by_orcid[value].append(identity)
    holder_by_position = {
        unique_positions[value]: keys[0]
        for value, keys in identities_by_orcid.items()
        if len(keys) == 1
    }
    return {
        at: OrcidHolder(key, _is_name_compatible(connection, work.authors[at], key))
        for at, key in holder_by_position.items()
    }


def _is_name_compatible(connection: Connection, author: domain.Author, identity: int) -> bool:
    """Whether the author's name is compatible with a printed name of the identity."""
    from disambig.names import is_compatible, parse_name

    query = (
        select(Signature.printed)
        .join(Membership, Membership.signature_key == Signature.key)
        .where(Membership.identity_key == identity)
        .distinct()
        .order_by(Signature.printed)
        .limit(MAX_NAMES)
    )
    name = parse_name(author.name, author.given, author.family)
    return any(is_compatible(name, parse_name(printed)) for printed in connection.scalars(query))
