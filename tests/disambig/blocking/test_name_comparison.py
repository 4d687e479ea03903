"""What is remembered of names that were compared."""

from __future__ import annotations

import numpy as np
import pytest

from disambig.blocking import name_comparison as module
from disambig.blocking.name_comparison import NameEvidenceCache, compute_name_evidence
from disambig.blocking.pairs import NamePairs
from disambig.corpus.index import CorpusIndex
from tests.support.invented import indexed, population


@pytest.fixture(scope="module")
def index() -> CorpusIndex:
    return indexed(list(population(3, families=3)[0]))


def test_remembered_evidence_is_that_computed_anew(index: CorpusIndex) -> None:
    rng, memory = np.random.default_rng(0), NameEvidenceCache(index)
    for n in (0, 1, 5, 40, 40):
        a, b = rng.integers(0, len(index.corpus.names), (2, n)).astype(np.int32)
        found, expected = (
            memory.get(a, b),
            compute_name_evidence(index, np.minimum(a, b), np.maximum(a, b)),
        )
        assert list(found) == list(expected)
        for name, column in expected.items():
            assert np.array_equal(found[name], column, equal_nan=True)


def test_two_names_are_compared_once(index: CorpusIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []

    def watched(index: CorpusIndex, a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
        asked.extend(zip(a.tolist(), b.tolist(), strict=True))
        return compute_name_evidence(index, a, b)

    monkeypatch.setattr(module, "compute_name_evidence", watched)
    memory = NameEvidenceCache(index)
    memory.get(np.array([0, 2, 0]), np.array([1, 1, 1]))
    memory.get(np.array([1, 3]), np.array([2, 0]))
    assert asked == [(0, 1), (1, 2), (0, 3)]


def test_names_agree_the_same_with_and_without_a_memory(index: CorpusIndex) -> None:
    blocks = [np.arange(index.corpus.n_signatures, dtype=np.int32)]
    plain, kept = (
        NamePairs.compare(index, blocks, memory) for memory in (None, NameEvidenceCache(index))
    )
    assert len(plain.a) > len(plain.name)  # some different names agree
    assert (plain.a.tolist(), plain.b.tolist()) == (kept.a.tolist(), kept.b.tolist())
