"""Block keys: they decide which names are compared with each other."""

from __future__ import annotations

from itertools import combinations

from disambig.names.lexicon import (
    DROPPED_FIRST,
    get_canonical_initials,
    get_equivalent_names,
    get_family_first_ranks,
    get_nickname_pairs,
)
from disambig.names.parsed import ParsedName, drop_particles
from disambig.names.scripts.transliteration import (
    fold_word_sound,
    make_given_skeleton,
    make_skeleton,
)

MAX_WORDS = 5
"""Words of a name that are paired."""
MIN_MISTYPED = 5
"""Letters of a name from which another with one typing error is looked for."""


def make_block_keys(name: ParsedName) -> tuple[str, ...]:
    """Return the block keys of a name without duplicates, the primary one first.

    The primary key is first initial and family name: "j pons". A family name the source states
    is kept whole ("a van den bosch"), a guessed one is its last word ("a bosch"), since where
    it starts is then uncertain. A name of one word is its own key. Further keys make up for
    that difference and for swapped order, double family names, umlauts written out, particles
    left out, and people known by a nickname or by their second given name. A name without
    letters has no key.
    """
    family, given = name.family_tokens, name.given
    if not family:
        return ("".join(given),) if given else ()
    if not given:
        keys = ["".join(family) if not name.is_stated else " ".join(family)]
        keys += [f"{r.given[0][0]} {' '.join(r.family)}" for r in name.alternatives if r.given]
        return tuple(dict.fromkeys(keys))
    initial = given[0][0]
    families = [" ".join(family) if name.is_stated else family[-1]]
    families += _list_family_forms(family)
    families += _respell_families(name, families)
    keys = [f"{initial} {f}" for f in families]
    for reading in name.alternatives:
        if reading.given and reading.family:
            keys += [f"{reading.given[0][0]} {f}" for f in _list_family_forms(reading.family)]
    keys += [f"{i} {families[0]}" for i in _list_other_initials(name)]
    spare = given[-1]
    if len(given) > 1 and len(spare) > 3 and _can_be_family(spare):
        keys.append(f"{initial} {spare}")
    return tuple(dict.fromkeys(keys))


def make_loose_keys(name: ParsedName) -> tuple[str, ...]:
    """Return keys that names share which are alike, whatever their order and spelling.

    Each two written-out words in any order, since "Xuan Dung Do", "Do Dung" and "Dung Do" have
    two in common; the initial with the beginning or end of the family name, and the family name
    with the end of the given name, since one typing error leaves either; the initial and family
    name by sound; the English form of the given name with the family name. They are for proposing
    links across blocks, not for blocking.
    """
    family, given = name.family, name.given
    words = [w for w in (*given, *drop_particles(name.family_tokens)) if len(w) > 1]
    words = sorted({fold_word_sound(w) for w in words if w not in name.abbreviated})[:MAX_WORDS]
    keys = [f"{a}+{b}" for a, b in combinations(words, 2)]
    if not given or not family or family in get_family_first_ranks():
        return tuple(keys)
    initial = given[0][0]
    if len(family) >= MIN_MISTYPED:
        keys += [f"{initial} {family[:3]}-", f"{initial} -{family[-3:]}"]
    if len(given[0]) > 3 and len(family) >= MIN_MISTYPED:
        keys.append(f"-{given[0][-3:]} {family}")
    keys += [f"={head} {family}" for head in get_equivalent_names().get(given[0], ())]
    sound = make_given_skeleton(given[0])[:1] or make_given_skeleton(f"{initial}aaa")[:1]
    keys.append(f"~{sound} {make_skeleton(family) or family}")
    return tuple(keys)


def _can_be_family(middle: str) -> bool:
    """Return whether a last given name can be a family name that is later printed alone.

    ("Daniel Tapias Merino", "Daniel Tapias"). English given names and East Asian names, which
    rarely are, would only make large blocks larger.
    """
    return middle not in get_family_first_ranks() and middle not in get_nickname_pairs()


def _list_family_forms(family: tuple[str, ...]) -> list[str]:
    """List the forms in which one family name is printed."""
    if len(family) == 1:
        return [family[0]]
    core = drop_particles(family)
    forms = [" ".join(family), "".join(family), " ".join(core), core[-1]]
    if len(core) > 1:
        forms.append(core[0])
    return forms


def _respell_families(name: ParsedName, families: list[str]) -> list[str]:
    spelled = dict(pair.split("=", 1) for pair in name.spellings)
    if not spelled:
        return []
    changed = (" ".join(spelled.get(t, t) for t in f.split()) for f in families)
    return [c for c in changed if c not in families]


def _list_other_initials(name: ParsedName) -> list[str]:
    """List other initials that the person may publish under.

    Those of a nickname in brackets, of the name that a short form stands for, and of a second
    name where the first is an initial or often left out, or where two more follow ("Tom
    Bong-Yeung Lai").
    """
    first = name.given[0]
    initials = {n[0] for n in name.nickname}
    canonical = get_canonical_initials().get(first, frozenset()) - {first[0]}
    if len(canonical) == 1:  # "Ann" is short for half a dozen names, so it is no evidence
        initials |= canonical
    if len(name.given) > 1 and len(name.given[1]) > 1:
        three = len(name.given) > 2 and len(name.given[2]) > 1
        if len(first) == 1 or first in DROPPED_FIRST or three:
            initials.add(name.given[1][0])
    return sorted(initials - {first[0]})
