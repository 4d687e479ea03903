"""Words of a name: remove titles and suffixes, separate initials, fold to ASCII."""

from __future__ import annotations

import re
from functools import lru_cache

from disambig.names.clean import fold, respell_umlauts
from disambig.names.lexicon import (
    DEGREES,
    GENERATIONS,
    SAINTS,
    TITLES,
    get_family_first_ranks,
    split_words,
)

_BREAKS = str.maketrans(dict.fromkeys("./\\;:|&*,", " "))
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_OLD_DEGREES = split_words("phd md msc bsc mba dphil esq")
_POINTED = re.compile(r"(?<![^\W\d_])([^\W\d_]{1,5})(?![^\W\d_])(\.?)")
_VOWEL = re.compile("[aeiouy]")
_NOT_CAMEL = ("Mc", "Mac", "De", "Di", "La", "Le", "Van", "Von", "Fitz", "Al", "El", "O", "D")
_NOT_ABBREVIATED = (
    GENERATIONS.keys()
    | TITLES
    | DEGREES
    | SAINTS
    | {"mc", "di", "de", "da", "van", "von", "al", "el"}
)
_SHORT_GIVEN = split_words("ai an bo di ke le li lu mo su wu xi ya ye yi yu ze zi")


def fold_with_digits(text: str) -> str:
    """Keep lower-case letters and digits only, for "3rd" and "Jr."."""
    lower = text.lower()
    return lower if lower.isalnum() else "".join([c for c in lower if c.isalnum()])


def find_abbreviations(text: str) -> frozenset[str]:
    """Return the folded words that are abbreviated with a point, "yu" for "Yu. A. Gagarin".

    Of longer words only "J." is an initial; a single letter of another script may fold to two
    or more ("Ю." is "yu").
    """
    out = set()
    for match in _POINTED.finditer(text):
        word, folded = match[1], fold(match[1])
        is_last = match.end() >= len(text)
        has_point = match[2] == "."
        if (
            len(folded) < 2
            or not word[0].isupper()
            or (folded in _NOT_ABBREVIATED and not (folded == "md" and match.start() == 0))
        ):
            continue
        if len(word) == 1 or (
            has_point and (not is_last or len(word) == 2 or not _VOWEL.search(folded))
        ):
            out.add(folded)
    return frozenset(out)


def split_raw_words(text: str) -> list[str]:
    """Split a text into words as printed, at spaces, points and other punctuation."""
    return [t for t in text.translate(_BREAKS).split() if t.strip("-")]


def strip_ends(raw: list[str]) -> tuple[list[str], str]:
    """Remove titles, degrees and suffixes at the ends, but never every word."""
    if not any(map(_can_be_dropped, raw)):
        return raw, ""
    raw = [t for t in raw if fold(t) or fold_with_digits(t) in GENERATIONS]
    suffix = ""
    while len(raw) > 1 and fold(raw[0]) in TITLES:
        raw = raw[1:]
    if len(raw) > 2 and fold(raw[0]) in ("jr", "sr"):
        suffix, raw = fold(raw[0]), raw[1:]
    while len(raw) > 1:
        last = fold_with_digits(raw[-1])
        generation = GENERATIONS.get(last) if last not in ("junior", "senior") else None
        if generation is not None:
            suffix = suffix or generation
        elif not _is_degree(raw, last):
            break
        raw = raw[:-1]
    if len(raw) > 1 and fold(raw[-1]) == "d" and fold(raw[-2]) == "ph":
        raw = raw[:-2] or raw
    return raw, suffix


def _is_degree(raw: list[str], last: str) -> bool:
    """Return whether the last word is a degree; "Roe MA" and "Garcia Lopez MA" have initials."""
    if last not in DEGREES:
        return False
    if last in _OLD_DEGREES:
        return last != "md" or raw[-1].isupper()
    return len(raw) > 2 and len(last) > 2 and not raw[-1].islower() and not raw[-1].istitle()


@lru_cache(maxsize=1 << 16)
def _can_be_dropped(token: str) -> bool:
    """Return whether a word holds no letters, or is on a list of what :func:`strip_ends` drops."""
    folded, with_digits = fold(token), fold_with_digits(token)
    is_in_vocabulary = folded in TITLES or with_digits in GENERATIONS or with_digits in DEGREES
    return is_in_vocabulary or folded in ("", "jr", "sr", "d")


def fold_words(raw: list[str]) -> tuple[str, ...]:
    """Split words at hyphens and fold them."""
    if len(raw) == 1:
        pieces = _fold_pieces(raw[0])
    else:
        pieces = tuple([piece for token in raw for piece in _fold_pieces(token)])
    if len(pieces) > 1 and pieces[0] in SAINTS:  # "Saint-Johnston" is "St. Johnston"
        return ("st", *pieces[1:])
    return pieces


@lru_cache(maxsize=1 << 16)
def _fold_pieces(token: str) -> tuple[str, ...]:
    return tuple(filter(None, map(fold, token.split("-"))))


def split_camel_case(piece: str) -> tuple[str, ...]:
    """Divide "WeiNan", but not "McKay" or "DeLong"."""
    if piece.islower() or piece.isupper() or piece.startswith(_NOT_CAMEL):
        return (piece,)
    pieces = _CAMEL.split(piece)
    return tuple(pieces) if all(len(p) > 1 for p in pieces) else (piece,)


def split_given_words(raw: list[str], *, all_upper: bool = False) -> tuple[str, ...]:
    """Fold given names, and separate initials that are run together."""
    if len(raw) == 1:
        return _split_given_pieces(raw[0], all_upper)
    return tuple([piece for token in raw for piece in _split_given_pieces(token, all_upper)])


@lru_cache(maxsize=1 << 16)
def _split_given_pieces(token: str, all_upper: bool) -> tuple[str, ...]:
    if are_initials(token, all_upper=all_upper):
        return tuple(fold(token))
    pieces = [part for piece in token.split("-") for part in split_camel_case(piece)]
    return tuple(filter(None, map(fold, pieces)))


def are_initials(token: str, *, all_upper: bool = False) -> bool:
    """Return whether a word of two or three capitals is initials run together ("JL", not "LI").

    With a vowel it may be a short name; where the whole name is in capitals, it is taken for one.
    """
    if not (2 <= len(token) <= 3 and token.isupper()):
        return False
    folded = fold(token)
    if len(folded) != len(token):
        return False
    if not _VOWEL.search(folded):
        return folded != "ng"
    if all_upper or len(folded) == 3:
        return False
    return folded not in get_family_first_ranks() and folded not in _SHORT_GIVEN


def list_spellings(raw: list[str]) -> tuple[str, ...]:
    """List words with umlauts as "folded=written out" ("muller=mueller")."""
    if all(map(str.isascii, raw)):
        return ()
    out = []
    for token in raw:
        if token.isascii():
            continue
        for piece in token.split("-"):
            other = respell_umlauts(piece)
            if other and other != fold(piece):
                out.append(f"{fold(piece)}={other}")
    return tuple(out)
