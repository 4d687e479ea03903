"""Child processes: their errors reach the parent, they end with it, and they share arrays."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from disambig import processes
from disambig.errors import DisambigError, RecordError
from disambig.processes import map_in_order, run_batches, run_in_process, start_context


def write_pid(file: Path) -> None:
    file.write_text(str(os.getpid()))


def raise_record_error() -> None:
    raise RecordError("a.jsonl", 3, "title", "is missing", "give one")


def raise_os_error() -> None:
    raise FileNotFoundError(2, "No such file or directory", "a.jsonl")


def kill_self(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_task_is_done_in_another_process_when_the_call_returns(tmp_path: Path) -> None:
    run_in_process(partial(write_pid, tmp_path / "pid"))
    assert int((tmp_path / "pid").read_text()) != os.getpid()


def test_the_parent_raises_the_error_of_the_task() -> None:
    with pytest.raises(DisambigError, match=r"a\.jsonl:3: title: is missing; give one"):
        run_in_process(raise_record_error)
    with pytest.raises(FileNotFoundError) as caught:
        run_in_process(raise_os_error)
    assert caught.value.filename == "a.jsonl"


def test_a_killed_process_is_an_error() -> None:
    with pytest.raises(DisambigError, match="ended early"):
        run_in_process(kill_self)


def test_a_task_reads_the_standard_input_of_its_parent(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from functools import partial\n"
        "from disambig.processes import run_in_process\n"
        "def copy(file):\n"
        "    pathlib.Path(file).write_bytes(sys.stdin.buffer.read())\n"
        "if __name__ == '__main__':\n"
        "    run_in_process(partial(copy, sys.argv[1]))\n"
    )
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "copy")]
    subprocess.run(command, input=b"a work\n", check=True)
    assert (tmp_path / "copy").read_bytes() == b"a work\n"


SLEEPING_TASK = """
import os, pathlib, sys, time
from functools import partial
from disambig.processes import run_in_process

def sleep(file):
    pathlib.Path(file).write_text(str(os.getpid()))
    time.sleep(60)

if __name__ == "__main__":
    run_in_process(partial(sleep, sys.argv[1]))
"""

SLEEPING_POOL = """
import pathlib, sys, time
from concurrent.futures import ProcessPoolExecutor
from disambig.processes import end_with_parent, start_context

if __name__ == "__main__":
    with ProcessPoolExecutor(3, start_context(), end_with_parent) as pool:
        list(pool.map(time.sleep, [0.2] * 9))
        pathlib.Path(sys.argv[1]).write_text(" ".join(map(str, pool._processes)))
        time.sleep(60)
"""


@pytest.mark.parametrize(("script", "n"), [(SLEEPING_TASK, 1), (SLEEPING_POOL, 3)])
def test_children_end_when_their_parent_is_killed(tmp_path: Path, script: str, n: int) -> None:
    (tmp_path / "script.py").write_text(script)
    file = tmp_path / "pids"
    parent = subprocess.Popen([sys.executable, str(tmp_path / "script.py"), str(file)])
    wait_until(lambda: file.is_file() and file.read_text())
    pids = [int(pid) for pid in file.read_text().split()]
    assert len(pids) == n
    assert all(is_running(pid) for pid in pids)
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    return "State:\tZ" not in status


@pytest.mark.parametrize("ahead", [0, 1, 3, 50])
def test_results_come_in_the_order_of_tasks_which_are_made_a_few_at_a_time(ahead: int) -> None:
    n_made = 0

    def make_tasks() -> Iterator[int]:
        nonlocal n_made
        for task in range(20):
            n_made += 1
            yield task

    with ThreadPoolExecutor(3) as pool:
        results = map_in_order(pool, lambda task: 7 * task, make_tasks(), ahead)
        for number, result in enumerate(results):
            assert result == 7 * number
            assert n_made - number - 1 == min(ahead, 20 - number - 1)
    assert number == 19


State = tuple[str, npt.NDArray[np.float64]]


def add_number(state: State, number: int) -> tuple[str, float, int]:
    name, values = state
    return name, float(values.sum()) + number, os.getpid()


def describe_array(values: npt.NDArray[np.float64], number: int) -> tuple[bool, bool, int, float]:
    before = values.flags.writeable, values.flags.aligned, values.ctypes.data % 64
    values[number] = -1  # a page of its own; the other batches do not see it
    return *before, float(values.sum())


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_run_in_order_on_one_state(workers: int) -> None:
    results = list(run_batches(add_number, ("a", np.arange(5.0)), 4, workers))
    assert [row[:2] for row in results] == [("a", 10.0 + n) for n in range(4)]
    assert (os.getpid() in {pid for *_, pid in results}) == (workers == 1)


def test_two_pools_at_once_keep_their_states_apart() -> None:
    def run(name: str) -> list[str]:
        return [row[0] for row in run_batches(add_number, (name, np.arange(5.0)), 6, 2)]

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(run, "ab")) == [["a"] * 6, ["b"] * 6]


def test_workers_map_arrays_of_their_own_that_are_aligned_and_writable() -> None:
    values = np.ones(1000)
    results = list(run_batches(describe_array, values, 2, 2))
    assert {row[:3] for row in results} == {(True, True, 0)}
    assert values.sum() == 1000


@pytest.mark.parametrize(
    "state", [(), np.empty(0), (np.empty((0, 3), np.int32), np.ones((2, 3), order="F"), "é")]
)
def test_a_state_is_read_as_it_was_written(tmp_path: Path, state: object) -> None:
    processes._write_state(tmp_path / "state", state)
    np.testing.assert_equal(processes._read_state(tmp_path / "state"), state)


def test_an_array_that_cannot_be_written_to_stays_so(tmp_path: Path) -> None:
    values = np.ones(3)
    values.flags.writeable = False
    processes._write_state(tmp_path / "state", values)
    assert not processes._read_state(tmp_path / "state").flags.writeable


def test_a_killed_worker_is_an_error_with_a_remedy() -> None:
    with pytest.raises(DisambigError, match="use fewer workers"):
        list(run_batches(kill_self, (), 3, 2))


@pytest.mark.parametrize(
    ("methods", "method"),
    [
        (["spawn"], "spawn"),
        (["fork", "spawn", "forkserver"], "forkserver"),
        (["spawn", "fork"], "spawn"),
    ],
)
def test_processes_are_never_forked_from_this_one(
    monkeypatch: pytest.MonkeyPatch, methods: list[str], method: str
) -> None:
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: methods)
    assert start_context().get_start_method() == method
