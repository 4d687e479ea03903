"""Processes beside this one: their errors are told here, and they do not outlive it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from disambig.errors import DisambigError, RecordError
from disambig.processes import apart, in_turn


def test_what_it_does_is_done_when_it_returns(tmp_path: Path) -> None:
    def task() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))

    apart(task)
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_errors_are_told_in_the_same_words() -> None:
    def bad_record() -> None:
        raise RecordError("a.jsonl", 3, "title", "is missing", "give one")

    def no_file() -> None:
        raise FileNotFoundError(2, "No such file or directory", "a.jsonl")

    with pytest.raises(DisambigError, match=r"a\.jsonl:3: title: is missing; give one"):
        apart(bad_record)
    with pytest.raises(FileNotFoundError) as found:
        apart(no_file)
    assert found.value.filename == "a.jsonl"


def test_a_killed_process_is_told() -> None:
    with pytest.raises(DisambigError, match="ended before its time"):
        apart(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_it_ends_when_the_process_that_waits_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = (
        "import os, time, pathlib, sys\n"
        "from disambig.processes import apart\n"
        "apart(lambda: (pathlib.Path(sys.argv[1]).write_text(str(os.getpid())), time.sleep(60)))\n"
    )
    waiting = subprocess.Popen([sys.executable, "-c", script, str(pid)])
    _until(lambda: pid.is_file() and pid.read_text())
    child = int(pid.read_text())
    assert _runs(child)
    waiting.kill()
    waiting.wait()
    _until(lambda: not _runs(child))


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    script = (
        "import multiprocessing, os, pathlib, sys, time\n"
        "from concurrent.futures import ProcessPoolExecutor\n"
        "from disambig.processes import end_with_parent\n"
        "fork = multiprocessing.get_context('fork')\n"
        "with ProcessPoolExecutor(3, fork, end_with_parent) as pool:\n"
        "    list(pool.map(time.sleep, [0.2] * 9))\n"
        "    told = ' '.join(map(str, pool._processes))\n"
        "    pathlib.Path(sys.argv[1]).write_text(told)\n"
        "    time.sleep(60)\n"
    )
    told = tmp_path / "pids"
    waiting = subprocess.Popen([sys.executable, "-c", script, str(told)])
    _until(lambda: told.is_file() and told.read_text())
    workers = [int(pid) for pid in told.read_text().split()]
    assert len(workers) == 3
    assert all(_runs(pid) for pid in workers)
    waiting.kill()
    waiting.wait()
    _until(lambda: not any(_runs(pid) for pid in workers))


def _until(condition) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status


@pytest.mark.parametrize("ahead", [0, 1, 3, 50])
def test_results_come_in_the_order_of_tasks_which_are_made_a_few_at_a_time(ahead: int) -> None:
    made = 0

    def tasks() -> Iterator[int]:
        nonlocal made
        for task in range(20):
            made += 1
            yield task

    with ThreadPoolExecutor(3) as pool:
        for found, result in enumerate(in_turn(pool, lambda task: 7 * task, tasks(), ahead)):
            assert result == 7 * found
            assert made - found - 1 == min(ahead, 20 - found - 1)
    assert found == 19
