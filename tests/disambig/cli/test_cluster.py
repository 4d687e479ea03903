"""``disambig cluster`` from works to rows, on the bundled sample."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from disambig.blocking.blocks import Comparisons
from disambig.cli import main
from disambig.output import open_atomically
from labeled.demo.sample import WORKS_FILE

Key = tuple[str, int]
FIELDS = ["work", "position", "name", "identity", "confidence"]


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["cluster", *map(str, arguments)], input=stdin)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def identities(path: Path) -> dict[Key, str]:
    return {(row["work"], row["position"]): row["identity"] for row in rows_of(path)}


def clustered(folder: Path, *arguments: str | Path, name: str = "clusters.jsonl") -> Path:
    out = folder / name
    result = run(*arguments, "--out", out, "--workers", "1")
    assert result.exit_code == 0, result.output
    return out


def constraint(kind: str, a: Key, b: Key) -> str:
    (work_a, place_a), (work_b, place_b) = a, b
    sides = {
        "a": {"work": work_a, "position": place_a},
        "b": {"work": work_b, "position": place_b},
    }
    return json.dumps({"kind": kind, **sides}) + "\n"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clusters of the bundled sample."""
    return clustered(tmp_path_factory.mktemp("sample"), WORKS_FILE)


def test_every_author_mention_has_exactly_one_row_with_its_printed_name(sample: Path) -> None:
    works = [json.loads(line) for line in WORKS_FILE.read_text(encoding="utf-8").splitlines()]
    mentions = [(w["id"], i, a["name"]) for w in works for i, a in enumerate(w["authors"])]
    assert len(mentions) == 606
    rows = [(row["work"], row["position"], row["name"]) for row in rows_of(sample)]
    assert sorted(rows) == sorted(mentions)


def test_rows_have_the_fields_of_the_contract_and_no_others(sample: Path) -> None:
    with_kind = (*FIELDS[:3], "kind", *FIELDS[3:])
    assert {tuple(row) for row in rows_of(sample)} <= {tuple(FIELDS), with_kind}


def test_confidence_is_a_probability(sample: Path) -> None:
    people = [row for row in rows_of(sample) if "kind" not in row]
    assert people
    assert all(0 <= row["confidence"] <= 1 for row in people)


def test_groups_and_placeholders_have_a_kind_and_no_identity(tmp_path: Path) -> None:
    names = ("Ada Byron", "ATLAS Collaboration", "et al.")
    authors = [{"name": name} for name in names]
    works = tmp_path / "works.jsonl"
    works.write_text(json.dumps({"id": "a", "title": "Muons", "authors": authors}) + "\n")
    out = tmp_path / "out.jsonl"
    result = CliRunner().invoke(main, ["cluster", str(works), "--out", str(out)])
    assert "1 people behind 3 author mentions" in result.stderr
    assert "without an identity, as no names of persons: 1 group and 1 placeholder" in result.stderr
    byron, *others = rows_of(out)
    assert byron["identity"]
    assert [row["kind"] for row in others] == ["group", "placeholder"]
    assert [row["identity"] for row in others] == [None, None]


def test_no_identity_is_twice_on_one_work(sample: Path) -> None:
    count = Counter((row["work"], row["identity"]) for row in rows_of(sample))
    assert set(count.values()) == {1}


def test_the_same_works_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    assert clustered(tmp_path, WORKS_FILE).read_bytes() == sample.read_bytes()


def test_gzipped_works_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    packed = tmp_path / "works.jsonl.gz"
    packed.write_bytes(gzip.compress(WORKS_FILE.read_bytes()))
    assert clustered(tmp_path, packed).read_bytes() == sample.read_bytes()


