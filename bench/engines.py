"""Compare lexical engines, and types of vector index, on the same rows in one run; prints two Markdown tables.

    python bench/engines.py legal_passages.jsonl.zst --work FOLDER [--texts 50000] [--vectors 100000]

Needs ``kehoach[bench]``. Rows are those of bench/scale.py, times processor time; what is compared in quality is recall@10
of the exact result, the only thing in which types of vector index differ.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import bm25s
import faiss
import numpy as np
from measuring import measured, size_of, timed
from scale import embedded, paragraph_vectors, queries, texts

from corpus.feed import Entry
from corpus.store import Filter, StoredParagraph
from index import codes
from index.lexical import LexicalIndex, Words
from index.vectors import VectorIndex
from models.embedder import load_embedder
from nlp.fold import fold, grams, words
from service.settings import Settings

K = 100


def spaced(text: str) -> str:
    return " ".join(grams(words(fold(text))))


def entry(key: int, text: str) -> Entry:
    paragraph = StoredParagraph(key, str(key), "d", key, text, "task", (), False, None, None, None, None, None)
    return Entry(paragraph, None, None, False, None)


def tantivy_engine(rows: list[str], work: Path) -> tuple[Callable[[], object], Callable[[str], object]]:
    folder = work / "tantivy"
    opened: list[LexicalIndex] = []

    def add() -> None:
        LexicalIndex.build(folder, (entry(key, text) for key, text in enumerate(rows)))
        opened.append(LexicalIndex(folder))

    return add, lambda query: opened[0].search(Words(query), K, Filter())


def fts_engine(rows: list[str], work: Path) -> tuple[Callable[[], object], Callable[[str], object]]:
    (work / "fts5").mkdir()
    database = sqlite3.connect(work / "fts5" / "index.db")
    database.execute("pragma journal_mode=wal")
    tokens = "tokenize=\"unicode61 remove_diacritics 0 tokenchars '_'\""
    database.execute(f"create virtual table t using fts5(exact, folded, content='', {tokens})")

    def add() -> None:
        values = ((key, " ".join(grams(words(text))), spaced(text)) for key, text in enumerate(rows))
        database.executemany("insert into t (rowid, exact, folded) values (?, ?, ?)", values)
        database.commit()

    def search(query: str) -> object:
        plain = " ".join(grams(words(query))).split(), spaced(query).split()
        match = " OR ".join(
            f'{field}:"{gram}"' for field, some in zip(("exact", "folded"), plain, strict=True) for gram in some
        )
        return database.execute(
            "select rowid, bm25(t, 1.0, 0.6) s from t where t match ? order by s limit ?", (match, K)
        ).fetchall()

    return add, search


def bm25s_engine(rows: list[str], work: Path) -> tuple[Callable[[], object], Callable[[str], object]]:
    engine = bm25s.BM25()

    def add() -> None:
        engine.index([spaced(text).split() for text in rows], show_progress=False)
        engine.save(str(work / "bm25s"))

    return add, lambda query: engine.retrieve([spaced(query).split()], k=K, show_progress=False)


def lexical(rows: list[str], asked: list[str], work: Path) -> Iterator[str]:
    yield "| engine | rows/s | query p50 | p95 | p99 ms | MB | one document added |"
    yield "|---|---|---|---|---|---|---|"
    engines = (
        ("tantivy", tantivy_engine, "yes"),
        ("SQLite FTS5", fts_engine, "yes"),
        ("bm25s (one field, folded)", bm25s_engine, "no: built anew"),
    )
    for name, make, incremental in engines:
        place = work / make.__name__
        place.mkdir()
        add, search = make(rows, place)
        seconds, _ = timed(add)
        found = measured(search, asked)["processor"]
        yield f"| {name} | {len(rows) / seconds:.0f} | {' | '.join(map(str, found.values()))} | {size_of(place)} | {incremental} |"


def kinds(vectors: np.ndarray) -> Iterator[tuple[str, Callable[[], Any]]]:
    size, lists = vectors.shape[1], int(4 * np.sqrt(len(vectors)))
    sample = vectors[np.linspace(0, len(vectors) - 1, 40 * lists).astype(np.int64)]

    def trained(factory: str) -> Any:
        index = faiss.index_factory(size, factory, faiss.METRIC_INNER_PRODUCT)
        index.train(sample)
        index.add(vectors)
        return index

    def centred(factory: str) -> Any:
        codes_index = faiss.index_factory(size, factory, faiss.METRIC_INNER_PRODUCT)
        mean = sample.mean(axis=0)
        codes_index.train(sample - mean)
        codes_index.add(vectors - mean)
        return codes_index

    yield "flat", lambda: trained("Flat")
    yield "flat, 8 bits", lambda: trained("SQ8")
    yield "flat, product codes of 4 bits, 2 dimensions each", lambda: centred(f"PQ{size // 2}x4fs")
    yield "flat, product codes of 4 bits, 3 dimensions each", lambda: centred(f"PQ{size // 3}x4fs")
    yield "flat, RaBitQ, 1 bit", lambda: centred("RaBitQfs")
    for kind, name in (("Flat", "float32"), ("SQ8", "8 bits")):
        yield f"inverted file, {name}", lambda kind=kind: trained(f"IVF{lists},{kind}")


def dense(vectors: np.ndarray, asked: np.ndarray, work: Path) -> Iterator[str]:
    yield "| type | probes | rescored | recall@10 | query p50 | p95 ms | build s | MB |"
    yield "|---|---|---|---|---|---|---|---|"
    exact = VectorIndex.of(np.arange(len(vectors)), vectors)
    wanted = [{key for key, _ in exact.search(query, 10)} for query in asked]
    for name, make in kinds(vectors):
        seconds, index = timed(make)
        codes.write(index, work / "one.faiss")
        size = (work / "one.faiss").stat().st_size // 1_000_000
        is_inverted = name.startswith("inverted")
        for probes in (16, 48, 96, 192) if is_inverted else (0,):
            if probes:
                index.nprobe = probes
            for rescored in (1, 4, 30, 100):
                if (name.endswith(("flat", "float32")) and rescored > 1) or ("8 bits" in name and rescored > 4):
                    continue

                def search(query: np.ndarray, index: Any = index, rescored: int = rescored) -> list[int]:
                    rows = index.search(query.reshape(1, -1), 10 * rescored)[1][0]
                    return rows[np.argsort(-(vectors[rows] @ query))[:10]].tolist() if rescored > 1 else rows.tolist()

                recall = np.mean([len(want & {*search(query)}) / 10 for want, query in zip(wanted, asked, strict=True)])
                times = measured(search, asked)["processor"]
                yield (
                    f"| {name} | {probes or ''} | {rescored if rescored > 1 else ''} | {recall:.4f} | {times['p50']} | "
                    f"{times['p95']} | {seconds:.1f} | {size} |"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--texts", type=int, default=50_000)
    parser.add_argument("--vectors", type=int, default=100_000)
    given = parser.parse_args()
    embedder = load_embedder("default", Settings().cache)
    faiss.omp_set_num_threads(1)
    real = texts(given.archive)
    asked = queries(real)
    with tempfile.TemporaryDirectory(dir=given.work) as temporary:
        work = Path(temporary)
        for line in lexical(real[: given.texts], asked, work):
            print(line, flush=True)
        shutil.rmtree(work)
        work.mkdir()
        own = embedded(real, 20_000, given.work, embedder)
        vectors = np.stack(list(islice(paragraph_vectors(own, given.vectors), given.vectors)))
        for line in dense(vectors, embedder.embed_queries(asked[:100]), work):
            print(line, flush=True)


if __name__ == "__main__":
    main()
