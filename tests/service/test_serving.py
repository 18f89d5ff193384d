"""`kehoach serve` as a process: killed under load it loses nothing, told to stop it finishes, several workers share a home."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from corpus.store import Store
from service import jobs
from service.background import run_waiting
from service.hosts import host_id
from service.operating import bound
from service.settings import Settings
from service.workspace import Workspace

ROOT = Path(__file__).resolve().parents[2]
KEYED = {"X-API-Key": "k"}
# Seconds; loading the models takes two on a machine at rest and a minute on a busy one.
PATIENCE = 300
Start = Callable[..., "Served"]


def plan(number: int) -> bytes:
    return f"ỦY BAN NHÂN DÂN\nTỈNH HÀ GIANG\nSố: {number}/KH-UBND\nKẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác đợt {number}.\n".encode()


class Served:
    """A running `kehoach serve` and its address."""

    def __init__(self, settings: Settings, log: Path, *options: str) -> None:
        environment = {
            **os.environ, "KEHOACH_HOME": str(settings.home), "KEHOACH_CACHE": str(settings.cache), "KEHOACH_API_KEY": "k",
            "PYTHONPATH": str(ROOT), "KEHOACH_RATE": "0", "KEHOACH_SHUTDOWN_SECONDS": str(PATIENCE),
        }  # fmt: skip
        self.log = log
        command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", *options]
        with log.open("wb") as opened:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=opened)
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            assert self.process.poll() is None, log.read_text()
            time.sleep(0.1)
        self.url = found.group(0)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=PATIENCE).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)


@pytest.fixture
def start(tmp_path: Path, cache: Path) -> Iterator[Start]:
    started: list[Served] = []

    def run(*options: str) -> Served:
        started.append(Served(Settings(home=tmp_path / "home", cache=cache), tmp_path / f"log{len(started)}", *options))
        return started[-1]

    yield run
    for served in started:
        if served.process.poll() is None:
            served.process.kill()
            served.process.wait()


def test_killed_under_load_nothing_that_was_acknowledged_is_lost(start: Start, warm: Workspace) -> None:
    served = start()
    served.wait_ready()
    acknowledged: dict[str, str] = {}
    stop = threading.Event()

    def send(offset: int) -> None:
        for number in range(offset, offset + 400):
            if stop.is_set():
                return
            try:
                if number % 2:
                    answer = httpx.post(
                        f"{served.url}/v1/documents?name={number}.txt",
                        content=plan(number),
                        headers=KEYED,
                        timeout=PATIENCE,
                    )
                    if answer.status_code == 201:
                        acknowledged[f"document {number}"] = answer.json()["document_id"]
                else:
                    answer = httpx.post(
                        f"{served.url}/v1/jobs",
                        files={"files": (f"{number}.txt", plan(number))},
                        headers=KEYED,
                        timeout=PATIENCE,
                    )
                    if answer.status_code == 202:
                        acknowledged[f"job {number}"] = answer.json()["job_id"]
            except httpx.TransportError:
                return

    senders = [threading.Thread(target=send, args=(1000 * n,)) for n in range(1, 4)]
    [sender.start() for sender in senders]
    deadline = time.monotonic() + PATIENCE
    while len(acknowledged) < 12:
        assert time.monotonic() < deadline, served.log.read_text()[-2000:]
        time.sleep(0.05)
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    stop.set()
    [sender.join() for sender in senders]

    # The process behind notices that it is alone, ends the file in hand and frees the lock, as for a service that is started again.
    with (warm.settings.home / "background.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        jobs.recover(warm.store, host_id(warm.settings.home))
        run_waiting(warm, threading.Event())
    for what, name in acknowledged.items():
        kind, number = what.split()
        if kind == "job":
            (item,) = jobs.items(warm.store, name)
            assert item.state == "done", item
            name = item.reports[0]["document_id"]
        document = warm.store.document(name)
        assert document, what
        assert document.number == f"{number}/KH-UBND"


def test_told_to_stop_it_answers_what_it_has_and_goes(start: Start, tmp_path: Path) -> None:
    served = start()
    served.wait_ready()
    rows = [
        {"id": str(n), "text": f"Lắp điện mặt trời trên mái trụ sở xã số {n}, thu gom rác và tái chế."}
        for n in range(250)
    ]
    answers: list[int] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            httpx.post(f"{served.url}/v1/tag", json={"paragraphs": rows}, timeout=PATIENCE).status_code
        )
    )
    files = [("files", (f"{n}.txt", plan(n))) for n in range(40)]
    job_id = httpx.post(f"{served.url}/v1/jobs", files=files, headers=KEYED, timeout=PATIENCE).json()["job_id"]
    asking.start()
    time.sleep(0.3)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(PATIENCE) in (0, -signal.SIGTERM)
    asking.join()
    assert answers == [200]
    store = Store(f"sqlite:///{tmp_path / 'home' / 'kehoach.db'}")
    states = {item.state for item in jobs.items(store, job_id)}
    store.close()
    assert "failed" not in states
    assert "running" not in states


def test_answers_of_several_workers_do_not_wait_to_fill_packets() -> None:
    listening = bound(uvicorn.Config("service.app:app_of_environment", port=0))
    with listening:
        listening.listen()
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_several_workers_share_one_home_and_count_together(start: Start) -> None:
    served = start("--workers", "2")
    served.wait_ready()
    files = [("files", (f"{n}.txt", plan(n))) for n in range(6)]
    job_id = httpx.post(f"{served.url}/v1/jobs", files=files, headers=KEYED, timeout=PATIENCE).json()["job_id"]
    deadline = time.monotonic() + PATIENCE
    while (job := httpx.get(f"{served.url}/v1/jobs/{job_id}", headers=KEYED, timeout=PATIENCE).json())[
        "state"
    ] != "done":
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
    assert {r["outcome"] for item in job["items"] for r in item["reports"]} == {"added"}
    for _ in range(20):
        hits = httpx.get(f"{served.url}/v1/search?q=thu gom rác đợt 5&k=3", timeout=PATIENCE).json()["hits"]
        assert hits, served.log.read_text()[-2000:]
    text = httpx.get(f"{served.url}/metrics", timeout=PATIENCE).text
    counted = re.search(r'kehoach_requests_total\{method="GET",route="/v1/search",status="200"\} (\S+)', text)
    assert counted
    assert float(counted.group(1)) == 20

    served.process.kill()
    assert is_refused_soon(served.url), "workers outlived what started them"


def is_refused_soon(url: str) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{url}/health/live", timeout=PATIENCE)
        except httpx.ConnectError:
            return True
        except httpx.TransportError:
            continue
        time.sleep(0.1)
    return False


def test_writing_without_a_key_is_for_loopback_only(start: Start, tmp_path: Path, cache: Path) -> None:
    environment = {**os.environ, "KEHOACH_HOME": str(tmp_path / "h"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "service.cli", "serve", "--local", "--host", "0.0.0.0", "--port", "0"]
    refused = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 2
    assert "loopback" in refused.stderr
