"""Child processes: run a task or a series of tasks in them, and end them with their parent.

Processes start by ``forkserver``, or by ``spawn`` where there is none, never by a fork of this
process: its threads may hold locks, and not every system can fork. A script that starts processes
therefore needs ``if __name__ == "__main__":``, as its children import it.
"""

from __future__ import annotations

import gc
import mmap
import multiprocessing
import os
import pickle
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from disambig.errors import DisambigError

State = TypeVar("State")
Task = TypeVar("Task")
Result = TypeVar("Result")
_KILLED = (
    "the process that reads works ended early; if no error is printed above, it was killed, "
    "most likely for want of memory"
)
_BROKEN = (
    "a worker process ended early; if no error is printed above, it was killed, most likely for "
    "want of memory: use fewer workers. A script that starts workers must do so under "
    'if __name__ == "__main__":'
)
_ALIGNMENT = 64
"""Bytes that every array in a state file starts at a multiple of, as numpy's own arrays may."""


def start_context() -> BaseContext:
    """Return how this process starts others: ``forkserver``, or ``spawn`` where there is none.

    The server imports the engine once, so that its children start within milliseconds. A child
    process spawns, as it would need a server of its own.
    """
    is_child = multiprocessing.parent_process() is not None
    if is_child or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["disambig.estimator"])
    return context


def prepare_pool(workers: int) -> None:
    """Start the fork server now: it imports the engine while this process does other work."""
    context = start_context()
    if workers > 1 and context.get_start_method() == "forkserver":
        from multiprocessing import forkserver

        forkserver.ensure_running()


def run_in_process(task: Callable[[], None]) -> None:
    """Run a task in a child process and wait for its end.

    Reading millions of records leaves Python's memory fragmented and never returned; when a child
    process ends, the system gets all of it back. The child reads the standard input of this
    process.

    Parameters
    ----------
    task : callable
        Can be pickled.

    Raises
    ------
    DisambigError, OSError
        As the task did, with the same message; also if the process was killed.
    """
    context = start_context()
    receiver, sender = context.Pipe(duplex=False)
    with _inherited_input() as stdin:
        process = context.Process(target=_run, args=(task, sender, stdin))  # type: ignore[attr-defined]
        process.start()
    sender.close()
    problem: Exception | None = None
    try:
        problem = receiver.recv()
    except EOFError:  # it ended without sending anything
        problem = DisambigError(_KILLED)
    finally:
        process.join()
    if problem is not None:
        raise problem


@contextmanager
def _inherited_input() -> Iterator[Connection | None]:
    """Standard input as something that can be sent to a child, which starts without one."""
    if os.name != "posix":
        yield None
        return
    try:
        copy = os.dup(0)
    except OSError:  # this process has no standard input
        yield None
        return
    with Connection(copy, writable=False) as connection:
        yield connection


def _run(task: Callable[[], None], sender: Connection, stdin: Connection | None) -> None:
    end_with_parent()
    if stdin is not None:
        sys.stdin = os.fdopen(os.dup(stdin.fileno()), encoding="utf-8")
    with suppress(KeyboardInterrupt):  # the waiting process receives it as well
        try:
            task()
            sender.send(None)
        except DisambigError as error:
            sender.send(DisambigError(str(error)))  # some of its subclasses cannot be pickled
        except OSError as error:
            sender.send(error)


def end_with_parent() -> None:
    """Let this process end when the one that started it has ended, in whatever way.

    A worker that waits for its next task would wait for ever, with all its memory.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def map_in_order(
    pool: Executor, function: Callable[[Task], Result], tasks: Iterable[Task], ahead: int
) -> Iterator[Result]:
    """Yield the results of tasks in order, while at most ``ahead`` further tasks are in memory."""
    pending: deque[Future[Result]] = deque()
    for task in tasks:
        pending.append(pool.submit(function, task))
        if len(pending) > ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


def run_batches(
    function: Callable[[State, int], Result], state: State, n_batches: int, workers: int
) -> Iterator[Result]:
    """Yield ``function(state, number)`` for the numbers of all batches, in order.

    Parameters
    ----------
    function : callable
        At the top level of a module.
    state : Any
        Can be pickled. With several workers it is written to a temporary file once, whose arrays
        all workers map into memory: they share them.
    n_batches : int
    workers : int
        Processes; this one alone up to 1, or where there is one batch at most.

    Raises
    ------
    DisambigError
        If a worker process was killed.
    """
    numbers = range(n_batches)
    if workers <= 1 or len(numbers) <= 1:
        yield from (function(state, number) for number in numbers)
        return
    with TemporaryDirectory(prefix="disambig-") as folder:
        file = Path(folder) / "state"
        _write_state(file, (function, state))
        start = (start_context(), _begin, (file,))
        try:
            with ProcessPoolExecutor(min(workers, n_batches), *start) as pool:
                yield from pool.map(_run_batch, numbers)
        except BrokenProcessPool as broken:
            raise DisambigError(_BROKEN) from broken


_worker_state: tuple[Callable[[Any, int], Any], Any] | None = None
"""Of a worker process, which serves one pool."""


def _begin(file: Path) -> None:
    global _worker_state
    end_with_parent()
    _worker_state = _read_state(file)


def _run_batch(number: int) -> Any:
    if _worker_state is None:
        raise RuntimeError("the worker process has no state")
    function, state = _worker_state
    return function(state, number)


def _write_state(file: Path, state: object) -> None:
    """Pickle a value: its arrays to a file, the rest with their places to another."""
    arrays: list[pickle.PickleBuffer] = []
    rest = pickle.dumps(state, protocol=5, buffer_callback=arrays.append)
    slices: list[tuple[int, int]] = []
    with file.open("wb") as stream:
        for array in arrays:
            stream.write(bytes(-stream.tell() % _ALIGNMENT))
            start = stream.tell()
            stream.write(array.raw())
            slices.append((start, stream.tell()))
        stream.write(bytes(_ALIGNMENT))  # an empty file cannot be mapped
    with file.with_suffix(".pickle").open("wb") as stream:
        pickle.dump((rest, slices), stream, protocol=5)


def _read_state(file: Path) -> Any:
    """Read what :func:`_write_state` wrote; a page of an array is copied when it is written to."""
    with file.with_suffix(".pickle").open("rb") as stream:
        rest, slices = pickle.load(stream)
    with file.open("rb") as stream:
        memory = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
    return pickle.loads(rest, buffers=[memory[start:end] for start, end in slices])


@contextmanager
def no_collector() -> Iterator[None]:
    """Switch the garbage collector off: works have no cycles, and it would visit all of them."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
