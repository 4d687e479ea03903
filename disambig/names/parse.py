"""Parse a printed name into its parts.

The rules are ordered: what the source states, then commas, then script, then case, then
position. A name of unstated order is read as most Latin-script papers print it, given name
first; another order that is plausible is kept in ``alternatives`` and never chosen silently.
"""

from __future__ import annotations

import re

from disambig.decode import decode_text
from disambig.names.annotations import is_affiliation, is_annotation, strip_annotations
from disambig.names.clean import (
    MAX_CHARACTERS,
    clean_text,
    fold,
    is_east_asian,
    strip_apostrophes,
    strip_east_asian,
)
from disambig.names.kind import classify_name, strip_behalf
from disambig.names.lexicon import (
    DEGREES,
    GENERATIONS,
    PARTICLES,
    SAINTS,
    TITLES,
    get_family_first_ranks,
)
from disambig.names.order import divide_words, list_alternatives
from disambig.names.parsed import ParsedName, Reading
from disambig.names.scripts.east_asian import divide_east_asian
from disambig.names.tokens import (
    find_abbreviations,
    fold_with_digits,
    fold_words,
    list_spellings,
    split_given_words,
    split_raw_words,
    strip_ends,
)

# Capitalised words of at least two letters, also joined with hyphens, and initials before them.
_PLAIN = re.compile(
    r"(?:[A-Z](?:\.|[a-z]++(?:-[A-Z]?[a-z]++)*+)?+ )++[A-Z][a-z]++(?:-[A-Z]?[a-z]++)*+\Z"
)
_SPECIAL_WORDS = (
    SAINTS | TITLES | DEGREES | set(GENERATIONS) | {w for w in PARTICLES if len(w) > 1} | {"ph"}
)
_ASIDE = re.compile(r"[(\[]([^()\[\]]*)[)\]]|[\"“„«]([^\"“”„«»]*)[\"”»]")
_HOMONYM = re.compile(r"\s(\d{4})\s*\Z")


def parse_name(printed: str, given: str | None = None, family: str | None = None) -> ParsedName:
    """Divide and normalise a name.

    Parameters
    ----------
    printed : str
        The name as shown, in any order, script or case. Any string is accepted; that of a group
        or placeholder (:mod:`disambig.names.kind`) has empty parts.
    given, family : str, optional
        The division that the source states. It is used; suffixes, titles and case are normalised.

    Returns
    -------
    ParsedName
    """
    kind = classify_name(printed)
    if kind is not None:
        return ParsedName(printed, kind=kind)
    if family:
        # the fast path takes the last word as the family name, so it must be one word
        one_word = given and " " not in family
        tokens = _divide_plain(f"{given} {family}") if one_word else None
    else:
        tokens = _divide_plain(printed)
    if tokens is not None:
        others = list_alternatives(*tokens)
        return ParsedName(printed, *tokens, alternatives=others, is_stated=bool(family))
    return _parse_divided(printed, given, family) if family else _parse_undivided(printed)


