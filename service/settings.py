"""Every setting of kehoach, read from the environment (``KEHOACH_...``); docs/settings.md lists them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from platformdirs import user_cache_path, user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    embedder: str = Field(
        default="default",
        description='"default", or a sentence-transformers hub name or folder (needs kehoach[transformers]).',
    )
    tagger: Path | None = Field(
        default=None, description="Folder of a trained tagger; empty: one in the home folder, else the shipped one."
    )
    taxonomy: Path | None = Field(default=None, description="TOML file of task groups; empty: the project's four.")
    threads: int | None = Field(default=None, ge=1, description="Threads for embedding; empty: one a processor.")
    read_seconds: float = Field(default=60, gt=0, description="Longest time that reading one file may take.")
    ocr_seconds: float = Field(
        default=600, gt=0, description="Longest time more for recognising the scanned pages of one file."
    )
    read_memory: int = Field(
        default=2 * 1024**3, ge=256 * 1024**2, description="Most memory that reading one file may take, in bytes."
    )
    host: str = Field(default="127.0.0.1", description="Address that `kehoach serve` listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port that `kehoach serve` listens on.")
    api_key: str = Field(
        default="", description="Key that writes over HTTP must send as X-API-Key; empty: writes are refused."
    )
    max_body: int = Field(default=8 * 1024 * 1024, ge=1024, description="Largest request body over HTTP, in bytes.")

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
    def own_tagger(self) -> Path:
        """Where `kehoach train` writes."""
        return self.home / "tagger"

    @property
    def own_matcher(self) -> Path:
        """Where `kehoach train --matcher` writes."""
        return self.home / "matcher"


@cache
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
