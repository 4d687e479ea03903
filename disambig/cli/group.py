"""A click group that imports commands at first use and prints errors in one line."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from typing import Any

import click

from disambig.console import escape_text
from disambig.errors import DisambigError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

# raised when a module is imported and its command looked up
_LOADING_ERRORS = (ImportError, AttributeError, SyntaxError, TypeError, OSError)


class Failure(click.ClickException):
    """An error that the user can handle, printed as one escaped line."""

    exit_code = EXIT_FAILED

    def show(self, file: Any = None) -> None:
        """Write ``Error: …`` to standard error, or to ``file``."""
        click.echo(f"Error: {escape_text(self.message)}", file=file, err=file is None)


class LazyGroup(click.Group):
    """Commands imported at first use: those of this package, then those of entry points."""

    def __init__(
        self, name: str, *, commands_in: str, builtin: tuple[str, ...], plugins: str, **rest: Any
    ) -> None:
        """Import ``builtin`` from modules of the package ``commands_in``; ``rest`` is click's."""
        super().__init__(name, **rest)
        self._commands_in, self._builtin, self._plugins = commands_in, builtin, plugins

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List own commands in their order, then those of plugins by name."""
        return [*self._builtin, *sorted(set(self._list_entry_points()) - set(self._builtin))]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command; a plugin that cannot be imported reports it when run."""
        if name in self._builtin:
            module = importlib.import_module(f"{self._commands_in}.{name}")
            return _check_command(name, getattr(module, name))
        entry_point = self._list_entry_points().get(name)
        if entry_point is None:
            return None
        try:
            return _check_command(name, entry_point.load())
        except _LOADING_ERRORS as error:
            return _make_broken_command(name, entry_point, error)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; convert expected errors to :class:`Failure` and an exit status."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except DisambigError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:
            # the reader (head, less) has closed the pipe: exit without a traceback
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise click.exceptions.Exit(EXIT_FAILED) from None
        except OSError as error:
            if error.strerror is None:
                raise
            place = f"{error.filename}: " if error.filename is not None else ""
            raise Failure(f"{place}{error.strerror}") from error

    def _list_entry_points(self) -> dict[str, importlib.metadata.EntryPoint]:
        entry_points = importlib.metadata.entry_points(group=self._plugins)
        return {entry_point.name: entry_point for entry_point in entry_points}


def version_option() -> click.Option:
    """Create ``--version``, which looks the version up only when used."""

    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(f"disambig {get_version()}")
            ctx.exit()

    return click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=show,
        help="Show the version and exit.",
    )


def get_version() -> str:
    """Return the version of the installed package, or ``(not installed)``."""
    try:
        return importlib.metadata.version("disambig")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _check_command(name: str, command: object) -> click.Command:
    if not isinstance(command, click.Command):
        raise TypeError(f"{name} is {type(command).__name__}, not a click command")
    return command


def _make_broken_command(
    name: str, entry_point: importlib.metadata.EntryPoint, error: Exception
) -> click.Command:
    """Create a placeholder for a plugin that cannot be loaded; it reports the reason when run."""
    reason = f"{type(error).__name__}: {error}"

    def fail(arguments: tuple[str, ...]) -> None:
        raise Failure(
            f"the command {name} ({entry_point.value}) cannot be loaded: {reason}; "
            "install what it needs or reinstall its package"
        )

    return click.Command(
        name,
        callback=fail,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        add_help_option=False,
        short_help="(cannot be loaded; run it to see the reason)",
    )