def test_works_on_standard_input_give_the_same_bytes(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "clusters.jsonl"
    result = run("-", "--out", out, "--workers", "1", stdin=WORKS_FILE.read_bytes())
    assert result.exit_code == 0, result.output
    assert out.read_bytes() == sample.read_bytes()


def test_the_order_of_works_does_not_change_who_is_who(sample: Path, tmp_path: Path) -> None:
    lines = WORKS_FILE.read_text(encoding="utf-8").splitlines(keepends=True)
    turned = tmp_path / "turned.jsonl"
    turned.write_text("".join(reversed(lines)), encoding="utf-8")
    assert identities(clustered(tmp_path, turned)) == identities(sample)


def test_two_workers_give_the_bytes_of_one(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # small batches, so that there is something to share out
    whole = Comparisons.plan
    monkeypatch.setattr(Comparisons, "plan", lambda index, blocks: whole(index, blocks, pairs=50))
    out = tmp_path / "clusters.jsonl"
    assert run(WORKS_FILE, "--out", out, "--workers", "2").exit_code == 0
    assert out.read_bytes() == sample.read_bytes()


def test_the_summary_counts_people_mentions_and_works(tmp_path: Path) -> None:
    text = run(WORKS_FILE, "--out", tmp_path / "clusters.jsonl").stderr
    assert "606 author mentions of 135 works" in text
    assert "135 read, 135 kept" in text


def test_quiet_says_nothing(tmp_path: Path) -> None:
    assert run(WORKS_FILE, "--out", tmp_path / "clusters.jsonl", "--quiet").output == ""


def test_a_bad_record_is_rejected_told_and_kept_aside(sample: Path, tmp_path: Path) -> None:
    works = tmp_path / "works.jsonl"
    works.write_text(WORKS_FILE.read_text(encoding="utf-8") + '{"id": "X"}\n', encoding="utf-8")
    out = tmp_path / "clusters.jsonl"
    result = run(works, "--out", out)
    assert result.exit_code == 3
    assert f"{works}:136: title" in result.stderr
    assert "1 rejected" in result.stderr
    assert out.read_bytes() == sample.read_bytes()
    (rejected,) = rows_of(tmp_path / "clusters.jsonl.rejects.jsonl")
    assert rejected["line"] == 136


def test_strict_stops_at_a_bad_record_and_writes_nothing(tmp_path: Path) -> None:
    works = tmp_path / "works.jsonl"
    works.write_text('{"id": "X"}\n' + WORKS_FILE.read_text(encoding="utf-8"), encoding="utf-8")
    result = run(works, "--out", tmp_path / "clusters.jsonl", "--strict")
    assert result.exit_code == 1
    assert result.stderr.startswith(("Error:", "rejected:"))
    assert not (tmp_path / "clusters.jsonl").exists()


def test_rejects_of_an_earlier_run_are_removed_by_a_clean_one(tmp_path: Path) -> None:
    old = tmp_path / "clusters.jsonl.rejects.jsonl"
    old.write_text("{}\n")
    clustered(tmp_path, WORKS_FILE)
    assert not old.exists()


def test_works_named_as_rejects_are_not_deleted(tmp_path: Path) -> None:
    works = tmp_path / "clusters.jsonl.rejects.jsonl"
    works.write_bytes(WORKS_FILE.read_bytes())
    result = run(works, "--out", tmp_path / "clusters.jsonl")
    assert result.exit_code == 1
    assert "is an input" in result.stderr
    assert works.read_bytes() == WORKS_FILE.read_bytes()


def test_works_are_not_overwritten_by_their_clusters(tmp_path: Path) -> None:
    works = tmp_path / "works.jsonl"
    works.write_bytes(WORKS_FILE.read_bytes())
    result = run(works, "--out", works)
    assert result.exit_code == 1
    assert "would be overwritten" in result.stderr
    assert works.read_bytes() == WORKS_FILE.read_bytes()


def test_a_folder_that_does_not_exist_is_refused_before_any_work(tmp_path: Path) -> None:
    result = run(WORKS_FILE, "--out", tmp_path / "nowhere" / "clusters.jsonl")
    assert result.exit_code == 2
    assert "does not exist" in result.stderr


def test_a_must_link_joins_two_names_with_nothing_in_common(sample: Path, tmp_path: Path) -> None:
    first = {row["name"]: (row["work"], row["position"]) for row in reversed(rows_of(sample))}
    a, b = first["Kimin Lee"], first["Deepak Pathak"]
    assert identities(sample)[a] != identities(sample)[b]
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text(constraint("must", a, b))
    found = identities(clustered(tmp_path, WORKS_FILE, "--constraints", decisions))
    assert found[a] == found[b]


def test_a_cannot_link_parts_two_mentions_of_one_person(sample: Path, tmp_path: Path) -> None:
    before = identities(sample)
    size = Counter(before.values())
    biggest = max(size, key=lambda identity: size[identity])
    a, b = [key for key, identity in before.items() if identity == biggest][:2]
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text(constraint("cannot", a, b))
    found = identities(clustered(tmp_path, WORKS_FILE, "--constraints", decisions))
    assert found[a] != found[b]


def test_contradicting_constraints_are_an_error_that_names_them(
    sample: Path, tmp_path: Path
) -> None:
    a, b = list(identities(sample))[:2]
    decisions = tmp_path / "decisions.jsonl"
    decisions.write_text(constraint("must", a, b) + constraint("cannot", a, b))
    result = run(WORKS_FILE, "--out", tmp_path / "clusters.jsonl", "--constraints", decisions)
    assert result.exit_code == 1
    assert a[0] in result.stderr
    assert not (tmp_path / "clusters.jsonl").exists()


def test_a_file_is_replaced_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), open_atomically(path) as stream:  # noqa: PT012
        stream.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.jsonl"]


def test_a_corpus_of_one_person_can_be_clustered(tmp_path: Path) -> None:
    works = tmp_path / "works.jsonl"
    paper = {"title": "Deep graphs", "venue": "ACL", "authors": [{"name": "Ann Lee"}]}
    works.write_text("".join(json.dumps({"id": i, **paper}) + "\n" for i in "ab"))
    assert len(identities(clustered(tmp_path, works))) == 2


def test_no_works_are_no_people_out_of_core_too(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    # standard input of unknown size is clustered out-of-core
    result = run("-", "--memory", "1GB", "--workers", "1", "--out", out, stdin=b"")
    assert result.exit_code == 0, result.output
    assert "0 people behind 0 author mentions of 0 works" in result.output
    assert out.read_bytes() == b""
