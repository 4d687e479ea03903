"""Generated corpora: equal seeds, complete gold, homonyms that grow with the corpus."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from disambig.blocking.blocks import make_block_key
from disambig.names import parse_name
from labeled.generator import command as module
from labeled.generator.command import generate, generate_corpus
from labeled.generator.parameters import build_tables, hash_keys, load_parameters, to_uniform
from labeled.generator.people import build_world
from labeled.generator.works import draw_papers

Rows = list[dict[str, Any]]


def rows_of(path: Path) -> Rows:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def corpus(folder: Path, signatures: int, **options: Any) -> tuple[Rows, Rows]:
    generate_corpus(folder, signatures, **options)
    return rows_of(folder / "works.jsonl.gz"), rows_of(folder / "labels.jsonl.gz")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows]:
    return corpus(tmp_path_factory.mktemp("small"), 5_000)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rows, Rows]:
    return corpus(tmp_path_factory.mktemp("large"), 20_000)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate_corpus(tmp_path / name, 3_000, seed=3)
    for file in ("works.jsonl.gz", "labels.jsonl.gz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_another_seed_gives_another_corpus(tmp_path: Path) -> None:
    assert corpus(tmp_path / "a", 500, seed=0)[0] != corpus(tmp_path / "b", 500, seed=1)[0]


def test_every_author_mention_is_labelled_once(small: tuple[Rows, Rows]) -> None:
    works, labels = small
    mentions = [(w["id"], p, a["name"]) for w in works for p, a in enumerate(w["authors"])]
    assert [(r["work"], r["position"], r["name"]) for r in labels] == mentions


def test_the_size_is_reached_with_the_last_work(small: tuple[Rows, Rows]) -> None:
    works, labels = small
    assert len(labels) - len(works[-1]["authors"]) < 5_000 <= len(labels)


def test_no_person_signs_a_work_twice(large: tuple[Rows, Rows]) -> None:
    seen = [(r["work"], r["person"]) for r in large[1]]
    assert len(seen) == len(set(seen))


def test_a_person_stays_in_one_block(large: tuple[Rows, Rows]) -> None:
    blocks = defaultdict(set)
    for row in large[1]:
        blocks[row["person"]].add(row["block"])
    assert {len(keys) for keys in blocks.values()} == {1}


def test_nearly_every_printed_name_is_filed_under_its_block(large: tuple[Rows, Rows]) -> None:
    agree = [make_block_key(parse_name(row["name"])) == row["block"] for row in large[1]]
    assert np.mean(agree) > 0.98  # the others are swapped or misspelt


def test_people_behind_common_names_grow_with_the_corpus(
    tmp_path: Path, small: tuple[Rows, Rows], large: tuple[Rows, Rows]
) -> None:
    def people(labels: Rows) -> int:
        common = {"wang", "zhang", "li", "liu", "chen"}
        return len({r["person"] for r in labels if r["block"].split()[-1] in common})

    # 5,000 signatures are some 70 groups, so three corpora of that size are averaged
    others = [corpus(tmp_path / str(seed), 5_000, seed=seed)[1] for seed in (1, 2)]
    mean = np.mean([people(labels) for labels in (small[1], *others)])
    assert people(large[1]) / mean == pytest.approx(4, rel=0.25)


def test_people_per_signature_does_not_depend_on_size_up_to_the_measured_one(
    small: tuple[Rows, Rows], large: tuple[Rows, Rows]
) -> None:
    few, many = (len({r["person"] for r in labels}) / len(labels) for _, labels in (small, large))
    assert few == pytest.approx(many, rel=0.1)  # 5,000 signatures are some 70 groups


def test_people_of_a_larger_world_have_more_works(
    tmp_path: Path, large: tuple[Rows, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    def people(labels: Rows) -> float:
        return len({r["person"] for r in labels}) / len(labels)

    monkeypatch.setattr("labeled.generator.people.MEASURED_SIGNATURES", 2_000)
    _, labels = corpus(tmp_path, 20_000)
    assert people(labels) / people(large[1]) == pytest.approx(10 ** (0.79 - 1), rel=0.15)


def test_works_of_a_larger_world_share_a_venue_less_often(
    tmp_path: Path, large: tuple[Rows, Rows], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shared(works: Rows) -> float:
        count = np.array(list(Counter(w["venue"] for w in works if "venue" in w).values()))
        return float((count / count.sum()) @ (count / count.sum()))

    monkeypatch.setattr("labeled.generator.people.MEASURED_SIGNATURES", 2_000)
    works, _ = corpus(tmp_path, 20_000)  # ten times as many: 5 subjects for each measured one
    assert shared(works) < shared(large[0]) / 2


def test_most_people_have_one_work_and_some_have_many(large: tuple[Rows, Rows]) -> None:
    works: dict[str, int] = defaultdict(int)
    for row in large[1]:
        works[row["person"]] += 1
    counts = np.array(list(works.values()))
    assert 0.55 < np.mean(counts == 1) < 0.7  # measured: 0.62
    assert counts.max() > 25


def test_labels_are_left_out_by_whole_blocks(tmp_path: Path, small: tuple[Rows, Rows]) -> None:
    works, some = corpus(tmp_path, 5_000, labelled_share=0.3)
    blocks = {row["block"] for row in some}
    assert works == small[0]
    assert some == [row for row in small[1] if row["block"] in blocks]
    assert 0.2 < len(some) / len(small[1]) < 0.4


def test_abstracts_are_written_when_asked_for(tmp_path: Path, small: tuple[Rows, Rows]) -> None:
    works, _ = corpus(tmp_path, 500, abstracts=True)
    assert all(len(work["abstract"].split()) >= 40 for work in works)
    assert not any("abstract" in work for work in small[0])


def test_tables_of_people_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeled.generator.people._draw_moves", _nobody_moves)
    world = build_world(load_parameters(), 40_000, 0)
    tables = [v for v in vars(world).values() if isinstance(v, np.ndarray)]
    people = list(vars(world.people).values())
    assert sum(t.nbytes for t in [*tables, *people]) / len(people[0]) < 45


def _nobody_moves(*_: Any) -> tuple[Any, Any, Any]:
    return np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int16)


def test_memory_does_not_grow_with_works_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CHUNK_WORKS", 500)
    world = build_world(load_parameters(), 2_000, 0)
    monkeypatch.setattr("labeled.generator.people.build_world", lambda *_: world)

    def peak(signatures: int) -> int:
        tracemalloc.start()
        generate_corpus(tmp_path, signatures, labelled_share=1)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(2_000)  # fills the caches of names
    assert peak(20_000) < 1.2 * peak(4_000)


def test_the_command_tells_what_it_wrote(tmp_path: Path) -> None:
    result = CliRunner().invoke(generate, [str(tmp_path), "--signatures", "100", "--plain"])
    labels = (tmp_path / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    assert result.exit_code == 0
    assert f"with {len(labels)} signatures, {len(labels)} of them labelled" in result.output


def test_a_table_draws_by_share() -> None:
    tables = build_tables([[7], [4, 9]], [[2], [1, 3]])
    table, uniform = np.array([0, 1, 1, 1]), np.array([0.99, 0.0, 0.24, 0.26])
    assert tables.draw(table, uniform).tolist() == [7, 4, 4, 9]


def test_mixed_is_splitmix64() -> None:
    # first output of the reference implementation for the seed 0
    assert hash_keys(0).tolist() == [0xE220A8397B1DCDAF]
    assert 0 <= to_uniform(hash_keys(np.arange(1000))).min() < 0.01


def test_a_large_corpus_has_people_of_hundreds_of_papers() -> None:
    parameters = load_parameters()
    world = build_world(parameters, 1_000_000, seed=0)
    papers = draw_papers(world, parameters, 60_000, 0, np.random.default_rng(0))
    works = np.sort(np.bincount(papers.person[papers.person < len(world.people.family)]))
    # one fifth of the works: people of 150 papers have 30 in the sample
    assert works[-1] > 150
    assert 0.02 < works[works > 30].sum() / len(papers.person) < 0.1
