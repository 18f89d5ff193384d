"""One generation of the indexes on disk: its files, the manifest that seals them, and the pointer to the current one.

A folder ``index`` holds numbered generations and a file ``CURRENT`` that names one. All files of a generation but its
lexical index are final; that one goes on taking in changes, and a file beside it says up to which revision of the store.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np

from corpus.changelog import Mark
from corpus.stages import stage
from corpus.store import Filter, Store
from index import codes
from index.columns import Columns, Facets, Names, facets, joined
from index.engine import Found, Meaning
from index.lexical import LexicalIndex, Words, excluded_terms
from index.vectors import Keys, Selection, VectorIndex, Vectors
from nlp.accents import Restorer

FORMAT = 3
KEPT_GENERATIONS = 2
# Searches by words that go on beside searches by meaning.
_AT_ONCE = 16
VECTORS, ROWS, APPROXIMATE, ACCENTS, LEXICAL = "vectors.f32", "rows.npz", "vectors.codes", "accents", "lexical"
_REVISION = "lexical.json"
Lock = Literal[".building.lock", ".changing.lock"]
BUILDING: Lock = ".building.lock"
CHANGING: Lock = ".changing.lock"


class StaleIndexError(RuntimeError):
    """The index is missing, damaged or of other content; the message names what differs."""


@dataclass(frozen=True)
class Manifest:
    """What a generation was built from; ``files`` maps each final file to its size in bytes."""

    format: int
    store_id: str
    revision: int
    embedder_id: str
    dimension: int
    paragraphs: int
    files: dict[str, int]
    names: Names


@dataclass(frozen=True)
class Generation:
    """An opened generation with what changed since: a snapshot that stays as it is. ``mark`` says of which moment.

    ``columns`` and ``delta_columns`` belong to the rows of ``vectors`` and to its delta. ``lexical_revision`` is behind
    ``mark`` while another process brings the lexical index up.
    """

    folder: Path
    manifest: Manifest
    mark: Mark
    names: Names
    columns: Columns
    delta_columns: Columns
    vectors: VectorIndex
    lexical: LexicalIndex
    lexical_revision: int
    restorer: Restorer

    @property
    def changed(self) -> int:
        """How many rows lie outside the base or are gone from it."""
        return len(self.delta_columns) + int(np.count_nonzero(~self.vectors.alive))

    def select(self, only: Filter, store: Store) -> Selection | None:
        """Return which rows pass ``only``; None where all do."""
        if only.is_open:
            return None
        index = self.vectors
        base, delta = self.columns.mask(only, self.names) & index.alive, self.delta_columns.mask(only, self.names)
        if only.document_id is not None:
            of_document = store.keys(Filter(document_id=only.document_id))
            base &= np.isin(index.keys, of_document)
            delta &= np.isin(index.delta_keys, of_document)
        return Selection(base, delta)

    def _without(self, held: Keys, allowed: Selection | None) -> Selection | None:
        """Return the rows of ``allowed`` (None: all) but those of the keys ``held``."""
        if not len(held):
            return allowed
        index = self.vectors
        if allowed is None:
            allowed = Selection(index.alive, np.ones(len(index.delta_keys), np.bool_))
        return Selection(allowed.base & ~np.isin(index.keys, held), allowed.delta & ~np.isin(index.delta_keys, held))

    def columns_of(self, keys: Sequence[int]) -> Columns:
        """Return the columns of those of ``keys`` that are here."""
        index, wanted = self.vectors, np.array(keys, np.int64)
        rows = self.columns.take(index.rows_of(wanted))
        if not len(index.delta_keys):
            return rows
        return joined([rows, self.delta_columns.take(np.isin(index.delta_keys, wanted))])

    def by_words(self, store: Store, words: Words, limit: int, only: Filter) -> Found:  # noqa: ARG002
        """Return the BM25 scores of at most ``limit`` paragraphs that pass ``only`` and have a word of ``words``."""
        with stage("search_lexical"):
            return self.lexical.search(words, limit, only)

    def legs(
        self, store: Store, words: Words, meaning: Meaning, limit: int, filters: Sequence[Filter]
    ) -> list[tuple[Found, Found]]:
        """Return for each of ``filters`` what ``by_words`` does, and the cosines of the nearest to the vector of ``meaning``."""
        by_words: list[Callable[[], Found]] = [partial(self.by_words, store, words, limit, only) for only in filters]
        # Where both take milliseconds they go on side by side; neither holds the interpreter lock.
        if self.vectors.approximate is not None:
            by_words = [_beside().submit(copy_context().run, leg).result for leg in by_words]
        vector = meaning()
        excluded = excluded_terms(words)
        held = np.array(self.lexical.holding(excluded) if excluded else (), np.int64)
        by_meaning = []
        for only in filters:
            allowed = self._without(held, self.select(only, store))
            with stage("search_dense"):
                by_meaning.append(self.vectors.search(vector, limit, allowed))
        return [(leg(), near) for leg, near in zip(by_words, by_meaning, strict=True)]

    def vectors_of(self, store: Store, keys: Sequence[int]) -> Vectors:  # noqa: ARG002
        """Return the unit vectors of ``keys``, (keys, dimension); zeros for those that are not here."""
        return self.vectors.vectors_of(keys)

    def facets(self, store: Store, keys: Sequence[int]) -> Facets:  # noqa: ARG002
        """Count those of ``keys`` that are here."""
        return facets(self.columns_of(keys), self.names)


@cache
def _beside() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, "words")


def load(folder: Path, content: str, embedder_id: str) -> Generation:
    """Open the current generation, as of the revision it was built at.

    Raises StaleIndexError where there is none, it is damaged, of another store than ``content`` is of, or of another
    embedder.
    """
    try:
        current = folder / (folder / "CURRENT").read_text(encoding="utf-8").strip()
        manifest = Manifest(**json.loads((current / "manifest.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StaleIndexError(f"no usable index in {folder}: {error}") from error
    expected = replace(manifest, format=FORMAT, store_id=content.split(":")[0], embedder_id=embedder_id)
    if differing := [name for name, value in vars(expected).items() if vars(manifest)[name] != value]:
        raise StaleIndexError(f"the index in {current} is of another {', '.join(differing)}")
    try:
        return _opened(current, manifest)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError) as error:
        raise StaleIndexError(f"the index in {current} is damaged: {error}") from error


def _opened(current: Path, manifest: Manifest) -> Generation:
    for name, size in manifest.files.items():
        if (found := (current / name).stat().st_size) != size:
            raise ValueError(f"{name} has {found} bytes instead of {size}")
    with np.load(current / ROWS) as arrays:
        keys = arrays["key"]
        columns = Columns(**{name: arrays[name] for name in arrays.files if name != "key"})
    if not len(keys) == len(columns) == manifest.paragraphs:
        raise ValueError(f"it does not hold its {manifest.paragraphs} paragraphs")
    shape = (manifest.paragraphs, manifest.dimension)
    # An empty file cannot be mapped.
    vectors = np.memmap(current / VECTORS, np.float32, "r", shape=shape) if len(keys) else np.zeros(shape, np.float32)
    approximate = codes.read(current / APPROXIMATE) if APPROXIMATE in manifest.files else None
    # Read before the lexical index is opened: one that another process commits to meanwhile counts as old, never as new.
    revision = lexical_revision(current)
    return Generation(
        current, manifest, Mark(manifest.store_id, manifest.revision), manifest.names, columns,
        columns.take(np.zeros(0, np.int64)), VectorIndex.of(keys, vectors, approximate), LexicalIndex(current / LEXICAL),
        revision, Restorer.load(current / ACCENTS),
    )  # fmt: skip


def lexical_revision(generation: Path) -> int:
    """Return up to which revision of the store the lexical index is. Raises OSError, ValueError or KeyError."""
    return int(json.loads((generation / _REVISION).read_text(encoding="utf-8"))["revision"])


def set_lexical_revision(generation: Path, revision: int) -> None:
    """Say up to which revision the lexical index is, after it was committed."""
    _replace(generation / _REVISION, json.dumps({"revision": revision}))


def seal(work: Path, manifest: Manifest) -> None:
    """Write the manifest of the finished files in ``work``, with their sizes, through to the disk."""
    files = [path for path in work.rglob("*") if path.is_file() and path.parent.name != LEXICAL]
    sizes = {str(path.relative_to(work)): path.stat().st_size for path in files if path.name != _REVISION}
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _replace(work / "manifest.json", json.dumps(vars(replace(manifest, files=sizes)), ensure_ascii=False, indent=1))


def make_current(folder: Path, work: Path) -> Path:
    """Give the sealed generation in ``work`` the next number and point to it; return its folder."""
    numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())
    number = numbers[-1] + 1 if numbers else 1
    work.rename(folder / str(number))
    _replace(folder / "CURRENT", str(number))
    # The one before stays for readers that have just read the pointer.
    for old in numbers[: 1 - KEPT_GENERATIONS]:
        shutil.rmtree(folder / str(old), ignore_errors=True)
    return folder / str(number)


def is_current(generation: Generation) -> bool:
    """Tell whether the pointer still names ``generation``."""
    try:
        return (generation.folder.parent / "CURRENT").read_text(encoding="utf-8").strip() == generation.folder.name
    except OSError:
        return False


@contextmanager
def lock(folder: Path, name: Lock, *, wait: bool) -> Iterator[bool]:
    """Hold a lock of the index among processes and threads; yield False where it is taken and ``wait`` is not set.

    BUILDING lets one build or merge at a time; CHANGING guards the lexical index and the pointer, for moments only. The
    system frees a lock when its holder dies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
