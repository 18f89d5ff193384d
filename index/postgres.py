"""The index in the PostgreSQL database of the store: built from it, following it, shared by all processes that use it.

What changed since the tables were last brought up is taken in by whichever process comes first, in one transaction; readers
see the tables before or after it and wait for neither it nor a build.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import sqlalchemy as sa

from corpus import feed
from corpus.changelog import mark_of, touched_since
from corpus.schema import paragraphs
from corpus.store import Store
from index import postgres_lists as lists
from index import postgres_tables as tables
from index.aside import Aside
from index.embed import Progress, embed
from index.generation import StaleIndexError
from index.postgres_build import build, checked, has_grown, take_in
from index.postgres_search import PostgresSnapshot
from index.postgres_tables import PostgresManifest
from models.embedder import Embedder

# Changed paragraphs that a reader waits for; more are taken in behind its back.
_AT_ONCE = 500
# Paragraphs in no list, all of which every search scores, from which lists are made of them.
LIST_FROM = 2_000
_LEARNT_AT_ONCE = 5_000


class PostgresIndex:
    """Gives snapshots of an index in the database of ``store``; safe to share between threads.

    On a standby it is as the primary left it, and nothing is built there.
    """

    def __init__(self, store: Store, embedder: Embedder, tell: Callable[[str], None], progress: Progress) -> None:
        self._store, self._embedder, self._engine = store, embedder, store.engine
        self._tell, self._progress = tell, progress
        self._lock = threading.Lock()
        self._now: PostgresSnapshot | None = None
        # The last paragraph that the restorer has learnt from.
        self._learnt = -1
        self._aside = Aside()

    def snapshot(self) -> PostgresSnapshot:
        """Return the index as of now, or, while another thread or process takes in changes, as of a moment ago.

        A missing or damaged index is built first. Raises StaleIndexError where it cannot be.
        """
        with self._engine.connect() as connection:
            mark, found, now = mark_of(connection), tables.manifest(connection), self._now
        if now is None:
            with self._lock:
                self._now = now = self._now or self._caught_up(self._opened(), wait=False)
            return now
        if (found == now.manifest and found.mark == mark) or not self._lock.acquire(blocking=False):
            return now
        try:
            if found is None or found.generation != now.manifest.generation:
                now = self._opened()
            elif found != now.manifest:
                now = self._with_news(replace(now, manifest=found))
            touched = self._touched(now.manifest)
            if touched and len(touched) > _AT_ONCE:
                self._aside.run(self.refresh)
            else:
                now = self._caught_up(now, wait=False)
            self._now = now
        finally:
            self._lock.release()
        if _is_worn(now.manifest):
            self._aside.run(self._renew)
        return now

    def refresh(self) -> PostgresSnapshot:
        """Take in all that the store has, listing it by term where it is much, and return the index."""
        self.close()
        with self._lock:
            self._now = self._caught_up(self._opened(), wait=True)
        self._renew()
        with self._lock:
            self._now = self._opened()
            return self._now

    def rebuild(self) -> PostgresSnapshot:
        """Build the index whole."""
        with self._lock:
            build(self._store, self._embedder, self._tell, self._progress)
            self._now = self._opened()
            return self._now

    def close(self) -> None:
        """Wait for what goes on in the background."""
        self._aside.join()

    def _renew(self) -> None:
        """Build or list anew what has worn; others search on meanwhile, threads of this process among them."""
        now = self._now
        if now is not None and has_grown(now.manifest):
            build(self._store, self._embedder, self._tell, self._progress, still_needed=has_grown)
        elif now is not None and _is_worn(now.manifest):
            lists.extend(self._store, now.manifest)

    def _touched(self, made: PostgresManifest) -> list[int] | None:
        with self._engine.connect() as connection:
            return touched_since(connection, made.revision)

    def _opened(self) -> PostgresSnapshot:
        """Return the current generation, built first where it is of no use."""
        try:
            made = checked(self._store, self._embedder.id)
        except StaleIndexError as stale:
            with self._engine.connect() as connection:
                if connection.scalar(sa.text("select pg_is_in_recovery()")):
                    raise StaleIndexError(
                        f"{stale}; this is a standby, which follows when the primary is indexed"
                    ) from stale
            self._tell(f"rebuilding the index ({stale})")
            build(self._store, self._embedder, self._tell, self._progress, still_needed=lambda made: False)
            made = checked(self._store, self._embedder.id)
        now = self._now
        if now is not None and now.manifest.generation == made.generation:
            return self._with_news(replace(now, manifest=made))
        self._learnt = made.last
        with self._engine.connect() as connection:
            restorer = tables.restorer(connection, made.schema)
        return self._with_news(PostgresSnapshot(made, restorer))

    def _with_news(self, now: PostgresSnapshot) -> PostgresSnapshot:
        """Learn the diacritics of what came since; of very much only the newest."""
        words = sa.func.coalesce(paragraphs.c.corrected, paragraphs.c.text)
        query = sa.select(paragraphs.c.key, words).where(paragraphs.c.key > self._learnt)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(paragraphs.c.key.desc()).limit(_LEARNT_AT_ONCE)).all()
        if rows:
            now.restorer.learn_more(text for _, text in rows)
            self._learnt = rows[0].key
        return now

    def _caught_up(self, now: PostgresSnapshot, *, wait: bool) -> PostgresSnapshot:
        """Take in what the store has now; without ``wait``, nothing where another process does."""
        with self._engine.connect() as connection:
            mark, touched = mark_of(connection), touched_since(connection, now.manifest.revision)
            is_standby = connection.scalar(sa.text("select pg_is_in_recovery()"))
        if mark == now.manifest.mark or is_standby:
            return now
        if touched is None:
            return self._opened()
        embed(
            self._store,
            self._embedder,
            feed.without_vectors(self._store, self._embedder.id, touched),
            self._tell,
            self._progress,
        )
        made = take_in(self._store, self._embedder.id, mark, wait=wait)
        return self._with_news(replace(now, manifest=made)) if made else self._opened() if wait else now


def _is_worn(made: PostgresManifest) -> bool:
    return has_grown(made) or made.unlisted > LIST_FROM
