"""Measure how soon the search page is painted first, and what is transferred for it, on loopback.

    python bench/first_paint.py --loads 15

Serves two sample plans by `kehoach serve` and loads the page in Debian's Chromium (``pip install '.[test]'``), each time with an empty
cache. The times are those of the browser's own Performance entries, from the start of the navigation. Prints a JSON summary.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from soak import serve

ROOT = Path(__file__).parents[1]
PLANS = ("cao-bang-1043-kh-ubnd-2021.html", "ca-mau-174-kh-ubnd-2024.txt")
PAGES = {"search page": "/", "search with hits": "/?q=nang+luong+mat+troi"}
MEASURE = """() => {
    const [page] = performance.getEntriesByType("navigation");
    const all = [page, ...performance.getEntriesByType("resource")];
    return {
        first_paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
        first_byte: page.responseStart,
        bytes: all.reduce((sum, entry) => sum + entry.transferSize, 0),
        requests: all.length,
    };
}"""


def load(browser: Browser, address: str) -> dict[str, float]:
    """Return the figures of one load with an empty cache."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address, wait_until="networkidle")
    figures: dict[str, float] = page.evaluate(MEASURE)
    context.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--loads", type=int, default=15)
    loads = parser.parse_args().loads
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder) / "home"
        plans = [str(ROOT / "corpus" / "samples" / name) for name in PLANS]
        environment = {**os.environ, "KEHOACH_HOME": str(home)}
        command = [sys.executable, "-m", "service.cli", "ingest", "--json", *plans]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        process, url = serve(home, 1)
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        summary = {}
        for name, path in PAGES.items():
            load(browser, url + path)
            found = [load(browser, url + path) for _ in range(loads)]
            summary[name] = {
                "first_paint_ms_median": round(statistics.median(f["first_paint"] for f in found)),
                "first_paint_ms_worst": round(max(f["first_paint"] for f in found)),
                "first_byte_ms_median": round(statistics.median(f["first_byte"] for f in found)),
                "bytes": round(found[-1]["bytes"]),
                "requests": found[-1]["requests"],
            }
        browser.close()
        process.terminate()
        process.wait()
    print(json.dumps({"loads": loads, "load_average": os.getloadavg()[0], **summary}, indent=1))


if __name__ == "__main__":
    main()
