"""An application over three of the sample plans, with the shipped models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from service.app import create_app
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

PLANS = ("cao-bang-1043-kh-ubnd-2021.html", "ca-mau-174-kh-ubnd-2024.txt", "bac-kan-kh-ubnd-2021.txt")
KEY = "a key for tests"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, cache: Path, samples: Path) -> Iterator[TestClient]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), cache=cache, api_key=KEY, max_body=100_000)
    space = Workspace(settings)
    assert all(report.is_usable for report in ingest([samples / name for name in PLANS], space))
    with TestClient(create_app(settings, space), raise_server_exceptions=False) as opened:
        yield opened
    space.close()
