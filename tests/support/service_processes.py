"""The service as processes of its own, to be killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-c", "from disambig.cli import main; main()"]
PATIENCE = 300
"""Seconds after which a process counts as hanging, on a machine with other work, too."""
LISTENING = re.compile(r"Listening on (http://\S+)")


@dataclass
class Place:
    """Where a service lives: its database, its data folder, and a key of an administrator."""

    url: str
    data: Path
    key: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        """``disambig`` with arguments; what it says goes to ``log``."""
        environment = {
            **os.environ,
            "DISAMBIG_DATABASE": self.url,
            "DISAMBIG_DATA": str(self.data),
            "DISAMBIG_RATE_KEY": "0",
            "DISAMBIG_RATE_PUBLIC": "0",
            "DISAMBIG_HEARTBEAT": "2",
            "DISAMBIG_WORKERS": "1",
            "OMP_NUM_THREADS": "1",
            **self.settings,
        }
        with (log or Path(os.devnull)).open("wb") as out:
            return subprocess.Popen(
                [*COMMAND, *arguments], env=environment, cwd=self.data, stdout=out, stderr=out
            )


@dataclass
class Server:
    """A running ``disambig serve``."""

    process: subprocess.Popen[bytes]
    address: str
    key: str

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer.

        Raises
        ------
        OSError
            If there is no answer, or half of one.
        """
        content = {"Content-Type": "application/json"}
        if isinstance(body, bytes):
            content = {"Content-Type": "application/x-ndjson"}
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path,
            data,
            method=method,
            headers={"Authorization": f"Bearer {self.key}", **content, **(headers or {})},
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except (ValueError, urllib.error.URLError) as error:
            raise OSError(str(error)) from error

    def kill(self) -> None:
        """As the kernel does when memory runs out: nothing of the process runs any more."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(place: Place) -> Iterator[Server]:
    """A server that answers; killed at the end if it still runs."""
    log = place.data / "serve.log"
    process = place.start("serve", "--port", "0", log=log)
    try:
        address = _until(lambda: LISTENING.search(log.read_text()), process, log)[1]
        server = Server(process, address, place.key)
        _until(lambda: _answers(server), process, log)
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def _answers(server: Server) -> bool:
    try:
        return server.ask("GET", "/health/live")[0] == 200
    except OSError:
        return False


def _until(found: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        result = found()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"the server did not start:\n{log.read_text()}")
