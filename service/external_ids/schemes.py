"""Person id schemes (ORCID, ISNI, …): normalize the accepted forms and verify check digits."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from disambig.orcid import extract_check_digits, has_valid_check_digit, parse_orcid
from service.errors import Invalid

MAX_LENGTH = 200
"""Maximum length of an id, or of a URL that contains one, in characters."""


def normalize_id(scheme: str, value: str) -> tuple[str, str]:
    """Return the scheme and the normalized form of an id, which can be given as a URL.

    >>> normalize_id("ORCID", "https://orcid.org/0000-0002-1825-0097")
    ('orcid', '0000-0002-1825-0097')
    >>> normalize_id("wikidata", "http://www.wikidata.org/entity/Q42")
    ('wikidata', 'Q42')

    Raises
    ------
    Invalid
        If the scheme is unknown, or the id is not one of its ids.
    """
    name = scheme.strip().lower()
    if name not in _SCHEMES:
        known = ", ".join(_SCHEMES)
        raise Invalid(f"unknown scheme {scheme[:40]!r}", f"use one of {known}", field="scheme")
    parse, example = _SCHEMES[name]
    text = unicodedata.normalize("NFC", value.strip())
    canonical = parse(unquote(text) if "%" in text else text) if len(text) <= MAX_LENGTH else None
    if canonical is None:
        raise Invalid(
            f"{value[:60]!r} is no valid {name} id", f"give it like {example}", field="value"
        )
    return name, canonical


def _strip_address(text: str, hosts: str) -> str:
    """Return a URL without its scheme and host, if the host is one of ``hosts``; else the text."""
    return re.sub(rf"^(?:https?://)?(?:www\.)?(?:{hosts})", "", text, flags=re.IGNORECASE)


def _parse_isni(text: str) -> str | None:
    digits = extract_check_digits(_strip_address(text, r"isni\.org/(?:isni/)?|isni:?\s*"))
    return digits if digits and has_valid_check_digit(digits) else None


def _parse_dblp(text: str) -> str | None:
    rest = _strip_address(text, r"(?:dblp\.org|dblp\.uni-trier\.de|dblp\.dagstuhl\.de)/")
    rest = re.sub(r"^(?:dblp:|pid/)|\.(?:html|xml|rdf|nt|bib)$", "", rest)
    return rest if re.fullmatch(r"[A-Za-z0-9]{1,10}/[A-Za-z0-9-]{1,40}", rest) else None


def _parse_openreview(text: str) -> str | None:
    rest = _strip_address(text, r"openreview\.net/profile\?id=")
    return rest if re.fullmatch(r"~[^\W\d]\S*?_?\d{1,4}", rest) and rest.isprintable() else None


def _parse_viaf(text: str) -> str | None:
    rest = _strip_address(text, r"viaf\.org/(?:viaf/)?|viaf:").strip("/")
    return rest if re.fullmatch(r"[1-9][0-9]{0,21}", rest) else None


def _parse_wikidata(text: str) -> str | None:
    rest = _strip_address(text, r"wikidata\.org/(?:wiki|entity)/|wd:").upper()
    return rest if re.fullmatch(r"Q[1-9][0-9]{0,11}", rest) else None


_SCHEMES: dict[str, tuple[Callable[[str], str | None], str]] = {
    "orcid": (parse_orcid, "0000-0002-1825-0097"),
    "dblp": (_parse_dblp, "12/3456-1"),
    "openreview": (_parse_openreview, "~Ada_Lovelace1"),
    "viaf": (_parse_viaf, "95218067"),
    "isni": (_parse_isni, "0000 0001 2103 2683"),
    "wikidata": (_parse_wikidata, "Q7259"),
}
