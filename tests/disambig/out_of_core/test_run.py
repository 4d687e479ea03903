"""Runs kept on disk: the clusters of one process, in pieces, and after being killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest

from disambig.corpus.corpus import Corpus
from disambig.domain import Author, Signature, Work
from disambig.errors import InputError
from disambig.estimator import Disambiguator
from disambig.ingest import ReadReport
from disambig.out_of_core.run import LargeRun, compute_fingerprint, find_interrupted_run
from disambig.out_of_core.staging import rank_works, stage
from disambig.out_of_core.worker import get_representatives_file, get_result_folder
from disambig.output import write_assignments
from tests.support.constraint_cases import cannot, must
from tests.support.invented import model, population, with_references, work

ORCIDS = ("0000-0002-1825-0097", "0000-0001-5109-3700")
REPORT = ReadReport(1, 1, 0, 0, 0, 0, (), ())
CONSTRAINTS = (
    must("z00:0", "z01:0"),
    cannot("z02:0", "z03:0"),
    must("m2:1", "z04:1"),
    must("nowhere:0", "z01:0"),
)


def works() -> list[Work]:
    """Invented people, names printed the other way round, identifiers in several shards."""
    found = list(population(5, families=6)[0])
    random = Random(0)
    team = ["Olga Tarasova", "Piet Hendriks", "Quentin Moreau", "Renata Kowalska"]
    for k in range(30):
        name = "Wenjing Zhang" if k % 5 else "Zhang Wenjing"
        title = " ".join(random.sample(["speech", "phoneme", "voice", "prosody", "audio"], 3))
        found.append(work(f"z{k:02}", title, name, *random.sample(team, 2), year=2000 + k // 5))
    for k, name in enumerate(("Maria Silva", "Maria Costa", "Maria de Silva", "M. Silva")):
        author = Author(name, orcid=ORCIDS[k % 2], email="silva@example.org" if k > 1 else None)
        found.append(Work(f"m{k}", "Protein folding", (Author(""), author, Author("Ivo Marek"))))
    found.append(Work("empty", "Nobody signed this speech", (), None, "Interspeech"))
    random.shuffle(found)
    return with_references(found)


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "invented.model"
    model().save(file)
    return file


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    people = Disambiguator(model=model(), constraints=CONSTRAINTS).predict(
        Corpus.from_works(works())
    )
    out = tmp_path_factory.mktemp("one") / "clusters.jsonl"
    write_assignments(out, people.assignments())
    return out.read_bytes()


def staged(folder: Path, model_file: Path, shards: int = 5) -> LargeRun:
    run = LargeRun(folder, "this", shards, model_file, CONSTRAINTS)
    run.stage(works(), lambda: REPORT)
    return run


def written(run: LargeRun, out: Path) -> bytes:
    write_assignments(out, run.cluster().assignments())
    return out.read_bytes()


@pytest.mark.parametrize("shards", [1, 5])
def test_any_number_of_shards_gives_the_rows_of_one_process(
    shards: int, tmp_path: Path, model_file: Path, expected: bytes
) -> None:
    run = staged(tmp_path / "run", model_file, shards)
    assert written(run, tmp_path / "out.jsonl") == expected


def test_works_read_in_small_parts_give_the_same(
    tmp_path: Path, model_file: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disambig.out_of_core.staging.WORKS_PER_PART", 17)
    run = staged(tmp_path / "run", model_file)
    assert written(run, tmp_path / "out.jsonl") == expected


def test_joining_in_small_parts_gives_the_same(
    tmp_path: Path, model_file: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disambig.out_of_core.run.CANDIDATES_PER_TASK", 1)
    monkeypatch.setattr("disambig.out_of_core.run.SIGNATURES_PER_RANGE", 5)
    run = staged(tmp_path / "run", model_file)
    assert written(run, tmp_path / "out.jsonl") == expected
    parts = pa.ipc.open_file(str(get_representatives_file(run.folder, 0))).num_record_batches
    assert parts > 1


def test_finished_shards_are_not_done_again(
    tmp_path: Path, model_file: Path, expected: bytes
) -> None:
    run = staged(tmp_path / "run", model_file)
    written(run, tmp_path / "out.jsonl")
    lost, kept = get_result_folder(run.folder, 1), get_result_folder(run.folder, 2)
    before = kept.stat().st_mtime_ns
    for file in lost.iterdir():
        file.unlink()
    lost.rmdir()
    assert written(run, tmp_path / "again.jsonl") == expected
    assert lost.is_dir()
    assert kept.stat().st_mtime_ns == before


def test_a_killed_run_goes_on_to_the_same_rows(tmp_path: Path, model_file: Path) -> None:
    run = LargeRun(tmp_path / "run", "this", 8, model_file)
    run.stage(works(), lambda: REPORT)
    file = tmp_path / "run_it.py"
    file.write_text(
        "import sys; from pathlib import Path; from disambig.out_of_core.run import LargeRun\n"
        "if __name__ == '__main__':\n"
        "    LargeRun(Path(sys.argv[1]), 'this', 8, Path(sys.argv[2])).cluster()\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(file), str(run.folder), str(model_file)], start_new_session=True
    )
    first = get_result_folder(run.folder, 0)
    while process.poll() is None and not first.is_dir():
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = first.stat().st_mtime_ns
    people = Disambiguator(model=model()).predict(Corpus.from_works(works()))
    write_assignments(tmp_path / "expected.jsonl", people.assignments())
    assert written(run, tmp_path / "out.jsonl") == (tmp_path / "expected.jsonl").read_bytes()
    assert first.stat().st_mtime_ns == done


def test_what_a_killed_run_left_is_seen_only_when_all_works_were_read(
    tmp_path: Path, model_file: Path
) -> None:
    run = staged(tmp_path / "run", model_file, shards=3)
    assert find_interrupted_run(run.folder, "this") == 3
    run._write_note({})  # as it is before the last work is read
    assert find_interrupted_run(run.folder, "this") is None


def test_a_run_over_something_else_is_refused(tmp_path: Path, model_file: Path) -> None:
    run = staged(tmp_path / "run", model_file)
    with pytest.raises(InputError, match="delete it to start over"):
        find_interrupted_run(run.folder, "another")


def test_a_folder_of_someone_elses_is_not_touched(tmp_path: Path, model_file: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="contains other files"):
        staged(tmp_path / "run", model_file)
    assert (tmp_path / "run" / "thesis.tex").read_text() == "years of work"


def test_two_works_with_one_id_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "disambig.out_of_core.staging.WORKS_PER_PART", 1
    )  # a part by itself is checked at once
    folder = tmp_path / "run"
    folder.mkdir()
    stage([Work("a", "x", (Author("Ann Lee"),))] * 2, folder, 2)
    with pytest.raises(InputError, match="two works have the id 'a'"):
        rank_works(folder)


WRITE_STATISTICS = """
import os, pathlib, signal, sys
from disambig.domain import Author, Work
from disambig.errors import DisambigError
from disambig.out_of_core import staging

