"""What holds of every result, whatever the works and the model."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disambig import estimator
from disambig.blocking.blocks import Comparisons, make_block_key
from disambig.clustering.constraints import compile_constraints
from disambig.corpus.corpus import Corpus
from disambig.domain import Constraint, ConstraintKind, Signature, Work
from disambig.errors import ConstraintError, ModelError
from disambig.estimator import Disambiguator
from disambig.ingest import read_works
from disambig.partition import Partition
from labeled.demo.sample import WORKS_FILE
from tests.support.invented import FIELDS, model, population, work

# one person's name in two blocks, homonyms, an initial, a name of one word and one of none
PRINTED = ("Ada Byron", "A. Byron", "Byron Ada", "Ada Lovelace", "Yi Wang", "Wang Yi", "Plato", "?")
LIGHT = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def libraries(draw: st.DrawFn) -> list[Work]:
    """Up to twelve works whose few names and words collide all the time."""
    authors = st.lists(st.sampled_from(PRINTED), max_size=4)
    titles = st.lists(st.sampled_from(FIELDS[0] + FIELDS[1]), max_size=3)
    return [
        work(
            f"w{k}",
            " ".join(draw(titles)) or "Untitled",
            *draw(authors),
            venue=draw(st.sampled_from([None, "VLDB"])),
            year=draw(st.sampled_from([None, 2001])),
        )
        for k in range(draw(st.integers(0, 12)))
    ]


@st.composite
def constrained(draw: st.DrawFn) -> tuple[list[Work], list[Constraint]]:
    """Works with constraints that do not contradict each other."""
    works = draw(libraries())
    signatures = list(Corpus.from_works(works).signatures())
    if not signatures:
        return works, []
    one = st.sampled_from(signatures)
    statements: list[Constraint] = []
    for kind, a, b in draw(
        st.lists(st.tuples(st.sampled_from(ConstraintKind), one, one), max_size=6)
    ):
        if a == b:
            continue
        try:
            compile_constraints(Corpus.from_works(works), [*statements, Constraint(kind, a, b)])
        except ConstraintError:
            continue
        statements.append(Constraint(kind, a, b))
    return works, statements


def predicted(works: list[Work], **parameters: Any) -> Partition:
    return Disambiguator(model=model(), **parameters).predict(Corpus.from_works(works))


def identities(partition: Partition) -> dict[Signature, str]:
    return {row.signature: row.identity for row in partition.assignments()}


@cache
def bundled() -> tuple[Work, ...]:
    return tuple(read_works([WORKS_FILE]))


@LIGHT
@given(libraries())
def test_every_signature_has_exactly_one_identity(works: list[Work]) -> None:
    rows = list(predicted(works).assignments())
    mentions = [Signature(w.id, p) for w in works for p in range(len(w.authors))]
    assert sorted(row.signature for row in rows) == sorted(mentions)


@LIGHT
@given(libraries())
def test_identities_are_numbered_without_gaps_and_confidences_are_probabilities(
    works: list[Work],
) -> None:
    found = predicted(works)
    assert sorted(set(found.identity.tolist())) == list(range(found.n_identities))
    assert all(0 <= c <= 1 for c in found.confidence.tolist())


@LIGHT
@given(libraries(), st.randoms(use_true_random=False))
def test_the_order_of_works_does_not_matter(works: list[Work], random: Random) -> None:
    shuffled = random.sample(works, len(works))
    assert list(predicted(works).assignments()) == list(predicted(shuffled).assignments())


def test_the_order_of_the_bundled_works_does_not_matter() -> None:
    works = list(bundled())
    shuffled = Random(0).sample(works, len(works))
    assert list(predicted(works).assignments()) == list(predicted(shuffled).assignments())


@LIGHT
@given(libraries())
def test_two_signatures_of_one_work_are_never_one_identity(works: list[Work]) -> None:
    found = identities(predicted(works))
    for one in works:
        own = [found[Signature(one.id, p)] for p in range(len(one.authors))]
        assert len(set(own)) == len(own)


def test_two_signatures_of_one_bundled_work_are_never_one_identity() -> None:
    found = identities(predicted(list(bundled())))
    per_work = defaultdict(list)
    for signature, identity in found.items():
        per_work[signature.work].append(identity)
    assert all(len(set(own)) == len(own) for own in per_work.values())


@LIGHT
@given(constrained())
def test_constraints_hold_within_and_across_blocks(
    case: tuple[list[Work], list[Constraint]],
) -> None:
    works, statements = case
    found = identities(predicted(works, constraints=statements))
    for said in statements:
        assert (found[said.a] == found[said.b]) == (said.kind is ConstraintKind.MUST)


@LIGHT
@given(constrained())
def test_two_signatures_of_one_work_are_one_identity_only_when_told(
    case: tuple[list[Work], list[Constraint]],
) -> None:
    works, statements = case
    corpus = Corpus.from_works(works)
    must = compile_constraints(corpus, statements).must
    found = predicted(works, constraints=statements)
    for start, end in zip(corpus.author_start[:-1], corpus.author_start[1:], strict=True):
        for i in range(start, end):
            for j in range(i + 1, end):
                together = found.identity[i] == found.identity[j]
                assert not together or must[i] == must[j] >= 0


def test_a_must_link_between_the_two_signatures_of_a_work_makes_them_one() -> None:
    works = [work("a", "T", "Ada Byron", "Augusta Lovelace")]
    told = [Constraint(ConstraintKind.MUST, Signature("a", 0), Signature("a", 1))]
    assert predicted(works).n_identities == 2
    assert predicted(works, constraints=told).n_identities == 1


def test_constraints_that_contradict_each_other_are_an_error() -> None:
    a, b = Signature("a", 0), Signature("b", 0)
    works = [work("a", "T", "Ada Byron"), work("b", "T", "Ada Byron")]
    told = [Constraint(kind, a, b) for kind in ConstraintKind]
    with pytest.raises(ConstraintError, match="a:0"):
        predicted(works, constraints=told)


def test_a_constraint_on_an_unknown_signature_is_told_as_a_problem() -> None:
    told = [Constraint(ConstraintKind.MUST, Signature("a", 0), Signature("zzz", 0))]
    found = predicted([work("a", "T", "Ada Byron")], constraints=told)
    assert len(found.problems) == 1
    assert "zzz" in found.problems[0]


def test_any_number_of_workers_gives_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Comparisons.plan
    monkeypatch.setattr(Comparisons, "plan", lambda index, blocks: whole(index, blocks, pairs=50))
    works = list(population(2)[0])
    one, two = predicted(works, workers=1), predicted(works, workers=2)
    assert one.identity.tolist() == two.identity.tolist()
    assert one.confidence.tolist() == two.confidence.tolist()


def test_the_size_of_batches_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    works = list(bundled())
    large = list(predicted(works).assignments())
    whole = Comparisons.plan
    monkeypatch.setattr(Comparisons, "plan", lambda index, blocks: whole(index, blocks, pairs=20))
    assert list(predicted(works).assignments()) == large


def test_an_empty_corpus_has_no_identities() -> None:
    assert predicted([]).n_identities == 0


def test_works_without_authors_have_no_identities() -> None:
    assert predicted([work("a", "T"), work("b", "T")]).n_identities == 0


def test_one_signature_is_one_identity() -> None:
    assert predicted([work("a", "T", "Ada Byron")]).identity.tolist() == [0]


def test_a_work_with_hundreds_of_authors_of_one_name_keeps_them_apart() -> None:
    assert predicted([work("a", "Higgs", *["J. Wang"] * 300)]).n_identities == 300


def test_names_without_letters_are_never_one_person() -> None:
    assert predicted([work(k, "Same title", "???", "Bo Li") for k in "abc"]).n_identities >= 4


def test_a_person_in_one_field_with_one_circle_is_one_identity() -> None:
    works = [
        work(
            f"w{k}",
            "Speech recognition of speaker audio",
            "Ada Zyblikiewicz",
            "Bo Li",
            venue="Interspeech",
            year=2001,
        )
        for k in range(5)
    ]
    found = identities(Disambiguator().predict(Corpus.from_works(works)))
    assert len({found[Signature(w.id, 0)] for w in works}) == 1


def test_a_model_of_other_features_is_an_error() -> None:
    fitted = model()
    features = ("heights", *fitted.pair.features[1:])
    other = replace(fitted, pair=replace(fitted.pair, features=features))
    with pytest.raises(ModelError, match="missing: heights"):
        Disambiguator(model=other).predict(Corpus.from_works([]))


def test_a_model_of_another_semantic_space_is_an_error() -> None:
    other = replace(model(), metadata={**model().metadata, "space": "another"})
    with pytest.raises(ModelError, match="another"):
        Disambiguator(model=other).predict(Corpus.from_works([]))


def test_parameters_are_kept_as_given_and_fitted_state_ends_in_an_underscore() -> None:
    person = Disambiguator(model="m.npz", workers=2, seed=3)
    assert person.get_params()["model"] == "m.npz"
    assert (person.workers, person.seed) == (2, 3)
    assert not hasattr(person, "model_")


UNRELATED = work(
    "zz-new",
    "A neural approach to learning speech and robot motion from data",
    "Zebulon Quixwort",
    "Ixchel Bramblethorn",
    venue="VLDB",
    year=2004,
)


def block_partitions(partition: Partition) -> dict[str, set[frozenset[Signature]]]:
    """The partition restricted to each block, by block key."""
    corpus = partition.corpus
    keys = [make_block_key(name) for name in corpus.names]
    cells: dict[str, dict[int, set[Signature]]] = defaultdict(lambda: defaultdict(set))
    for row, signature in enumerate(corpus.signatures()):
        cells[keys[corpus.signature_name[row]]][int(partition.identity[row])].add(signature)
    return {key: set(map(frozenset, groups.values())) for key, groups in cells.items()}


def test_an_unrelated_work_leaves_the_partition_of_200_blocks_as_it_was() -> None:
    works = [*bundled(), *population(2, families=40)[0]]
    before = block_partitions(predicted(works))
    compared = [key for key, groups in before.items() if sum(map(len, groups)) > 1]
    assert len(compared) >= 200
    for position in (0, len(works)):
        added = [*works[:position], UNRELATED, *works[position:]]
        after = block_partitions(predicted(added))
        assert [key for key in before if after[key] != before[key]] == []


def test_an_unrelated_work_hardly_moves_a_confidence() -> None:
    works = list(bundled())
    before = {r.signature: r.confidence for r in predicted(works).assignments()}
    after = {r.signature: r.confidence for r in predicted([*works, UNRELATED]).assignments()}
    moved = np.array([abs(after[s] - before[s]) for s in before])
    assert (moved > 0.05).mean() < 0.01


def list_stages(monkeypatch: pytest.MonkeyPatch, *, cold: bool) -> list[str]:
    """Return the stages that compilation shows, by description."""
    stages: list[str] = []

    @contextmanager
    def progress(
        description: str, total: int | None = None, unit: str = ""
    ) -> Iterator[Callable[[int], None]]:
        stages.append(f"{description}: {total} {unit}")
        yield lambda n: None

    monkeypatch.setattr(estimator, "is_cold", lambda: cold)
    estimator.compile_kernels(progress)
    return stages


def test_the_first_run_shows_that_it_compiles_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    n = estimator.count_kernels()
    expected = [f"Compiling kernels (first run only): {n} kernels"]
    assert list_stages(monkeypatch, cold=True) == expected


def test_a_later_run_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list_stages(monkeypatch, cold=False) == []


COMPILED = """
from disambig import estimator, read_works
from disambig.corpus.corpus import Corpus
from disambig.kernels import compile
from labeled.demo.sample import WORKS_FILE

def compiled():
    return {(k.py_func.__name__, s) for k in compile._kernels for s in k.signatures}

estimator.is_cold = lambda: True
estimator.compile_kernels()
before = compiled()
estimator.Disambiguator().predict(Corpus.from_works(read_works([WORKS_FILE])))
print(sorted(name for name, _ in compiled() - before))
"""


def test_the_first_run_compiles_all_that_later_works_need() -> None:
    command = [sys.executable, "-c", COMPILED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