def _divide_plain(text: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return given and family tokens of a plain Latin name; None if it needs all the rules.

    Of capitalised words and single initials only the last is the family name, whatever the
    rules, unless one of the words is on a list.
    """
    if not _PLAIN.match(text) or len(text) > MAX_CHARACTERS:
        return None
    words = text.lower().replace(".", "").split(" ")
    if len(words) > 2 and len(words[0]) == 2 and len(words[1]) == 1:
        return None  # "Yu A Gagarin", where "Yu" is abbreviated
    if "-" not in text:
        return (tuple(words[:-1]), (words[-1],)) if _SPECIAL_WORDS.isdisjoint(words) else None
    if not _SPECIAL_WORDS.isdisjoint([word.replace("-", "") for word in words]):
        return None
    given = " ".join(words[:-1]).replace("-", " ").split(" ")
    return tuple(given), tuple(words[-1].split("-"))


def _parse_divided(printed: str, given: str | None, family: str) -> ParsedName:
    family_text, homonym = _split_homonym_number(strip_apostrophes(clean_text(family)))
    family_raw, suffix = strip_ends(split_raw_words(family_text))
    if given is None:
        rest = clean_text(printed)
        given = rest[: -len(family)] if rest.endswith(family) else ""
    given_text, nickname = _split_nickname(clean_text(given))
    given_raw, given_suffix = strip_ends(split_raw_words(strip_apostrophes(given_text)))
    given_tokens, family_tokens = split_given_words(given_raw), fold_words(family_raw)
    abbreviated = find_abbreviations(f"{given_text} ")
    return ParsedName(
        printed=printed,
        given=given_tokens,
        family_tokens=family_tokens,
        suffix=suffix or given_suffix,
        homonym=homonym,
        nickname=nickname,
        spellings=list_spellings([*given_raw, *family_raw]),
        alternatives=list_alternatives(given_tokens, family_tokens),
        is_stated=True,
        abbreviated=_select_abbreviated(given_tokens, family_tokens, abbreviated),
    )


def _parse_undivided(printed: str) -> ParsedName:
    text = strip_behalf(strip_annotations(decode_text(printed[:MAX_CHARACTERS])[0]))
    text, homonym = _split_homonym_number(clean_text(text if fold(text) else printed))
    text, nickname = _split_nickname(text)
    text = strip_apostrophes(text)
    if is_east_asian(text):
        reading = divide_east_asian(text)
        if reading is not None:
            return ParsedName(printed, reading.given, reading.family, "", homonym, nickname)
        text = strip_east_asian(text)
    abbreviated = find_abbreviations(text) if "." in text or not text.isascii() else frozenset()
    text, suffix, comma, initials = _split_at_commas(text)
    others: tuple[Reading, ...] = ()
    if comma:
        given_raw, family_raw, end_suffix = _divide_at_comma(*comma)
    else:
        raw, end_suffix = strip_ends(split_raw_words(text))
        given_raw, family_raw, others = divide_words(raw, abbreviated)
        if initials:
            others = (*others, Reading(tuple(initials), fold_words(raw)))
    given_tokens = split_given_words(given_raw, all_upper=text.isupper())
    family_tokens = fold_words(family_raw)
    return ParsedName(
        printed=printed,
        given=given_tokens,
        family_tokens=family_tokens,
        suffix=suffix or end_suffix,
        homonym=homonym,
        nickname=nickname,
        spellings=list_spellings([*given_raw, *family_raw]),
        alternatives=tuple(
            dict.fromkeys((*others, *list_alternatives(given_tokens, family_tokens)))
        ),
        abbreviated=_select_abbreviated(given_tokens, family_tokens, abbreviated),
    )


def _select_abbreviated(
    given: tuple[str, ...], family: tuple[str, ...], abbreviated: frozenset[str]
) -> frozenset[str]:
    """Select the given names that are abbreviated; "Yu" is one too before initials ("Yu A Roe")."""
    out = abbreviated.intersection(given)
    is_short = len(given) > 1 and len(given[0]) == 2 and all(len(name) == 1 for name in given[1:])
    if is_short and family and family[-1] not in get_family_first_ranks():
        out |= {given[0]}
    return out


def _divide_at_comma(family_text: str, given_text: str) -> tuple[list[str], list[str], str]:
    """Return given words, family words and suffix of "Family, Given"."""
    family, family_suffix = strip_ends(split_raw_words(family_text))
    given, given_suffix = strip_ends(split_raw_words(given_text))
    # particles often follow the given name: "Berg, Jan van der"
    while len(given) > 1 and given[-1] in PARTICLES and len(given[-1]) > 1:
        family.insert(0, given.pop())
    return given, family, family_suffix or given_suffix


def _split_homonym_number(text: str) -> tuple[str, str]:
    if not text.rstrip()[-1:].isdecimal():
        return text, ""
    match = _HOMONYM.search(text)
    return (text[: match.start()], match.group(1)) if match else (text, "")


def _split_nickname(text: str) -> tuple[str, tuple[str, ...]]:
    """Remove a nickname in brackets or quotes; brackets around the whole name are none."""
    if text.isascii() and not ("(" in text or "[" in text or '"' in text):
        return text, ()
    match = _ASIDE.search(text)
    if match is None:
        return text, ()
    rest = f"{text[: match.start()]} {text[match.end() :]}"
    inside = match.group(1) or match.group(2) or ""
    if not fold(rest) or "," in inside:
        return f"{text[: match.start()]} {inside} {text[match.end() :]}".replace(",", " "), ()
    nickname = tuple(t for t in map(fold, split_raw_words(inside)) if len(t) > 1)
    return rest, nickname


def _split_at_commas(text: str) -> tuple[str, str, tuple[str, str] | None, str]:
    """Return the text without commas, the suffix, and (family, given) if a comma divides them.

    Degrees and affiliations after a comma are dropped; one that may also be initials ("Roe Poe,
    MA") is returned last.
    """
    if "," not in text:
        return text, "", None, ""
    parts = [p for p in (p.strip() for p in text.split(",")) if p]
    suffix = ""
    for part in parts[1:]:
        suffix = suffix or GENERATIONS.get(fold_with_digits(part), "")
    names, initials = parts[:1], ""
    for part in parts[1:]:
        if fold_with_digits(part) in GENERATIONS:
            continue
        if is_affiliation(part):
            break
        if not is_annotation(part, " ".join(names)):
            names.append(part)
        elif len(part) <= 3 and part.isalpha() and part.isupper():
            initials = fold(part)
    if len(names) == 2:
        return "", suffix, (names[0], names[1]), ""
    return " ".join(names), suffix, None, initials if len(parts) == 2 else ""
