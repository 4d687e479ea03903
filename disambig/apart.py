"""Processes beside this one: a task in one of its own, and none that outlives its parent.

Reading millions of records leaves Python's memory full of holes that are never given back; in a
process of its own, all of it is the system's again at the end.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import TypeVar

from disambig.errors import DisambigError

Task = TypeVar("Task")
Found = TypeVar("Found")
_FORK = multiprocessing.get_context("fork")
_KILLED = (
    "the process that reads works ended before its time; if nothing above tells why, it was "
    "killed, most likely for want of memory"
)


def apart(task: Callable[[], None]) -> None:
    """Run a task in a copy of this process and wait for its end.

    Raises
    ------
    DisambigError, OSError
        As the task did, in its words; also if the process was killed.
    """
    told, telling = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_run, args=(task, telling))
    process.start()
    telling.close()
    problem: Exception | None = None
    try:
        problem = told.recv()
    except EOFError:  # it ended without a word
        problem = DisambigError(_KILLED)
    finally:
        process.join()
    if problem is not None:
        raise problem


def _run(task: Callable[[], None], telling: Connection) -> None:
    end_with_parent()
    with suppress(KeyboardInterrupt):  # which the process that waits has been sent, too
        try:
            task()
            telling.send(None)
        except DisambigError as error:
            telling.send(DisambigError(str(error)))  # some of its kinds cannot be sent
        except OSError as error:
            telling.send(error)


def end_with_parent() -> None:
    """Let this process end when the one that started it is gone, however that ended.

    A worker that waits for its next task would wait for ever, with all its memory.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def in_turn(
    pool: Executor, function: Callable[[Task], Found], tasks: Iterable[Task], ahead: int
) -> Iterator[Found]:
    """Results in order; at most ``ahead`` tasks are made, and held in memory, beyond the one whose
    result is waited for.
    """
    begun: deque[Future[Found]] = deque()
    for task in tasks:
        begun.append(pool.submit(function, task))
        if len(begun) > ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
