"""``python -m service.bench``: measure response times of the service over HTTP with wrk.

It seeds an empty database through the public use cases (load, run, publish), starts ``disambig
serve`` and measures popular reads, the profile of an author of 1,000 works, and the page of a name
with 2,000 mentions, each with and without a cached response. It prints a table, and writes JSON
with ``--json``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

import click

from disambig.domain import Author, Work
from service.cli import common

N_WORKS, N_MENTIONS, N_PEOPLE = 1_000, 2_000, 60
"""Works of the prolific author; mentions of the common name, and the people who bear it."""
PORT_PATTERN = re.compile(r"http://\S+:(\d+)")

# wrk requests the paths in turn; {n} in a path is a unique number, so that no cached response
# applies
WRK_SCRIPT = """
local paths = {{{paths}}}
local n = 0
local id = 0
function setup(thread) thread:set("id", id) id = id + 1 end
function request()
  n = n + 1
  local path = paths[n % #paths + 1]:gsub("{{n}}", id * 100000000 + n)
  return wrk.format("GET", path, {{["Accept-Encoding"] = "gzip"}})
end
function done(summary, latency, requests)
  io.write(string.format(
    "RESULT %.3f %d %d %d %d %d\\n", summary.duration / 1e6, summary.requests,
    latency:percentile(50), latency:percentile(95), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: requests a second, latencies in milliseconds, and the goal."""

    what: str
    connections: int
    rate: float
    p50: float
    p95: float
    p99: float
    errors: int
    goal: str


def generate_works() -> Iterator[Work]:
    """Generate one author of many works, and one name of many people, with ORCID iDs."""
    busy_author = Author("Zebulon Quartermain", orcid=_build_orcid(1))
    for k in range(N_WORKS):
        coauthors = tuple(Author(f"{_NAMES[(k + j) % 40]} Fellow{j}") for j in range(k % 5))
        yield _build_work(f"busy-{k}", (busy_author, *coauthors), k)
    for k in range(N_MENTIONS):
        # a few people write much, most write little, as with real names
        person = int(N_PEOPLE * (k / N_MENTIONS) ** 2)
        author = Author("Wei Wang", orcid=_build_orcid(100 + person))
        yield _build_work(
            f"wang-{k}", (author, Author(f"{_NAMES[person % 40]} Colleague{person}")), k
        )


_NAMES = tuple(
    f"{a}{b}"
    for a in ("An", "Bel", "Cor", "Dan", "El")
    for b in ("na", "bert", "inna", "ian", "sa", "do", "vin", "ric")
)
_TOPICS = ("graphs", "proteins", "galaxies", "markets", "glaciers", "grammars", "neurons")


def _build_orcid(n: int) -> str:
    """Build a valid ORCID iD: the last digit is a checksum (ISO 7064 11-2)."""
    digits = f"000000020{n:06d}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    last = (12 - total % 11) % 11
    whole = digits + ("X" if last == 10 else str(last))
    return "-".join(whole[i : i + 4] for i in range(0, 16, 4))


def _build_work(id: str, authors: tuple[Author, ...], k: int) -> Work:
    topic, other = _TOPICS[k % 7], _TOPICS[k // 7 % 7]
    return Work(
        id=id,
        title=f"On {topic} and {other}, part {k}",
        authors=authors,
        venue=f"Journal of {topic}",
        year=1990 + k % 35,
        citations=k % 50,
    )


@contextmanager
def run_server(database: str, data: Path, processes: int) -> Iterator[str]:
    """Run ``disambig serve`` in a child process; yield its address."""
    environment = {
        **os.environ,
        "DISAMBIG_DATABASE": database,
        "DISAMBIG_DATA": str(data),
        "DISAMBIG_RATE_PUBLIC": "0",
        "DISAMBIG_PROCESSES": str(processes),
    }
    command = [sys.executable, "-c", "from disambig.cli import main; main()", "serve", "--port=0"]
    log = (data / "serve.log").open("w")
    with log, subprocess.Popen(command, env=environment, stderr=log) as process:
        try:
            yield _wait_for_address(process, data / "serve.log")
        finally:
            process.send_signal(signal.SIGTERM)


def _wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in range(300):
        match = PORT_PATTERN.search(log.read_text())
        if match:
            address = f"http://127.0.0.1:{match[1]}"
            try:
                with urllib.request.urlopen(f"{address}/health/ready", timeout=5):
                    return address
            except OSError:
                pass
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise click.ClickException(f"the server did not start:\n{log.read_text()}")


def run_wrk(address: str, paths: list[str], connections: int, seconds: int) -> tuple[float, ...]:
    """Run wrk; return duration (s), requests, p50, p95 and p99 (ms), and errors."""
    quoted = ", ".join(json.dumps(path) for path in paths)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK_SCRIPT.format(paths=quoted))
        script.flush()
        process = subprocess.run(
            [
                "wrk",
                f"-t{min(2, connections)}",
                f"-c{connections}",
                f"-d{seconds}s",
                "--timeout",
                "10s",
                "-s",
                script.name,
                address,
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    figures = [float(x) for x in process.stdout.partition("RESULT ")[2].split()]
    duration, requests, p50, p95, p99, errors = figures
    return duration, requests, p50 / 1000, p95 / 1000, p99 / 1000, errors


def measure(address: str, seconds: int) -> list[Measurement]:
    """Run all measurements on a seeded, running service."""
    busy_id = _list_identities(address, "Zebulon Quartermain")[0]
    common_name_ids = _list_identities(address, "wei wang")
    name = f"/v1/names/{quote('wei wang')}?limit=100"
    hot = [f"/v1/identities/{id}" for id in common_name_ids[:20]] + [
        "/v1/works/busy-1",
        "/v1/stats",
    ]
    profile = f"/v1/identities/{busy_id}"
    plans = (
        ("cached reads, mixed", hot, 32, "1,000/s"),
        (f"profile of {N_WORKS:,} works, cached", [profile], 32, "1,000/s"),
        (f"profile of {N_WORKS:,} works, uncached", [profile + "?bench={n}"], 1, "p95 50 ms"),
        (f"name of {N_MENTIONS:,} mentions, cached", [name], 32, "1,000/s"),
        (f"name of {N_MENTIONS:,} mentions, uncached", [name + "&bench={n}"], 1, "p95 100 ms"),
        ("search by name, uncached", ["/v1/identities?q=quatermain&bench={n}"], 4, ""),
    )
    measurements = []
    for what, paths, connections, goal in plans:
        run_wrk(address, paths, connections, 1)  # warm
        duration, requests, p50, p95, p99, errors = run_wrk(address, paths, connections, seconds)
        rate = requests / duration
        measurements.append(Measurement(what, connections, rate, p50, p95, p99, int(errors), goal))
    return measurements


def _list_identities(address: str, name: str) -> list[str]:
    """List the identities under an exact name, most mentions first."""
    with urllib.request.urlopen(f"{address}/v1/names/{quote(name)}", timeout=60) as response:
        page = json.load(response)
    return [person["id"] for person in page["items"]]


def _seed(database: str, data: Path, works: Path | None) -> dict[str, float]:
    """Load and publish; return the duration of each step in seconds."""
    from disambig.ingest import ReceivedWork, read_works
    from service.publication import publish as publishing
    from service.runs import store as run_store
    from service.worker.worker import Worker
    from service.works.load import Delivery, load_works

    durations: dict[str, float] = {}
    with common.open_service(database, data=data) as (settings, db):
        records = [ReceivedWork(w, k + 1, None, "bench") for k, w in enumerate(generate_works())]
        started = time.perf_counter()
        load_works(db, common.get_actor(), Delivery("file", "bench"), records)
        durations["load generated works"] = time.perf_counter() - started
        if works is not None:
            started = time.perf_counter()
            with read_works([works]) as reader:
                load_works(
                    db, common.get_actor(), Delivery("file", str(works)), reader.iterate_received()
                )
            durations[f"load {works.name}"] = time.perf_counter() - started
        started = time.perf_counter()
        run = run_store.create_run(db, common.get_actor(), scope=run_store.FULL)
        worker = Worker(db, settings, lambda line: click.echo(line, err=True))
        worker.serve(once=True)
        durations["run"] = time.perf_counter() - started
        started = time.perf_counter()
        publishing.publish(db, common.get_actor(), run.id)
        durations["publish"] = time.perf_counter() - started
    return durations


def _print_table(measurements: list[Measurement], durations: dict[str, float]) -> None:
    click.echo(
        f"{'':<36} {'conn.':>5} {'req/s':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8}  goal"
    )
    for m in measurements:
        failed = f"  {m.errors} ERRORS" if m.errors else ""
        click.echo(
            f"{m.what:<36} {m.connections:>5} {m.rate:>8,.0f} {m.p50:>8.1f} {m.p95:>8.1f} "
            f"{m.p99:>8.1f}  {m.goal}{failed}"
        )
    for what, seconds in durations.items():
        click.echo(f"{what:<36} {seconds:>8.1f} s")


@click.command()
@click.option(
    "--works", type=click.Path(exists=True, path_type=Path), help="Additional works to load."
)
@click.option("--seconds", default=10, show_default=True, help="Duration of each measurement.")
@click.option("--processes", default=2, show_default=True, help="Server processes.")
@click.option(
    "--json", "out", type=click.Path(path_type=Path), help="File for the results as JSON."
)
@common.database_option
def bench(
    works: Path | None, seconds: int, processes: int, out: Path | None, database: str | None
) -> None:
    """Measure the service on an empty database (default: a new SQLite file)."""
    if shutil.which("wrk") is None:
        click.echo("skipped: wrk is not installed (Debian: apt-get install wrk)", err=True)
        return
    from service.db.overview import read_inventory
    from service.settings import build_sqlite_url

    with tempfile.TemporaryDirectory(prefix="disambig-bench-") as folder:
        data = Path(folder)
        address = database or build_sqlite_url(data / "bench.sqlite").render_as_string()
        with common.open_service(address, data=data) as (_, db):
            contents = read_inventory(db)
        if contents.rows["works"]:
            raise click.ClickException("the database is not empty; name an empty one")
        durations = _seed(address, data, works)
        with run_server(address, data, processes) as server_address:
            measurements = measure(server_address, seconds)
        with common.open_service(address, data=data) as (_, db):
            contents = read_inventory(db)
    click.echo(f"{contents.kind}, {contents.rows['signatures']:,} mentions, {processes} processes")
    _print_table(measurements, durations)
    if out is not None:
        figures = {
            "database": contents.kind,
            "rows": contents.rows,
            "processes": processes,
            "seconds": durations,
            "measured": [asdict(m) for m in measurements],
        }
        out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    bench()
