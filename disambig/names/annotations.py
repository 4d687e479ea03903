"""What a name field holds besides the name: other persons, addresses, degrees, notes."""

from __future__ import annotations

import re
from functools import lru_cache

from disambig.names.lexicon import (
    DEGREES,
    GENERATIONS,
    ORGANISATIONS,
    PARTICLES,
    TITLES,
    get_family_first_ranks,
    get_iberian_families,
    split_words,
)

_EMAIL = re.compile(
    r"[<(\[]?(?:mailto:)?([^\s<>()\[\],;\"]+@[^\s<>()\[\],;\"]+\.[A-Za-z]{2,})[>)\]]?"
)
_EDGES = " \t,;:/&"
_RANK = split_words(
    "prof professor dr rev capt col gen lt sgt maj hon fr doz mag ir assoc asst dipl ing habil med",
    "rer nat univ priv phil vet adj em emer h c",
)
_RANKS = re.compile(r"(?:([A-Za-z]{1,5})\.[-\s]?)+\s*(?=\S)")
_MEMBERSHIP = re.compile(
    r"[,\s(]+(?:(?:senior|student|graduate|life|associate|affiliate|honorary|junior|charter)\s+)*"
    r"(?:member|fellow)s?\b,?\s*(?:of\s+(?:the\s+)?)?(?:ieee|acm|siam|osa|spie|aaai|asme|iet|ams|"
    r"royal society|ieice|isca)\w*\)?",
    re.IGNORECASE,
)
_MARKS = re.compile(
    r"<su[pb]>.{0,40}?</su[pb]>|\$?\^\{[^}]*\}\$?|\$?\^\w+\$?|[*†‡§¶‖∗⁎✉☨#¤∥⊥]+|"
    "[\u00b9\u00b2\u00b3\u2070-\u209c]+(?:[,\\s]*[\u00b9\u00b2\u00b3\u2070-\u209c])*|"
    r"[(\[]\s*\d{1,3}(?:\s*[,;]\s*\d{1,3})*\s*[)\]]"
)
# "Tennekes1,2", "Tennekes 1, *", "Tennekes a,b"; four digits after a space tell homonyms apart
_TRAILING_MARKS = re.compile(
    r"(?:(?<=[^\W\d_])\d{1,3}(?!\d)|\s+\d{1,2}(?!\d)|\s+[a-z](?=\s*,\s*[a-z*\d]\b))"
    r"(?:\s*[,;]\s*(?:\d{1,3}|[a-z])\b)*[\s,;]*\Z"
)
_AROUND = re.compile(r"\A(?:by|and|und|et|with)\s+|[\s,;]+(?:and|und|et|&)\s*\Z", re.IGNORECASE)
_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_SHORT_DEGREES = split_words("ma ba bs ms md jd rn pa pt ot np rd do")
"""Degrees that may also be two initials."""
_WORD = re.compile(r"[^\W\d_]+(?:['’.\-][^\W\d_]+)*\.?")

_JOINT = re.compile(r"[;&@/]| (?:and|und|et|och|og|with) |\A(?:[A-Z]\.[ -]?)+[^,]+,", re.IGNORECASE)
_BETWEEN_PERSONS = re.compile(
    r"\s*;\s*|\s+/\s+|\s*,?\s+(?:and|und|et|och|og|with|&)\s+", re.IGNORECASE
)
_INITIALS_FIRST = re.compile(r"(?:[^\W\d_]{1,2}\.[ -]?)+[^\W\d_][^,]{2,}\Z")


def may_hold_more(printed: str) -> bool:
    """Return whether a name field may hold another person or an e-mail address; cheap."""
    return _JOINT.search(printed) is not None


def split_email(printed: str) -> tuple[str, str]:
    """Return a name without the e-mail address in it, and the address, "" if there is none."""
    if "@" not in printed:
        return printed, ""
    match = _EMAIL.search(printed)
    if match is None:
        return printed, ""
    rest = f"{printed[: match.start()].rstrip(_EDGES)} {printed[match.end() :].lstrip(_EDGES)}"
    return rest.strip(), match[1]


