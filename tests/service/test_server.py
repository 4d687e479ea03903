"""``disambig serve``: real processes that make their database, answer, and stop when told."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from service import server
from service.cli.serve import serve
from service.errors import Invalid, Unavailable
from service.settings import Settings


@contextmanager
def served(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A running server, its address, and what it said when it began."""
    script = "from disambig.cli import main; main()"
    command = [sys.executable, "-c", script, "serve", "--port", "0", *options]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    try:
        while "stops the server" not in said:
            line = process.stderr.readline()
            assert line, f"the server ended: {said}"
            said += line
        found = re.search(r"http://\S+", said)
        assert found is not None
        answered(f"{found[0]}/health/live")
        yield process, found[0], said
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stderr.close()


def answered(url: str, patience: float = 60.0) -> httpx.Response:
    until = time.monotonic() + patience
    while True:
        try:
            return httpx.get(url, timeout=10)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def test_it_makes_its_database_says_what_to_do_next_and_stops_when_told(tmp_path: Path) -> None:
    with served(tmp_path) as (process, url, said):
        assert "disambig key create" in said
        assert "disambig load" in said
        assert answered(f"{url}/v1/stats").json()["works"] == 0
        assert (tmp_path / "disambig-data" / "disambig.sqlite").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) in (0, -signal.SIGTERM)


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked up in /proc")
def test_several_processes_share_the_port_and_end_with_the_first(tmp_path: Path) -> None:
    with served(tmp_path, "--processes", "2") as (process, url, _):
        children = _children(process.pid)
        assert len(children) >= 2
        assert answered(f"{url}/v1/stats").status_code == 200
        process.kill()
        process.wait()
        until = time.monotonic() + 30
        while any(Path(f"/proc/{child}").exists() for child in children):
            assert time.monotonic() < until, "a server process outlived the one that started it"
            time.sleep(0.1)


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found]


def test_a_port_that_is_taken_is_told_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings(data=tmp_path, port=taken.getsockname()[1])
        with pytest.raises(Unavailable, match="--port"), server.bind_socket(settings):
            pass


@pytest.mark.parametrize("host", ["no such host", "256.1.1.1", "x" * 300])
def test_a_host_that_is_none_is_told(tmp_path: Path, host: str) -> None:
    with pytest.raises(Invalid) as caught, server.bind_socket(Settings(data=tmp_path, host=host)):
        pass
    assert caught.value.field == "host"


def test_an_old_database_is_not_touched_when_told_so(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with pytest.raises(Unavailable, match="disambig db upgrade"):
        server.prepare(settings, migrate=False)
    assert server.prepare(settings, migrate=True) == {"keys": 0, "works": 0, "identities": 0}


def test_help_teaches_with_examples() -> None:
    shown = CliRunner().invoke(serve, ["--help"]).output
    for text in ("--processes", "--no-migrate", "disambig serve --host 0.0.0.0", "disambig-data"):
        assert text in shown


def test_the_address_of_every_interface_is_shown_as_one_to_open() -> None:
    with socket.socket() as bound:
        bound.bind(("0.0.0.0", 0))
        assert server.format_address(bound) == f"http://127.0.0.1:{bound.getsockname()[1]}"
