"""Reads from a standby of a real primary: which one answers, who sees what they wrote, what outlives the primary."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from corpus import standbys
from corpus.store import Analysis, Store
from corpus.types import Document, Metadata, Paragraph
from service.app import create_app
from service.errors import UsageError
from service.positions import COOKIE, HEADER
from service.settings import Settings
from service.workspace import Workspace
from tests.postgres import Server

KEYED = {"X-API-Key": "k"}
REPLICATED = {"wal_level": "replica", "max_wal_senders": "3", "synchronous_commit": "on"}
# Longer than a test takes.
LONG = 3600.0


@pytest.fixture(scope="module")
def primary() -> Iterator[Server]:
    made = Server(**REPLICATED)
    made.start()
    with made.connect() as connection:
        connection.execute("create database migrated")
    Store(made.url("migrated")).close()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def standby(primary: Server) -> Iterator[Server]:
    made = Server(primary, **REPLICATED)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def space(tmp_path: Path, primary: Server, standby: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace that reads from the standby; how far behind that may be is not looked at."""
    monkeypatch.setattr(standbys, "_PACE", LONG)
    url = f"{primary.new_database('migrated')}&host={standby.folder}"
    made = Workspace(Settings(home=tmp_path, database=url, read_database=url, api_key=SecretStr("k"), rate=0))
    add(made.store, "d1")
    standby.wait_for(primary)
    yield made
    made.close()


@pytest.fixture
def client(space: Workspace) -> TestClient:
    # Without its lifespan: nothing but the requests of the test talks to the database.
    return TestClient(create_app(space.settings, space))


def add(store: Store, name: str) -> None:
    paragraph = Paragraph(f"{name}#1", 1, f"Thu gom rác thải nhựa, đợt {name}.", "task")
    document = Document(name, name, name, Metadata(), (paragraph,))
    store.add(document, [Analysis([], [], np.zeros(3, np.float32))], "none")


def names(client: TestClient, **headers: str) -> list[str]:
    answer = client.get("/v1/documents", headers=headers)
    assert answer.status_code == 200, answer.text
    return [document["document_id"] for document in answer.json()["documents"]]


@contextmanager
def paused(standby: Server) -> Iterator[None]:
    """Let a standby stay where it is."""
    with standby.connect() as connection:
        connection.execute("select pg_wal_replay_pause()")
        wait_for(lambda: connection.execute("select pg_get_wal_replay_pause_state()").fetchone() == ("paused",))
        try:
            yield
        finally:
            connection.execute("select pg_wal_replay_resume()")


def people(client: TestClient, **headers: str) -> set[str]:
    tags = client.get("/v1/paragraphs/d1%231", headers=headers).json()["tags"]
    return {tag["task_group"] for tag in tags if tag["source"] == "person" and tag["assigned"]}


def test_who_corrected_a_tag_sees_it(client: TestClient, primary: Server, standby: Server) -> None:
    with paused(standby):
        judgement = {"paragraph_id": "d1#1", "task_groups": ["circular_economy"], "by": "An"}
        made = client.post("/v1/corrections", json=judgement, headers=KEYED)
        assert made.status_code == 201, made.text
        position = made.headers[HEADER]
        assert people(client) == set()
        assert people(client, **{HEADER: position}) == {"circular_economy"}
        # What cannot be read is not taken for nothing.
        assert people(client, **{HEADER: "soon"}) == {"circular_economy"}
    standby.wait_for(primary)
    primary.kill()
    try:
        assert people(client, **{HEADER: position}) == {"circular_economy"}
    finally:
        primary.start()


def test_pages_keep_the_position_in_a_cookie(client: TestClient, space: Workspace, standby: Server) -> None:
    with paused(standby):
        add(space.store, "d2")
        assert names(client) == ["d1"]
        answer = client.get("/jobs", headers=KEYED)
        assert (answer.status_code, HEADER in answer.headers) == (200, False)
        assert COOKIE in client.cookies
        assert names(client) == ["d1", "d2"]


def test_nothing_older_than_what_was_shown(client: TestClient, space: Workspace, standby: Server) -> None:
    with paused(standby):
        add(space.store, "d2")
        assert names(client) == ["d1"]
        # As a search does that found the index to be behind.
        space.store.mark()
        assert names(client) == ["d1", "d2"]


def test_a_standby_that_stays_behind_is_left(
    client: TestClient, space: Workspace, standby: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with paused(standby):
        add(space.store, "d2")
        assert names(client) == ["d1"]
        monkeypatch.setattr(standbys, "_PACE", 0.05)
        until = time.monotonic() + 30
        while names(client) == ["d1"]:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert names(client) == ["d1", "d2"]


def test_without_a_standby_the_primary_is_read(client: TestClient, space: Workspace, standby: Server) -> None:
    assert names(client) == ["d1"]
    standby.kill()
    try:
        add(space.store, "d2")
        assert names(client) == ["d1", "d2"]
    finally:
        standby.start()


def wait_for(is_so: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("url", ["nonsense", "sqlite:///x.db", "postgresql+psycopg://a@/b?host=one,two"])
def test_a_wrong_url_is_named(tmp_path: Path, primary: Server, url: str) -> None:
    with pytest.raises(UsageError, match=r"KEHOACH_READ_DATABASE.*host=db2"):
        _ = Workspace(Settings(home=tmp_path, database=primary.url("migrated"), read_database=url)).store


def test_sqlite_has_no_standbys(tmp_path: Path, primary: Server) -> None:
    with pytest.raises(UsageError, match="KEHOACH_READ_DATABASE: only a store on PostgreSQL"):
        _ = Workspace(Settings(home=tmp_path, read_database=primary.url("migrated"))).store


def test_reads_go_on_without_a_primary_and_acknowledged_writes_outlive_it(
    client: TestClient, space: Workspace, primary: Server, standby: Server
) -> None:
    """The last one of this file: it ends the pair."""
    with primary.connect() as connection:
        connection.execute("alter system set synchronous_standby_names = 'ANY 1 (*)'")
        connection.execute("select pg_reload_conf()")
    with primary.connect() as connection:
        wait_for(lambda: connection.execute("select 1 from pg_stat_replication where sync_state = 'quorum'").fetchone())
    acknowledged: list[str] = []
    refused: list[int] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            made = client.post("/v1/searches", json={"name": "n", "query": "điện"}, headers=KEYED)
            if made.status_code == 201:
                acknowledged.append(made.json()["search_id"])
            else:
                refused.append(made.status_code)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for(lambda: len(acknowledged) >= 10)
        primary.kill()
        before = len(acknowledged)
        wait_for(lambda: refused)
        assert names(client) == ["d1"]
        standby.promote()
        wait_for(lambda: len(acknowledged) >= before + 5)
    finally:
        stop.set()
        writer.join()
    assert set(refused) == {503}
    kept = client.get("/v1/searches", headers=KEYED).json()["searches"]
    assert {search["search_id"] for search in kept} >= set(acknowledged)
    # The host that was a standby takes writes now, and is read as the primary.
    add(space.store, "d2")
    assert names(client) == ["d1", "d2"]
