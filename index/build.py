"""Write generations of the indexes: whole from the store, or by merging into the current one what changed since.

Both write under a name of their own, seal the files by a manifest, then make the generation current; one that is killed
leaves the current one as it was.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np

from corpus import feed, labelled
from corpus.changelog import Mark, mark_of, touched_since
from corpus.feed import Entry
from corpus.stages import stage
from corpus.store import Store
from index import codes
from index.columns import Columns, Facts, Names, columns_of, joined, no_names
from index.generation import (
    ACCENTS,
    APPROXIMATE,
    BUILDING,
    CHANGING,
    FORMAT,
    LEXICAL,
    ROWS,
    VECTORS,
    Generation,
    Manifest,
    is_current,
    lexical_revision,
    load,
    lock,
    make_current,
    seal,
    set_lexical_revision,
)
from index.generation import StaleIndexError as StaleIndexError
from index.lexical import LexicalIndex
from index.vectors import FLAT_LIMIT, Keys, Vectors
from nlp.accents import Restorer

# Gets what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]
_WORK = ".building"
# Paragraphs that diacritics are learnt from, spread over all.
_LEARNT = 50_000
_CHUNK = 50_000


@stage("index")
def build(
    folder: Path,
    store: Store,
    embedder_id: str,
    dimension: int,
    progress: Progress | None = None,
    mark: Mark | None = None,
) -> Manifest:
    """Build a generation from ``store`` whole, make it current and return its manifest.

    It counts as of ``mark``, a moment when everything was embedded, or of now: what changes later, though it may be in it, is
    caught up with.
    """
    tell = progress or (lambda what, done, total: None)
    with lock(folder, BUILDING, wait=True), _work(folder) as work:
        if mark is None:
            with store.engine.connect() as connection:
                mark = mark_of(connection)
        rows = _Rows(work / VECTORS, dimension, feed.count(store), tell)
        LexicalIndex.build(work / LEXICAL, rows.taking(feed.all_entries(store, embedder_id)))
        keys, columns = rows.finish()
        _write_approximate(_mapped(work / VECTORS, len(keys), dimension), work, tell)
        tell("learning diacritics", 0, 1)
        Restorer.learn(chain(rows.texts, labelled.texts())).save(work / ACCENTS)
        manifest = _seal(work, mark, (embedder_id, dimension), keys, columns, rows.names)
        with lock(folder, CHANGING, wait=True):
            make_current(folder, work)
    return manifest


@stage("index")
def merge(folder: Path, store: Store, generation: Generation, progress: Progress | None = None) -> bool:
    """Make a generation of the files of ``generation`` and what has changed since; tell whether it was made.

    It counts as of the mark of ``generation``, by when everything must be embedded. Nothing is done where another process
    builds or has made a generation, or where the store's log does not tell what changed.
    """
    tell = progress or (lambda what, done, total: None)
    manifest, base = generation.manifest, generation.vectors
    with lock(folder, BUILDING, wait=False) as is_free, _work(folder, only=is_free) as work:
        if not is_free or not is_current(generation):
            return False
        with store.engine.connect() as connection:
            mark, touched = generation.mark, touched_since(connection, manifest.revision)
        if touched is None:
            return False
        stays = ~np.isin(base.keys, touched)
        fresh = _Rows(work / "fresh", manifest.dimension, len(touched), tell, generation.manifest.names)
        restorer, last = Restorer.load(generation.folder / ACCENTS), int(base.keys[-1]) if len(base.keys) else -1
        changed = fresh.taking(feed.entries(store, manifest.embedder_id, touched))
        # A paragraph that was only tagged anew has been learnt.
        restorer.learn_more(entry.paragraph.text for entry in changed if entry.paragraph.key > last)
        fresh_keys, fresh_columns = fresh.finish()
        keys = np.concatenate([base.keys[stays], fresh_keys])
        order = np.argsort(keys)
        keys, columns = keys[order], joined([generation.columns.take(stays), fresh_columns]).take(order)
        added = _mapped(work / "fresh", len(fresh_keys), manifest.dimension)
        _merge_vectors(work / VECTORS, base.vectors, np.flatnonzero(stays), added, order)
        (work / "fresh").unlink()
        _write_approximate(_mapped(work / VECTORS, len(keys), manifest.dimension), work, tell)
        restorer.save(work / ACCENTS)
        with lock(folder, CHANGING, wait=True):
            # Its files are never changed, only replaced: links are copies.
            shutil.copytree(generation.folder / LEXICAL, work / LEXICAL, copy_function=os.link)
            update_lexical(store, work, manifest.embedder_id, lexical_revision(generation.folder), mark)
            embedder = (manifest.embedder_id, manifest.dimension)
            _seal(work, mark, embedder, keys, columns, fresh.names)
            make_current(folder, work)
    return True


@stage("index")
def update_lexical(store: Store, generation: Path, embedder_id: str, since: int, mark: Mark) -> None:
    """Bring the lexical index in the folder ``generation`` from the revision ``since`` up to ``mark``; hold CHANGING.

    Raises StaleIndexError where the store's log does not reach back.
    """
    with store.engine.connect() as connection:
        touched = touched_since(connection, since)
    if touched is None:
        raise StaleIndexError(f"the store does not tell what changed after revision {since}")
    if touched:
        changed = chain.from_iterable(feed.entries(store, embedder_id, touched))
        LexicalIndex.update(generation / LEXICAL, touched, changed)
    set_lexical_revision(generation, mark.revision)


class _Rows:
    """Takes entries as they pass: vectors go to a file, columns are kept, and a share of the texts."""

    def __init__(self, path: Path, dimension: int, total: int, tell: Progress, names: Names | None = None) -> None:
        self._path, self._dimension, self._total, self._tell = path, dimension, total, tell
        self._keys: list[Keys] = []
        self._columns: list[Columns] = []
        self.names = names or no_names()
        self.texts: list[str] = []

    def taking(self, chunks: Iterator[Sequence[Entry]]) -> Iterator[Entry]:
        """Pass on every entry of ``chunks`` after taking it in."""
        done, every = 0, max(1, self._total // _LEARNT)
        with self._path.open("wb") as file:
            for chunk in chunks:
                columns, self.names = columns_of([Facts.of(entry) for entry in chunk], self.names)
                self._columns.append(columns)
                self._keys.append(np.array([entry.paragraph.key for entry in chunk], np.int64))
                self._vectors(chunk).tofile(file)
                self.texts += [entry.paragraph.text for entry in chunk if entry.paragraph.key % every == 0]
                yield from chunk
                done += len(chunk)
                self._tell("indexing paragraphs", done, max(done, self._total))

    def _vectors(self, chunk: Sequence[Entry]) -> Vectors:
        # One that is not embedded yet is near nothing.
        none = np.zeros(self._dimension, np.float32)
        rows = [none if entry.vector is None else entry.vector for entry in chunk]
        return np.concatenate(rows) if rows else none[:0]

    def finish(self) -> tuple[Keys, Columns]:
        """Return the keys and columns of all that was taken in."""
        none = columns_of([], self.names)[0]
        return np.concatenate([np.zeros(0, np.int64), *self._keys]), joined([none, *self._columns])


def _mapped(path: Path, rows: int, dimension: int) -> Vectors:
    shape = (rows, dimension)
    return np.memmap(path, np.float32, "r", shape=shape) if rows else np.zeros(shape, np.float32)


def _merge_vectors(path: Path, base: Vectors, kept: Keys, added: Vectors, order: Keys) -> None:
    with path.open("wb") as file:
        for start in range(0, len(order), _CHUNK):
            part = order[start : start + _CHUNK]
            is_old = part < len(kept)
            rows = np.empty((len(part), base.shape[1]), np.float32)
            rows[is_old], rows[~is_old] = base[kept[part[is_old]]], added[part[~is_old] - len(kept)]
            rows.tofile(file)


def _write_approximate(vectors: Vectors, work: Path, tell: Progress) -> None:
    if len(vectors) > FLAT_LIMIT:
        tell("grouping vectors", 0, len(vectors))
        index = codes.train(vectors)
        for done in codes.add(index, vectors):
            tell("indexing vectors", done, len(vectors))
        codes.write(index, work / APPROXIMATE)


def _seal(work: Path, mark: Mark, embedder: tuple[str, int], keys: Keys, columns: Columns, names: Names) -> Manifest:
    np.savez(work / ROWS, allow_pickle=False, key=keys, **columns.arrays())
    set_lexical_revision(work, mark.revision)
    manifest = Manifest(FORMAT, mark.store_id, mark.revision, *embedder, len(keys), {}, names)
    seal(work, manifest)
    return manifest


@contextmanager
def _work(folder: Path, *, only: bool = True) -> Iterator[Path]:
    """Make the folder to work in and take it away at the end; one that was left by a process killed goes first."""
    work = folder / _WORK
    if only:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
    try:
        yield work
    finally:
        if only:
            shutil.rmtree(work, ignore_errors=True)


__all__ = ["Generation", "Manifest", "StaleIndexError", "build", "load", "merge", "update_lexical"]
