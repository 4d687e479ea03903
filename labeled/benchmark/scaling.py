"""Measure how time, memory and accuracy scale with corpus size: ``disambig cluster`` on several.

``python -m labeled.benchmark.scaling FOLDER… --memory 4GB --json growth.json``; folders as
``disambig generate`` writes them. Each run is a whole command in a fresh process, cold start
included.

A larger corpus has more persons per name, which is harder for any method. So accuracy is also
reported by the number of mentions that agree in name, and for all sizes in the proportions of the
first (direct standardisation, as for death rates of populations with different age structure).
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np
import orjson

from disambig.evaluation.metrics import Metrics, bcubed_by_signature, evaluate
from disambig.evaluation.slices import Slice, slice_by_size
from disambig.ingest import read_labels
from disambig.names import parse_name

_MAIN = "from disambig.cli import main; main()"
_POLL_SECONDS = 0.5  # between two readings of memory
NAMESAKES = (0, 10, 30, 100, 350)
"""Lower edges of the bins by other mentions that agree in name."""
PERSON_SIZES = (1, 2, 10, 50, 151)
"""Lower edges of the bins by labelled mentions of a person."""
Ints = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class ScalingRun:
    """One run: ``seconds`` of the whole command, ``cpu_seconds`` and ``peak_memory`` (bytes) of
    all its processes.

    ``peak_memory`` is the largest sum of proportional set sizes (a page that n processes share
    counts 1/n for each), sampled twice a second. ``within_blocks`` is None without labels;
    ``by_namesakes`` are the labelled mentions in bins of :func:`count_namesakes`,
    ``by_person_size`` in those of :data:`PERSON_SIZES`.
    """

    folder: str
    works: int
    signatures: int
    people: int
    scored: int
    considered: int
    seconds: float
    cpu_seconds: float
    peak_memory: int
    within_blocks: Metrics | None
    by_namesakes: tuple[Slice, ...]
    by_person_size: tuple[Slice, ...]


def measure_folder(folder: Path, arguments: Sequence[str]) -> ScalingRun:
    """Cluster the works of one folder and compare with its labels."""
    works = next(p for p in (folder / "works.jsonl.gz", folder / "works.jsonl") if p.is_file())
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        out = Path(scratch) / "clusters.jsonl"
        command = [sys.executable, "-c", _MAIN, "cluster", str(works), "--out", str(out)]
        start, cpu = time.perf_counter(), _read_cpu_seconds()
        process = subprocess.Popen([*command, *arguments], stderr=subprocess.PIPE, text=True)
        watch = _MemoryWatch(process.pid)
        watch.start()
        _, stderr = process.communicate()
        seconds, cpu = time.perf_counter() - start, _read_cpu_seconds() - cpu
        peak = watch.stop()
        if process.returncode not in (0, 3):
            raise click.ClickException(f"disambig cluster failed on {folder}:\n{stderr[-2000:]}")
        counts = _parse_counts(stderr)
        signatures, metrics, by_namesakes, by_person_size = _measure_accuracy(out, folder)
    return ScalingRun(
        folder.name,
        counts["works"],
        signatures,
        counts["people"],
        counts["scored"],
        counts["considered"],
        seconds,
        cpu,
        peak,
        metrics,
        by_namesakes,
        by_person_size,
    )


def _read_cpu_seconds() -> float:
    """Return the CPU time of all finished child processes."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _parse_counts(stderr: str) -> dict[str, int]:
    """Parse the counts in the closing line of the command."""
    pattern = (
        r"(?P<people>[\d,]+) people behind [\d,]+ author mentions of (?P<works>[\d,]+) works "
        r"\((?P<scored>[\d,]+) of (?P<considered>[\d,]+) pairs"
    )
    match = re.search(pattern, stderr)
    if match is None:
        raise click.ClickException(
            f"no closing line in the output of the command:\n{stderr[-2000:]}"
        )
    return {name: int(text.replace(",", "")) for name, text in match.groupdict().items()}


def _measure_accuracy(
    clusters: Path, folder: Path
) -> tuple[int, Metrics | None, tuple[Slice, ...], tuple[Slice, ...]]:
    """Return the number of rows, and their accuracy within blocks: in total, by namesakes and by
    the size of the person.
    """
    files = [p for p in (folder / "labels.jsonl.gz", folder / "labels.jsonl") if p.is_file()]
    labels = {
        (label.signature.work, label.signature.position): (
            label.person,
            label.block or "",
            label.name or "",
        )
        for label in (read_labels(files) if files else ())
    }
    rows = 0
    identities: dict[tuple[str, int], str] = {}
    with clusters.open("rb") as stream:
        for line in stream:
            rows += 1
            row = orjson.loads(line)
            key = (row["work"], row["position"])
            if key in labels:
                identities[key] = row["identity"]
    if not labels:
        return rows, None, (), ()
    identity = _encode_names(identities[key] for key in labels)
    person = _encode_names(person for person, _, _ in labels.values())
    block = _encode_names(block for _, block, _ in labels.values())
    others = count_namesakes([name for *_, name in labels.values()], block)
    precision, recall = bcubed_by_signature(identity, person, block)
    size = np.bincount(person)[person]
    return (
        rows,
        evaluate(identity, person, block),
        slice_by_size(others, precision, recall, NAMESAKES),
        slice_by_size(size, precision, recall, PERSON_SIZES),
    )


