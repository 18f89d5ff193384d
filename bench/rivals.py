"""Measure search side by side with other engines on the same rows and queries in one run; prints JSON and a Markdown table.

    python bench/rivals.py legal_passages.jsonl.zst --work FOLDER [--rows 10000] [--queries 100] [--engines kehoach txtai]

Needs ``kehoach[bench]``. Rows and queries are cut as by bench/scale.py, queries from the rows measured. Each engine takes in
the rows in a process of its own and answers the queries, text in to texts out, ten hits, in another that opens what the
first has left; one after another, on ``--threads`` threads each. All but bm25s embed by the same weights: kehoach as
shipped, in 8 bits, the others in float32. ``found`` is the share of queries standing word for word, diacritics aside, in one
of the ten: a sign that an engine works and not a measure of search by meaning. Sizes leave the model out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from measuring import measured, memory, size_of, timed

from nlp.fold import fold, grams, words

HITS = 10
Report = dict[str, Any]


class Engine(Protocol):
    """Keeps what it makes of rows in a folder; what only one method needs is imported there."""

    def __init__(self, folder: Path) -> None:
        """Load what embeds; the folder ``model`` beside ``folder`` is one that sentence-transformers loads."""
        ...

    def ingest(self, rows: Sequence[str]) -> None:
        """Embed, index and keep ``rows``."""
        ...

    def open(self) -> None:
        """Open what ``ingest`` has left, in another process."""
        ...

    def search(self, query: str) -> list[str]:
        """Return the texts of the first HITS hits, best first."""
        ...


class Kehoach:
    """The local index and the whole search: store, words and vectors, ranking, facets and snippets."""

    def __init__(self, folder: Path) -> None:
        from corpus.store import Store
        from models.embedder import load_embedder
        from service.settings import Settings

        self.folder = folder
        self.embedder = load_embedder("default", Settings().cache, int(os.environ["OMP_NUM_THREADS"]))
        self.store = Store(f"sqlite:///{folder / 'store.db'}")

    def ingest(self, rows: Sequence[str]) -> None:
        from scale import fill, live

        vectors = iter(self.embedder.embed_passages(rows))
        fill(self.store, list(rows), vectors, len(rows), self.embedder.id)
        live(self.folder, self.store, self.embedder).refresh()

    def open(self) -> None:
        from scale import live

        from index.search import Searcher

        self.searcher = Searcher(self.store, live(self.folder, self.store, self.embedder).snapshot(), self.embedder)

    def search(self, query: str) -> list[str]:
        return [hit.paragraph.text for hit in self.searcher.search(query, HITS).hits]


class BruteForce:
    """sentence-transformers and the product of the query with all vectors."""

    def __init__(self, folder: Path) -> None:
        from models.embedder import TransformerEmbedder

        self.folder = folder
        self.embedder = TransformerEmbedder(str(folder.with_name("model")))

    def ingest(self, rows: Sequence[str]) -> None:
        np.save(self.folder / "vectors.npy", self.embedder.embed_passages(rows))
        (self.folder / "rows.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")

    def open(self) -> None:
        self.vectors = np.load(self.folder / "vectors.npy")
        self.rows = json.loads((self.folder / "rows.json").read_text(encoding="utf-8"))

    def search(self, query: str) -> list[str]:
        scores = self.vectors @ self.embedder.embed_queries([query])[0]
        best = np.argpartition(-scores, min(HITS, len(scores) - 1))[:HITS]
        return [self.rows[row] for row in best[np.argsort(-scores[best])]]


def tokens(text: str) -> list[str]:
    return grams(words(fold(text)))


class Bm25s:
    """bm25s over the grams that kehoach indexes, diacritics taken off; no vectors."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ingest(self, rows: Sequence[str]) -> None:
        import bm25s

        engine = bm25s.BM25()
        engine.index([tokens(text) for text in rows], show_progress=False)
        engine.save(str(self.folder), corpus=rows, show_progress=False)

    def open(self) -> None:
        import bm25s

        self.engine = bm25s.BM25.load(str(self.folder), load_corpus=True, show_progress=False)

    def search(self, query: str) -> list[str]:
        k = min(HITS, len(self.engine.corpus))
        documents, scores = self.engine.retrieve([tokens(query)], k=k, show_progress=False)
        return [row["text"] for row, score in zip(documents[0], scores[0], strict=True) if score > 0]


class Txtai:
    """txtai with words and vectors (``hybrid``) and the texts kept (``content``), else as it comes."""

    def __init__(self, folder: Path) -> None:
        from txtai import Embeddings

        from models.embedder import PASSAGE_PROMPT, QUERY_PROMPT

        self.folder = folder
        self.index = Embeddings(
            path=str(folder.with_name("model")),
            method="sentence-transformers",
            instructions={"query": QUERY_PROMPT, "data": PASSAGE_PROMPT},
            hybrid=True,
            content=True,
        )

    def ingest(self, rows: Sequence[str]) -> None:
        self.index.index(rows)
        self.index.save(str(self.folder))

    def open(self) -> None:
        self.index.load(str(self.folder))

    def search(self, query: str) -> list[str]:
        return [row["text"] for row in self.index.search(query, HITS)]


