"""An application over three of the sample plans, with the shipped models."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from corpus.schema import saved_searches
from service import jobs, searches
from service.app import create_app
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

PLANS = ("cao-bang-1043-kh-ubnd-2021.html", "ca-mau-174-kh-ubnd-2024.txt", "bac-kan-kh-ubnd-2021.txt")
KEY = "a key for tests"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, cache: Path, samples: Path) -> Iterator[TestClient]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        cache=cache,
        api_key=KEY,
        max_body=100_000,
        max_upload=100_000,
        max_job=200_000,
    )
    space = Workspace(settings)
    assert all(report.is_usable for report in ingest([samples / name for name in PLANS], space))
    with TestClient(create_app(settings, space), raise_server_exceptions=False) as opened:
        yield opened
    space.close()


@pytest.fixture(scope="module")
def overviews(client: TestClient) -> None:
    """Waits until the families are made; what needs them names this fixture."""
    deadline = time.monotonic() + 240
    while client.get("/v1/families").status_code == 503:
        assert time.monotonic() < deadline


_MODELS = ("groups", "embedder", "query_embedder", "default_embedder", "tagger", "clause_embedder", "matcher")


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Workspace:
    """A workspace with its models loaded, to be shared: loading them takes longer than most tests."""
    space = Workspace(Settings(home=tmp_path_factory.mktemp("loaded"), cache=cache))
    for name in _MODELS:
        getattr(space, name)
    return space


@pytest.fixture
def with_settings(space: Workspace, loaded: Workspace) -> Iterator[Callable[..., Workspace]]:
    """Makes workspaces over one empty home, with other settings and the shared models."""
    made = []

    def make(**changes: object) -> Workspace:
        changed = Workspace(Settings.model_validate(space.settings.model_dump() | changes))
        changed.__dict__.update({name: loaded.__dict__[name] for name in _MODELS})
        made.append(changed)
        return changed

    yield make
    for changed in made:
        changed.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every workspace of a test have its store on SQLite, then on PostgreSQL."""
    if request.param == "postgresql":
        monkeypatch.setenv("KEHOACH_DATABASE", request.getfixturevalue("postgres_url"))


@pytest.fixture
def warm(with_settings: Callable[..., Workspace]) -> Workspace:
    """An empty workspace with the shared models."""
    return with_settings()


@pytest.fixture
def seeded(client: TestClient) -> None:
    """The job and the saved search that the examples of the OpenAPI document name."""
    store = client.app.state.workspace.store
    jobs.add(store, "4f1c2a9be07d3865", "tests", [("plan.txt", "0", None)], None)
    jobs.cancel(store, "4f1c2a9be07d3865")
    made = searches.add(store, "Điện mặt trời", "điện mặt trời", None, None, "tests")
    with store.engine.begin() as connection:
        renamed = sa.update(saved_searches).where(saved_searches.c.id == made.id)
        connection.execute(renamed.values(id="9d2e60b1c47fa835"))
