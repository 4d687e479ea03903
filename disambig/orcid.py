"""ORCID iDs: the forms in which they are printed, and their check digit."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"(?:orcid:\s*)?(?:https?://)?(?:(?:www\.)?orcid\.org/)?(?:orcid:\s*)?", re.IGNORECASE
)
_BARE = re.compile(r"\d{4}-\d{4}-\d{4}-\d{3}[\dX]", re.ASCII)
_DIGITS = re.compile(r"\d{15}[\dX]", re.ASCII)


def extract_check_digits(text: str) -> str | None:
    """Return 16 digits, of which the last may be X, without separators; None for other texts."""
    digits = re.sub(r"[\s-]", "", text.rstrip("/")).upper()
    return digits if _DIGITS.fullmatch(digits) else None


def has_valid_check_digit(digits: str) -> bool:
    """Return whether the last of 16 digits is the check digit of the others (ISO 7064, MOD 11-2).

    >>> has_valid_check_digit("0000000218250097"), has_valid_check_digit("0000000218250098")
    (True, False)
    """
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return digits[-1] == "0123456789X"[(12 - total % 11) % 11]


def read_orcid(text: str) -> str | None:
    """Return an ORCID iD in any printed form as digits with hyphens, whatever its check digit.

    >>> read_orcid("https://orcid.org/0000-0002-1825-0097?lang=en")
    '0000-0002-1825-0097'
    """
    text = re.split("[?#]", text, maxsplit=1)[0].strip()
    prefix = _ADDRESS.match(text)
    digits = extract_check_digits(text[prefix.end() :] if prefix else text)
    return digits and "-".join(digits[k : k + 4] for k in range(0, 16, 4))


def parse_orcid(text: str) -> str | None:
    """Return an ORCID iD in any printed form as digits with hyphens; None if it is not valid."""
    value = read_orcid(text)
    return value if value and has_valid_check_digit(value.replace("-", "")) else None


def is_orcid(text: str) -> bool:
    """Return whether a text is a valid ORCID iD in the bare form.

    >>> is_orcid("0000-0002-1825-0097"), is_orcid("https://orcid.org/0000-0002-1825-0097")
    (True, False)
    """
    return bool(_BARE.fullmatch(text)) and has_valid_check_digit(text.replace("-", ""))
