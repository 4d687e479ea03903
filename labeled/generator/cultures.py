"""Naming cultures: joint distribution of given and family names, fitted to printed names.

Given a culture, family and given names are independent:
P(f, g) = sum over c of P(c) P(f | c) P(g | c) (Hofmann, "Probabilistic latent semantic
analysis", 1999). The number of people with a printed name is unknown; only its occurrence is
observed. If that number is Poisson with mean m, an observed name represents m / (1 - exp(-m))
people on average. This weight is recomputed in each round, so common names count for many
people.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from anyascii import anyascii

from disambig.arrays import Float64, Int64

N_CULTURES = 24
MIN_NAMES = 3  # minimum number of printed names of a listed part
_PARTICLES = frozenset(
    re.findall(
        r"\w+",
        "van von de der den del della di da dos das do du la le el al bin ibn ter ten zu af",
    )
)
_SUFFIX = re.compile(r"^(?:jr|sr|ii|iii|iv|phd|\d+)\.?$", re.IGNORECASE)
_PLAIN = re.compile(r"^[^\W\d_][^\W\d_'’.-]*(?:['’-][^\W\d_]+)*$")


def fold_part(part: str) -> str:
    """Return ``part`` in lower case without accents."""
    return anyascii(part).lower()


def split_name(printed: str) -> tuple[str, str, str] | None:
    """Split a name with a full given name into (given, middle, family); None for other names."""
    tokens = [t for t in printed.replace(",", " ").split() if not _SUFFIX.match(t)]
    if len(tokens) < 2 or len(tokens) > 6:
        return None
    first = len(tokens) - 1
    while first > 1 and tokens[first - 1].lower() in _PARTICLES:
        first -= 1
    given, family = tokens[0], tokens[first:]
    if len(given) < 2 or not _PLAIN.match(given) or not all(map(_PLAIN.match, family)):
        return None
    if len(family[-1]) < 2 or anyascii(given).isspace() or not anyascii(family[-1]).isalpha():
        return None
    particles = [t.lower() for t in family[:-1]]
    return (
        _fix_case(given),
        " ".join(tokens[1:first]),
        " ".join([*particles, _fix_case(family[-1])]),
    )


def _fix_case(token: str) -> str:
    """Capitalise a word that is all upper or all lower case."""
    return token if token not in (token.lower(), token.upper()) else token.title()


@dataclass(frozen=True, eq=False)
class Cultures:
    """Fitted cultures.

    Attributes
    ----------
    families, givens : list of str
        Most frequent printed form.
    share : float64[C]
        P(culture).
    family_people, given_people : float64[C, n]
        Expected number of people of a culture with this part.
    middle : float64[C]
        Share of people who use a middle name or initial.
    """

    families: list[str]
    givens: list[str]
    share: Float64
    family_people: Float64
    given_people: Float64
    middle: Float64
    rows: tuple[Mapping[str, int], Mapping[str, int]]

    def compute_posterior(self, printed: str) -> Float64 | None:
        """Compute P(culture | name), float64[C]; None for a name with unknown parts."""
        parts = split_name(printed)
        if parts is None:
            return None
        f, g = self.rows[0].get(fold_part(parts[2]), -1), self.rows[1].get(fold_part(parts[0]), -1)
        if f < 0 or g < 0:
            return None
        family, given = self.family_people[:, f], self.given_people[:, g]
        weight = family * given / np.maximum(self.family_people.sum(axis=1), 1e-9)
        total = weight.sum()
        return weight / total if total > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Return counts as JSON; ``rare`` is the share of people whose part is not listed."""
        return {
            "share": [round(float(v), 5) for v in self.share],
            "middle": [round(float(v), 4) for v in self.middle],
            "family": _select_common(self.families, self.family_people),
            "given": _select_common(self.givens, self.given_people),
        }


def _select_common(names: list[str], people: Float64) -> dict[str, Any]:
    common = people.sum(axis=0) >= MIN_NAMES
    row = np.cumsum(common) - 1
    counts = []
    for culture_people in people:
        members = np.flatnonzero(common & (culture_people >= 0.3))
        counts.append(
            [[int(row[i]) for i in members], [round(float(culture_people[i]), 1) for i in members]]
        )
    rare = people[:, ~common].sum(axis=1) / np.maximum(people.sum(axis=1), 1e-9)
    return {
        "names": [n for n, is_common in zip(names, common, strict=True) if is_common],
        "counts": counts,
        "rare": [round(float(v), 4) for v in rare],
    }


