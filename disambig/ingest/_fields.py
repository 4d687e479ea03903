"""One field at a time: hostile characters, ORCID iDs, DOIs, e-mail, joined affiliations."""

from __future__ import annotations

import re
import unicodedata

from disambig.ingest._problems import Repair

# Controls, bidirectional marks and overrides, zero-width spaces, byte order marks, soft hyphens
# and tags. U+200C and U+200D stay: Persian and Indic names are spelt with them.
_HOSTILE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[ \t\n]+")
_ORCID = re.compile(
    r"(?:orcid:\s*)?(?:https?://)?(?:(?:www\.)?orcid\.org/)?"
    r"(\d{4})-?(\d{4})-?(\d{4})-?(\d{3}[\dX])/?",
    re.ASCII | re.IGNORECASE,
)
_DOI_PREFIX = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)(?=10\.)", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s.<>\"]+")
_MAX_EMAIL = 320


def clean(text: str, field: str, repairs: list[Repair], *, multiline: bool = False) -> str:
    """Text without what could act on a terminal or page, in Unicode's composed form (NFC).

    Line breaks and tabs become one space unless ``multiline``; blanks at the ends go. Inner
    blanks, case and spelling stay as printed. Whatever changes is added to ``repairs``.
    """
    if is_clean(text):
        return text
    composed = unicodedata.normalize("NFC", text)
    broken = _BREAKS.sub("\n", composed)
    lines = broken if multiline else _BLANKS.sub(_one_space, broken)
    bare = _HOSTILE.sub("", lines)
    result = bare.strip()
    if result != text:
        reasons = (
            ("not in Unicode's composed form", composed != text),
            ("line breaks or tabs", lines != composed),
            ("control or invisible characters", bare != lines),
            ("blanks at its ends", result != bare),
        )
        found = ", ".join(reason for reason, applies in reasons if applies)
        repairs.append(Repair(field, found, "cleaned"))
    return result


def is_clean(text: str) -> bool:
    """Whether :func:`clean` would leave a text as it is; False may be a text it leaves, too."""
    # What clean takes out is all unprintable, and the one printable blank is the space.
    return (
        text.isprintable()
        and text.strip(" ") == text
        and (text.isascii() or unicodedata.is_normalized("NFC", text))
    )


def _one_space(blanks: re.Match[str]) -> str:
    """A space for blanks with a line break or tab among them; spaces alone stay as they are."""
    return " " if blanks[0].strip(" ") else blanks[0]


def orcid(text: str, field: str, repairs: list[Repair]) -> str | None:
    """A bare ORCID iD such as ``0000-0002-1825-0097``; None where its check digit fails.

    The check digit is ISO 7064 MOD 11-2 over the first fifteen digits.
    """
    found = _ORCID.fullmatch(text.strip())
    if found is None:
        repairs.append(Repair(field, "not an ORCID iD", "left out; the record was kept"))
        return None
    value = "-".join(found.groups()).upper()
    if not _check_digit_holds(value.replace("-", "")):
        repairs.append(Repair(field, "wrong check digit", "left out; the record was kept"))
        return None
    if value != text:
        repairs.append(Repair(field, "not a bare ORCID iD", f"read as {value}"))
    return value


def _check_digit_holds(digits: str) -> bool:
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    expected = (12 - total % 11) % 11
    return digits[-1] == ("X" if expected == 10 else str(expected))


def email(text: str, field: str, repairs: list[Repair]) -> str | None:
    """An e-mail address, or None where the text is none."""
    value = text.strip()
    if len(value) > _MAX_EMAIL or not _EMAIL.fullmatch(value):
        repairs.append(Repair(field, "not an e-mail address", "left out; the record was kept"))
        return None
    return value


def doi(text: str, repairs: list[Repair]) -> str:
    """A DOI without resolver address or ``doi:``."""
    value = _DOI_PREFIX.sub("", text, count=1)
    if value != text:
        repairs.append(Repair("doi", "not a bare DOI", "prefix removed"))
    return value


def split_affiliations(text: str) -> list[str]:
    """Affiliations joined with "+" in one string.

    Only a "+" that plainly joins is a joint: tight or spaced on both sides, and a letter or
    "(" after it. A telephone number's "+1 505" stays where it is.

    >>> split_affiliations("University of Oxford+Google")
    ['University of Oxford', 'Google']
    >>> split_affiliations("Los Alamos, Tel.: +1 505 665")
    ['Los Alamos, Tel.: +1 505 665']
    """
    first, *rest = text.split("+")
    found = [first]
    for part in rest:
        if _joins(found[-1], part):
            found[-1] = found[-1].rstrip(" ")
            found.append(part.lstrip(" "))
        else:
            found[-1] += f"+{part}"
    return found


def _joins(before: str, after: str) -> bool:
    spaced = before.endswith(" ") and after.startswith(" ")
    if spaced:
        before, after = before[:-1], after[1:]
    return before[-1:] not in ("", " ", "+") and (after[:1].isalpha() or after[:1] == "(")