def count_namesakes(names: Sequence[str], block: Ints) -> Ints:
    """Count the others in its block that each mention agrees with in first name or initial.

    Parameters
    ----------
    names : sequence of str
        As printed.
    block : int64[n]
        Family name and first initial; labels cover whole blocks.
    """
    given_names = {name: parse_name(name).given for name in set(names)}
    first_names = [
        given_names[name][0] if given_names[name] and len(given_names[name][0]) > 1 else ""
        for name in names
    ]
    code = _encode_names(first_names)
    is_initial = np.array([not word for word in first_names], dtype=bool)
    size = np.bincount(block)
    initials = np.bincount(block, is_initial, len(size)).astype(np.int64)
    _, group, group_sizes = np.unique(
        block * (code.max(initial=0) + 1) + code, return_inverse=True, return_counts=True
    )
    return np.where(is_initial, size[block], group_sizes[group] + initials[block]) - 1


def standardise_f1(sizes: Sequence[ScalingRun]) -> list[float]:
    """Return the B-cubed F1 of each size, standardised to the namesake proportions of the first.

    Bins that the first lacks are ignored; NaN where a size lacks a bin of the first.
    """
    if not sizes:
        return []
    share = {part.label: part.signatures for part in sizes[0].by_namesakes}
    total, standardised = sum(share.values()), []
    for size in sizes:
        parts = {part.label: part for part in size.by_namesakes}
        if not total or not share.keys() <= parts.keys():
            standardised.append(float("nan"))
            continue
        precision = sum(n * parts[label].precision for label, n in share.items()) / total
        recall = sum(n * parts[label].recall for label, n in share.items()) / total
        standardised.append(2 * precision * recall / (precision + recall))
    return standardised


def _encode_names(names: Iterable[str]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    code: dict[str, int] = {}
    return np.array([code.setdefault(name, len(code)) for name in names], dtype=np.int64)


class _MemoryWatch(threading.Thread):
    """Samples the memory of a process and its descendants until stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._peak, self._done = pid, 0, threading.Event()

    def run(self) -> None:
        while not self._done.wait(_POLL_SECONDS):
            self._peak = max(
                self._peak, sum(map(_read_proportional_set_size, _list_processes(self._pid)))
            )

    def stop(self) -> int:
        """Stop, and return the largest sum, bytes."""
        self._done.set()
        self.join()
        return self._peak


def _list_processes(pid: int) -> list[int]:
    """List a process and its descendants."""
    pids, children = [pid], Path(f"/proc/{pid}/task")
    with suppress(OSError):  # a process that has just ended has no descendants
        for task in children.iterdir():
            for child in (task / "children").read_text().split():
                pids += _list_processes(int(child))
    return pids


def _read_proportional_set_size(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    match = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def fit_exponent(sizes: Sequence[ScalingRun]) -> float:
    """Fit the slope of log seconds over log signatures by least squares; NaN for one size."""
    if len(sizes) < 2:
        return float("nan")
    x, y = np.log([s.signatures for s in sizes]), np.log([s.seconds for s in sizes])
    return float(np.polyfit(x, y, 1)[0])


@click.command()
@click.argument(
    "folders",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option("--memory", default="4GB", show_default=True, help="As for disambig cluster.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes; all cores by default.")
@click.option(
    "--model",
    type=click.Path(exists=True, path_type=Path),
    help="Model file; the shipped model by default.",
)
@click.option("--json", "json_out", type=click.Path(path_type=Path), help="Output file of figures.")
def main(
    folders: tuple[Path, ...],
    memory: str,
    workers: int | None,
    model: Path | None,
    json_out: Path | None,
) -> None:
    """Cluster the works of each of FOLDERS, in ascending size, and print time and accuracy."""
    arguments = ["--memory", memory]
    arguments += ["--workers", str(workers)] if workers else []
    arguments += ["--model", str(model)] if model else []
    sizes: list[ScalingRun] = []
    for folder in folders:
        size = measure_folder(folder, arguments)
        sizes.append(size)
        metrics = size.within_blocks
        accuracy = f", B-cubed F1 {metrics.bcubed_f1:.4f}" if metrics else ""
        click.echo(
            f"{size.folder}: {size.signatures:,} signatures, {size.scored:,} of "
            f"{size.considered:,} pairs scored, {size.seconds:.1f} s ({size.cpu_seconds:.1f} s of "
            f"CPU), {size.signatures / size.seconds:,.0f} signatures/s, "
            f"{size.peak_memory / 1e6:,.0f} MB{accuracy}"
        )
        if json_out is not None:  # after each run, since the next may take an hour
            document = {
                "cores": os.cpu_count(),
                "memory": memory,
                "exponent": fit_exponent(sizes),
                "f1_in_proportions_of_first": standardise_f1(sizes),
                "sizes": [asdict(s) for s in sizes],
            }
            json_out.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    click.echo(f"time grows with the number of signatures to the power {fit_exponent(sizes):.3f}")
    for size, standard in zip(sizes, standardise_f1(sizes), strict=True):
        accuracy = ", ".join(
            f"{part.label}: {part.f1:.4f} ({part.signatures:,})" for part in size.by_namesakes
        )
        click.echo(f"{size.folder} by mentions that agree in name: {accuracy}")
        recall = ", ".join(
            f"{part.label}: {part.recall:.4f} ({part.signatures:,})" for part in size.by_person_size
        )
        click.echo(f"{size.folder} recall by mentions of the person: {recall}")
        click.echo(f"{size.folder} in the proportions of {sizes[0].folder}: F1 {standard:.4f}")


if __name__ == "__main__":
    main()
