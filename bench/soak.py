"""Ask a running service many things at once while documents are added; report rates, times, errors, growth of memory.

    python bench/soak.py --paragraphs 10000 --rate 60 --seconds 300

Starts `kehoach serve` on a home of its own, filled with a plan for each of 34 provinces put together from the sentences of the
sample plans, waits until it is ready and the overviews of all plans are made, then sends requests at a steady rate (open loop: a
slow answer does not slow the sender, and its time counts from when it was due) and adds a document a second. With --kill it is
killed with SIGKILL at the end, started again, and every acknowledged document and job is looked for. With --home the filled home is
kept there and copied the next time. Prints a JSON summary; exits with 1 after an error or a loss.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import httpx
from measuring import measured

from corpus.provinces import provinces

ROOT = Path(__file__).parents[1]
KEYED = {"X-API-Key": "soak"}
# A plan of each province of today.
PROVINCES = sorted({province.today for province in provinces()})
QUERIES = (
    "siêu thị thay túi ni lông", "dien mat troi mai nha", "phân loại rác tại nguồn", "rooftop solar", "tập huấn cho doanh nghiệp",
    "năng lượng tái tạo Cao Bằng", "kinh tế tuần hoàn trong nông nghiệp", "bao bi than thien moi truong",
)  # fmt: skip


def sentences() -> list[str]:
    return [
        line.strip()
        for path in sorted((ROOT / "corpus/samples").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line) > 60 and line[:1].isalpha()
    ]


def fill(home: Path, count: int, seed: random.Random) -> None:
    lines, file = sentences(), home / "rows.jsonl"
    home.mkdir(parents=True)
    with file.open("w", encoding="utf-8") as rows:
        for number in range(count):
            text = f"{' '.join(seed.sample(lines, 2))} Đợt {number}."
            row = {
                "id": f"p{number}",
                "doc": f"d{number % len(PROVINCES)}",
                "province": PROVINCES[number % len(PROVINCES)],
                "text": text,
            }
            rows.write(json.dumps(row, ensure_ascii=False) + "\n")
    environment = {**os.environ, "KEHOACH_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-m", "service.cli", "ingest", "--json", str(file)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def serve(home: Path, workers: int) -> tuple[subprocess.Popen[bytes], str]:
    environment = {**os.environ, "KEHOACH_HOME": str(home), "KEHOACH_API_KEY": "soak", "KEHOACH_RATE": "0"}
    log = home / "log"
    command = [sys.executable, "-m", "service.cli", "serve", "--port", "0", "--workers", str(workers)]
    with log.open("wb") as opened:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=opened)
    while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
        if process.poll() is not None:
            raise SystemExit(log.read_text())
        time.sleep(0.1)
    while not is_ready(found.group(0)):
        time.sleep(0.2)
    return process, found.group(0)


def is_ready(url: str) -> bool:
    """Tell whether a service answers yet; with several workers none may listen at first."""
    try:
        return httpx.get(f"{url}/health/ready", timeout=300).status_code == 200
    except httpx.ConnectError:
        return False


def settle(url: str) -> None:
    """Wait until the overviews of all plans are made for the first time."""
    while httpx.get(f"{url}/v1/families", timeout=300).status_code == 503:
        time.sleep(1)


def page_times(url: str, path: str) -> dict[str, float]:
    """Return percentiles of the times of 60 requests for a page one after another, ms."""
    with httpx.Client(base_url=url, timeout=60) as client:
        return measured(lambda _: client.get(path).raise_for_status(), range(60))["clock"]


def memory(process: subprocess.Popen[bytes]) -> float:
    """Return the resident MB of a process and its children."""
    pids, total = [process.pid], 0
    for pid in pids:
        # Children are listed by the thread that started them.
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += [int(child) for child in children.read_text().split()]
        total += int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])  # type: ignore[index]
    return total / 1024


def watch(process: subprocess.Popen[bytes], stop: threading.Event, sizes: list[int]) -> None:
    """Add the resident MB of a process and its children to ``sizes`` now and every half minute."""
    while True:
        sizes.append(round(memory(process)))
        if stop.wait(30):
            return


def requests(seed: random.Random) -> tuple[str, str, dict[str, object]]:
    query = {"q": f"{seed.choice(QUERIES)} {seed.randrange(1000)}"}
    kind = seed.random()
    if kind < 0.8:
        return "search", "/v1/search", query
    if kind < 0.9:
        return "search filtered", "/v1/search", query | {"province": "Cao Bằng", "task_group": "renewable_energy"}
    return ("coverage", "/v1/coverage", {}) if kind < 0.95 else ("document", f"/v1/documents/d{seed.randrange(10)}", {})


class Asker:
    """A kept connection a thread, on which requests go out as a browser sends them; httpx takes as long as a search."""

    def __init__(self, url: str) -> None:
        self._address = url.removeprefix("http://")
        self._own = threading.local()

    def status(self, path: str, query: dict[str, object]) -> int:
        """Return the status of an answer, which is read whole. Raises OSError or HTTPException."""
        if not hasattr(self._own, "connection"):
            self._own.connection = HTTPConnection(self._address, timeout=60)
        connection: HTTPConnection = self._own.connection
        try:
            connection.request("GET", f"{path}?{urlencode(query)}", headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            # The next request opens it again.
            connection.close()
            raise
        return answer.status


class Soak:
    """One run: what was answered, how fast, and what was acknowledged."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=60)
        self.asker = Asker(url)
        self.times: dict[str, list[float]] = {}
        self.statuses: Counter[str] = Counter()
        self.acknowledged: list[tuple[str, str]] = []
        self.stop = threading.Event()
        self._lock = threading.Lock()

    def ask(self, due: float, name: str, path: str, query: dict[str, object]) -> None:
        try:
            status = str(self.asker.status(path, query))
        except (OSError, HTTPException) as error:
            status = type(error).__name__
        with self._lock:
            self.times.setdefault(name, []).append(time.perf_counter() - due)
            self.statuses[status] += 1

    def write(self) -> None:
        lines = sentences()
        for number in itertools.count(1):
            if self.stop.wait(1):
                return
            body = f"TỈNH HÀ GIANG\nSố: {number}/KH-UBND\nKẾ HOẠCH\nTIÊU DÙNG\nI. NHIỆM VỤ\n1. {lines[number % len(lines)]} Lần {number}.\n".encode()
            try:
                if number % 5:
                    answer = self.client.post(
                        "/v1/documents", params={"name": f"{number}.txt"}, content=body, headers=KEYED
                    )
                    if answer.status_code == 201:
                        self.acknowledged.append(("documents", answer.json()["document_id"]))
                else:
                    answer = self.client.post("/v1/jobs", files={"files": (f"{number}.txt", body)}, headers=KEYED)
                    if answer.status_code == 202:
                        self.acknowledged.append(("jobs", answer.json()["job_id"]))
                self.statuses[f"write {answer.status_code}"] += 1
            except httpx.TransportError:
                if not self.stop.is_set():
                    self.statuses["write broken"] += 1

    def run(self, rate: float, seconds: float, seed: random.Random) -> None:
        with ThreadPoolExecutor(48) as pool:
            began = time.perf_counter()
            for number in range(int(rate * seconds)):
                due = began + number / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                pool.submit(self.ask, due, *requests(seed))


