"""The command-line frame: help that teaches, lazy commands, errors in one line."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from disambig.cli import COMMANDS, main

HEAVY = ("numpy", "scipy", "sklearn", "matplotlib", "pyarrow", "pydantic", "lxml", "rich", "jinja2")

PLUGINS = '''
import click
from disambig.errors import InputError

@click.command()
def failing():
    """Fail."""
    raise InputError("Eve\\x1b[2J is\\nbad")

@click.command()
def interrupted():
    """Be interrupted."""
    raise KeyboardInterrupt

@click.command()
def unwritable():
    """Write where nobody may."""
    open("/nonexistent/folder/file", "w")

@click.command()
def working():
    """Work."""
    click.echo("worked")

not_a_command = 7
'''

Plugins = Callable[..., None]


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """Install commands as if another package's entry points named them."""
    (tmp_path / "frame_plugins.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(**values: str) -> None:
        points = [EntryPoint(name, value, "disambig.commands") for name, value in values.items()]
        monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)

    return install


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def all_commands() -> list[str]:
    return main.list_commands(click.Context(main))


def test_the_main_help_shows_a_workflow_and_exit_statuses() -> None:
    text = run("--help").stdout
    assert "disambig cluster works.jsonl --out clusters.jsonl" in text
    assert "3  done, but some records were rejected" in text


@pytest.mark.parametrize("name", all_commands())
def test_every_command_says_what_it_does_in_the_main_help(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    summary = command.get_short_help_str(60)
    assert len(summary) > 20
    assert not summary.endswith("...")
    assert "cannot be loaded" not in summary
    assert name in run("--help").stdout


@pytest.mark.parametrize("name", all_commands())
def test_the_help_of_every_command_ends_with_examples_of_it(name: str) -> None:
    text = run(name, "--help").stdout
    _, _, found = text.partition("Examples:")
    assert f"disambig {name}" in found


@pytest.mark.parametrize("name", all_commands())
def test_every_option_of_every_command_is_explained(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    options = [p for p in command.params if isinstance(p, click.Option)]
    assert [option.opts for option in options if not option.help] == []


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys\n"
        "from disambig.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print('loaded:', sorted(set({HEAVY!r}) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_help_takes_a_few_times_what_importing_click_takes() -> None:
    def measure(code: str) -> float:
        """Processor time of a program, the least of three runs: the machine's speed varies."""
        times = []
        for _ in range(3):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return min(times)

    # measured: 2.3 to 2.7 times; importing numpy alone would add more than two
    shortest = measure("import click, importlib.metadata")
    assert measure("from disambig.cli import main; main(['--help'])") < 3.5 * shortest


def test_the_main_help_fits_ninety_columns() -> None:
    assert max(len(line) for line in run("--help").stdout.splitlines()) <= 90


def test_version_is_one_line() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("disambig ")
    assert result.stdout.count("\n") == 1


def test_an_unknown_command_is_a_usage_error() -> None:
    assert run("disambiguate").exit_code == 2


def test_commands_of_other_packages_are_listed_after_our_own(plugins: Plugins) -> None:
    plugins(working="frame_plugins:working")
    assert all_commands() == [*COMMANDS, "working"]


def test_a_command_of_another_package_runs(plugins: Plugins) -> None:
    plugins(working="frame_plugins:working")
    assert run("working").stdout == "worked\n"


def test_another_package_cannot_replace_our_own_command(plugins: Plugins) -> None:
    plugins(evaluate="frame_plugins:working")
    assert "Evaluate CLUSTERS" in run("evaluate", "--help").stdout


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("no_such_module:command", "No module named 'no_such_module'"),
        ("frame_plugins:gone", "has no attribute 'gone'"),
        ("frame_plugins:not_a_command", "not a click command"),
    ],
)
def test_a_broken_command_says_why_when_run(plugins: Plugins, value: str, reason: str) -> None:
    plugins(broken=value)
    result = run("broken", "--some", "argument")
    assert result.exit_code == 1
    assert f"the command broken ({value}) cannot be loaded" in result.stderr
    assert reason in result.stderr


def test_a_broken_command_leaves_the_others_alone(plugins: Plugins) -> None:
    plugins(broken="no_such_module:command", working="frame_plugins:working")
    assert run("--help").exit_code == 0
    assert run("working").exit_code == 0


def test_an_expected_error_is_one_harmless_line_and_status_1(plugins: Plugins) -> None:
    plugins(failing="frame_plugins:failing")
    result = run("failing")
    assert result.exit_code == 1
    assert result.stderr == "Error: Eve\\x1b[2J is bad\n"


def test_a_file_that_cannot_be_written_is_one_line_too(plugins: Plugins) -> None:
    plugins(unwritable="frame_plugins:unwritable")
    result = run("unwritable")
    assert result.exit_code == 1
    assert result.stderr == "Error: /nonexistent/folder/file: No such file or directory\n"


def test_an_interrupt_ends_with_status_130_and_no_traceback(plugins: Plugins) -> None:
    plugins(interrupted="frame_plugins:interrupted")
    result = run("interrupted")
    assert (result.exit_code, result.stderr) == (130, "Interrupted.\n")


def test_a_reader_that_stops_early_gets_no_traceback() -> None:
    code = (
        "import click\n"
        "from disambig.cli import main\n"
        "@click.command()\n"
        "def flood():\n"
        "    for _ in range(100_000): click.echo('line')\n"
        "main.get_command = lambda ctx, name: flood\n"
        "main(['flood'])\n"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
    assert complaint == b""
