"""The measuring script: what it invents, how it asks, and that it says when it cannot."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter

import pytest
from click.testing import CliRunner

from service import bench


def checked(orcid: str) -> bool:
    """Whether the last digit of an ORCID iD is right: the sum of ISO 7064 is 1 modulo 11."""
    digits = [10 if c == "X" else int(c) for c in orcid.replace("-", "")]
    return sum(d * 2 ** (15 - k) for k, d in enumerate(digits)) % 11 == 1


def test_the_checksum_is_that_of_a_known_iD() -> None:
    assert checked("0000-0002-1825-0097")  # the example of orcid.org
    assert not checked("0000-0002-1825-0098")


def test_the_invented_works_are_what_the_goals_speak_of() -> None:
    works = list(bench.generate_works())
    first = Counter(work.authors[0].name for work in works)
    assert first == {"Zebulon Quartermain": 1_000, "Wei Wang": 2_000}
    people = {work.authors[0].orcid for work in works if work.authors[0].name == "Wei Wang"}
    assert len(people) == bench.N_PEOPLE
    assert len({work.id for work in works}) == 3_000
    orcids = {author.orcid for work in works for author in work.authors if author.orcid}
    assert all(checked(orcid) for orcid in orcids)
    assert all(re.fullmatch(r"(\d{4}-){3}\d{3}[\dX]", orcid) for orcid in orcids)


def test_without_wrk_it_says_so_and_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = CliRunner().invoke(bench.bench, [])
    assert result.exit_code == 0
    assert result.stderr.startswith("skipped: wrk is not installed")
    assert result.stdout == ""


def test_figures_are_read_from_what_wrk_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert command[:4] == ["wrk", "-t2", "-c32", "-d5s"]
        return subprocess.CompletedProcess(command, 0, "…\nRESULT 5.0 10000 1500 4000 9000 3\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert bench.run_wrk("http://x", ["/a"], 32, 5) == (5.0, 10000, 1.5, 4.0, 9.0, 3)
