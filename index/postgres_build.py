"""Build a generation of the index on PostgreSQL from the store, and take in what changed since."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import chain

import sqlalchemy as sa

from corpus import feed, labelled
from corpus.changelog import Mark, mark_of, touched_since
from corpus.schema import paragraphs
from corpus.stages import stage
from corpus.store import Store
from index import postgres_tables as tables
from index import postgres_write as write
from index.bm25 import Means, means_of
from index.embed import Progress, embed
from index.generation import StaleIndexError
from index.lexical import fields_of
from index.postgres_lists import SEGMENT
from index.postgres_tables import BUILDING, CHANGING, FORMAT, PostgresManifest
from models.embedder import Embedder
from nlp.accents import Restorer

# Paragraphs that mean lengths are taken from, and that diacritics are learnt from, spread over all.
_MEASURED = 2_000
_LEARNT = 50_000
_CHUNK = 5_000
# Bytes that building the graph takes a paragraph, and the most it may; beyond, it goes on more slowly.
_GRAPH_BYTES = 2_000
_MOST_MEMORY = 2 * 1024**3
# From this share of all paragraphs on, changes are not taken in, but all is built anew, unless they are few; as where there are
# so many times what it was built with.
_MUCH, _FEW, _GROWN = 0.5, 5_000, 2


def checked(store: Store, embedder_id: str) -> PostgresManifest:
    """Return the manifest of the current generation.

    Raises StaleIndexError where there is none, it is of another store, embedder or form, does not hold its paragraphs, or
    lies so far back that it is better built anew.
    """
    with store.engine.connect() as connection:
        mark, made = mark_of(connection), tables.manifest(connection)
        if made is None:
            raise StaleIndexError("there is none in the database")
        expected = replace(made, format=FORMAT, store_id=mark.store_id, embedder_id=embedder_id)
        if differing := [name for name, value in vars(expected).items() if vars(made)[name] != value]:
            raise StaleIndexError(f"the index in the database is of another {', '.join(differing)}")
        touched = touched_since(connection, made.revision)
        if touched is None:
            raise StaleIndexError("the store does not tell what changed since the index was built")
        if len(touched) > max(_FEW, _MUCH * made.paragraphs):
            raise StaleIndexError(f"{len(touched)} paragraphs changed since it was built")
        try:
            held, told = tables.paragraphs(connection, made)
        except sa.exc.ProgrammingError as error:
            raise StaleIndexError(f"the index in the database is damaged: {error.orig}") from error
        if held != told:
            raise StaleIndexError(f"the index in the database holds {held} paragraphs instead of {told}")
    return made


def has_grown(made: PostgresManifest) -> bool:
    """Tell whether a generation has outgrown what it was built with, its mean lengths and its lists."""
    return made.paragraphs > max(_FEW, _GROWN * made.base)


@stage("index")
def build(
    store: Store,
    embedder: Embedder,
    tell: Callable[[str], None],
    progress: Progress,
    *,
    still_needed: Callable[[PostgresManifest], bool] | None = None,
) -> None:
    """Build a generation from ``store`` whole, in one transaction, and make it current.

    ``still_needed`` is asked when no other process builds: nothing is done where the current generation is of use and this
    denies that its manifest needs it.
    """
    with tables.lock(store.engine, BUILDING, wait=True):
        if still_needed:
            with suppress(StaleIndexError):
                if not still_needed(checked(store, embedder.id)):
                    return
        with store.engine.connect() as connection:
            mark = mark_of(connection)
        embed(store, embedder, store.without_vectors(embedder.id), tell, progress)
        with store.engine.begin() as connection:
            connection.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
            tables.prepare(connection)
            _fill(connection, store, embedder, mark, progress)
        # What is still searched goes after the next build.
        with suppress(sa.exc.OperationalError), store.engine.begin() as connection:
            tables.drop_old(connection)


def _fill(connection: sa.Connection, store: Store, embedder: Embedder, mark: Mark, progress: Progress) -> None:
    total = feed.count(store)
    generation = tables.next_generation(connection)
    schema = tables.create(connection, generation, embedder.dimension)
    means = _means(store, embedder.id, total)
    rows: list[write.Row] = []
    texts: list[str] = []
    done, segment, last, every = 0, 0, -1, max(1, total // _LEARNT)
    for chunk in feed.all_entries(store, embedder.id):
        fresh = [write.row_of(entry, means) for entry in chunk]
        write.insert(connection, schema, fresh, segment)
        texts += [e.paragraph.text for e in chunk if e.paragraph.key % every == 0]
        rows += fresh
        done, last = done + len(chunk), chunk[-1].paragraph.key
        if len(rows) >= SEGMENT:
            write.add_lists(connection, schema, segment, rows)
            rows, segment = [], segment + 1
        progress("indexing paragraphs", done, max(done, total))
    write.add_lists(connection, schema, segment, rows)
    progress("learning diacritics", 0, 1)
    tables.keep_restorer(connection, schema, Restorer.learn(chain(texts, labelled.texts())))
    progress("indexing vectors", 0, done)
    memory = min(_MOST_MEMORY, 64 * 1024**2 + done * _GRAPH_BYTES) // 1024
    connection.exec_driver_sql(f"set local maintenance_work_mem = {memory}")
    tables.add_indexes(connection, schema)
    progress("indexing vectors", done, done)
    made = PostgresManifest(
        generation, FORMAT, mark.store_id, mark.revision, embedder.id, embedder.dimension, done, done, last, 0, means
    )
    tables.seal(connection, made)


def _means(store: Store, embedder_id: str, total: int) -> Means:
    with store.engine.connect() as connection:
        numbered = sa.select(
            paragraphs.c.key, sa.func.row_number().over(order_by=paragraphs.c.key).label("n")
        ).subquery()
        spread = (
            sa.select(numbered.c.key).where(numbered.c.n % max(1, total // _MEASURED) == 0).order_by(numbered.c.key)
        )
        keys = list(connection.scalars(spread))
    return means_of(fields_of(entry) for chunk in feed.entries(store, embedder_id, keys) for entry in chunk)


@stage("index")
def take_in(store: Store, embedder_id: str, mark: Mark, *, wait: bool) -> PostgresManifest | None:
    """Bring the current generation up to ``mark``, by when everything must be embedded; return its manifest.

    Returns None where, without ``wait``, another process is at it, or where the store does not tell what changed. Doing it
    twice gives the same.
    """
    with store.engine.begin() as connection:
        name = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        connection.exec_driver_sql("set local lock_timeout = 0")
        if connection.scalar(sa.text(f"select {name}(:key)"), {"key": CHANGING}) is False:
            return None
        made = tables.manifest(connection)
        touched = touched_since(connection, made.revision) if made else None
        if made is None or touched is None:
            return None
        if made.revision >= mark.revision:
            return made
        more = 0
        for start in range(0, len(touched), _CHUNK):
            keys = touched[start : start + _CHUNK]
            entries = chain.from_iterable(feed.entries(store, embedder_id, keys))
            more += write.replace(connection, made.schema, keys, [write.row_of(entry, made.means) for entry in entries])
        made = replace(made, revision=mark.revision, paragraphs=made.paragraphs + more)
        tables.advance(connection, made)
        made = replace(made, unlisted=tables.count_unlisted(connection, made))
    return made
