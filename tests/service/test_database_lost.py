"""PostgreSQL that goes away: reads are tried again, writes answered plainly, and the next primary is followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from corpus.engine import open_engine
from service import middleware
from service.app import create_app
from service.errors import NothingUsableError, UsageError
from service.settings import Settings
from service.workspace import Workspace
from tests.postgres import Server

Make = Callable[..., Workspace]


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that a test may kill."""
    made = Server()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def client(own_server: Server, with_settings: Make) -> TestClient:
    space = with_settings(database=own_server.url("postgres"), api_key="k")
    # Without its lifespan: nothing but the requests of the test talks to the database.
    return TestClient(create_app(space.settings, space))


def test_idle_connections_are_replaced_unseen(own_server: Server, client: TestClient) -> None:
    assert client.get("/v1/documents").status_code == 200
    own_server.kill()
    own_server.start()
    assert client.get("/v1/documents").json()["documents"] == []
    made = client.post("/v1/searches", json={"name": "n", "query": "điện"}, headers={"X-API-Key": "k"})
    assert made.status_code == 201, made.text


def test_a_read_is_tried_once_more(own_server: Server, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/v1/documents").status_code == 200
    own_server.kill()
    waits: list[float] = []
    sleep = asyncio.sleep

    async def back(seconds: float) -> None:
        # The module is everybody's: others of this process wait too.
        if seconds != middleware._PAUSE:
            await sleep(seconds)
            return
        waits.append(seconds)
        own_server.start()

    monkeypatch.setattr(middleware.asyncio, "sleep", back)
    assert client.get("/v1/documents").status_code == 200
    assert len(waits) == 1


def test_without_a_database_the_answer_says_so(
    own_server: Server, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/v1/documents").status_code == 200
    own_server.kill()
    monkeypatch.setattr(middleware, "_PAUSE", 0.01)
    for method, path in (("GET", "/v1/documents"), ("POST", "/v1/searches")):
        answer = client.request(method, path, json={"name": "n", "query": "điện"}, headers={"X-API-Key": "k"})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
        assert answer.headers["content-type"] == "application/problem+json"
        assert ("not known" in answer.json()["detail"]) == (method == "POST")
        assert answer.headers["x-request-id"]
    own_server.start()
    assert client.get("/v1/documents").status_code == 200


def test_the_primary_is_followed_over_the_hosts_of_the_url() -> None:
    settings = {"wal_level": "replica", "max_wal_senders": "3"}
    first = Server(**settings)
    first.start()
    second = Server(first, **settings)
    second.start()
    try:
        hosts = f"host={second.folder}&host={first.folder}"
        engine = open_engine(f"postgresql+psycopg://postgres@/postgres?{hosts}")
        with engine.begin() as connection:
            connection.exec_driver_sql("create table t (n int)")
            connection.exec_driver_sql("insert into t values (1)")
        second.wait_for(first)
        first.kill()
        second.promote()
        with engine.begin() as connection:
            connection.exec_driver_sql("insert into t values (2)")
            assert connection.exec_driver_sql("select count(*) from t").scalar() == 2
        engine.dispose()
    finally:
        second.stop()
        first.stop()


def test_a_store_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for url, kind, said in (
        ("nonsense", UsageError, "KEHOACH_DATABASE is no URL"),
        (f"postgresql+psycopg://a@/b?host={tmp_path}", NothingUsableError, "cannot be opened"),
    ):
        with pytest.raises(kind, match=said):
            _ = Workspace(Settings(home=tmp_path, database=url)).store
