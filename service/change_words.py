"""What a line of a diff says of an identity, in words: as what follows its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

LISTED = 3
"""Other identities, or decisions, that one line names."""


def in_words(kind: str, mentions: int, details: Mapping[str, Any]) -> str:
    """One line of :class:`service.proposals.ChangeLine`, without its number of mentions.

    Parameters
    ----------
    kind : str
        One of :data:`service.differences.KINDS`.
    mentions : int
        How many change identity.
    details : mapping
        ``others``, ``stays``, ``following``, ``decisions`` and ``orcids`` of the line. Names are
        as printed.

    Examples
    --------
    >>> others = [{"identity": "a-2", "name": "Wei Wang", "mentions": 2}]
    >>> in_words("move", 2, {"others": others, "stays": 5})
    'gives 2 to a-2 Wei Wang; keeps 5'
    """
    others, stays = details.get("others") or [], details.get("stays", 0)
    if kind == "create":
        return f"is a new identity of {mentions:,}"
    if kind == "grow":
        return f"gains {mentions:,} that had no identity; has {stays:,} then"
    if kind == "conflict":
        iDs = [f"{one['orcid']} ({one['mentions']:,})" for one in details.get("orcids") or []]
        return f"is one person of different ORCID iDs: {', '.join(iDs[:LISTED])}" + (
            f" and {len(iDs) - LISTED:,} more" if len(iDs) > LISTED else ""
        )
    if kind == "merge":
        told = f"goes into {_named(others[0])}, and its id leads there"
    elif kind == "split":
        told = f"comes apart: {_going(others)}; {_rest(stays)}"
    elif kind == "decision":
        told = f"loses {mentions:,} that people decided about{_by(details)}: {_going(others)}; "
        told += _rest(stays)
    else:
        told = f"gives {_going(others)}; {_rest(stays)}"
    following = details.get("following", 0)
    return told + (f"; {following:,} of them the run did not look at" if following else "")


def _going(others: Sequence[Mapping[str, Any]]) -> str:
    told = [f"{other['mentions']:,} to {_named(other)}" for other in others[:LISTED]]
    if len(others) > LISTED:
        rest = sum(other["mentions"] for other in others[LISTED:])
        told.append(f"{rest:,} to {len(others) - LISTED:,} more")
    return ", ".join(told)


def _rest(stays: int) -> str:
    return f"keeps {stays:,}" if stays else "keeps none"


def _by(details: Mapping[str, Any]) -> str:
    found = details.get("decisions") or []
    more = f" and {len(found) - LISTED:,} more" if len(found) > LISTED else ""
    return f" ({', '.join(found[:LISTED])}{more})" if found else ""


def _named(other: Mapping[str, Any]) -> str:
    if other.get("identity"):
        return f"{other['identity']} {other.get('name') or ''}".rstrip()
    return f"a new identity {other.get('name') or ''}".rstrip()