def lost(url: str, acknowledged: list[tuple[str, str]]) -> list[str]:
    missing = []
    for kind, name in acknowledged:
        while True:
            answer = httpx.get(f"{url}/v1/{kind}/{name}", headers=KEYED, timeout=60)
            if kind == "documents" or answer.status_code != 200 or answer.json()["state"] not in ("waiting", "running"):
                break
            time.sleep(0.2)
        if answer.status_code != 200 or (kind == "jobs" and answer.json()["state"] != "done"):
            missing.append(f"{kind}/{name}")
    return missing


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--paragraphs", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--kill", action="store_true")
    given = parser.parse_args()
    seed = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        filled = given.home or home
        if not filled.exists():
            fill(filled, given.paragraphs, random.Random(0))
        if given.home:
            shutil.copytree(filled, home)
        process, url = serve(home, given.workers)
        settle(url)
        coverage = page_times(url, "/coverage")
        soak = Soak(url)
        soak.run(given.rate, min(10, given.seconds), random.Random(2))
        soak.times.clear()
        soak.statuses.clear()
        writer = threading.Thread(target=soak.write)
        writer.start()
        sizes: list[int] = []
        watcher = threading.Thread(target=watch, args=(process, soak.stop, sizes))
        watcher.start()
        began = time.perf_counter()
        soak.run(given.rate, given.seconds, seed)
        took = time.perf_counter() - began
        sizes.append(round(memory(process)))
        if given.kill:
            process.send_signal(signal.SIGKILL)
        soak.stop.set()
        writer.join()
        watcher.join()
        missing: list[str] = []
        if given.kill:
            process.wait()
            process, url = serve(home, given.workers)
        missing = lost(url, soak.acknowledged)
        process.terminate()
        process.wait()
    everything = sorted(itertools.chain(*soak.times.values()))
    summary = {
        "requests": len(everything), "requests_per_second": round(len(everything) / took, 1), "statuses": dict(soak.statuses),
        "p50_ms": round(1000 * statistics.median(everything), 1), "p95_ms": round(1000 * everything[int(0.95 * len(everything))], 1),
        "p95_ms_by_kind": {name: round(1000 * sorted(t)[int(0.95 * len(t))], 1) for name, t in soak.times.items()},
        "memory_mb": sizes, "coverage_page": coverage, "acknowledged": len(soak.acknowledged), "lost": missing,
    }  # fmt: skip
    print(json.dumps(summary, indent=1))
    bad = [status for status in soak.statuses if not re.search(r"20[0-2]$", status)]
    sys.exit(bool(missing or bad))


if __name__ == "__main__":
    main()
