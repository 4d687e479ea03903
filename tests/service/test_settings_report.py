"""Settings explained: what is shown, from where, and what never is."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from disambig.cli import main
from service.settings import Settings
from service.settings_report import explain_defaults, explain_settings, mask_passwords

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "service.md"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def config(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["config", *arguments])


def shown() -> dict[str, dict[str, object]]:
    return {setting["name"]: setting for setting in json.loads(config("--json").stdout)}


def test_every_setting_is_shown_with_its_meaning() -> None:
    text = config().stdout
    for name, field in Settings.model_fields.items():
        assert f"\n{name} = " in "\n" + text
        assert field.description is not None
        assert field.description in text


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disambig.toml").write_text("port = 9000\nhost = '0.0.0.0'\n")
    monkeypatch.setenv("DISAMBIG_PORT", "9001")
    found = shown()
    assert (found["port"]["value"], found["port"]["source"]) == (9001, "the environment")
    assert (found["host"]["value"], found["host"]["source"]) == ("0.0.0.0", "disambig.toml")
    assert (found["memory"]["value"], found["memory"]["source"]) == (None, "the default")


def test_the_database_in_use_is_shown_where_none_is_set() -> None:
    assert shown()["database"]["value"] == "sqlite:///disambig-data/disambig.sqlite"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://me:hunter2@h:1/n", "postgresql://me:***@h:1/n"),
        ("postgresql://h/n?user=me&password=hunter2", "postgresql://h/n?password=***&user=me"),
        ("postgresql://h/n?sslpassword=hunter2", "postgresql://h/n?sslpassword=***"),
        ("hunter2", "***"),
        ("postgresql://me:hunter2@h:notaport/n", "***"),
    ],
)
def test_passwords_are_masked_wherever_they_stand(address: str, expected: str) -> None:
    assert mask_passwords(address) == expected


@pytest.mark.parametrize("option", [(), ("--json",), ("--toml",)])
def test_no_form_shows_the_password(
    monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    monkeypatch.setenv("DISAMBIG_DATABASE", "postgresql://me:hunter2@h/n?passfile=hunter2")
    result = config(*option)
    assert result.exit_code == 0
    assert "hunter2" not in result.output


def test_the_toml_is_a_file_that_gives_the_same_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISAMBIG_DATA", 'a "b"\\ü')
    monkeypatch.setenv("DISAMBIG_METRICS", "false")
    text = config("--toml").stdout
    assert tomllib.loads(text) == {"data": 'a "b"\\ü', "metrics": False}
    assert [line for line in text.splitlines() if line.startswith("# port")] == ["# port = 8000"]
    monkeypatch.delenv("DISAMBIG_DATA")
    monkeypatch.delenv("DISAMBIG_METRICS")
    (tmp_path / "disambig.toml").write_text(text)
    assert explain_settings()[0].value == 'a "b"\\ü'


def test_a_wrong_setting_is_told_below_what_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISAMBIG_PORT", "70000")
    result = config()
    assert result.exit_code == 1
    assert "DISAMBIG_PORT, a whole number from 0 to 65535" in result.stdout
    assert "Error: setting port: " in result.stderr


def test_what_a_setting_takes_is_said_in_words() -> None:
    takes = {setting.name: setting.takes for setting in explain_defaults()}
    assert takes["log_format"] == "text or json"
    assert takes["public_read"] == "true or false"
    assert takes["memory"] == "a whole number of at least 268435456"
    assert takes["heartbeat"] == "a number above 0"
    assert takes["data"] == "a path"


def test_an_unknown_setting_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "disambig.toml").write_text("prot = 1\n")
    assert "setting prot" in config().stderr


def test_the_document_tells_every_setting_as_the_code_does() -> None:
    document = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    for setting in explain_defaults():
        row = document.partition(f"| `{setting.name}` |")[2].partition(" |")[0].strip()
        assert row, f"docs/service.md has no row for {setting.name}"
        assert setting.meaning in document, setting.name
