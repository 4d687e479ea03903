"""The peer on our blocks: what it is given, what is made of its answer, and one real run."""

from __future__ import annotations

import gzip
import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner

from disambig.domain import Author, Signature, Work
from disambig.errors import DisambigError, InputError
from labeled.peer import s2and
from labeled.peer.blocks import LabelledBlock, list_labelled_blocks
from labeled.peer.process import STAGES, PeerRun, encode_clusters
from labeled.peer.s2and import (
    compute_accuracy,
    format_result,
    result_to_dict,
    run_peer,
    summarise_run,
)
from labeled.peer.tables import build_block_members, build_tables, split_name

HOPPER = Author("Grace Brewster Hopper", affiliations=("US Navy",), email="grace@navy.mil")
WORK = Work(
    "w1",
    "The education of a computer",
    authors=(HOPPER, Author("Mauchly, John"), Author("")),
    abstract="On compilers.",
    venue="ACM",
    year=1952,
)


def block(corpus: str, name: str, *members: tuple[str, int, str]) -> LabelledBlock:
    signatures = tuple(Signature(work, position) for work, position, _ in members)
    return LabelledBlock(corpus, name, signatures, tuple(person for *_, person in members))


def folder_of(path: Path, works: list[dict[str, Any]], labels: list[dict[str, Any]]) -> Any:
    """A corpus as ``find_corpora`` returns it, which needs the whole engine to import."""
    path.mkdir(parents=True)
    with gzip.open(path / "works.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in works)
    text = "".join(json.dumps(row) + "\n" for row in labels)
    (path / "labels.jsonl").write_text(text, encoding="utf-8")
    return SimpleNamespace(
        name=path.name, works=path / "works.jsonl.gz", labels=path / "labels.jsonl", silver=None
    )


def label(work: str, person: str, name: str = "j smith", split: str = "dev") -> dict[str, Any]:
    return {"work": work, "position": 0, "person": person, "block": name, "split": split}


@pytest.fixture
def two_corpora(tmp_path: Path) -> list[Any]:
    """Two corpora that use the same work ids and the same block name."""
    works = [
        {"id": f"w{i}", "title": f"On the compiling of programs {i}", "authors": [{"name": name}]}
        for i, name in enumerate(["John Smith", "J. Smith", "Jane Smith", "Ada Lovelace"])
    ]
    first = [label("w0", "a"), label("w3", "b", "a lovelace"), label("w1", "a")]
    second = [label("w0", "a"), label("w2", "c"), label("w1", "a", split="train")]
    return [
        folder_of(tmp_path / "acl", works, first),
        folder_of(tmp_path / "dblp", works, second),
    ]


class TestBlocks:
    def test_blocks_hold_the_labels_of_one_split_and_never_two_corpora(
        self, two_corpora: list[Any]
    ) -> None:
        assert list_labelled_blocks(two_corpora, "dev") == [
            block("acl", "j smith", ("w0", 0, "a"), ("w1", 0, "a")),
            block("acl", "a lovelace", ("w3", 0, "b")),
            block("dblp", "j smith", ("w0", 0, "a"), ("w2", 0, "c")),
        ]

    def test_pairs_of_a_block_are_counted_once(self) -> None:
        three = block("acl", "j smith", ("w0", 0, "a"), ("w1", 0, "a"), ("w2", 0, "b"))
        assert three.n_pairs == 3
        assert block("acl", "alone", ("w0", 0, "a")).n_pairs == 0

    def test_two_corpora_of_one_name_are_refused(self, two_corpora: list[Any]) -> None:
        with pytest.raises(InputError, match="acl: two corpora have this name"):
            list_labelled_blocks([two_corpora[0], two_corpora[0]], "dev")

    def test_a_split_nobody_has_is_refused(self, two_corpora: list[Any]) -> None:
        with pytest.raises(InputError, match="no labels in split 'test'"):
            list_labelled_blocks(two_corpora, "test")


class TestTables:
    def test_a_signature_is_stated_with_all_its_author_states(self) -> None:
        blocks = [block("acl", "g hopper", ("w1", 0, "grace"))]
        assert build_tables({"acl": [WORK]}, blocks).signatures.to_pylist() == [
            {
                "signature_id": "acl/w1:0",
                "paper_id": "acl/w1",
                "author_first": "Grace",
                "author_middle": "Brewster",
                "author_last": "Hopper",
                "author_suffix": None,
                "author_affiliations": ["US Navy"],
                "author_orcid": None,
                "author_position": 0,
                "author_block": "g hopper",
                "author_email": "grace@navy.mil",
                "source_author_ids": [],
            }
        ]

    def test_a_paper_is_stated_once_with_all_its_named_authors(self) -> None:
        both = [block("acl", "g hopper", ("w1", 0, "x")), block("acl", "j mauchly", ("w1", 1, "y"))]
        found = build_tables({"acl": [WORK]}, both)
        assert found.papers.select(
            ["paper_id", "title", "abstract", "venue", "year"]
        ).to_pylist() == [
            {
                "paper_id": "acl/w1",
                "title": "The education of a computer",
                "abstract": "On compilers.",
                "venue": "ACM",
                "year": 1952,
            }
        ]
        assert found.paper_authors.to_pylist() == [
            {"paper_id": "acl/w1", "position": 0, "author_name": "Grace Brewster Hopper"},
            {"paper_id": "acl/w1", "position": 1, "author_name": "John Mauchly"},
        ]

    def test_works_outside_the_blocks_count_for_names_only(self) -> None:
        other = Work("w2", "Elsewhere", authors=(Author("Grace Brewster Hopper"),))
        found = build_tables({"acl": [other, WORK]}, [block("acl", "h", ("w1", 0, "x"))])
        assert found.papers["paper_id"].to_pylist() == ["acl/w1"]
        assert found.names == Counter(
            {("Grace", "Brewster", "Hopper"): 2, ("John", None, "Mauchly"): 1}
        )

    def test_equal_ids_of_two_corpora_stay_apart(self) -> None:
        blocks = [block(corpus, "g hopper", ("w1", 0, "x")) for corpus in ("acl", "dblp")]
        found = build_tables({"acl": [WORK], "dblp": [WORK]}, blocks)
        assert found.papers["paper_id"].to_pylist() == ["acl/w1", "dblp/w1"]
        assert build_block_members(blocks) == {
            "acl/g hopper": ["acl/w1:0"],
            "dblp/g hopper": ["dblp/w1:0"],
        }

    def test_columns_without_a_value_keep_their_type(self) -> None:
        found = build_tables({"acl": [WORK]}, [block("acl", "g hopper", ("w1", 0, "x"))])
        assert found.signatures.schema.field("author_orcid").type == pa.string()
        assert found.papers.schema.field("is_reliable").type == pa.bool_()

    @pytest.mark.parametrize(
        ("member", "told"),
        [
            (("w9", 0, "x"), "acl: labels refer to work w9, which is not among works"),
            (("w1", 7, "x"), "acl: labels refer to w1:7, which is not among the authors"),
        ],
    )
    def test_an_unknown_signature_is_refused(self, member: tuple[str, int, str], told: str) -> None:
        with pytest.raises(InputError, match=told):
            build_tables({"acl": [WORK]}, [block("acl", "b", member)])


@pytest.mark.parametrize(
    ("author", "parts"),
    [
        (Author("Grace Brewster Murray Hopper"), ("Grace", "Brewster Murray", "Hopper")),
        (Author("Hopper, Grace B."), ("Grace", "B.", "Hopper")),
        (Author("x", given="Jan", family="van der Berg"), ("Jan", None, "van der Berg")),
        (Author("Plato"), (None, None, "Plato")),
        (Author("  Ada   Lovelace "), ("Ada", None, "Lovelace")),
        (Author("Hopper,"), (None, None, "Hopper")),
    ],
)
def test_a_name_has_a_first_a_middle_and_a_last_part(
    author: Author, parts: tuple[str | None, ...]
) -> None:
    assert split_name(author) == parts


class TestAnswer:
    BLOCKS = (
        block("acl", "a", ("w0", 0, "p"), ("w1", 0, "p"), ("w2", 0, "q")),
        block("dblp", "a", ("w0", 0, "p"), ("w1", 0, "q")),
    )

    def result(self) -> s2and.PeerResult:
        stages = dict(zip(STAGES, (1.0, 2.0, 3.0, 4.0, 0.5, 1.5), strict=True))
        answer = PeerRun("0.51.2", ((0, 0, 0), (1, 2)), stages, 3.0, 1_000_000)
        return summarise_run(answer, self.BLOCKS, "dev", 2)

    def test_clusters_of_ids_become_a_number_for_each_signature(self) -> None:
        clusters = [["acl/w2:0", "acl/w0:0"], ["acl/w1:0"], ["dblp/w0:0", "dblp/w1:0"]]
        assert encode_clusters(clusters, self.BLOCKS) == ((0, 1, 0), (2, 2))

    def test_a_signature_in_no_cluster_is_an_error(self) -> None:
        with pytest.raises(KeyError, match="dblp/w0:0"):
            encode_clusters([["acl/w0:0", "acl/w1:0", "acl/w2:0"]], self.BLOCKS)

    def test_accuracy_is_measured_for_each_corpus_within_its_blocks(self) -> None:
        found = compute_accuracy(((0, 0, 0), (1, 2)), self.BLOCKS)
        # acl: one cluster of p p q has precision (2/3 + 2/3 + 1/3) / 3 and recall 1
        assert found["acl"].bcubed_precision == pytest.approx(5 / 9)
        assert found["acl"].bcubed_recall == 1.0
        assert found["dblp"].bcubed_f1 == 1.0

    def test_one_cluster_over_two_blocks_counts_as_two(self) -> None:
        blocks = (block("acl", "a", ("w0", 0, "p")), block("acl", "b", ("w1", 0, "q")))
        assert compute_accuracy(((5,), (5,)), blocks)["acl"].bcubed_precision == 1.0

    def test_speed_counts_from_loaded_data_to_clusters(self) -> None:
        result = self.result()
        assert (result.seconds_load, result.seconds_cluster) == (10.0, 2.0)
        assert (result.pairs, result.signatures, result.blocks) == (4, 5, 2)
        assert result.pairs_per_second == 2.0

    def test_figures_go_through_json_with_null_for_what_is_undefined(self) -> None:
        document = json.loads(json.dumps(result_to_dict(self.result()), allow_nan=False))
        assert document["within_blocks"]["dblp"]["pairwise_f1"] is None
        assert document["pairs_per_second"] == 2.0

    def test_text_names_speed_and_accuracy(self) -> None:
        first, second, *corpora = format_result(self.result())
        assert first.startswith("S2AND 0.51.2 on split dev with 2 threads: 4 pairs")
        assert second.startswith("2 pairs a second: 2.0 s from loaded data")
        assert "(on 1.50 cores)" in second
        assert [line.split(":")[0] for line in corpora] == ["acl", "dblp"]


class TestMissing:
    @pytest.fixture(autouse=True)
    def _not_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    def test_a_missing_peer_is_told_with_the_way_to_install_it(self) -> None:
        with pytest.raises(DisambigError, match=r"pip install 'disambig\[peer\]'"):
            run_peer([], "dev", 1)


def test_the_module_tells_a_folder_without_works_in_one_line(tmp_path: Path) -> None:
    found = CliRunner().invoke(s2and.main, [str(tmp_path)])
    assert found.exit_code == 1
    assert found.output.endswith("no works.jsonl.gz in it or in its folders\n")


def test_a_real_run_clusters_every_signature_of_both_corpora(two_corpora: list[Any]) -> None:
    pytest.importorskip("s2and_rust")
    result = run_peer(two_corpora, "dev", 1)
    assert (result.blocks, result.signatures, result.pairs) == (3, 5, 2)
    assert {name: found.signatures for name, found in result.within_blocks.items()} == {
        "acl": 3,
        "dblp": 2,
    }
    assert result.within_blocks["acl"].bcubed_f1 == 1.0  # John Smith and J. Smith are one
    assert result.seconds_whole > result.seconds_cluster > 0
    assert result.cpu_seconds > 0
