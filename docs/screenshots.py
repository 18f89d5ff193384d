"""Take pictures of every page at the widths of a phone and of a desk, into docs/screenshots.

    python docs/screenshots.py                # all pages; some minutes
    python docs/screenshots.py search help    # these alone

Reads the sample plans into a home of its own, serves it, and drives Debian's Chromium (``pip install '.[test]'``). Pictures are WebP of
what is seen before scrolling, on a phone of twice that. A picture that Chromium fails to take is tried once more; what fails again is named
and the rest is taken, and the exit status is 1.
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

import uvicorn
from playwright.sync_api import BrowserType, Error, Page, sync_playwright

from service import jobs
from service.app import create_app
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "screenshots"
MOST_BYTES = 120_000
SIZES = {390: 1500, 1440: 1000}
DOCUMENT = "/documents/cao-bang/1043-kh-ubnd-2021"
JOB = "4f1c2a9be07d3865"
PAGES = {
    "search": "/?q=nang+luong+mat+troi",
    "start": "/",
    "filtered": "/?province=Cao+Bằng&task_group=renewable_energy",
    "document": DOCUMENT,
    "tag": "/tag",
    "compare": "/compare?a=Cao+Bằng&b=Cà+Mau",
    "coverage": "/coverage",
    "targets": "/targets",
    "indicator": "/targets?indicator=supermarkets_green_packaging",
    "queue": "/queue",
    "upload": "/upload",
    "jobs": "/jobs",
    "job": f"/jobs/{JOB}?still=true",
    "feeds": "/feeds?q=điện+mặt+trời",
    "sign-in": "/sign-in",
    "help": "/help",
    "docs": "/docs",
    "not-found": "/nowhere",
    # Last, for they wait until families are made.
    "families": "/families",
    "family": "",
    "gaps": "/gaps?province=Cà+Mau",
    "report": "/report?a=Cao+Bằng&b=Cà+Mau",
}
WITH_FAMILIES = ("families", "family", "gaps", "report")
ADDRESS = "http://127.0.0.1:8999"
TRIES = 2


class TooLargeError(Exception):
    """A picture is over MOST_BYTES at every quality."""


def picture(page: Page, height: int) -> bytes:
    """Return what is seen of ``page`` as WebP of at most MOST_BYTES."""
    session = page.context.new_cdp_session(page)
    for quality in (80, 60, 40, 20):
        answer = session.send("Page.captureScreenshot", {"format": "webp", "quality": quality})
        content = base64.b64decode(answer["data"])
        if len(content) <= MOST_BYTES:
            return content
    raise TooLargeError(f"over {MOST_BYTES:,} bytes at {height} pixels of height")


def take(page: Page, name: str, address: str, width: int) -> None:
    """Write one picture."""
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    if name == "family":
        page.goto("/families")
        page.locator("ol.hits h2 a").first.click()
        page.wait_for_load_state()
    else:
        page.goto(address)
    if name == "tag":
        page.get_by_role("main").locator("textarea").fill(
            "Lắp điện mặt trời trên mái trụ sở; thu gom, tái chế rác thải nhựa tại chợ."
        )
        page.get_by_role("main").get_by_role("button").last.click()
        page.wait_for_load_state()
    if name == "start":
        page.locator("#q").press_sequentially("nang l")
        page.get_by_role("option").first.wait_for()
    file = FOLDER / f"{name}-{width}.webp"
    file.write_bytes(picture(page, SIZES[width]))
    sys.stdout.write(f"{file.relative_to(ROOT)}  {file.stat().st_size:,} bytes\n")
    sys.stdout.flush()


def was_taken(chromium: BrowserType, program: str | None, name: str, width: int) -> bool:
    """Write one picture, each try by a browser of its own, for a page may take its browser down. Tells of what fails."""
    for number in range(1, TRIES + 1):
        try:
            with chromium.launch(executable_path=program, args=["--no-sandbox"]) as browser:
                page = browser.new_page(base_url=ADDRESS, locale="vi-VN")
                page.set_default_timeout(120_000)
                take(page, name, PAGES[name], width)
        except (Error, TooLargeError) as error:
            sys.stderr.write(f"{name} at {width}, try {number} of {TRIES}: {str(error).partition(chr(10))[0]}\n")
        else:
            return True
    return False


def main() -> None:
    """Serve the samples and take the pictures."""
    wanted = sys.argv[1:] or list(PAGES)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        space = Workspace(Settings(home=Path(folder) / "home", rate=0, local_writes=True))
        if failed := [report for report in ingest([ROOT / "corpus" / "samples"], space) if not report.is_usable]:
            raise SystemExit(f"samples that cannot be read: {failed}")
        space.build_index()
        jobs.add(
            space.store, JOB, "Phòng Kế hoạch", [("ke-hoach-2026.docx", "0", None), ("phu-luc.pdf", "1", None)], None
        )
        jobs.cancel(space.store, JOB)
        app = create_app(space.settings, space)
        server = uvicorn.Server(uvicorn.Config(app, port=8999, log_config=None))
        threading.Thread(target=server.run, daemon=True).start()
        while not app.state.ready.is_set() or "suggestions" not in app.state.background.kept.contents():
            time.sleep(0.5)
        FOLDER.mkdir(exist_ok=True)
        missing = []
        for name in wanted:
            while name in WITH_FAMILIES and "families" not in app.state.background.kept.contents():
                time.sleep(0.5)
            missing += [f"{name}-{w}" for w in SIZES if not was_taken(playwright.chromium, program, name, w)]
        server.should_exit = True
        space.close()
    if missing:
        raise SystemExit(f"not taken: {', '.join(missing)}")


if __name__ == "__main__":
    main()
