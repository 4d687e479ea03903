"""Values that queries and use cases of external ids return."""

from __future__ import annotations

from service.values import Value


class ExternalId(Value, kw_only=True):
    """An external id in normalised form, with the current version of the identity."""

    identity: str
    scheme: str
    value: str
    version: int


class Address(Value, kw_only=True):
    """An external page of a work or of an author's ORCID record."""

    label: str
    url: str