def save_statistics(statistics, folder):
    {end}

staging.save_statistics = save_statistics  # in the parent and, as they import it, in its children

if __name__ == "__main__":
    try:
        staging.stage([Work("a", "x", (Author("Ann Lee"),))], pathlib.Path(sys.argv[1]), 2)
    except DisambigError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (
            "raise OSError(28, 'No space left on device')",
            "No space left on device.*is the disk full",
        ),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed"),
    ],
)
def test_a_failure_to_write_works_is_an_error_with_a_remedy(
    end: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "script.py").write_text(WRITE_STATISTICS.format(end=end))
    (tmp_path / "run").mkdir()
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(message, done.stdout)


def test_ranks_follow_ids_not_arrival(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    stage([Work(i, "x", (Author("Ann Lee"),)) for i in ("b", "é", "a", "Z")], folder, 2)
    rank, ids = rank_works(folder)
    assert ids.to_pylist() == ["Z", "a", "b", "é"]
    # within a part, works are numbered in order of their ids
    assert np.array_equal(rank, np.arange(4))


def test_works_that_nothing_binds_are_not_kept_apart(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    bound = stage(works(), folder, 2, frozenset({Signature("z00", 0)}))
    assert sorted(w.id for w in bound) == ["m0", "m1", "m2", "m3", "z00"]
    kept = next(w for w in bound if w.id == "m2")
    assert [a.name for a in kept.authors] == ["", "Maria de Silva", ""]


def test_fingerprints_change_with_a_file(tmp_path: Path, model_file: Path) -> None:
    file = tmp_path / "works.jsonl"
    file.write_text("{}\n")
    before = compute_fingerprint([file], model_file, ())
    assert compute_fingerprint([file], model_file, ()) == before
    file.write_text("{}\n{}\n")
    assert compute_fingerprint([file], model_file, ()) != before
    assert compute_fingerprint([file], model_file, CONSTRAINTS) != compute_fingerprint(
        [file], model_file, ()
    )
