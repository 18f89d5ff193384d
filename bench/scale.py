"""Measure indexing and search at 10,000, 100,000 and 1,000,000 paragraphs, for results/scale.md; bench/scale_plot.py draws it.

    python bench/scale.py legal_passages.jsonl.zst --work FOLDER [--sizes 10000 100000] [--embedded 20000]

Texts are real up to the length of the file; further ones are altered copies. Vectors of the first ``--embedded`` paragraphs
are theirs; further ones are mixed from these at random, so the hits of the dense leg mean nothing there, its load does.
Each size is measured in a process of its own; FOLDER keeps the vectors and may be used again.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measuring import measured, memory, size_of, timed

from corpus.provinces import provinces
from corpus.store import Analysis, Filter, Store
from corpus.types import Document, Metadata, Paragraph, Tag, Target
from index.live import LiveIndex
from index.query import understand
from index.search import Searcher
from models.embedder import Embedder, load_embedder
from nlp.fold import fold
from nlp.spelling import Speller
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
SEED = 889
QUERIES = 200
PER_DOCUMENT = 40
GROUPS = ("awareness", "circular_economy", "green_distribution", "renewable_energy")
# Filters by the share of paragraphs that they keep.
FILTERS = {
    "no filter": Filter(),
    "a year, 1 in 10": Filter(year=2024),
    "a province, 1 in 63": Filter(province="Cao Bằng"),
    "a year, a group and a target, 1 in 840": Filter(year=2021, task_group="awareness", has_target=True),
}


def texts(archive: Path) -> list[str]:
    lines = subprocess.run(["zstd", "-dcq", str(archive)], capture_output=True, check=True).stdout.decode().splitlines()
    return random.Random(SEED).sample([json.loads(line)["text"] for line in lines], len(lines))


def altered(text: str, other: str, copy: int) -> str:
    """Return ``text`` with other numbers and every seventh word from ``other``."""
    words, spare = re.sub(r"\d+", lambda n: str(int(n.group()[:9]) + copy), text).split(), other.split()
    return " ".join(spare[i % len(spare)] if (i + copy) % 7 == 0 else word for i, word in enumerate(words))


def paragraph_texts(real: list[str], size: int) -> Iterator[str]:
    for number in range(size):
        copy, place = divmod(number, len(real))
        yield altered(real[place], real[(place * 31 + copy) % len(real)], copy) if copy else real[place]


def embedded(real: list[str], count: int, work: Path, embedder: Embedder) -> np.ndarray:
    file = work / f"real-{count}.npy"
    if not file.exists():
        np.save(file, embedder.embed_passages(real[:count]))
    return np.load(file)


def paragraph_vectors(own: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Yield a vector for each paragraph: its own, then mixtures of two real ones with noise."""
    rng = np.random.default_rng(SEED)
    yield from own[:size]
    for start in range(len(own), size, 10_000):
        count = min(10_000, size - start)
        a, b = own[rng.integers(len(own), size=count)], own[rng.integers(len(own), size=count)]
        share = rng.uniform(0.5, 0.9, (count, 1)).astype(np.float32)
        mixed = share * a + (1 - share) * b + rng.normal(0, 0.005, a.shape).astype(np.float32)
        yield from (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


def fill(store: Store, real: list[str], vectors: Iterator[np.ndarray], size: int, embedder_id: str) -> None:
    rng, places = random.Random(SEED), provinces()
    rows = enumerate(zip(paragraph_texts(real, size), vectors, strict=True))
    target = Target("tỷ lệ", ">=", (85.0,), "%")
    for number in range(0, size, PER_DOCUMENT):
        members, analyses = [], []
        for ordinal in range(min(PER_DOCUMENT, size - number)):
            row, (text, vector) = next(rows)
            members.append(Paragraph(f"p{row}", ordinal + 1, text, "task"))
            tags = [Tag(rng.choice(GROUPS), 0.9, assigned=True)] if row % 3 == 0 else []
            analyses.append(Analysis(tags, [target] if row % 7 == 0 else [], vector))
        place, kind = rng.choice(places), "Kế hoạch" if rng.random() < 0.5 else "Quyết định"
        about = Metadata(
            number=f"{number}/KH-UBND", type=kind, title="Kế hoạch hành động", province=place.name,
            province_today=place.today, date_issued=date(rng.randrange(2016, 2026), 5, 1),
        )  # fmt: skip
        store.add(Document(f"d{number}", "load", f"{number}", about, tuple(members)), analyses, embedder_id)


def queries(real: list[str]) -> list[str]:
    """Return spans of real passages, every other one without diacritics."""
    rng, found = random.Random(SEED + 1), []
    while len(found) < QUERIES:
        words = rng.choice(real).split()
        length = rng.choice((2, 4, 6, 8, 12))
        start = rng.randrange(max(1, len(words) - length))
        span = " ".join(words[start : start + length])
        found.append(fold(span) if len(found) % 2 else span)
    return found


def live(home: Path, store: Store, embedder: Embedder) -> LiveIndex:
    def show(what: str, done: int, total: int) -> None:
        if done == total or done % 100_000 < 5_000:
            print(f"  {what} {done}/{total} at {time.perf_counter():.0f} s", file=sys.stderr)

    return LiveIndex(home / "index", store, embedder, lambda what: print(what, file=sys.stderr), show)


def build(archive: Path, work: Path, size: int, count: int) -> dict[str, Any]:
    home, embedder = work / str(size), load_embedder("default", Settings().cache)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    real = texts(archive)
    own = embedded(real, count, work, embedder)
    store = Store(f"sqlite:///{home / 'store.db'}")
    storing, _ = timed(lambda: fill(store, real, paragraph_vectors(own, size), size, embedder.id))
    building, _ = timed(lambda: live(home, store, embedder).refresh())
    return {
        "size": size, "stored_per_s": round(size / storing), "indexed_per_s": round(size / building), "build_s": round(building, 1),
        "index_mb": size_of(home / "index"), "store_mb": size_of(home) - size_of(home / "index"),
    }  # fmt: skip


def search(archive: Path, work: Path, size: int) -> dict[str, Any]:
    home, embedder = work / str(size), load_embedder("default", Settings().cache, threads=1)
    real = texts(archive)
    asked = queries(real)
    del real
    store = Store(f"sqlite:///{home / 'store.db'}")
    index = live(home, store, embedder)
    opening, generation = timed(index.snapshot)
    report: dict[str, Any] = {
        "open_s": round(opening, 2),
        "kind": "codes" if generation.vectors.approximate else "flat",
    }
    for name, only in FILTERS.items():
        searcher = Searcher(store, generation, embedder)
        report[name] = measured(partial(searcher.search, limit=10, only=only), asked)
    report["memory"] = memory()
    report["recall"] = recalls(generation, embedder, store, asked[:100])
    report["embed"] = measured(lambda query: embedder.embed_queries([query]), asked)
    read = [understand(query, Speller(generation.restorer)).words for query in asked]
    report["lexical"] = measured(lambda query: generation.lexical.search(query, 100, Filter()), read)
    report["dense"] = measured(lambda vector: generation.vectors.search(vector, 100), embedder.embed_queries(asked))
    report["change_s"] = changes(index, store, embedder)
    return report


def recalls(generation: Any, embedder: Embedder, store: Store, asked: list[str]) -> dict[str, float]:
    """Return recall@10 of the dense leg against exact search, by filter."""
    exact = replace(generation.vectors, approximate=None)
    vectors, found = embedder.embed_queries(asked), {}
    for name, only in FILTERS.items():
        allowed = generation.select(only, store)
        hits = [
            len(
                {k for k, _ in generation.vectors.search(v, 10, allowed)} & {k for k, _ in exact.search(v, 10, allowed)}
            )
            for v in vectors
        ]
        found[name] = round(sum(hits) / (10 * len(vectors)), 4)
    return found


def changes(index: LiveIndex, store: Store, embedder: Embedder) -> dict[str, float]:
    """Return the seconds until a document added, and one deleted, is seen by a search, storing included; medians of five."""
    added, deleted = [], []
    for number in range(5):
        text = f"Trạm trung chuyển khuổi ngoằng số {number} thu gom vỏ hộp."
        paragraph = Paragraph(f"new{number}", 1, text, "task")
        analysis = Analysis((), (), embedder.embed_passages([text])[0])
        document = Document(f"new{number}", "load", "new", Metadata(), (paragraph,))
        began = time.perf_counter()
        store.add(document, [analysis], embedder.id)
        hits = Searcher(store, index.snapshot(), embedder).search(text, 3).hits
        added.append(time.perf_counter() - began)
        assert hits[0].paragraph.id == paragraph.id
        began = time.perf_counter()
        store.delete(document.id)
        hits = Searcher(store, index.snapshot(), embedder).search(text, 3).hits
        deleted.append(time.perf_counter() - began)
        assert all(hit.paragraph.id != paragraph.id for hit in hits)
    return {"added": round(float(np.median(added)), 3), "deleted": round(float(np.median(deleted)), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--embedded", type=int, default=20_000)
    parser.add_argument("--stage", choices=("build", "search"))
    given = parser.parse_args()
    if given.stage:
        size = given.sizes[0]
        work = (given.archive, given.work, size)
        print(json.dumps(build(*work, given.embedded) if given.stage == "build" else search(*work)))
        return
    for size in given.sizes:
        report: dict[str, Any] = {}
        for stage in ("build", "search"):
            command = [sys.executable, __file__, str(given.archive), "--work", str(given.work), "--sizes", str(size)]
            command += ["--embedded", str(given.embedded), "--stage", stage]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            report |= json.loads(done.stdout.splitlines()[-1])
        (given.work / f"{size}.json").write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
        print(json.dumps(report, ensure_ascii=False))


if __name__ == "__main__":
    main()