def fit_cultures(printed: Counter[str], rounds: int = 60, seed: int = 0) -> Cultures:
    """Fit :data:`N_CULTURES` cultures to names and their mentions by expectation maximisation."""
    pairs: dict[tuple[str, str], int] = {}
    form_counts = (dict[str, Counter[str]](), dict[str, Counter[str]]())
    middles: Counter[tuple[str, str]] = Counter()
    for name, mentions in printed.items():
        parts = split_name(name)
        if parts is None:
            continue
        key = fold_part(parts[2]), fold_part(parts[0])
        pairs[key] = pairs.get(key, 0) + mentions
        middles[key] += bool(parts[1])
        form_counts[0].setdefault(key[0], Counter())[parts[2]] += mentions
        form_counts[1].setdefault(key[1], Counter())[parts[0]] += mentions
    return _fit(pairs, middles, form_counts, rounds, seed)


def _fit(
    pairs: Mapping[tuple[str, str], int],
    middles: Mapping[tuple[str, str], int],
    form_counts: tuple[Mapping[str, Counter[str]], Mapping[str, Counter[str]]],
    rounds: int,
    seed: int,
) -> Cultures:
    """Fit cultures to (family, given) pairs with mentions, middle names and printed forms."""
    keys = sorted(pairs)
    rows = _number_parts(f for f, _ in keys), _number_parts(g for _, g in keys)
    family = np.array([rows[0][f] for f, _ in keys])
    given = np.array([rows[1][g] for _, g in keys])
    mentions = np.array([pairs[k] for k in keys], dtype=np.float64)
    posterior, people = _maximise_expectation(family, given, mentions, rounds, seed)
    weight = posterior * people[:, None]
    has_middle = np.array([middles.get(k, 0) > 0 for k in keys], dtype=np.float64)
    return Cultures(
        [_choose_form(form_counts[0][f]) for f in rows[0]],
        [_choose_form(form_counts[1][g]) for g in rows[1]],
        weight.sum(axis=0) / weight.sum(),
        _sum_rows(family, weight),
        _sum_rows(given, weight),
        (weight * has_middle[:, None]).sum(axis=0) / weight.sum(axis=0),
        rows,
    )


def _number_parts(parts: Any) -> dict[str, int]:
    return {part: row for row, part in enumerate(sorted(set(parts)))}


def _choose_form(forms: Counter[str]) -> str:
    """Choose the most frequent form, or an accented one with a third of the mentions."""
    total = forms.total()
    accented = [f for f, c in forms.most_common() if not f.isascii() and 3 * c >= total]
    return accented[0] if accented else min(forms, key=lambda f: (-forms[f], f))


def _maximise_expectation(
    family: Int64,
    given: Int64,
    mentions: Float64,
    rounds: int,
    seed: int,
) -> tuple[Float64, Float64]:
    """Return P(culture | name), float64[n, C], and the people with each name, float64[n]."""
    people = np.ones(len(family))
    posterior = _initialise_posterior(family, given, seed)
    for _ in range(rounds):
        weight = posterior * people[:, None]
        family_weight, given_weight = (
            _sum_rows(family, weight) + 1e-4,
            _sum_rows(given, weight) + 1e-4,
        )
        size = weight.sum(axis=0)
        joint = family_weight[:, family].T * given_weight[:, given].T / np.maximum(size, 1e-9)
        mean = joint.sum(axis=1)
        posterior = joint / mean[:, None]
        # every person has at least one mention
        people = np.minimum(
            mean / -np.expm1(-np.maximum(mean, 1e-9)), np.maximum(mentions / 1.3, 1)
        )
    return posterior, people


def _initialise_posterior(family: Int64, given: Int64, seed: int) -> Float64:
    """Initialise P(culture | name) by spectral co-clustering (Dhillon 2001) of names.

    Family names are clustered by their given names. From a random start, expectation
    maximisation assigns every frequent family name its own culture.
    """
    from scipy import sparse
    from scipy.sparse.linalg import svds
    from sklearn.cluster import KMeans

    table = sparse.csr_array((np.ones(len(family)), (family, given)))
    left = 1 / np.sqrt(table.sum(axis=1) + 5)
    right = 1 / np.sqrt(table.sum(axis=0) + 5)
    scaled = sparse.diags_array(left) @ table @ sparse.diags_array(right)
    components, _, _ = svds(scaled, k=N_CULTURES, random_state=seed)
    frequent = np.flatnonzero(table.sum(axis=1) >= 10)
    model = KMeans(N_CULTURES, random_state=seed, n_init=4)
    rows = components * left[:, None]
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    model.fit(rows[frequent])
    posterior = np.full((len(left), N_CULTURES), 0.1 / N_CULTURES)
    posterior[np.arange(len(left)), model.predict(rows)] += 0.9
    return np.asarray(posterior[family], dtype=np.float64)


def _sum_rows(row: Int64, weight: Float64) -> Float64:
    """Sum weight rows (n, C) by ``row``; return (C, max + 1)."""
    return np.stack([np.bincount(row, weights=column) for column in weight.T])
