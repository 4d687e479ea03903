"""Public ids: opaque, permanent, never used twice."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is taken for a digit when read aloud."""
LENGTH = 12
"""Letters of an id: 60 bits, of which a million ids collide with a chance of one in 2 million."""


def new_id(prefix: str) -> str:
    """A new random id, such as ``a-3k9x0f7q2m1b``; the prefix tells what it is of.

    ``a`` is an identity, ``r`` a run, ``d`` a decision, ``t`` a task, ``k`` an API key.
    """
    # 256 is a multiple of 32, so every letter is as likely as any other
    return f"{prefix}-{''.join([ALPHABET[b & 31] for b in secrets.token_bytes(LENGTH)])}"


def sane(text: str) -> str:
    """An id that a client sent; empty, which none is, where PostgreSQL cannot be asked for it."""
    return text if text.isascii() and text.isprintable() else ""
