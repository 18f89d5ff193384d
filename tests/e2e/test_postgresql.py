"""`kehoach serve` on PostgreSQL, and commands on another host over the same store: the contract, and the same as on SQLite."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANS = ("cao-bang-1043-kh-ubnd-2021.html", "ca-mau-174-kh-ubnd-2024.txt")
KEYED = {"X-API-Key": "k"}
# Seconds; loading the models takes two on a machine at rest and a minute on a busy one.
PATIENCE = 300


def environment(home: Path, cache: Path, database: str) -> dict[str, str]:
    return os.environ | {
        "KEHOACH_HOME": str(home), "KEHOACH_CACHE": str(cache), "KEHOACH_DATABASE": database, "KEHOACH_API_KEY": "k",
        "KEHOACH_SESSION_KEY": "the same on all hosts", "PYTHONPATH": str(ROOT),
    }  # fmt: skip


def command(given: dict[str, str], *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments], cwd=ROOT, env=given, capture_output=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode()


@pytest.fixture
def address(tmp_path: Path, cache: Path, postgres_url: str) -> Iterator[str]:
    log = tmp_path / "log"
    given = environment(tmp_path / "serving", cache, postgres_url)
    with log.open("wb") as opened:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", "serve", "--port", "0"], cwd=ROOT, env=given, stderr=opened
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        yield found.group(0)
    finally:
        process.kill()
        process.wait()


def rows(folder: Path) -> dict[str, list[dict[str, object]]]:
    return {f.name: [json.loads(line) for line in f.read_text(encoding="utf-8").splitlines()] for f in folder.iterdir()}


def test_ingest_search_correct_retag_export(
    address: str, tmp_path: Path, cache: Path, postgres_url: str, samples: Path
) -> None:
    files = [("files", (name, (samples / name).read_bytes())) for name in PLANS]
    with httpx.Client(base_url=address, headers=KEYED, timeout=PATIENCE) as client:
        job = client.post("/v1/jobs", files=files).json()
        deadline = time.monotonic() + PATIENCE
        while (found := client.get(f"/v1/jobs/{job['job_id']}").json())["state"] in ("waiting", "running"):
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        assert [item["state"] for item in found["items"]] == ["done", "done"]
        hits = client.get("/v1/search", params={"q": "phân loại rác tại nguồn"}).json()["hits"]
        assert hits
        wrong = hits[0]["paragraph_id"]
        judgement = {"paragraph_id": wrong, "task_groups": ["renewable_energy"], "by": "An"}
        assert client.post("/v1/corrections", json=judgement).status_code == 201
        assert wrong in {
            hit["paragraph_id"]
            for hit in client.get(
                "/v1/search", params={"q": "phân loại rác tại nguồn", "task_group": "renewable_energy"}
            ).json()["hits"]
        }

    # Another host: a home of its own over the same store.
    other = environment(tmp_path / "other", cache, postgres_url)
    assert json.loads(command(other, "retag", "--json"))["paragraphs"] == 0
    again = json.loads(command(other, "search", "phân loại rác tại nguồn", "--json"))["hits"]
    assert [hit["paragraph_id"] for hit in again] == [hit["paragraph_id"] for hit in hits]
    command(other, "export", str(tmp_path / "postgresql"), "--format", "jsonl")

    alone = environment(tmp_path / "alone", cache, "")
    command(alone, "ingest", *(str(samples / name) for name in PLANS))
    # Over HTTP the name of the key is kept beside that of the person.
    command(alone, "correct", wrong, "--groups", "renewable_energy", "--by", "An (KEHOACH_API_KEY)")
    command(alone, "export", str(tmp_path / "sqlite"), "--format", "jsonl")
    on_postgresql, on_sqlite = rows(tmp_path / "postgresql"), rows(tmp_path / "sqlite")
    assert on_postgresql.keys() == on_sqlite.keys()
    for name, expected in on_sqlite.items():
        assert on_postgresql[name] == expected, name
