"""Compiled code is stored, and used as long as no source that it is made of changes."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from disambig.kernels import compile as kernels_compile
from disambig.kernels.compile import digest_sources, is_cold, kernel, watch_compilation

SCALE = "FACTOR = {factor}\n"
DOUBLE = """
from {package}.compile import kernel
from {package}.scale import FACTOR

@kernel
def double(x):
    return FACTOR * x
"""
CALLER = """
from {package}.compile import kernel
from {package}.double import double

@kernel
def quadruple(x):
    return 2 * double(x)
"""


def load(file: Path) -> Any:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def compile_double(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Return a function that compiles a kernel, as a new process does, for sources of a digest."""
    (tmp_path / "double.py").write_text("def double(x):\n    return 2 * x\n")

    def compile_with(digest: str) -> Any:
        monkeypatch.setattr(kernels_compile, "digest_sources", lambda file: digest)
        monkeypatch.setattr(kernels_compile, "_kernels", [])
        double = kernel(load(tmp_path / "double.py").double)
        assert double(21) == 42
        return double

    return compile_with


def count(dispatcher: Any) -> tuple[int, int]:
    """Return hits and misses of the cache."""
    stats = dispatcher.stats
    return sum(stats.cache_hits.values()), sum(stats.cache_misses.values())


def test_compiled_code_is_stored_once_and_found_again(compile_double: Callable[[str], Any]) -> None:
    assert count(compile_double("a")) == (0, 1)
    assert count(compile_double("a")) == (1, 0)


def test_another_digest_of_the_sources_has_another_entry(
    compile_double: Callable[[str], Any],
) -> None:
    compile_double("a")
    assert count(compile_double("b")) == (0, 1)
    assert count(compile_double("b")) == (1, 0)


def test_the_cache_is_cold_until_a_kernel_is_stored(
    compile_double: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    double = compile_double("a")
    assert not is_cold()
    double._cache.flush()
    assert is_cold()


def test_kernels_are_counted_as_they_are_compiled(compile_double: Callable[[str], Any]) -> None:
    counts: list[int] = []
    with watch_compilation(counts.append):
        compile_double("a")
        assert sum(counts) == 1
        compile_double("a")  # read from the cache
    assert sum(counts) == 1


def test_code_for_a_class_that_was_renamed_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from typing import NamedTuple\nclass Old(NamedTuple):\n    x: int\n"
    source += "def get_x(point):\n    return point.x\n"
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("Old", "New"):
        (tmp_path / "points.py").write_text(source.replace("Old", name))
        module = load(tmp_path / "points.py")
        monkeypatch.setitem(sys.modules, "points", module)
        get_x = kernel(module.get_x)
        assert get_x(getattr(module, name)(3)) == 3
        assert count(get_x) == (0, 1)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the compiler in a package with kernels of its own."""
    folder = tmp_path / "copied"
    folder.mkdir()
    shutil.copy(kernels_compile.__file__, folder / "compile.py")
    (folder / "__init__.py").touch()
    (folder / "scale.py").write_text(SCALE.format(factor=2))
    (folder / "double.py").write_text(DOUBLE.format(package="copied"))
    (folder / "quadruple.py").write_text(CALLER.format(package="copied"))
    return folder


def call(package: Path) -> tuple[int, int]:
    """Call ``quadruple(1)`` in a new process; return the result and the number of misses."""
    code = (
        "from copied.quadruple import quadruple\n"
        "print(quadruple(1), sum(quadruple.stats.cache_misses.values()))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=package.parent, capture_output=True, text=True, check=True, timeout=300
    )
    result, misses = done.stdout.split()
    return int(result), int(misses)


def test_a_constant_that_changes_in_a_file_behind_the_caller_changes_the_result(
    package: Path,
) -> None:
    assert call(package) == (4, 1)
    assert call(package) == (4, 0)
    (package / "scale.py").write_text(SCALE.format(factor=3))
    assert call(package) == (6, 1)


def test_the_digest_is_of_what_a_file_imports_and_of_nothing_else() -> None:
    folder = Path(kernels_compile.__file__).parent
    sources = {path.name for path in kernels_compile._list_sources(folder / "groups.py")}
    assert sources == {"arrays.py", "compile.py", "groups.py", "pairs.py", "vectors.py"}
    assert digest_sources(str(folder / "groups.py")) != digest_sources(str(folder / "pairs.py"))
