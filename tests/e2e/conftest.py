"""The application over a few sample plans as a server, and Debian's Chromium to drive it with."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from service import jobs, keys
from service.app import create_app
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PLANS = ("cao-bang-1043-kh-ubnd-2021.html", "ca-mau-174-kh-ubnd-2024.txt")
JOB = "4f1c2a9be07d3865"


@dataclass(frozen=True)
class Site:
    """A running service: its address, the key of an editor, and the pages of a family and of an import."""

    address: str
    key: str
    family: str
    job: str


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        # Chromium refuses to run as root with its sandbox; the pages are our own.
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory, cache: Path, samples: Path) -> Iterator[Site]:
    # After ``browser``, so that nothing is loaded where that is missing.
    space = Workspace(Settings(home=tmp_path_factory.mktemp("home"), cache=cache, rate=0))
    assert all(report.is_usable for report in ingest([samples / name for name in PLANS], space))
    secret = keys.create(space.store, "An", "editor")[1]
    jobs.add(space.store, JOB, "An", [("plan.docx", "0", None), ("phu-luc.pdf", "1", None)], None)
    jobs.cancel(space.store, JOB)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(space.settings, space), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        # Pages of what is made behind requests, suggestions too, are there once the families are.
        deadline = time.monotonic() + 240
        while (families := httpx.get(f"{address}/v1/families", timeout=30)).status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        family = families.json()["families"][0]["family_id"]
        yield Site(address, secret, f"/families/{family}", f"/jobs/{JOB}?still=true")
        server.should_exit = True
        thread.join(30)
    space.close()
