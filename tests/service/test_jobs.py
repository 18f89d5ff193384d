"""Imports: kept before they are answered, done once, stopped, tried again, never lost."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from corpus.schema import job_items
from service import jobs
from service.app import create_app
from service.background import _lock, run_waiting
from service.errors import UsageError
from service.jobs import ReusedKeyError
from service.workspace import Workspace

pytestmark = pytest.mark.usefixtures("either_database")
KEYED = {"X-API-Key": "a key for tests"}


def plan(number: int) -> str:
    return f"ỦY BAN NHÂN DÂN\nTỈNH QUẢNG NINH\nSố: {number}/KH-UBND\nKẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác đợt {number}.\n"


def add(warm: Workspace, files: dict[str, bytes], job_id: str = "j1", key: str | None = None) -> jobs.Job:
    folder = warm.settings.spool / job_id
    kept = [jobs.keep(folder, n, name, io.BytesIO(data), 10_000) for n, (name, data) in enumerate(files.items(), 1)]
    return jobs.add(warm.store, job_id, "An", [(name, digest, None) for name, digest in kept], key)[0]


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


def states(warm: Workspace, job_id: str = "j1") -> list[str]:
    return [item.state for item in jobs.items(warm.store, job_id)]


def done(client: TestClient, job_id: str) -> dict:
    deadline = time.monotonic() + 60
    while (found := client.get(f"/v1/jobs/{job_id}", headers=KEYED).json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


@pytest.fixture
def client(with_settings: Callable[..., Workspace]) -> Iterator[TestClient]:
    changed = with_settings(api_key="a key for tests")
    with TestClient(create_app(changed.settings, changed)) as opened:
        yield opened


def test_files_are_read_after_the_answer_with_a_report_each(client: TestClient, warm: Workspace) -> None:
    sent = [("files", (f"{n}.txt", plan(n))) for n in (1, 2)] + [("files", ("../../bad.pdf", b"%PDF-1.7 no"))]
    started = client.post("/v1/jobs", files=sent, headers=KEYED)
    assert (started.status_code, started.json()["files"]) == (202, 3)
    found = done(client, started.json()["job_id"])
    assert (found["state"], found["finished"], found["failed"]) == ("done", 3, 1)
    assert [(i["name"], i["state"]) for i in found["items"]] == [
        ("1.txt", "done"),
        ("2.txt", "done"),
        ("bad.pdf", "failed"),
    ]
    assert [r["outcome"] for item in found["items"] for r in item["reports"]] == ["added", "added", "failed"]
    assert found["items"][2]["reports"][0]["reason"]
    hits = client.get("/v1/search", params={"q": "thu gom rác đợt 2"}).json()["hits"]
    assert hits[0]["document_id"] == found["items"][1]["reports"][0]["document_id"]
    first = client.get(f"/v1/jobs/{found['job_id']}?limit=2", headers=KEYED).json()
    rest = client.get(f"/v1/jobs/{found['job_id']}", params={"cursor": first["next_cursor"]}, headers=KEYED).json()
    assert first["items"] + rest["items"] == found["items"]
    deadline = time.monotonic() + 10
    while (left := [p.name for p in (warm.settings.spool / found["job_id"]).rglob("*") if p.is_file()]) != ["bad.pdf"]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def test_an_import_is_done_only_after_it_can_be_found(
    warm: Workspace, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(warm, {f"{n}.txt": plan(n).encode() for n in (1, 2)})
    finish, events = jobs.finish, []
    monkeypatch.setattr(jobs, "finish", lambda *given: (events.append(given[1].name), finish(*given)))
    monkeypatch.setattr(warm, "build_index", lambda: events.append("indexed"))
    run_waiting(warm, stop)
    assert events[events.index("2.txt") - 1] == "indexed"
    assert states(warm) == ["done", "done"]


def test_the_same_key_gives_the_same_job(client: TestClient, warm: Workspace) -> None:
    headers = KEYED | {"Idempotency-Key": "k1"}
    first = client.post("/v1/jobs", files={"files": ("1.txt", plan(1))}, headers=headers).json()
    again = client.post("/v1/jobs", files={"files": ("1.txt", plan(1))}, headers=headers)
    assert (again.status_code, again.json()["job_id"]) == (202, first["job_id"])
    other = client.post("/v1/jobs", files={"files": ("1.txt", plan(2))}, headers=headers)
    assert other.status_code == 409
    assert first["job_id"] in other.json()["detail"]
    assert len(client.get("/v1/jobs", headers=KEYED).json()["jobs"]) == 1
    done(client, first["job_id"])
    assert [p for p in warm.settings.spool.iterdir() if p.name != first["job_id"]] == []


def test_an_import_whose_answer_was_lost_is_there_when_asked_for_again(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = jobs.add

    def lost(*given: object) -> None:
        add(*given)
        raise sa.exc.OperationalError(
            "commit", None, OSError("server closed the connection"), connection_invalidated=True
        )

    headers = KEYED | {"Idempotency-Key": "k1"}
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "add", lost)
        assert client.post("/v1/jobs", files={"files": ("1.txt", plan(1))}, headers=headers).status_code == 503
    again = client.post("/v1/jobs", files={"files": ("1.txt", plan(1))}, headers=headers)
    assert again.status_code == 202
    assert done(client, again.json()["job_id"])["failed"] == 0


def test_an_upload_that_is_refused_leaves_nothing(client: TestClient, warm: Workspace) -> None:
    sent = [("files", ("1.txt", plan(1))), ("files", ("x.exe", b"MZ"))]
    refused = client.post("/v1/jobs", files=sent, headers=KEYED)
    assert refused.status_code == 400
    assert "x.exe" in refused.json()["detail"]
    assert list(warm.settings.spool.iterdir()) == []
    assert client.get("/v1/jobs", headers=KEYED).json()["jobs"] == []


def test_what_waits_is_cancelled_and_may_be_taken_up_again(warm: Workspace, stop: threading.Event) -> None:
    add(warm, {f"{n}.txt": plan(n).encode() for n in range(3)})
    item = jobs.take(warm.store, "here")
    assert item
    jobs.cancel(warm.store, "j1")
    assert states(warm) == ["running", "cancelled", "cancelled"]
    assert jobs.job(warm.store, "j1").state == "running"
    jobs.finish(warm.store, item, "done", [])
    assert jobs.job(warm.store, "j1").state == "cancelled"
    assert run_waiting(warm, stop) == 0
    assert jobs.retry(warm.store, "j1") == 2
    assert run_waiting(warm, stop) == 2
    assert jobs.job(warm.store, "j1").state == "done"


def test_what_a_dead_process_had_in_hand_is_read_again_but_not_for_ever(warm: Workspace, stop: threading.Event) -> None:
    add(warm, {"1.txt": plan(1).encode()})
    for _ in range(2):
        assert jobs.take(warm.store, "here")
        assert jobs.take(warm.store, "here") is None
        jobs.recover(warm.store, "here")
        assert states(warm) == ["waiting"]
    assert jobs.take(warm.store, "here")
    jobs.recover(warm.store, "here")
    assert states(warm) == ["failed"]
    assert "died 3 times" in jobs.items(warm.store, "j1")[0].reports[0]["reason"]
    jobs.retry(warm.store, "j1")
    assert run_waiting(warm, stop) == 1
    assert states(warm) == ["done"]


def test_stopping_in_the_middle_puts_the_file_back(
    warm: Workspace, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(warm, {"1.txt": plan(1).encode()})
    parse = warm.worker.parse

    def stopped(data: bytes, name: str) -> object:
        stop.set()
        warm.worker.close()
        return parse(b"", name)

    monkeypatch.setattr(warm.worker, "parse", stopped)
    assert run_waiting(warm, stop) == 0
    item = jobs.items(warm.store, "j1")[0]
    assert (item.state, item.attempts) == ("waiting", 0)


def test_a_bug_in_reading_costs_one_file(
    warm: Workspace, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(warm, {f"{n}.txt": plan(n).encode() for n in range(2)})
    parse = warm.worker.parse

    def broken(data: bytes, name: str) -> object:
        if name == "0.txt":
            raise RuntimeError("inside")
        return parse(data, name)

    monkeypatch.setattr(warm.worker, "parse", broken)
    assert run_waiting(warm, stop) == 2
    assert states(warm) == ["failed", "done"]
    assert "inside" not in str(jobs.items(warm.store, "j1")[0].reports)


def test_ready_paragraphs_give_a_report_a_document(warm: Workspace, stop: threading.Event) -> None:
    rows = b'{"id": "a", "doc": "D", "text": "Trong cay."}\n{"id": "b", "doc": "E", "text": "Thu gom rac."}\n'
    add(warm, {"rows.jsonl": rows})
    assert run_waiting(warm, stop) == 1
    assert [r["outcome"] for r in jobs.items(warm.store, "j1")[0].reports] == ["added", "added"]


def test_two_workers_never_take_the_same_file(warm: Workspace) -> None:
    add(warm, {f"{n}.txt": plan(n).encode() for n in range(30)})
    taken: list[int] = []

    def work() -> None:
        misses = 0
        while misses < 20:
            if item := jobs.take(warm.store, "here"):
                taken.append(item.ordinal)
            else:
                misses += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(taken) == list(range(1, 31))


def test_one_process_of_a_home_works_at_a_time(warm: Workspace) -> None:
    with _lock(warm.settings.home) as first, _lock(warm.settings.home) as second:
        assert (first, second) == (True, False)
    with _lock(warm.settings.home) as again:
        assert again


@pytest.mark.parametrize("name", ["", "x", "x.exe", ".", "a.txt/"])
def test_files_of_other_kinds_are_named(warm: Workspace, name: str) -> None:
    if name == "a.txt/":
        assert jobs.keep(warm.settings.spool / "j", 1, name, io.BytesIO(b""), 1)[0] == "a.txt"
        return
    with pytest.raises(UsageError, match="are not read"):
        jobs.keep(warm.settings.spool / "j", 1, name, io.BytesIO(b""), 1)


def test_old_uploads_are_cleaned_and_waiting_ones_kept(warm: Workspace) -> None:
    add(warm, {"1.txt": b"x"})
    (warm.settings.spool / "half").mkdir()
    jobs.clean(warm.store, warm.settings.spool)
    assert {p.name for p in warm.settings.spool.iterdir()} == {"j1", "half"}

    os.utime(warm.settings.spool / "half", (0, 0))
    with warm.store.engine.begin() as connection:
        connection.execute(sa.update(job_items).values(state="done"))
    jobs.clean(warm.store, warm.settings.spool)
    assert list(warm.settings.spool.iterdir()) == []


def test_a_reused_key_names_the_job(warm: Workspace) -> None:
    add(warm, {"1.txt": b"x"}, "j1", "k")
    with pytest.raises(ReusedKeyError, match="in job j1"):
        add(warm, {"2.txt": b"x"}, "j2", "k")


def test_hosts_take_what_they_can_read_and_what_another_left(warm: Workspace) -> None:
    url = "https://plans.example/a.pdf"
    jobs.add(warm.store, "j", "An", [("a.txt", "1", None), (url, url, url)], None, "first")
    assert {item.spool for item in jobs.items(warm.store, "j")} == {"first", None}
    theirs = jobs.take(warm.store, "second")
    assert theirs
    assert theirs.url == url
    assert jobs.take(warm.store, "second") is None, "a file lies at the first host"
    ours = jobs.take(warm.store, "first")
    assert ours
    jobs.recover(warm.store, "third")
    assert states(warm, "j") == ["running", "running"]
    jobs.recover(warm.store, "first")
    assert states(warm, "j") == ["waiting", "running"]
    assert jobs.hold(warm.store, theirs)
    assert not jobs.hold(warm.store, ours)

    with warm.store.engine.begin() as connection:
        connection.execute(sa.update(job_items).values(taken_until=datetime.now(UTC) - timedelta(seconds=1)))
    jobs.recover(warm.store, "third")
    again = jobs.take(warm.store, "third")
    assert again
    assert (again.url, again.attempts) == (url, 2)
    jobs.finish(warm.store, theirs, "failed", [])
    assert states(warm, "j") == ["waiting", "running"], "who lost an item has no say in it"
    jobs.finish(warm.store, again, "done", [])
    assert states(warm, "j") == ["waiting", "done"]


def test_what_is_in_hand_is_held_while_it_takes_long(
    warm: Workspace, stop: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "LEASE", timedelta(seconds=0.2))
    add(warm, {"1.txt": plan(1).encode()})
    parse = warm.worker.parse

    def slow(data: bytes, name: str) -> list:
        time.sleep(0.6)
        jobs.recover(warm.store, "another")
        assert states(warm) == ["running"]
        return parse(data, name)

    monkeypatch.setattr(warm.worker, "parse", slow)
    assert run_waiting(warm, stop) == 1
    assert states(warm) == ["done"]
