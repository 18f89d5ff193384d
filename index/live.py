"""The index of one process, following the store: what changed is taken in within moments, while readers read on.

Each process keeps the current generation mapped and holds in memory the vectors and columns of what changed since, read
from the store by its change log; the lexical index on the disk is brought up by whichever process comes first. When much
has changed, a new generation is made in the background.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from corpus import feed
from corpus.changelog import Mark, touched_since
from corpus.standbys import from_primary
from corpus.store import Store
from index.aside import Aside
from index.build import Progress, build, merge, update_lexical
from index.columns import Facts, columns_of, joined
from index.embed import embed
from index.generation import (
    CHANGING,
    LEXICAL,
    Generation,
    StaleIndexError,
    is_current,
    lexical_revision,
    load,
    lock,
)
from index.lexical import LexicalIndex
from models.embedder import Embedder

# Changed rows from which a new generation is made: taking them in costs every process that starts a fraction of a second.
MERGE_FROM = 5_000
# Changed rows that are never taken into memory, but merged before the index is used.
_MOST_BESIDE = 50_000
# Changed rows that a reader waits for; more are taken in behind its back.
_AT_ONCE = 500
# What a missing or damaged file gives, tantivy's own errors included.
_FAILURES = (StaleIndexError, OSError, ValueError, KeyError)


class LiveIndex:
    """Gives snapshots of an index that follows ``store``; safe to share between threads."""

    def __init__(
        self, folder: Path, store: Store, embedder: Embedder, tell: Callable[[str], None], progress: Progress
    ) -> None:
        self._folder, self._store, self._embedder = folder, store, embedder
        self._tell, self._progress = tell, progress
        self._lock = threading.Lock()
        self._now: Generation | None = None
        self._aside = Aside()

    def snapshot(self) -> Generation:
        """Return the index as of now, or, while another thread takes in changes, as of a moment ago.

        A missing or damaged index is built first.
        """
        mark, now = self._store.mark(), self._now
        if now is None:
            return self.refresh()
        if _is_up_to(now, mark) or not self._lock.acquire(blocking=False):
            return now
        return self._followed(now)

    @from_primary()
    def _followed(self, now: Generation) -> Generation:
        """Take in what changed since ``now`` and release the lock that the caller holds."""
        try:
            # Another process may have made a generation that has it all.
            if is_current(now) and len(self._touched(now.mark.revision) or ()) > _AT_ONCE:
                self._aside.run(self.refresh)
                return now
            self._now = now = self._caught_up(now)
        finally:
            self._lock.release()
        if now.changed > MERGE_FROM:
            self._aside.run(self._merge)
        return now

    @from_primary()
    def refresh(self) -> Generation:
        """Take in all that the store has, merging where much has changed, and return the index."""
        self.close()
        with self._lock:
            self._now = self._caught_up(self._now or self._opened(), wait=True)
            if self._now.changed > MERGE_FROM and merge(self._folder, self._store, self._now, self._progress):
                self._now = self._caught_up(self._now, wait=True)
            return self._now

    @from_primary()
    def rebuild(self) -> Generation:
        """Build the index whole."""
        with self._lock:
            self._now = self._built()
            return self._now

    def close(self) -> None:
        """Wait for what goes on in the background."""
        self._aside.join()

    def _touched(self, revision: int) -> list[int] | None:
        with self._store.engine.connect() as connection:
            return touched_since(connection, revision)

    def _merge(self) -> None:
        now = self._now
        if now is not None:
            merge(self._folder, self._store, now, self._progress)

    def _opened(self) -> Generation:
        mark = self._store.mark()
        try:
            found = load(self._folder, str(mark), self._embedder.id)
            touched = self._touched(found.mark.revision)
            if touched is None:
                raise StaleIndexError("the store does not tell what changed since the index was built")
            if len(touched) <= _MOST_BESIDE:
                return found
            if len(touched) > found.manifest.paragraphs / 2:
                raise StaleIndexError(f"{len(touched)} paragraphs changed since it was built")
            self._embed(feed.without_vectors(self._store, self._embedder.id, touched))
            merge(self._folder, self._store, replace(found, mark=mark), self._progress)
            return load(self._folder, str(mark), self._embedder.id)
        except StaleIndexError as stale:
            self._tell(f"rebuilding the index ({stale})")
            return self._built()

    def _built(self) -> Generation:
        mark = self._store.mark()
        self._embed(self._store.without_vectors(self._embedder.id))
        build(self._folder, self._store, self._embedder.id, self._embedder.dimension, self._progress, mark)
        return load(self._folder, str(mark), self._embedder.id)

    def _caught_up(self, now: Generation, *, wait: bool = False) -> Generation:
        # Another process may swap generations at any moment; only one that fails when opened afresh is damaged.
        problem: Exception | None = None
        for is_first in (True, False):
            try:
                return self._with_changes(now if is_first and is_current(now) else self._opened(), wait=wait)
            except _FAILURES as error:
                problem = error
        self._tell(f"rebuilding the index ({problem})")
        return self._with_changes(self._built(), wait=wait)

    def _with_changes(self, now: Generation, *, wait: bool) -> Generation:
        mark = self._store.mark()
        touched = self._touched(now.mark.revision)
        if touched is None:
            raise StaleIndexError("the store does not tell what changed since")
        if touched:
            self._embed(feed.without_vectors(self._store, self._embedder.id, touched))
            now = self._with_rows(now, touched)
        return self._with_lexical(replace(now, mark=mark), mark, wait=wait)

    def _with_rows(self, now: Generation, touched: Sequence[int]) -> Generation:
        index = now.vectors
        changed = [
            e for chunk in feed.entries(self._store, self._embedder.id, touched) for e in chunk if e.vector is not None
        ]
        columns, names = columns_of([Facts.of(entry) for entry in changed], now.names)
        keys = np.array([entry.paragraph.key for entry in changed], np.int64)
        vectors = np.array([e.vector for e in changed], np.float32).reshape(len(changed), self._embedder.dimension)
        stays = ~np.isin(index.delta_keys, touched)
        new = {key for key in keys.tolist() if not len(index.keys) or key > index.keys[-1]} - set(
            index.delta_keys.tolist()
        )
        now.restorer.learn_more(entry.paragraph.text for entry in changed if entry.paragraph.key in new)
        return replace(
            now,
            names=names,
            delta_columns=joined([now.delta_columns.take(stays), columns]),
            vectors=replace(
                index,
                alive=index.alive & ~np.isin(index.keys, touched),
                delta_keys=np.concatenate([index.delta_keys[stays], keys]),
                delta_vectors=np.concatenate([index.delta_vectors[stays], vectors]),
            ),
        )

    def _with_lexical(self, now: Generation, mark: Mark, *, wait: bool) -> Generation:
        # A reader goes on with what there is while another process brings the lexical index up.
        if lexical_revision(now.folder) < mark.revision:
            with lock(self._folder, CHANGING, wait=wait) as is_free:
                if is_free and (behind := lexical_revision(now.folder)) < mark.revision:
                    update_lexical(self._store, now.folder, self._embedder.id, behind, mark)
        revision = lexical_revision(now.folder)
        if revision == now.lexical_revision:
            return now
        return replace(now, lexical=LexicalIndex(now.folder / LEXICAL), lexical_revision=revision)

    def _embed(self, missing: Sequence[tuple[int, str]]) -> None:
        embed(self._store, self._embedder, missing, self._tell, self._progress)


def _is_up_to(now: Generation, mark: Mark) -> bool:
    return now.mark == mark and now.lexical_revision >= mark.revision