def split_persons(printed: str) -> tuple[str, ...]:
    """Split a text that certainly names several persons; else return it alone.

    Each must have a given and a family name of its own: "A. Roe and B. Poe" are two, but not
    "Jo and Ann Roe", "Ortega y Gasset" or "Physics and Astronomy Group".

    >>> split_persons("Roe, A.; Poe, B.")
    ('Roe, A.', 'Poe, B.')
    """
    parts = [part.strip(_EDGES) for part in _BETWEEN_PERSONS.split(printed)]
    parts = [person for part in filter(None, parts) for person in _split_list(part)]
    if len(parts) > 1 and all(map(_is_whole_name, parts)):
        return tuple(parts)
    return (printed,)


def _split_list(text: str) -> list[str]:
    """Split "A. Roe, B. Poe" at commas; "Roe, A." and "A. Roe, PhD" are one person."""
    parts = [part.strip() for part in text.split(",")]
    return parts if all(map(_INITIALS_FIRST.match, parts)) else [text]


def _is_whole_name(text: str) -> bool:
    """Return whether a text has a given and a family name, and no word of an organisation."""
    words = [word.strip(".").lower() for word in _WORD.findall(text)]
    if not ORGANISATIONS.isdisjoint(words) or any(c.isdigit() for c in text) or len(words) > 6:
        return False
    if text[:1].islower() and words[0] not in PARTICLES:
        return False
    words = [w for w in words if w not in PARTICLES and w not in GENERATIONS and w not in DEGREES]
    return len(words) > 1 and any(
        len(word) > 2 or word in get_family_first_ranks() for word in words
    )


def strip_annotations(text: str) -> str:
    """Remove from a name e-mail address, footnote marks, ranks, memberships and affiliation."""
    text, _ = split_email(text)
    text = _MARKS.sub(" ", text)
    text = _TRAILING_MARKS.sub("", text)
    text = _MEMBERSHIP.sub("", text)
    text = _BRACKETS.sub(_drop_note, text)
    text = _AROUND.sub("", text.strip())
    return _strip_ranks(text.strip())


def _strip_ranks(text: str) -> str:
    match = _RANKS.match(text)
    if match is None:
        return text
    ranks = re.findall(r"[A-Za-z]+", match[0])
    rest = text[match.end() :]
    is_rank = all(rank.lower() in _RANK for rank in ranks)
    return rest if is_rank and len(rest.split()) > 1 else text


def _drop_note(match: re.Match[str]) -> str:
    """Drop brackets that hold a role or an organisation; those of a nickname or name stay."""
    words = [word.strip(".").lower() for word in _WORD.findall(match[1])]
    is_note = (
        not ORGANISATIONS.isdisjoint(words)
        or (bool(words) and all(map(is_annotation_word, words)))
        or len(words) > 3
        or (
            len(words) == 1
            and len(words[0]) > 1
            and match[1].strip().isupper()
            and len(words[0]) < 5
        )
    )
    return " " if is_note else match[0]


@lru_cache(maxsize=4096)
def is_annotation_word(word: str) -> bool:
    """Return whether a folded word is a degree, a role or a membership, not part of a name."""
    return word in DEGREES or word in _ROLES or word in TITLES


_ROLES = split_words(
    "editor editors ed eds chair cochair author corresponding correspondence translator trans",
    "deceased presenter speaker organizer organiser guest series member fellow senior student life",
    "ieee acm siam smieee mieee fieee emeritus professor uk us usa hons",
)


def is_affiliation(part: str) -> bool:
    """Return whether a part after a comma begins an affiliation: a word is an organisation's."""
    return not ORGANISATIONS.isdisjoint(word.strip(".").lower() for word in _WORD.findall(part))


def is_annotation(part: str, name: str) -> bool:
    """Return whether a part after a comma is no name: a degree, role or membership.

    Parameters
    ----------
    part
        What follows a comma.
    name
        What precedes the first comma: one word before "MA" makes it initials, two a degree.
    """
    words = [re.sub(r"[^\w]", "", w).lower() for w in _BRACKETS.sub("", part).split()]
    words = [word for word in words if word]
    if not words:
        return True
    if not all(map(is_annotation_word, words)) and (
        (words[0] in ("h", "c") and len(words) == 1) or not _RANK.issuperset(words)
    ):
        return False
    preceding = name.split()
    is_short = len(words) == 1 and len(words[0]) <= 3 and "." not in part
    if (
        is_short
        and preceding[0].lower() in get_iberian_families() | get_family_first_ranks().keys()
    ):
        return False
    return len(preceding) > 1 or not (len(words) == 1 and words[0] in _SHORT_DEGREES)
