"""Every setting of kehoach, read from the environment (``KEHOACH_...``); docs/settings.md lists them."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from corpus.files import MAX_BYTES

# Set by `kehoach serve` for the processes it starts; no setting. What is in the folder it names:
SHARED_VARIABLE = "KEHOACH_SERVE_FOLDER"
SOCKET, RATES = "socket", "rates"
# Written "a, b" in the environment.
Names = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(
        lambda given: [n.strip() for n in given.split(",") if n.strip()] if isinstance(given, str) else given
    ),
]


class Settings(BaseSettings):
    """Where things are kept and which models are used."""

    model_config = SettingsConfigDict(env_prefix="KEHOACH_", frozen=True)

    home: Path = Field(
        default_factory=lambda: user_data_path("kehoach"), description="Folder of the store and its indexes."
    )
    cache: Path = Field(
        default_factory=lambda: user_cache_path("kehoach"), description="Folder of built models; may be deleted."
    )
    database: str = Field(default="", description="SQLAlchemy URL of the store; empty: SQLite in the home folder.")
    index: Literal["local", "postgres"] = Field(
        default="local",
        description='Where the search index is: "local", in the home folder, or "postgres", in the database of the store.',
    )
    read_database: str = Field(
        default="",
        description="SQLAlchemy URL of standbys that reads may be answered from, a `host` for each; empty: the primary.",
    )
    embedder: str = Field(
        default="default",
        description='"default", or a sentence-transformers hub name or folder (needs kehoach[transformers]).',
    )
    tagger: Path | None = Field(
        default=None, description="Folder of a trained tagger; empty: one in the home folder, else the shipped one."
    )
    taxonomy: Path | None = Field(default=None, description="TOML file of task groups; empty: the project's four.")
    threads: int | None = Field(
        default=None, ge=1, description="Threads for embedding and for training the encoder; empty: one a processor."
    )
    read_seconds: float = Field(default=60, gt=0, description="Longest time that reading one file may take.")
    ocr_seconds: float = Field(
        default=600, gt=0, description="Longest time more for recognising the scanned pages of one file."
    )
    read_memory: int = Field(
        default=2 * 1024**3, ge=256 * 1024**2, description="Most memory that reading one file may take, in bytes."
    )
    scheduler: str = Field(
        default="", description="Address of a Dask scheduler whose workers read and analyse; empty: this machine alone."
    )
    scheduler_seconds: float = Field(
        default=300, gt=0, description="Longest wait for a scheduler, or for any worker of it, that is away."
    )
    host: str = Field(default="127.0.0.1", description="Address that `kehoach serve` listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that `kehoach serve` listens on.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests, over one index.")
    shutdown_seconds: int = Field(default=30, ge=0, description="Longest wait for running requests when it is stopped.")
    proxies: str = Field(
        default="", description="Addresses of proxies whose X-Forwarded-For and -Proto are believed, with commas."
    )
    public_url: str = Field(
        default="", description="Address that readers use, for links in feeds and webhooks; empty: that of the request."
    )
    open_reads: bool = Field(default=True, description="Whether reading needs no key.")
    local_writes: bool = Field(
        default=False, description="Whether callers on this machine may write without a key; loopback addresses only."
    )
    api_key: SecretStr = Field(
        default=SecretStr(""), description="A key with every right, beside those of `kehoach keys`; empty: none."
    )
    session_key: SecretStr = Field(
        default=SecretStr(""),
        description="What sessions are signed with, one for all hosts of a service; empty: a random one of the home folder.",
    )
    max_body: int = Field(default=8 * 1024**2, ge=1024, description="Largest request body but for files, in bytes.")
    max_upload: int = Field(
        default=MAX_BYTES, ge=1024, le=MAX_BYTES, description="Largest file sent or fetched, in bytes."
    )
    max_job: int = Field(default=1024**3, ge=1024, description="Largest request that starts an import, in bytes.")
    rate: float = Field(
        default=100, ge=0, description="Requests a second of one caller, ten times as many in a burst; 0: no limit."
    )
    audit_days: int = Field(default=0, ge=0, description="Days that the audit log keeps an entry; 0: for good.")
    cors_origins: Names = Field(
        default=(), description='Origins whose scripts may read answers, with commas; "*": all; empty: none.'
    )
    fetch_hosts: Names = Field(
        default=(),
        description="Hosts that files may be fetched from, with commas; `.gov.vn` stands for all below it; empty: none.",
    )
    webhook_hosts: Names = Field(
        default=(), description="Hosts that webhooks may be sent to, written as those above; empty: none are sent."
    )
    log_format: Literal["json", "plain"] = Field(default="json", description="Log lines of `kehoach serve`.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least that is logged.")

    @field_validator("index")
    @classmethod
    def _index_has_its_database(cls, index: str, known: ValidationInfo) -> str:
        if index == "postgres" and not str(known.data.get("database", "")).startswith("postgresql"):
            raise ValueError("postgres needs a KEHOACH_DATABASE that is postgresql+psycopg://USER@HOST/NAME")
        return index

    @property
    def database_url(self) -> str:
        """The URL of the store."""
        return self.database or f"sqlite:///{self.home / 'kehoach.db'}"

    @property
    def index_folder(self) -> Path:
        """Where generations of the indexes are kept."""
        return self.home / "index"

    @property
    def families_file(self) -> Path:
        """Where the families of obligations are kept."""
        return self.home / "families.npz"

    @property
    def spool(self) -> Path:
        """Where files of imports wait."""
        return self.home / "spool"

    @property
    def own_tagger(self) -> Path:
        """Where `kehoach train` writes."""
        return self.home / "tagger"

    @property
    def own_adapter(self) -> Path:
        """Where `kehoach model finetune` writes."""
        return self.home / "adapter"

    @property
    def own_matcher(self) -> Path:
        """Where `kehoach train --matcher` writes."""
        return self.home / "matcher"

    @property
    def own_queries(self) -> Path:
        """Where `kehoach train --queries` writes."""
        return self.home / "queries"


def shared_folder() -> Path | None:
    """Return the folder that the processes of one `kehoach serve` share while it runs; None in any other process."""
    name = os.environ.get(SHARED_VARIABLE)
    return Path(name) if name else None


@cache
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
