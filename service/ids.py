"""Public ids: opaque, permanent and never reused."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that can be confused with a digit."""
LENGTH = 12
"""Characters of an id: 60 bits; a million ids collide with a probability of 1 in 2 million."""


def new_id(prefix: str) -> str:
    """Return a new random id, such as ``a-3k9x0f7q2m1b``; the prefix states the type of object.

    ``a`` is an identity, ``r`` a run, ``d`` a decision, ``t`` a task, ``k`` an API key.
    """
    # 256 is a multiple of 32, so all characters are equally likely
    return f"{prefix}-{''.join([ALPHABET[b & 31] for b in secrets.token_bytes(LENGTH)])}"


def sanitize_id(text: str) -> str:
    """Return an id sent by a client, or "" (never an id) if PostgreSQL cannot store the text."""
    return text if text.isascii() and text.isprintable() else ""
