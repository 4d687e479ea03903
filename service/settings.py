"""The one reader of settings: environment variables ``DISAMBIG_…`` over a TOML file over defaults.

The description of each field is what ``disambig config`` prints and the documentation shows.
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

from service.database import sqlite_url
from service.errors import Invalid

PREFIX = "DISAMBIG_"
FILE = "disambig.toml"
"""Read from the working folder unless ``DISAMBIG_CONFIG`` names another file."""


class Settings(BaseSettings):
    """How the service runs. Every field can be set in TOML by its name, or in the environment by
    its name in capitals after ``DISAMBIG_``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data: Path = Field(
        default=Path("disambig-data"),
        description="Folder for the SQLite database and for runs in progress; made if missing.",
    )
    database: str | None = Field(
        default=None,
        description="Address of the database, such as postgresql://user:password@host:5432/name; "
        "left out, disambig.sqlite in the data folder.",
    )
    host: str = Field(default="127.0.0.1", description="Address the server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port it listens on; 0: any.")
    processes: int = Field(default=1, ge=1, le=64, description="Server processes.")
    public_read: bool = Field(default=True, description="Whether reading is allowed without a key.")
    rate_public: int = Field(
        default=600, ge=0, description="Requests a minute for each address without a key; 0: any."
    )
    rate_key: int = Field(
        default=6000, ge=0, description="Requests a minute for a key that states none; 0: any."
    )
    body_limit: int = Field(
        default=64 * 2**20, ge=1024, description="Largest request body, in bytes."
    )
    model: Path | None = Field(
        default=None, description="Model made by disambig train; left out, the one that ships."
    )
    gold: Path | None = Field(
        default=None,
        description="Folder with works.jsonl and labels.jsonl (or .gz): a new "
        "model learns from labels of the split train, if there are any, beside decisions, and is "
        "compared with the one in use on the others.",
    )
    memory: int | None = Field(
        default=None, ge=2**28, description="Bytes a run may use; left out, 3/4 of what is free."
    )
    workers: int | None = Field(
        default=None, ge=1, description="Processes of a run; left out, all cores."
    )
    heartbeat: float = Field(
        default=60.0,
        gt=0,
        description="Seconds without a sign of life after which a worker's "
        "run is taken over by another.",
    )
    run_every: float | None = Field(
        default=None,
        gt=0,
        description="Hours between runs that a worker starts by itself over "
        "what was touched; left out, none.",
    )
    place_new: bool = Field(
        default=True, description="Whether mentions of posted works are placed at once."
    )
    questions: int = Field(
        default=1000,
        ge=0,
        le=100_000,
        description="Questions about identities (merge, split) "
        "that are kept open for review at most, the most valuable; 0: none are asked.",
    )
    questions_per_block: int = Field(
        default=20, ge=1, le=10_000, description="The same for one block of similar names."
    )
    blind_share: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Share of the questions (merge, split, "
        "assign) that two reviewers are asked without seeing each other's answers, and a third "
        "where they differ.",
    )
    traffic: Path | None = Field(
        default=None,
        description="CSV file of names and how often each is read, 1 being the "
        "average: its questions come sooner.",
    )
    log_format: Literal["text", "json"] = Field(default="text", description="Form of the log.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level that is logged."
    )
    metrics: bool = Field(default=True, description="Whether /metrics is served.")

    @property
    def database_url(self) -> str:
        """Address of the database in use."""
        if self.database is not None:
            return self.database
        return sqlite_url(self.data / "disambig.sqlite").render_as_string(hide_password=False)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then the file."""
        file = Path(os.environ.get(f"{PREFIX}CONFIG", FILE))
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file)


def read_settings(**given: object) -> Settings:
    """Settings of this process; ``given`` (from the command line, None: not given) wins.

    Raises
    ------
    Invalid
        If a setting is unknown or out of range, or the file is not TOML.
    """
    named = os.environ.get(f"{PREFIX}CONFIG")
    if named and not Path(named).is_file():
        raise Invalid(f"{PREFIX}CONFIG names {named!r}, which is no file", "correct the path")
    try:
        return Settings(**{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise Invalid(
            f"setting {field}: {first['msg']}",
            "disambig config lists all settings with what they may be",
            field=field,
        ) from error
    except ValueError as error:  # tomllib's error is one
        raise Invalid(f"{named or FILE} cannot be read as TOML: {error}", "correct it") from error
