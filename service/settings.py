"""Settings: environment variables ``DISAMBIG_…`` over a TOML file over defaults.

This is the only module that reads settings. ``disambig config`` and the documentation show the
description of each field.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import URL

from service.errors import Invalid

PREFIX = "DISAMBIG_"
DEFAULT_FILE = "disambig.toml"
"""Read from the working directory unless ``DISAMBIG_CONFIG`` names another file."""


class Settings(BaseSettings):
    """Settings of the service.

    Every field can be set in TOML by its name, or in the environment by its name in capitals
    after ``DISAMBIG_``.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path = Field(
        default=Path("disambig-data"),
        description="Folder for the SQLite database and for runs in progress; created if missing.",
    )
    database: str | None = Field(
        default=None,
        description="Address of the database, such as postgresql://user:password@host:5432/name; "
        "default: disambig.sqlite in the data folder.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port it listens on; 0: any.")
    processes: int = Field(default=1, ge=1, le=64, description="Server processes.")
    public_read: bool = Field(default=True, description="Whether reading is allowed without a key.")
    rate_public: int = Field(
        default=600, ge=0, description="Requests a minute per address without a key; 0: unlimited."
    )
    rate_key: int = Field(
        default=6000,
        ge=0,
        description="Requests a minute per key without its own limit; 0: unlimited.",
    )
    body_limit: int = Field(
        default=64 * 2**20, ge=1024, description="Largest request body, in bytes."
    )
    model: Path | None = Field(
        default=None, description="Model made by disambig train; default: the shipped model."
    )
    gold: Path | None = Field(
        default=None,
        description="Folder with works.jsonl and labels.jsonl (or .gz): a new "
        "model is trained on decisions and on the labels of the split train, if there are any, "
        "and compared with the model in use on the other splits.",
    )
    memory: int | None = Field(
        default=None, ge=2**28, description="Bytes a run may use; default: 3/4 of the free memory."
    )
    workers: int | None = Field(
        default=None, ge=1, description="Processes of a run; default: all cores."
    )
    heartbeat: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without a heartbeat after which another worker "
        "takes over a worker's run.",
    )
    run_every: float | None = Field(
        default=None,
        gt=0,
        description="Hours between scheduled runs over changed blocks; default: no scheduled runs.",
    )
    place_new: bool = Field(
        default=True,
        description="Whether mentions of posted works are assigned to identities at once.",
    )
    questions: int = Field(
        default=1000,
        ge=0,
        le=100_000,
        description="Maximum number of open review tasks about identities "
        "(merge, split), the most valuable first; 0: none.",
    )
    questions_per_block: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Maximum number of such tasks per block of similar names.",
    )
    blind_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the tasks (merge, split, "
        "assign) that two reviewers answer without seeing each other's answers, and a third "
        "if they differ.",
    )
    traffic: Path | None = Field(
        default=None,
        description="CSV file of names and how often each is read, relative to an average "
        "of 1: tasks about often read names come first.",
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Format of the log.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Minimum level that is logged."
    )
    metrics: bool = Field(default=True, description="Whether /metrics is served.")

    @property
    def database_url(self) -> str:
        """Return the address of the database in use."""
        if self.database is not None:
            return self.database
        return build_sqlite_url(self.data / "disambig.sqlite").render_as_string(hide_password=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, then the environment, then the file."""
        file = Path(os.environ.get(f"{PREFIX}CONFIG", DEFAULT_FILE))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


def read_settings(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` (from the command line, None: not set) take precedence.

    Raises
    ------
    Invalid
        If a setting is unknown or out of range, or the file is not TOML.
    """
    config_path = os.environ.get(f"{PREFIX}CONFIG")
    if config_path and not Path(config_path).is_file():
        raise Invalid(
            f"{PREFIX}CONFIG names {config_path!r}, which is not a file", "correct the path"
        )
    try:
        return Settings(**{k: v for k, v in overrides.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first_error = error.errors()[0]
        field = ".".join(str(part) for part in first_error["loc"])
        raise Invalid(
            f"setting {field}: {first_error['msg']}",
            "disambig config lists all settings and their valid values",
            field=field,
        ) from error
    except ValueError as error:  # tomllib.TOMLDecodeError is a ValueError
        raise Invalid(
            f"{config_path or DEFAULT_FILE} is not valid TOML: {error}", "correct the file"
        ) from error


def build_sqlite_url(path: Path) -> URL:
    """Return the URL of an SQLite file."""
    return URL.create("sqlite", database=str(path))