ENGINES: dict[str, type[Engine]] = {
    "kehoach": Kehoach,
    "sentence-transformers": BruteForce,
    "bm25s": Bm25s,
    "txtai": Txtai,
}
COLUMNS = {
    "rows/s in": ("rows_per_s",),
    "query p50": ("query", "clock", "p50"),
    "p95": ("query", "clock", "p95"),
    "p99 ms": ("query", "clock", "p99"),
    "processor p50": ("query", "processor", "p50"),
    "p95 ms": ("query", "processor", "p95"),
    "MB searching": ("memory", "resident"),
    "not mapped": ("memory", "anonymous"),
    "MB at most, taking in": ("ingest_peak_mb",),
    "MB on disk": ("disk_mb",),
    "found": ("found",),
}


def ingest(engine: Engine, folder: Path, rows: Sequence[str]) -> Report:
    """Take in ``rows`` and return the rate, the most memory there was and the size of what is left."""
    seconds, _ = timed(lambda: engine.ingest(rows))
    return {"rows_per_s": round(len(rows) / seconds, 1), "ingest_peak_mb": memory()["peak"], "disk_mb": size_of(folder)}


def search(engine: Engine, asked: Sequence[str]) -> Report:
    """Return percentiles in ms over ``asked``, memory afterwards and how many queries stand in their hits."""

    def plain(text: str) -> str:
        return " ".join(words(fold(text)))

    engine.open()
    report: Report = {"query": measured(engine.search, asked), "memory": memory()}
    found = [any(plain(query) in plain(text) for text in engine.search(query)) for query in asked]
    return report | {"found": round(float(np.mean(found)), 3)}


def table(reports: dict[str, Report]) -> str:
    """Return ``reports`` as a Markdown table."""
    lines = [f"| engine | {' | '.join(COLUMNS)} |", "|---" * (1 + len(COLUMNS)) + "|"]
    for name, report in reports.items():
        cells = []
        for path in COLUMNS.values():
            value: Any = report
            for key in path:
                value = value[key]
            cells.append(str(value))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def prepare(given: argparse.Namespace) -> None:
    """Write rows, queries and the model in float32 to the work folder, and see that the default model is built."""
    from scale import queries, texts

    from models.build import export_transformers
    from models.embedder import load_embedder
    from service.settings import Settings

    rows = texts(given.archive)[: given.rows]
    if len(rows) < given.rows:
        raise SystemExit(f"{given.archive}: {len(rows)} rows, {given.rows} asked for")
    material = {"rows": rows, "queries": queries(rows)[: given.queries]}
    (given.work / "material.json").write_text(json.dumps(material, ensure_ascii=False), encoding="utf-8")
    export_transformers(given.work / "model")
    load_embedder("default", Settings().cache)


def staged(given: argparse.Namespace) -> Report:
    """Run one stage of one engine in this process."""
    material = json.loads((given.work / "material.json").read_text(encoding="utf-8"))
    (name,) = given.engines
    folder = given.work / name
    if given.stage == "ingest":
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    engine = ENGINES[name](folder)
    return ingest(engine, folder, material["rows"]) if given.stage == "ingest" else search(engine, material["queries"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for rows, model and indexes; may be used again"
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=100, help="at most those that bench/scale.py cuts, 200")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES), metavar="ENGINE")
    parser.add_argument("--stage", choices=("ingest", "search"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        print(json.dumps(staged(given)))
        return
    if missing := [name for name in given.engines if name != "kehoach" and not find_spec(name.replace("-", "_"))]:
        parser.error(f"{', '.join(missing)} not installed: pip install 'kehoach[bench]' -c constraints.txt")
    given.work.mkdir(parents=True, exist_ok=True)
    prepare(given)
    environment = os.environ | {"OMP_NUM_THREADS": str(given.threads), "TOKENIZERS_PARALLELISM": "false"}
    reports: dict[str, Report] = {}
    for name in given.engines:
        reports[name] = {}
        for stage in ("ingest", "search"):
            command = [sys.executable, __file__, str(given.archive), "--work", str(given.work)]
            command += ["--engines", name, "--stage", stage]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            reports[name] |= json.loads(done.stdout.splitlines()[-1])
        print(name, json.dumps(reports[name]), file=sys.stderr)
    print(json.dumps({"rows": given.rows, "threads": given.threads, "engines": reports}, indent=1))
    print(table(reports))


if __name__ == "__main__":
    main()
