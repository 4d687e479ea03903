"""Find where the given name ends and the family name begins, and the other readings."""

from __future__ import annotations

from disambig.names.clean import fold
from disambig.names.lexicon import PARTICLES, SAINTS, get_family_first_ranks, get_iberian_families
from disambig.names.parsed import Reading
from disambig.names.tokens import are_initials, fold_words, split_camel_case, split_given_words


def divide_words(
    raw: list[str], abbreviated: frozenset[str] = frozenset()
) -> tuple[list[str], list[str], tuple[Reading, ...]]:
    """Divide words in printed order into given words, family words and other readings.

    ``abbreviated`` are folded words that stand for a given name, like initials.
    """
    if len(raw) <= 1:
        return _divide_single(raw)
    upper = [t.isupper() and len(fold(t)) > 1 for t in raw]
    ranks = get_family_first_ranks()
    capitals = upper[0] and not any(upper[1:]) and len(fold(raw[-1])) > 1
    if capitals and ranks.get(fold(raw[0]), 9) <= min(ranks.get(fold(raw[-1]), 8), 8):
        return raw[1:], raw[:1], (_make_reading(raw[:-1], raw[-1:]),)
    trailing = _count_trailing_initials(raw, abbreviated, all_upper=all(upper))
    if trailing:
        return _divide_trailing(raw, trailing)
    cut = _find_family_start(raw)
    return raw[:cut], raw[cut:], ()


def _make_reading(given: list[str], family: list[str]) -> Reading:
    return Reading(split_given_words(given), fold_words(family))


def _divide_single(raw: list[str]) -> tuple[list[str], list[str], tuple[Reading, ...]]:
    """Divide one word; "XiaowenJiang" may be two words run together."""
    pieces = split_camel_case(raw[0]) if raw else ()
    if len(pieces) == 2:
        a, b = (fold(p) for p in pieces)
        return [], raw, (Reading((a,), (b,)), Reading((b,), (a,)))
    return [], raw, _cut_word(fold(raw[0])) if raw else ()


def _cut_word(word: str) -> tuple[Reading, ...]:
    """List readings of "zhangyuan": a common East Asian family name joined to a given name."""
    ranks = get_family_first_ranks()
    out = []
    for size in range(min(5, len(word) - 2), 2, -1):
        if ranks.get(word[:size], 9) <= 2:
            out.append(Reading((word[size:],), (word[:size],)))
        if ranks.get(word[-size:], 9) <= 2:
            out.append(Reading((word[:-size],), (word[-size:],)))
    return tuple(out[:2])


def _count_trailing_initials(
    raw: list[str], abbreviated: frozenset[str], *, all_upper: bool
) -> int:
    """Count the initials at the end; 0 if no whole word precedes them."""
    count = 0
    while count < len(raw) - 1:
        token = raw[-1 - count]
        folded = fold(token)
        run_together = count == 0 and are_initials(token, all_upper=all_upper)
        if len(folded) != 1 and not run_together and folded not in abbreviated:
            break
        count += 1
    words = raw[: len(raw) - count]
    return (
        count
        if count and any(len(fold(w)) > 1 and fold(w) not in abbreviated for w in words)
        else 0
    )


def _divide_trailing(
    raw: list[str], trailing: int
) -> tuple[list[str], list[str], tuple[Reading, ...]]:
    """Divide names such as "Pons JL" (family, initials) and "Arjun Atreya V" (patronymic)."""
    words, initials = raw[: len(raw) - trailing], raw[len(raw) - trailing :]
    if len(fold(words[0])) == 1:
        # "K. Vijay B": given initials, family, patronymic
        cut = _find_family_start(words)
        return [*words[:cut], *initials], words[cut:], (_make_reading(raw[:-1], raw[-1:]),)
    if len(words) == 1 or fold(words[0]) in PARTICLES:
        return initials, words, (_make_reading(raw[:-1], raw[-1:]),)
    others = (_make_reading(raw[:-1], raw[-1:]), _make_reading(initials, words))
    cut = _find_family_start(words)
    return [*words[:cut], *initials], words[cut:], others


def _find_family_start(raw: list[str]) -> int:
    """Return the index of the first family word if the given name comes first."""
    cut = len(raw) - 1
    last = fold(raw[-1])
    if cut >= 2 and raw[cut - 1] in ("y", "i", "e") and not _is_lower_case(raw):
        return max(cut - 2, 1)
    # "Quoc Van Le": a middle name, not a particle, before an East Asian family name
    eastern = last in get_family_first_ranks()
    while cut > 1 and _is_particle(raw[cut - 1]) and not (eastern and raw[cut - 1][0].isupper()):
        cut -= 1
    return cut


def _is_particle(token: str) -> bool:
    folded = fold(token)
    is_particle = folded in PARTICLES or folded in SAINTS
    return len(token) > 1 and is_particle and len(folded) > 1


def _is_lower_case(raw: list[str]) -> bool:
    return all(t.islower() for t in raw)


def list_alternatives(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[Reading, ...]:
    """List the other plausible readings of a division."""
    return (*list_swapped_readings(given, family), *_list_double_family_readings(given, family))


def list_swapped_readings(given: tuple[str, ...], family: tuple[str, ...]) -> tuple[Reading, ...]:
    """List the family-first reading, if the first word is an East Asian family name.

    Left out where the last word is the commoner family name: "Wei Zhang" is not "Zhang, Wei"
    misordered, but "Zhang Wei" may well be.
    """
    if not given or not family or len(family) > 2:
        return ()
    ranks = get_family_first_ranks()
    rank = ranks.get(given[0])
    if (
        rank is None and len(family[0]) > 1
    ):  # nearly every name; checked first, as the rest takes time
        return ()
    if 1 in map(len, given):
        return ()
    if len(family[0]) == 1:
        return (Reading(family, given),)
    if rank is None or rank > ranks.get("".join(family), 9):
        return ()
    return (Reading((*given[1:], *family), given[:1]),)


def _list_double_family_readings(
    given: tuple[str, ...], family: tuple[str, ...]
) -> tuple[Reading, ...]:
    """List the reading with two Iberian family names: "Héctor Martínez Alonso"."""
    if len(given) < 2 or len(family) != 1 or given[-1] not in get_iberian_families():
        return ()
    return (Reading(given[:-1], (given[-1], *family)),)
