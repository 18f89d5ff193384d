"""Fixtures shared by all tests: the default embedder, the shipped models, and the real texts where they are present."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.build import build, default_folder
from models.embedder import Embedder, load_embedder
from service.settings import Settings
from service.workspace import Workspace

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def cache() -> Path:
    """The user's model cache, with the default model in it."""
    cache = Settings().cache
    if not default_folder(cache).exists():
        build(default_folder(cache))
    return cache


@pytest.fixture(scope="session")
def embedder(cache: Path) -> Embedder:
    return load_embedder("default", cache)


@pytest.fixture
def space(tmp_path: Path, cache: Path) -> Workspace:
    """An empty workspace with the shipped models."""
    opened = Workspace(Settings(home=tmp_path / "home", cache=cache))
    yield opened
    opened.close()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The URL of a database on a real PostgreSQL server: the tables of the store, empty."""
    from tests import postgres

    url = postgres.new_store_url()
    yield url
    postgres.server().drop(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, on each kind of database in turn."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path / 'new' / 'kehoach.db'}"


@pytest.fixture(scope="session")
def samples() -> Path:
    return Path(__file__).resolve().parents[1] / "corpus" / "samples"


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The five real documents; they lie beside the project and are not part of it."""
    folder = SHARED / "seeds"
    if not folder.is_dir():
        pytest.skip("the real documents are not here")
    return folder
