"""Kill -9 an ingest at random moments, start it again, and compare the store with that of an undisturbed run.

    python bench/kill.py --kills 200 --documents 200

Kills are spread over as many rounds as it takes: each round has a store of its own, is killed until an ingest reaches its
end, and is compared then. Prints a JSON summary; exits with 1 where a store or a search differs.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLES = {
    "documents": "select * from documents order by id",
    "paragraphs": "select * from paragraphs order by id",
    "tags": "select p.id, t.* from tags t join paragraphs p on p.key = t.paragraph_key order by p.id, t.task_group",
    "targets": "select p.id, t.* from targets t join paragraphs p on p.key = t.paragraph_key order by p.id, t.ordinal",
    "embeddings": "select p.id, e.* from embeddings e join paragraphs p on p.key = e.paragraph_key order by p.id",
    "versions": "select * from versions order by document_id, number",
}
# What differs between two runs of the same: clocks, and the keys the database gives out.
PASSING = {"added_at", "archived_at", "key", "paragraph_key"}
QUERIES = ("siêu thị thay túi ni lông", "dien mat troi", "phân loại rác tại nguồn")


def write_documents(folder: Path, count: int, seed: random.Random) -> None:
    """Write ``count`` short plans put together from the sample plans."""
    lines = [
        line.strip()
        for path in sorted((ROOT / "corpus/samples").glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if len(line) > 60 and line[:1].isalpha()
    ]
    for number in range(1, count + 1):
        body = "\n".join(f"{place}. {text}" for place, text in enumerate(seed.sample(lines, 4), 1))
        text = f"ỦY BAN NHÂN DÂN\nTỈNH LÀO CAI\nSố: {number}/KH-UBND\nLào Cai, ngày 05 tháng 6 năm 2022\n\nKẾ HOẠCH\nTIÊU DÙNG BỀN VỮNG LẦN {number}\n\nI. NHIỆM VỤ\n{body}\n"
        (folder / f"{number:04}.txt").write_text(text, encoding="utf-8")


def run(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "KEHOACH_HOME": str(home)}
    command = [sys.executable, "-m", "service.cli", *arguments]
    pipe = subprocess.PIPE if "search" in arguments else subprocess.DEVNULL
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=subprocess.DEVNULL)


def content(home: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of the store, without what differs between two runs of the same."""
    found = {}
    with sqlite3.connect(home / "kehoach.db") as connection:
        for table, query in TABLES.items():
            cursor = connection.execute(query)
            kept = [place for place, column in enumerate(cursor.description) if column[0] not in PASSING]
            found[table] = [tuple(row[place] for place in kept) for row in cursor]
    return found


def hits(home: Path) -> list[list[tuple[str, float]]]:
    answers = []
    for query in QUERIES:
        out, _ = run(home, "search", query, "--json").communicate()
        answers.append([(hit["paragraph_id"], hit["score"]) for hit in json.loads(out)["hits"]])
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--seed", type=int, default=889)
    chosen = parser.parse_args()
    seed = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="kehoach-kill-") as name:
        base = Path(name)
        plans = base / "plans"
        plans.mkdir()
        write_documents(plans, chosen.documents, seed)
        begun = time.monotonic()
        run(base / "calm", "ingest", str(plans)).wait()
        whole = time.monotonic() - begun
        wanted, wanted_hits = content(base / "calm"), hits(base / "calm")
        kills, rounds, different = 0, 0, []
        while kills < chosen.kills:
            rounds += 1
            home = base / f"round-{rounds}"
            while kills < chosen.kills:
                process = run(home, "ingest", str(plans))
                try:
                    process.wait(seed.uniform(0.05, max(1.0, whole / 3)))
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    kills += 1
            run(home, "ingest", str(plans)).wait()
            if content(home) != wanted or hits(home) != wanted_hits:
                different.append(rounds)
    summary = {
        "documents": chosen.documents,
        "kills": kills,
        "rounds": rounds,
        "stores_that_differ": len(different),
        "undisturbed_seconds": round(whole, 1),
    }
    print(json.dumps(summary))
    return bool(different) or len(wanted["documents"]) != chosen.documents


if __name__ == "__main__":
    sys.exit(main())
