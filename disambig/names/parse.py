"""One printed name to its parts.

The rules are ordered: what the source states, then commas, then script, then case, then
position. A name of unstated order is read as most Latin-script papers print it, given name
first; another order that is plausible is kept in ``alternatives``, never chosen in silence.
"""

from __future__ import annotations

import re

from disambig.names.clean import (
    clean,
    fold,
    is_east_asian,
    respelled,
    without_apostrophes,
    without_east_asian,
)
from disambig.names.eastern import divide_eastern
from disambig.names.lexicon import (
    DEGREES,
    GENERATIONS,
    PARTICLES,
    TITLES,
    family_first_rank,
    iberian_families,
    words,
)
from disambig.names.parsed import ParsedName, Reading

_PLAIN = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+\Z")
_ASIDE = re.compile(r"[(\[]([^()\[\]]*)[)\]]|[\"“„«]([^\"“”„«»]*)[\"”»]")
_HOMONYM = re.compile(r"\s(\d{4})\s*\Z")
_BREAK = re.compile(r"[\s./\\;:|&*,]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_VOWEL = re.compile("[aeiouy]")
_NOT_CAMEL = ("Mc", "Mac", "De", "Di", "La", "Le", "Van", "Von", "Fitz", "Al", "El", "O", "D")


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
        return _stated(printed, given, family)
    if _PLAIN.match(printed):
        first, last = printed.split(" ")
        low_first, low_last = first.lower(), last.lower()
        if low_first not in TITLES and low_last not in GENERATIONS and low_last not in DEGREES:
            return ParsedName(
                printed, (low_first,), (low_last,), alternatives=_swaps((low_first,), (low_last,))
            )
    return _unstated(printed)


def _stated(printed: str, given: str | None, family: str) -> ParsedName:
    family_text, homonym = _homonym(without_apostrophes(clean(family)))
    raw = _raw_tokens(family_text)
    raw, suffix = _strip_ends(raw)
    family_tokens = _folded(raw, split=False)
    if given is None:
        rest = clean(printed)
        given = rest[: -len(family)] if rest.endswith(family) else ""
    given_text, nickname = _aside(clean(given))
    given_raw, given_suffix = _strip_ends(_raw_tokens(without_apostrophes(given_text)))
    given_tokens = _given_tokens(given_raw, all_upper=False)
    return ParsedName(
        printed,
        given_tokens,
        family_tokens,
        suffix or given_suffix,
        homonym,
        nickname,
        _spellings([*given_raw, *raw]),
        _alternatives(given_tokens, family_tokens),
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
    if comma:
        family_text, given_text = comma
        family_raw, s1 = _strip_ends(_raw_tokens(family_text))
        given_raw, s2 = _strip_ends(_raw_tokens(given_text))
        # particles are often left behind the given name: "Berg, Jan van der"
        while len(given_raw) > 1 and given_raw[-1] in PARTICLES and len(given_raw[-1]) > 1:
            family_raw.insert(0, given_raw.pop())
        given_tokens = _given_tokens(given_raw, all_upper=False)
        family_tokens = _folded(family_raw, split=False)
        suffix = suffix or s1 or s2
        alternatives = _alternatives(given_tokens, family_tokens)
    else:
        raw, found = _strip_ends(_raw_tokens(text))
        suffix = suffix or found
        given_raw, family_raw, others = _divide(raw)
        all_upper = text.isupper()
        given_tokens = _given_tokens(given_raw, all_upper=all_upper)
        family_tokens = _folded(family_raw, split=False)
        alternatives = (*others, *_alternatives(given_tokens, family_tokens))
    return ParsedName(
        printed,
        given_tokens,
        family_tokens,
        suffix,
        homonym,
        nickname,
        _spellings([*given_raw, *family_raw]),
        tuple(dict.fromkeys(alternatives)),
    )


def _homonym(text: str) -> tuple[str, str]:
    found = _HOMONYM.search(text)
    return (text[: found.start()], found.group(1)) if found else (text, "")


def _aside(text: str) -> tuple[str, tuple[str, ...]]:
    """Take out a nickname in brackets or quotes; brackets around everything are no nickname."""
    found = _ASIDE.search(text)
    if found is None:
        return text, ()
    rest = f"{text[: found.start()]} {text[found.end() :]}"
    inside = found.group(1) or found.group(2) or ""
    if not fold(rest) or "," in inside:
        return f"{text[: found.start()]} {inside} {text[found.end() :]}".replace(",", " "), ()
    nickname = tuple(t for t in map(fold, _BREAK.split(inside)) if len(t) > 1)
    return rest, nickname


def _commas(text: str) -> tuple[str, str, tuple[str, str] | None]:
    """Text without commas, suffix, and (family, given) where a comma divides them."""
    if "," not in text:
        return text, "", None
    parts = [p for p in (p.strip() for p in text.split(",")) if p]
    suffix = ""
    for part in parts[1:]:
        generation = GENERATIONS.get(fold_with_digits(part))
        if generation:
            suffix = suffix or generation
    parts = parts[:1] + [p for p in parts[1:] if not _is_ending(p)]
    if len(parts) == 2:
        return "", suffix, (parts[0], parts[1])
    return " ".join(parts), suffix, None


def fold_with_digits(text: str) -> str:
    """Lower-case letters and digits only, for "3rd" and "Jr."."""
    return "".join(c for c in text.lower() if c.isalnum())


def _is_ending(part: str) -> bool:
    folded = fold_with_digits(part)
    return folded in GENERATIONS or folded in DEGREES


def _raw_tokens(text: str) -> list[str]:
    """Words as printed; points become divisions, except that "J.L." yields "J", "L"."""
    return [t for t in _BREAK.split(text) if t.strip("-") and (t.isdigit() or fold(t) or t)]


def _strip_ends(raw: list[str]) -> tuple[list[str], str]:
    """Drop titles, degrees and suffixes at the ends, but never everything."""
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
        elif not (last in DEGREES and (last != "md" or raw[-1].isupper())):
            break
        raw = raw[:-1]
    if len(raw) > 1 and fold(raw[-1]) == "d" and fold(raw[-2]) == "ph":
        raw = raw[:-2] or raw
    return raw, suffix


def _folded(raw: list[str], *, split: bool) -> tuple[str, ...]:
    out: list[str] = []
    for token in raw:
        for piece in token.split("-"):
            pieces = _camel(piece) if split else (piece,)
            out.extend(f for f in map(fold, pieces) if f)
    return tuple(out)


def _camel(piece: str) -> tuple[str, ...]:
    """Divide "WeiNan", but not "McKay" or "DeLong"."""
    if piece.islower() or piece.isupper() or piece.startswith(_NOT_CAMEL):
        return (piece,)
    pieces = _CAMEL.split(piece)
    return tuple(pieces) if all(len(p) > 1 for p in pieces) else (piece,)


def _given_tokens(raw: list[str], *, all_upper: bool) -> tuple[str, ...]:
    out: list[str] = []
    for token in raw:
        if not all_upper and _is_initials(token):
            out.extend(c for c in fold(token))
        else:
            out.extend(_folded([token], split=True))
    return tuple(out)


def _is_initials(token: str) -> bool:
    """Whether a word of two or three capitals is initials run together ("JL", not "LI")."""
    if not (2 <= len(token) <= 3 and token.isupper()):
        return False
    folded = fold(token)
    if len(folded) != len(token):
        return False
    if not _VOWEL.search(folded):
        return folded not in ("ng",)
    return len(folded) == 2 and folded not in family_first_rank() and folded not in _SHORT_GIVEN


_SHORT_GIVEN = words("al bo ed ty jo cy le li lu mo su ya yi yu ye ze zi ai an di ke wu xi")


def _divide(raw: list[str]) -> tuple[list[str], list[str], tuple[Reading, ...]]:
    """Given words, family words and other readings of words in printed order."""
    if len(raw) <= 1:
        return _divide_single(raw)
    upper = [t.isupper() and len(fold(t)) > 1 for t in raw]
    ranks = family_first_rank()
    capitals = upper[0] and not any(upper[1:]) and len(fold(raw[-1])) > 1
    if capitals and ranks.get(fold(raw[0]), 9) <= min(ranks.get(fold(raw[-1]), 8), 8):
        return raw[1:], raw[:1], (_reading(raw[:-1], raw[-1:]),)
    trailing = _trailing_initials(raw, all_upper=all(upper))
    if trailing:
        return _divide_trailing(raw, trailing)
    cut = _family_start(raw)
    return raw[:cut], raw[cut:], ()


def _reading(given: list[str], family: list[str]) -> Reading:
    return Reading(_given_tokens(given, all_upper=False), _folded(family, split=False))


def _divide_single(raw: list[str]) -> tuple[list[str], list[str], tuple[Reading, ...]]:
    """One word; "XiaowenJiang" may be two run together."""
    pieces = _camel(raw[0]) if raw else ()
    if len(pieces) == 2:
        a, b = (fold(p) for p in pieces)
        return [], raw, (Reading((a,), (b,)), Reading((b,), (a,)))
    return [], raw, _cut_word(fold(raw[0])) if raw else ()


def _cut_word(word: str) -> tuple[Reading, ...]:
    """Readings of "zhangyuan": a common East Asian family name run together with a given one."""
    ranks = family_first_rank()
    out = []
    for size in range(min(5, len(word) - 2), 2, -1):
        if ranks.get(word[:size], 9) <= 2:
            out.append(Reading((word[size:],), (word[:size],)))
        if ranks.get(word[-size:], 9) <= 2:
            out.append(Reading((word[:-size],), (word[-size:],)))
    return tuple(out[:2])


def _trailing_initials(raw: list[str], *, all_upper: bool) -> int:
    """Number of words at the end that are initials, when a whole word stands before them."""
    count = 0
    while count < len(raw) - 1:
        token = raw[-1 - count]
        folded = fold(token)
        single = len(folded) == 1 and not (len(token) > 1 and "-" not in token)
        if not (single or (not all_upper and count == 0 and _is_initials(token))):
            break
        count += 1
    words = raw[: len(raw) - count]
    return count if count and any(len(fold(w)) > 1 for w in words) else 0


def _divide_trailing(
    raw: list[str], trailing: int
) -> tuple[list[str], list[str], tuple[Reading, ...]]:
    """ "Pons JL" is a family name and initials; "Arjun Atreya V" ends in a patronymic initial."""
    words, initials = raw[: len(raw) - trailing], raw[len(raw) - trailing :]
    if len(fold(words[0])) == 1:
        # "K. Vijay B": given initials, family, patronymic
        cut = _family_start(words)
        return [*words[:cut], *initials], words[cut:], (_reading(raw[:-1], raw[-1:]),)
    if len(words) == 1 or fold(words[0]) in PARTICLES:
        return initials, words, (_reading(raw[:-1], raw[-1:]),)
    others = (_reading(raw[:-1], raw[-1:]), _reading(initials, words))
    cut = _family_start(words)
    return [*words[:cut], *initials], words[cut:], others


def _family_start(raw: list[str]) -> int:
    """Index of the first family word when the given name comes first."""
    cut = len(raw) - 1
    last = fold(raw[-1])
    if cut >= 2 and raw[cut - 1] in ("y", "i", "e") and not _lower_name(raw):
        return max(cut - 2, 1)
    # "Quoc Van Le": a middle name, not a particle, before an East Asian family name
    eastern = last in family_first_rank()
    while cut > 1 and _is_particle(raw[cut - 1]) and not (eastern and raw[cut - 1][0].isupper()):
        cut -= 1
    return cut


def _is_particle(token: str) -> bool:
    folded = fold(token)
    return len(token) > 1 and folded in PARTICLES and len(folded) > 1


def _lower_name(raw: list[str]) -> bool:
    return all(t.islower() for t in raw)


def _spellings(raw: list[str]) -> tuple[str, ...]:
    out = []
    for token in raw:
        if token.isascii():
            continue
        for piece in token.split("-"):
            other = respelled(piece)
            if other and other != fold(piece):
                out.append(f"{fold(piece)}={other}")
    return tuple(out)


def _alternatives(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[Reading, ...]:
    return (*_swaps(given, family), *_double(given, family))


def _swaps(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[Reading, ...]:
    """The family-first reading, where the first word is an East Asian family name.

    Left out where the last word is the commoner family name: "Wei Zhang" is not "Zhang, Wei"
    misordered, but "Zhang Wei" may well be.
    """
    if not given or not family or len(family) > 2 or any(len(t) == 1 for t in given):
        return ()
    if len(family[0]) == 1:
        return (Reading(family, given),)
    ranks = family_first_rank()
    rank = ranks.get(given[0])
    if rank is None or rank > ranks.get("".join(family), 9):
        return ()
    return (Reading((*given[1:], *family), given[:1]),)


def _double(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[Reading, ...]:
    """The reading with two Iberian family names: "Héctor Martínez Alonso"."""
    if len(given) < 2 or len(family) != 1 or given[-1] not in iberian_families():
        return ()
    return (Reading(given[:-1], (given[-1], *family)),)
