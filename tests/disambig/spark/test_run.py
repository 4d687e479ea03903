"""On Spark: the clusters of one process, whatever happens to a machine."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Work
from disambig.errors import DisambigError, InputError
from disambig.estimator import Disambiguator
from disambig.output import write_assignments
from disambig.spark.run import run_on_spark
from disambig.spark.session import run_tasks
from disambig.spark.tasks import cluster as cluster_shards
from tests.support.constraint_cases import cannot, must
from tests.support.invented import model, population, with_references, work
from tests.support.spark_cluster import Cluster, cluster, until

ORCIDS = ("0000-0002-1825-0097", "0000-0001-5109-3700")


def corpus() -> list[Work]:
    """Invented people; one of many works whose name is also printed the other way round, and some
    with ORCID iDs and an e-mail address."""
    works = list(population(5, families=6)[0])
    random = Random(0)
    team = ["Olga Tarasova", "Piet Hendriks", "Quentin Moreau", "Renata Kowalska"]
    for k in range(50):
        name = "Wenjing Zhang" if k % 5 else "Zhang Wenjing"
        title = " ".join(random.sample(["speech", "phoneme", "voice", "prosody", "audio"], 3))
        works.append(work(f"z{k:02}", title, name, *random.sample(team, 2), year=2000 + k // 5))
    for k, name in enumerate(("Maria Silva", "Maria Costa", "Maria de Silva", "M. Silva")):
        author = Author(name, orcid=ORCIDS[k % 2], email="silva@example.org" if k > 1 else None)
        works.append(Work(f"m{k}", "Protein folding", (author, Author("Ivo Marek"))))
    works.append(Work("empty", "Nobody signed this speech", (), None, "Interspeech"))
    random.shuffle(works)
    return with_references(works)


CONSTRAINTS = (
    must("z00:0", "z01:0"),
    cannot("z02:0", "z03:0"),
    must("m2:1", "z04:1"),
    must("nowhere:0", "z01:0"),
)


def in_one_process(works: list[Work], out: Path) -> bytes:
    people = Disambiguator(model=model(), constraints=CONSTRAINTS).predict(Corpus.from_works(works))
    write_assignments(out, people.assignments())
    return out.read_bytes()


def kill_half_way(running: Cluster, folder: Path) -> int:
    """Kill a worker with a shard in hand when another shard is done; how many were done."""

    def found(pattern: str) -> int:
        return len(list(folder.glob(f".spark.jsonl.*.spark/{pattern}")))

    until(lambda: found("shards/known/_SUCCESS") > 0)
    running.freeze(0)
    until(lambda: found("signatures/*.parquet") > 0)
    done = found("signatures/*.parquet")
    running.kill(0)
    return done


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_a_cluster_that_loses_a_worker_half_way_writes_what_one_process_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works, out = corpus(), tmp_path / "spark.jsonl"
    expected = in_one_process(works, tmp_path / "one.jsonl")
    with cluster(tmp_path, n_workers=2) as running, ThreadPoolExecutor() as pool:
        monkeypatch.setenv("SPARK_CONF_DIR", str(running.conf))
        monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        done = pool.submit(kill_half_way, running, tmp_path)
        run = run_on_spark(
            iter(works), out, master=running.url, model=model(), constraints=CONSTRAINTS, n_shards=8
        )
        assert running.workers[0].wait() == -9
    assert out.read_bytes() == expected
    assert 0 < done.result() < 8
    assert run.retried > 0
    # the corpus asks for every stage: joins were scored, and two blocks hold one person
    assert run.candidates > 0
    rows = [json.loads(line) for line in expected.decode().splitlines()]
    names = {(row["work"], row["position"]): row["identity"] for row in rows}
    assert names["z00", 0] == names["z01", 0]
    assert names["m2", 1] == names["z04", 1]
    assert (run.n_signatures, run.n_identities) == (len(rows), len(set(names.values())))
    assert run.n_works == len(works)
    assert any("nowhere:0" in problem for problem in run.problems)
    assert not list(tmp_path.glob(".spark.jsonl.*"))


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_an_interrupted_run_goes_on_with_the_shards_that_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works, out = corpus(), tmp_path / "spark.jsonl"
    expected = in_one_process(works, tmp_path / "one.jsonl")
    clustered: list[int] = []

    def run(of: Iterable[Work], fingerprint: str = "this"):
        return run_on_spark(
            of,
            out,
            master="local[2]",
            model=model(),
            constraints=CONSTRAINTS,
            n_shards=8,
            fingerprint=fingerprint,
            get_report=lambda: {"read": len(works)},
        )

    def interrupted(spark: Any, task: Any, parts: Sequence[int]) -> Any:
        if cluster_shards in getattr(task, "args", ()):
            clustered.extend(parts[:3] if not clustered else parts)
            if len(parts) == 8:
                run_tasks(spark, task, parts[:3])
                raise KeyboardInterrupt
        return run_tasks(spark, task, parts)

    monkeypatch.setattr("disambig.spark.stages.run_tasks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(works)
    with pytest.raises(InputError, match="interrupted run with other works"):
        run(works, "that")
    found = run(never_read())
    assert out.read_bytes() == expected
    assert sorted(clustered) == list(range(8))
    assert found.report == {"read": len(works)}
    assert found.scored > 0
    assert "Reading works" not in found.seconds
    assert not list(tmp_path.glob(".spark.jsonl.*"))


def never_read() -> Iterator[Work]:
    raise AssertionError("works are read again")
    yield


@pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java")
def test_two_works_of_one_id_are_refused_and_nothing_is_left_behind(tmp_path: Path) -> None:
    works = [work(k, "Speech", "Ada Byron") for k in ("b", "a", "c", "b", "c")]
    with pytest.raises(InputError, match="two works have the id 'b'"):
        run_on_spark(works, tmp_path / "out.jsonl", master="local[1]", model=model())
    assert list(tmp_path.iterdir()) == []


def test_without_pyspark_the_command_to_install_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(DisambigError, match=r"pip install 'disambig\[spark\]'"):
        run_on_spark([], tmp_path / "out.jsonl", model=model())


def test_without_java_it_is_told_which_one_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(DisambigError, match="Spark needs Java 17"):
        run_on_spark([], tmp_path / "out.jsonl", model=model())
