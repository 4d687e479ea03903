"""The one step of the build that pyproject.toml cannot state: migrations go into the wheel."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithMigrations(build_py):
    """Puts ``alembic/`` into the package ``service``, where an installed one looks for it."""

    def run(self) -> None:
        """Build as ever, then copy."""
        super().run()
        if not self.editable_mode:
            shutil.copytree(
                Path(__file__).parent / "alembic",
                Path(self.build_lib) / "service" / "migration_scripts",
                ignore=shutil.ignore_patterns("__pycache__"),
                dirs_exist_ok=True,
            )


setup(cmdclass={"build_py": WithMigrations})
