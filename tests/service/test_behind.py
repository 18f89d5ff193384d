"""Work behind requests: what was last finished is served with a note, documents go over a socket, few may wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Listener
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from corpus.store import Store
from index.coverage import Row
from service import app, behind, kept_overviews
from service.app import create_app
from service.behind import Behind, BusyError, RemoteBehind
from service.ingest import FileReport
from service.kept_overviews import Kept, Made, Maker, NotMadeError
from service.settings import SHARED_VARIABLE, SOCKET, Settings
from service.workspace import Workspace

KEYED = {"X-API-Key": "k"}
REPORT = FileReport("a.txt", "added", "a", 1)


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace that no test here loads a model of."""
    space = Workspace(Settings(home=tmp_path / "home", api_key=SecretStr("k")))
    yield space
    space.close()


@pytest.fixture
def client(bare: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A service over an empty store whose overviews are made by nobody but the test."""
    monkeypatch.setattr(Maker, "start", lambda self: None)
    monkeypatch.setattr(app, "_warm_up", lambda app: None)
    monkeypatch.setattr(kept_overviews, "_PATIENCE", 0.0)
    with TestClient(create_app(bare.settings, bare)) as opened:
        yield opened


def kept_of(client: TestClient) -> Kept:
    return client.app.state.background.kept


def put_coverage(client: TestClient, content: str) -> None:
    rows = [Row("Cà Mau", documents=1, paragraphs=7)]
    kept_of(client).put("coverage", Made({False: rows, True: rows}, content, datetime(2026, 11, 21, 7, 5, tzinfo=UTC)))


def test_what_was_never_made_is_not_made_by_a_request(client: TestClient) -> None:
    for path in ("/v1/coverage", "/v1/families", "/v1/gaps/Cà Mau"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["status"]) == (503, 503)
        assert answer.headers["retry-after"] == "5"
    page = client.get("/coverage", headers={"accept": "text/html"})
    assert page.status_code == 503
    assert "vừa khởi động" in page.text
    assert client.get("/v1/suggest?q=a").json() == {"suggestions": []}


def test_the_last_finished_is_served_and_says_of_when(client: TestClient) -> None:
    put_coverage(client, "an earlier state")
    old = client.get("/v1/coverage")
    assert (old.json()["as_of"], old.json()["is_current"]) == ("2026-11-21T07:05:00Z", False)
    assert old.json()["provinces"][0]["paragraphs"] == 7
    assert "As of <time" in client.get("/coverage?lang=en").text
    assert "07:05 21/11/2026" in client.get("/coverage").text
    put_coverage(client, client.app.state.workspace.store.content)
    new = client.get("/v1/coverage", headers={"If-None-Match": old.headers["etag"]})
    assert (new.status_code, new.json()["is_current"]) == (200, True)
    assert client.get("/v1/coverage", headers={"If-None-Match": new.headers["etag"]}).status_code == 304
    assert "As of" not in client.get("/coverage?lang=en").text


def test_overviews_follow_the_store(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/kehoach.db")
    space: Any = SimpleNamespace(store=store, groups=(), families="families", matcher_version="m1")
    kept = Kept()
    maker = Maker(space, kept)
    assert maker.refresh()
    assert not maker.refresh()
    assert kept.families().value == "families"
    before = kept.contents()
    assert {before["coverage"], before["suggestions"]} == {store.content}
    with store.changing():
        pass
    assert kept.families().content != store.content
    assert kept.newer(before) == {}
    assert maker.refresh()
    assert kept.newer(before).keys() == {"coverage", "suggestions"}
    assert kept.contents()["families"] != before["families"]
    space.matcher_version = "m2"
    assert maker.refresh()
    assert not maker.refresh()
    store.close()


def test_a_failure_of_an_overview_does_not_end_the_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_overviews, "_AFTER_FAILURE", 0.01)
    maker = Maker(SimpleNamespace(), Kept())  # type: ignore[arg-type]
    tries = threading.Semaphore(0)

    def fail() -> bool:
        tries.release()
        raise RuntimeError("damaged")

    monkeypatch.setattr(maker, "refresh", fail)
    maker.start()
    assert tries.acquire(timeout=30)
    assert tries.acquire(timeout=30)
    maker.stop(30)


class Fake(Behind):
    """Answers at once, or when told."""

    def __init__(self) -> None:
        self.kept = Kept()
        self.woken = threading.Event()

    def wake(self) -> None:
        self.woken.set()

    def ingest(self, file: Path, name: str) -> FileReport:
        if file.read_bytes() == b"broken":
            raise RuntimeError("no reader")
        return REPORT


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bare: Workspace) -> Iterator[tuple[Behind, Fake]]:
    """A worker's side of the socket, and what is behind it."""
    monkeypatch.setenv(SHARED_VARIABLE, str(tmp_path))
    fake = Fake()
    with Listener(str(tmp_path / SOCKET), "AF_UNIX") as listener:
        threading.Thread(target=behind._listen, args=(listener, fake), daemon=True).start()
        yield behind.behind_of(bare), fake


def test_documents_and_overviews_go_over_the_socket(remote: tuple[Behind, Fake], tmp_path: Path) -> None:
    worker, fake = remote
    assert isinstance(worker, RemoteBehind)
    sent = tmp_path / "sent"
    sent.write_bytes(b"text")
    assert worker.ingest(sent, "a.txt") == REPORT
    sent.write_bytes(b"broken")
    with pytest.raises(RuntimeError, match="RuntimeError"):
        worker.ingest(sent, "a.txt")
    worker.wake()
    assert fake.woken.is_set()
    worker.start()
    fake.kept.put("families", Made("families", "now", datetime.now(UTC)))
    deadline = threading.Event()
    for _ in range(100):
        if worker.kept.contents() == {"families": "now"}:
            break
        deadline.wait(0.1)
    assert worker.kept.families().value == "families"
    worker.stop(30)


def test_without_the_process_a_document_is_put_off(bare: Workspace, tmp_path: Path) -> None:
    with pytest.raises(BusyError, match="starting"):
        RemoteBehind(bare, str(tmp_path / "nobody")).ingest(tmp_path / "sent", "a.txt")


def test_more_than_a_few_documents_do_not_wait(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Semaphore(0), threading.Event()

    def slow(self: Behind, file: Path, name: str) -> FileReport:
        entered.release()
        leave.wait(30)
        return REPORT

    monkeypatch.setattr(Behind, "_ingest", slow)
    here: Behind = client.app.state.background
    waiting = [threading.Thread(target=here.ingest, args=(Path("a"), "a.txt")) for _ in range(behind._MOST_WAITING)]
    [thread.start() for thread in waiting]
    assert all(entered.acquire(timeout=30) for _ in waiting)
    answer = client.post("/v1/documents?name=a.txt", content=b"x", headers=KEYED)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    leave.set()
    [thread.join() for thread in waiting]
    assert here.ingest(Path("a"), "a.txt") == REPORT


def test_nothing_made_yet_is_said_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_overviews, "_PATIENCE", 0.01)
    with pytest.raises(NotMadeError):
        Kept().families()
