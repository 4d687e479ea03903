"""What importing the package costs, brings in and offers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import disambig

PUBLIC = [
    "Assigner",
    "Assignment",
    "Author",
    "Constraint",
    "ConstraintError",
    "ConstraintKind",
    "Corpus",
    "DisambigError",
    "Disambiguator",
    "FormatError",
    "InputError",
    "Label",
    "Metrics",
    "Model",
    "ModelError",
    "Partition",
    "RecordError",
    "SemanticSpace",
    "Signature",
    "Work",
    "evaluate",
    "read_constraints",
    "read_labels",
    "read_works",
]

EVERY_MODULE = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"labeled", "service", "sqlalchemy", "litestar"}:
            raise ImportError(f"disambig imports {name}")

sys.meta_path.insert(0, Blocked())
import disambig
for module in pkgutil.walk_packages(disambig.__path__, "disambig."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("imported")
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_engine_imports_without_the_other_rooms_and_their_libraries() -> None:
    assert run(EVERY_MODULE) == "imported"


WITHOUT_FORK = """
import importlib, multiprocessing, multiprocessing.context, pkgutil

del multiprocessing.context._concrete_contexts["fork"]
try:
    multiprocessing.get_context("fork")
except ValueError:
    pass
else:
    raise AssertionError("there still is a fork")
for package in ("disambig", "service"):
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
print("imported")
"""


def test_every_module_imports_where_processes_cannot_be_forked() -> None:
    assert run(WITHOUT_FORK) == "imported"


def test_the_blocker_would_notice() -> None:
    code = EVERY_MODULE.replace("import disambig\n", "import labeled, disambig\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "disambig imports labeled" in done.stderr


def test_importing_the_package_loads_no_heavy_library() -> None:
    heavy = ["numpy", "scipy", "sklearn", "pyarrow", "pydantic"]
    loaded = run(f"import sys, disambig; print([m for m in {heavy} if m in sys.modules])")
    assert loaded == "[]"


def test_the_public_names_are_these() -> None:
    assert sorted(disambig.__all__) == PUBLIC


def test_every_public_name_can_be_had() -> None:
    assert [name for name in PUBLIC if getattr(disambig, name).__name__ != name] == []


def test_another_name_is_an_attribute_error() -> None:
    assert not hasattr(disambig, "no_such_name")


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(disambig.__file__).parent / "py.typed").is_file()
