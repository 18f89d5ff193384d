"""Bulk work over Dask: throughput beside one machine, and a worker and the scheduler killed in the middle.

    python bench/bulk.py [--copies 4] [--samples 14] [--write]

Starts a scheduler and two workers as processes on loopback, each started again when it ends, as a supervisor would.
Writes varied copies of the sample plans, brings them in by this process alone, then over Dask, then over Dask again
with `kill -9` of a worker after a quarter and of the scheduler after a half of the files. Prints throughput and the
content hash of each store; exits with status 1 where they differ. Rewrites results/bulk.md with --write.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from corpus.content import content_hash  # noqa: E402
from service.ingest import ingest  # noqa: E402
from service.settings import Settings  # noqa: E402
from service.workspace import Workspace  # noqa: E402
from tests.dask_cluster import Cluster  # noqa: E402


def write_copies(folder: Path, copies: int, most: int) -> int:
    """Write ``copies``, different in number and figures, of the shortest sample plans; return how many files there are."""
    folder.mkdir(parents=True)
    plans = [p for p in (ROOT / "corpus" / "samples").iterdir() if p.name != "README.md"]
    samples = sorted(plans, key=lambda p: (p.stat().st_size, p.name))[:most]
    for copy in range(copies):
        for sample in samples:
            text = re.sub(
                r"\b(\d{1,4})(?=/KH-UBND|/QĐ-UBND|\s*%)",
                lambda m, copy=copy: str(int(m[1]) + copy),
                sample.read_text("utf-8"),
            )
            # Plans without a number are told apart by their title.
            text = re.sub(r"(?i)(chương trình hành động quốc gia)", rf"\1 lần {copy + 1}", text, count=1)
            (folder / f"{copy:04}-{sample.name}").write_text(text, "utf-8")
    return copies * len(samples)


def measure(
    name: str, folder: Path, settings: Settings, models: Workspace, at: Callable[[int], None] | None = None
) -> tuple[str, float, Counter[str], int]:
    """Bring ``folder`` into a new store; return its hash, the seconds, the outcomes and the number of paragraphs."""
    space = Workspace(settings)
    for part in ("groups", "embedder", "default_embedder", "tagger"):
        space.__dict__[part] = getattr(models, part)
    began, outcomes = time.perf_counter(), Counter[str]()
    for report in ingest([folder], space):
        outcomes[report.outcome] += 1
        if at:
            at(outcomes.total())
    seconds = time.perf_counter() - began
    paragraphs = sum(document.paragraphs for document in space.store.documents())
    found = content_hash(space.store)
    space.close()
    rate = outcomes.total() / seconds
    print(
        f"{name}: {outcomes.total()} files in {seconds:.1f} s, {rate:.2f}/s, {dict(outcomes)}, hash {found[:16]}",
        flush=True,
    )
    return found, seconds, outcomes, paragraphs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--samples", type=int, default=14, help="how many of the sample plans, the shortest first")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="rewrite results/bulk.md")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kehoach-bulk-"))
    cluster = None
    try:
        files = write_copies(folder / "plans", given.copies, given.samples)
        alone = Settings(home=folder / "alone", threads=1)
        models = Workspace(alone)
        _ = models.tagger
        workers = [f"worker {number}" for number in range(given.workers)]
        cluster = Cluster(folder, folder / "worker-home", alone.cache, workers)
        over = {"scheduler": cluster.address, "scheduler_seconds": 300.0, "threads": 1}
        runs = {"this process alone, one thread": measure("alone", folder / "plans", alone, models)}
        # The first run of new workers loads their models; that is not what is measured.
        (folder / "warm").mkdir()
        for number in range(4 * given.workers):
            (folder / "warm" / f"{number}.txt").write_text(f"KẾ HOẠCH {number}\n\n1. Trồng cây số {number}.\n", "utf-8")
        measure("models load", folder / "warm", Settings(home=folder / "warming", **over), models)
        runs[f"{given.workers} workers"] = measure(
            "Dask", folder / "plans", Settings(home=folder / "dask", **over), models
        )
        kills = {files // 4: "worker 0", files // 2: "scheduler"}

        def kill(done: int) -> None:
            if done in kills:
                print(f"  kill -9 of {kills[done]}", flush=True)
                cluster.kill(kills[done])

        runs["the same, a worker and the scheduler killed"] = measure(
            "Dask, killed", folder / "plans", Settings(home=folder / "killed", **over), models, kill
        )
    finally:
        if cluster:
            cluster.close()
        shutil.rmtree(folder, ignore_errors=True)
    are_equal = len({found for found, *_ in runs.values()}) == 1
    print("hashes are", "equal" if are_equal else "NOT EQUAL")
    if given.write:
        write(runs, files)
    sys.exit(not are_equal)


def write(runs: dict[str, tuple[str, float, Counter[str], int]], files: int) -> None:
    """Rewrite results/bulk.md."""
    first = next(iter(runs.values()))
    rows = [
        f"| {name} | {seconds:.0f} | {files / seconds:.2f} | {paragraphs / seconds:.1f} | {first[1] / seconds:.2f} | `{found[:16]}` |"
        for name, (found, seconds, _, paragraphs) in runs.items()
    ]
    (ROOT / "results" / "bulk.md").write_text(
        f"""# Bulk work over Dask

Measured {date.today()} by `python {" ".join(sys.argv)}` on a busy machine of {os.cpu_count()} processors that client, scheduler and
workers share with other work: the ratios say little about machines of their own, the equality of the hashes does.
{files} files, {first[3]} paragraphs: the sample plans, varied in numbers and figures. Workers have one thread each; the last
row includes starting a worker, then the scheduler with both workers, and loading their models again.

| run | s | files/s | paragraphs/s | times the first | content hash |
|---|---|---|---|---|---|
{chr(10).join(rows)}
""",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
