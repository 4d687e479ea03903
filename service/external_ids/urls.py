"""External URLs of a work and of an author's ORCID record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from disambig.orcid import parse_orcid
from service.external_ids.results import Address

_DOI = re.compile(r"10\.\d{4,9}/\S{1,300}")
_ARXIV = re.compile(r"(?:\d{4}\.\d{4,5}|[a-z-]{2,20}(?:\.[A-Z]{2})?/\d{7})(?:v\d{1,3})?")
_DBLP = re.compile(r"(?:conf|journals|books|series|reference|phd|tr|homepages)/[\w./-]{1,200}")
_OPENALEX = re.compile(r"W[1-9]\d{0,12}")
_ACL = re.compile(r"(?:[A-Z]\d\d-\d{4}|\d{4}\.[\w-]{1,40}\.\d{1,5})")

_SITES = (
    ("doi", "DOI", _DOI, "https://doi.org/"),
    ("dblp", "dblp", _DBLP, "https://dblp.org/rec/"),
    ("arxiv", "arXiv", _ARXIV, "https://arxiv.org/abs/"),
    ("openalex", "OpenAlex", _OPENALEX, "https://openalex.org/"),
    ("acl", "ACL Anthology", _ACL, "https://aclanthology.org/"),
)


def make_external_links(
    work: str, ids: Mapping[str, object], orcid: str | None = None
) -> list[Address]:
    """Return labelled URLs, made only from well-formed ids.

    Parameters
    ----------
    work : str
        The work's id, which can itself be an id of one of the schemes.
    ids : mapping of str to object
        Ids in the work's record, by scheme.
    orcid : str, optional
        As printed with the mention.

    Examples
    --------
    >>> make_external_links("10.1000/182", {})
    [Address(label='DOI', url='https://doi.org/10.1000/182')]
    """
    ids_by_scheme = {
        scheme.lower(): value for scheme, value in ids.items() if isinstance(value, str)
    }
    links = []
    for scheme, label, form, address in _SITES:
        for text in _list_candidates(scheme, ids_by_scheme.get(scheme), work):
            if form.fullmatch(text) and text.isprintable() and ".." not in text:
                url = address + quote(text, safe="/.()-_;:")
                links.append(Address(label=label, url=url))
                break
    orcid_id = parse_orcid(orcid) if orcid else None
    if orcid_id is not None:
        links.append(Address(label="ORCID", url=f"https://orcid.org/{orcid_id}"))
    return links


def _list_candidates(scheme: str, printed_id: str | None, work: str) -> Iterable[str]:
    if printed_id:
        yield printed_id.strip()
    prefix = f"{scheme}:"
    if work.lower().startswith(prefix):
        yield work[len(prefix) :]
    if scheme in ("doi", "dblp"):
        yield work
