"""Measure start, embedding, tagging and search on this machine in one run and write results/speed.md.

Times depend on the machine; the ratios to sentence-transformers on the same texts in the same run matter.
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

from corpus import labelled
from models.build import build, default_folder, export_transformers
from models.embedder import TransformerEmbedder, available_processors, load_embedder
from service.ingest import ingest
from service.settings import Settings
from service.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
TEXTS = 300
QUERIES = (
    "nang luong mat troi",
    "siêu thị thay túi ni lông",
    "rooftop solar for factories",
    "mục tiêu của Cao Bằng 2025",
)
COLD = """
import time; began = time.perf_counter()
from pathlib import Path
from models.embedder import load_embedder
load_embedder("default", Path({cache!r})).embed_queries(["năng lượng mặt trời"])
print(time.perf_counter() - began)
"""


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def cold_start(cache: Path, runs: int = 5) -> float:
    command = [sys.executable, "-c", COLD.format(cache=str(cache))]
    outputs = [
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout for _ in range(runs)
    ]
    return statistics.median(map(float, outputs))


def query_times(space: Workspace, rounds: int = 50) -> list[float]:
    searcher = space.searcher
    return sorted(1000 * seconds(partial(searcher.search, query)) for _ in range(rounds) for query in QUERIES)


def rows() -> list[tuple[str, str]]:
    cache = Settings().cache
    texts = [row.text for row in labelled.paragraphs()[:: max(1, len(labelled.paragraphs()) // TEXTS)]][:TEXTS]
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        building = seconds(lambda: build(default_folder(place)))
        ours = load_embedder("default", cache)
        theirs = TransformerEmbedder(str(export_transformers(place / "transformers")))
        ours.embed_passages(texts[:8])
        theirs.embed_passages(texts[:8])
        rate = len(texts) / seconds(lambda: ours.embed_passages(texts))
        their_rate = len(texts) / seconds(lambda: theirs.embed_passages(texts))
        space = Workspace(Settings(home=place / "home", cache=cache))
        space.tagger.tag(texts[:8])
        tagging = len(texts) / seconds(lambda: space.tagger.tag(texts))
        reports: list[object] = []
        ingesting = seconds(lambda: reports.extend(ingest([ROOT / "corpus" / "samples"], space)))
        indexing = seconds(space.build_index)
        times = query_times(space)
        stored = len(space.store.paragraphs())
        space.close()
    return [
        ("build of the embedding model", f"{building:.1f} s"),
        ("fresh process to first query vector", f"{cold_start(cache):.2f} s"),
        (f"embedding, {len(texts)} paragraphs", f"{rate:.0f} a second"),
        ("the same by sentence-transformers, float32", f"{their_rate:.0f} a second, ratio {rate / their_rate:.1f}"),
        ("tagging, segmentation and embedding included", f"{tagging:.0f} paragraphs a second"),
        (f"reading, tagging and storing {stored} paragraphs of 9 plans", f"{ingesting:.1f} s"),
        ("indexing them", f"{indexing:.2f} s"),
        (
            f"search over them, {len(times)} queries",
            f"p50 {times[len(times) // 2]:.1f} ms, p95 {times[int(len(times) * 0.95)]:.1f} ms",
        ),
    ]


def main() -> None:
    lines = [f"| {name} | {value} |" for name, value in rows()]
    text = f"""# Speed

`make bench`, {date.today().isoformat()}, {available_processors()} processors, Python {platform.python_version()}.

| what | measured |
|---|---|
{chr(10).join(lines)}
"""
    page = ROOT / "results" / "speed.md"
    # Sections below the table are other programs'.
    _, heading, others = page.read_text(encoding="utf-8").partition("\n## ")
    page.write_text(text + heading + others, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
