"""The memory budget: how sizes are read, and when works go to disk."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from disambig.out_of_core.budget import MemoryPlan, parse_size, plan_memory


def parsed(text: str | None) -> int | None:
    return parse_size(click.Context(click.Command("x")), click.Option(["--memory"]), text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("1.5 g", 1_500_000_000), ("4000MB", 4 * 10**9), (None, None)],
)
def test_sizes_are_read(text: str | None, size: int | None) -> None:
    assert parsed(text) == size


@pytest.mark.parametrize("text", ["much", "-2GB", "2 GB or so", ""])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a size"):
        parsed(text)


def test_too_little_is_refused() -> None:
    with pytest.raises(click.BadParameter, match="too small"):
        parsed("200MB")


def sized(path: Path, size: int) -> Path:
    with path.open("wb") as stream:
        stream.truncate(size)
    return path


def test_small_works_stay_in_memory(tmp_path: Path) -> None:
    assert plan_memory([sized(tmp_path / "w.jsonl", 10**6)], 2 * 10**9, 2) == MemoryPlan(2, None)


def test_large_works_go_to_disk_in_more_shards_the_larger_they_are(tmp_path: Path) -> None:
    small = plan_memory([sized(tmp_path / "a.jsonl", 10**9)], 4 * 10**9, 2)
    large = plan_memory([sized(tmp_path / "b.jsonl", 4 * 10**9)], 4 * 10**9, 2)
    assert small.shards is not None
    assert large.shards is not None
    assert 3 * small.shards < large.shards < 5 * small.shards


def test_a_long_run_goes_to_disk_however_much_memory_there_is(tmp_path: Path) -> None:
    small = plan_memory([sized(tmp_path / "a.jsonl", 10**8)], 10**12, 2)
    large = plan_memory([sized(tmp_path / "b.jsonl", 10**9)], 10**12, 2)
    assert small.shards is None
    assert large == MemoryPlan(2, 32)


def test_packed_works_count_for_what_they_hold(tmp_path: Path) -> None:
    packed = plan_memory([sized(tmp_path / "w.jsonl.gz", 200 * 10**6)], 4 * 10**9, 2)
    assert packed.shards is not None


def test_little_memory_means_fewer_workers(tmp_path: Path) -> None:
    assert plan_memory([sized(tmp_path / "w.jsonl", 10**9)], 10**9, 8).workers == 1


def test_standard_input_goes_to_disk_when_a_budget_is_set() -> None:
    assert plan_memory([Path("-")], 2 * 10**9, 2).shards == 64
    assert plan_memory([Path("-")], None, 2).shards is None
