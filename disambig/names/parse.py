"""One printed name to its parts.

The rules are ordered: what the source states, then commas, then script, then case, then
position. A name of unstated order is read as most Latin-script papers print it, given name
first; another order that is plausible is kept in ``alternatives``, never chosen in silence.
"""

from __future__ import annotations

import re

from disambig.names.clean import (
    MAX_CHARACTERS,
    clean,
    fold,
    is_east_asian,
    without_apostrophes,
    without_east_asian,
)
from disambig.names.east_asian import divide_eastern
from disambig.names.lexicon import DEGREES, GENERATIONS, PARTICLES, TITLES
from disambig.names.order import alternatives, divide
from disambig.names.parsed import ParsedName, Reading
from disambig.names.tokens import (
    fold_with_digits,
    folded_words,
    given_words,
    is_ending,
    raw_words,
    spellings,
    strip_ends,
)

# Capitalised words of at least two letters, also joined with hyphens, and initials before them.
_PLAIN = re.compile(
    r"(?:[A-Z](?:\.|[a-z]++(?:-[A-Z]?[a-z]++)*+)?+ )++[A-Z][a-z]++(?:-[A-Z]?[a-z]++)*+\Z"
)
_LISTED = TITLES | DEGREES | set(GENERATIONS) | {w for w in PARTICLES if len(w) > 1} | {"ph"}
_ASIDE = re.compile(r"[(\[]([^()\[\]]*)[)\]]|[\"“„«]([^\"“”„«»]*)[\"”»]")
_HOMONYM = re.compile(r"\s(\d{4})\s*\Z")


def parse_name(printed: str, given: str | None = None, family: str | None = None) -> ParsedName:
    """Divide and normalise a name.

    Parameters
    ----------
    printed : str
        The name as shown, in any order, script or case. Never raises for any string; what
        holds no letters has empty parts.
    given, family : str, optional
        The division the source states. It is trusted, except that suffixes, titles and case
        are still normalised.

    Returns
    -------
    ParsedName
    """
    if family:
        # the short way takes the last word for the family name, so it must be one word
        one_word = given and " " not in family
        divided = _divide_plain(f"{given} {family}") if one_word else None
    else:
        divided = _divide_plain(printed)
    if divided is not None:
        others = alternatives(*divided)
        return ParsedName(printed, *divided, alternatives=others, stated=bool(family))
    return _stated(printed, given, family) if family else _unstated(printed)


def _divide_plain(text: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Given and family tokens of nearly every Latin name; None where it takes all the rules.

    Of capitalised words and single initials only the last is the family name, whatever the
    rules, unless one of the words is on a list.
    """
    if not _PLAIN.match(text) or len(text) > MAX_CHARACTERS:
        return None
    words = text.lower().replace(".", "").split(" ")
    if "-" not in text:
        return (tuple(words[:-1]), (words[-1],)) if _LISTED.isdisjoint(words) else None
    if not _LISTED.isdisjoint([word.replace("-", "") for word in words]):
        return None
    given = " ".join(words[:-1]).replace("-", " ").split(" ")
    return tuple(given), tuple(words[-1].split("-"))


def _stated(printed: str, given: str | None, family: str) -> ParsedName:
    family_text, homonym = _homonym(without_apostrophes(clean(family)))
    family_raw, suffix = strip_ends(raw_words(family_text))
    if given is None:
        rest = clean(printed)
        given = rest[: -len(family)] if rest.endswith(family) else ""
    given_text, nickname = _aside(clean(given))
    given_raw, given_suffix = strip_ends(raw_words(without_apostrophes(given_text)))
    given_tokens, family_tokens = given_words(given_raw), folded_words(family_raw)
    return ParsedName(
        printed=printed,
        given=given_tokens,
        family_tokens=family_tokens,
        suffix=suffix or given_suffix,
        homonym=homonym,
        nickname=nickname,
        spellings=spellings([*given_raw, *family_raw]),
        alternatives=alternatives(given_tokens, family_tokens),
        stated=True,
    )


def _unstated(printed: str) -> ParsedName:
    text, homonym = _homonym(clean(printed))
    text, nickname = _aside(text)
    text = without_apostrophes(text)
    if is_east_asian(text):
        reading = divide_eastern(text)
        if reading is not None:
            return ParsedName(printed, reading.given, reading.family, "", homonym, nickname)
        text = without_east_asian(text)
    text, suffix, comma = _commas(text)
    others: tuple[Reading, ...] = ()
    if comma:
        given_raw, family_raw, found = _divide_at_comma(*comma)
    else:
        raw, found = strip_ends(raw_words(text))
        given_raw, family_raw, others = divide(raw)
    given_tokens = given_words(given_raw, all_upper=text.isupper())
    family_tokens = folded_words(family_raw)
    return ParsedName(
        printed=printed,
        given=given_tokens,
        family_tokens=family_tokens,
        suffix=suffix or found,
        homonym=homonym,
        nickname=nickname,
        spellings=spellings([*given_raw, *family_raw]),
        alternatives=tuple(dict.fromkeys((*others, *alternatives(given_tokens, family_tokens)))),
    )


def _divide_at_comma(family_text: str, given_text: str) -> tuple[list[str], list[str], str]:
    """Given words, family words and suffix of "Family, Given"."""
    family, family_suffix = strip_ends(raw_words(family_text))
    given, given_suffix = strip_ends(raw_words(given_text))
    # particles are often left behind the given name: "Berg, Jan van der"
    while len(given) > 1 and given[-1] in PARTICLES and len(given[-1]) > 1:
        family.insert(0, given.pop())
    return given, family, family_suffix or given_suffix


def _homonym(text: str) -> tuple[str, str]:
    if not text.rstrip()[-1:].isdecimal():
        return text, ""
    match = _HOMONYM.search(text)
    return (text[: match.start()], match.group(1)) if match else (text, "")


def _aside(text: str) -> tuple[str, tuple[str, ...]]:
    """Take out a nickname in brackets or quotes; brackets around everything are no nickname."""
    if text.isascii() and not ("(" in text or "[" in text or '"' in text):
        return text, ()
    match = _ASIDE.search(text)
    if match is None:
        return text, ()
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    inside = match.group(1) or match.group(2) or ""
    if not fold(rest) or "," in inside:
        return f"{text[: match.start()]} {inside} {text[match.end() :]}".replace(",", " "), ()
    nickname = tuple(t for t in map(fold, raw_words(inside)) if len(t) > 1)
    return rest, nickname


def _commas(text: str) -> tuple[str, str, tuple[str, str] | None]:
    """Text without commas, suffix, and (family, given) where a comma divides them."""
    if "," not in text:
        return text, "", None
    parts = [p for p in (p.strip() for p in text.split(",")) if p]
    suffix = ""
    for part in parts[1:]:
        suffix = suffix or GENERATIONS.get(fold_with_digits(part), "")
    parts = parts[:1] + [p for p in parts[1:] if not is_ending(p)]
    if len(parts) == 2:
        return "", suffix, (parts[0], parts[1])
    return " ".join(parts), suffix, None
