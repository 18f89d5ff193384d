"""Bring store, models and indexes together as the settings say, each loaded when first needed and shared by threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from corpus.standbys import StandbyError, from_primary
from corpus.store import Store
from corpus.taxonomy import TaskGroup, read_taxonomy
from corpus.worker import Limits, Worker
from index.engine import Described, Index, Snapshot
from index.generation import StaleIndexError
from index.live import LiveIndex
from index.search import Searcher
from models import asking, sealed
from models.build import default_folder
from models.embedder import Embedder, load_embedder
from service.errors import NothingUsableError, UsageError
from service.settings import Settings

if TYPE_CHECKING:
    # Loaded where they are used: scikit-learn takes a second that a search does not need.
    from index.families import Families
    from models.similarity import Matcher
    from models.tagger import Tagger

_EXAMPLE = "postgresql+psycopg://kehoach:PASSWORD@/kehoach?host=db1&host=db2"
# How many clauses stay embedded, twice those of 34 provinces with 300 paragraphs each: some 30 MB.
_CLAUSES_KEPT = 20_000
Tell = Callable[[str], None]
# Gets what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


class Workspace:
    """Everything one process works with. Attributes load on first use, under one lock."""

    def __init__(self, settings: Settings, tell: Tell | None = None, progress: Progress | None = None) -> None:
        self.settings = settings
        self.tell: Tell = tell or (lambda what: None)
        self.progress: Progress = progress or (lambda what, done, total: None)
        self._lock = threading.RLock()
        self._families_lock = threading.Lock()
        self._families: tuple[str, Families] | None = None

    @cached_property
    def groups(self) -> tuple[TaskGroup, ...]:
        """The task groups."""
        return read_taxonomy(self.settings.taxonomy)

    @cached_property
    def store(self) -> Store:
        """The database. Raises UsageError or NothingUsableError where it cannot be opened."""
        with self._lock:
            return open_store(self.settings.database_url, "KEHOACH_DATABASE", self.settings.read_database)

    @cached_property
    def worker(self) -> Worker:
        """The process that reads files."""
        limits = self.settings
        return Worker(Limits(limits.read_seconds, limits.ocr_seconds, limits.read_memory))

    @cached_property
    def embedder(self) -> Embedder:
        """The embedder of the indexes."""
        with self._lock:
            if self.settings.embedder == "default" and not self.default_model_is_built:
                self.tell("building the embedding model, once")
            return load_embedder(self.settings.embedder, self.settings.cache, self.settings.threads)

    @property
    def queries_folder(self) -> Path:
        """The folder of the tuning for queries in use: the user's own, else the shipped one."""
        return own_or_shipped(self.settings.own_queries, asking.NAME)

    @cached_property
    def query_embedder(self) -> Embedder:
        """The embedder of searches: of queries as they are tuned, and of passages as in the indexes."""
        with self._lock:
            return asking.with_queries(self.embedder, self.queries_folder)

    @property
    def default_model_is_built(self) -> bool:
        """Tell whether the default embedder is in the cache."""
        return default_folder(self.settings.cache).exists()

    @cached_property
    def default_embedder(self) -> Embedder:
        """The embedder that the shipped models were trained with."""
        with self._lock:
            if self.settings.embedder == "default":
                return self.embedder
            return load_embedder("default", self.settings.cache, self.settings.threads)

    @property
    def tagger_folder(self) -> Path:
        """The folder of the tagger in use: the one set, else the user's own, else the shipped one."""
        if self.settings.tagger:
            return self.settings.tagger
        return own_or_shipped(self.settings.own_tagger, "tagger")

    @cached_property
    def tagger(self) -> Tagger:
        """The tagger, running on the embedder it was trained with."""
        from models.tagger import load_tagger

        with self._lock:
            return load_tagger(self.tagger_folder, self.groups, self.default_embedder)

    @property
    def tagger_embedder_id(self) -> str:
        """The embedder whose vectors tagging leaves behind."""
        return self.default_embedder.id

    @property
    def matcher_folder(self) -> Path:
        """The folder of the matcher in use: the user's own, else the shipped one."""
        return own_or_shipped(self.settings.own_matcher, "matcher")

    @cached_property
    def clause_embedder(self) -> Embedder:
        """The embedder that the matcher compares clauses with."""
        from models.similarity import clause_embedder

        with self._lock:
            return clause_embedder(self.matcher_folder, self.default_embedder)

    @cached_property
    def matcher(self) -> Matcher:
        """The model that tells whether two clauses say the same; it keeps the vectors of clauses it saw last."""
        from models.remembered import RecentEmbedder
        from models.similarity import load_matcher

        with self._lock:
            return load_matcher(self.matcher_folder, RecentEmbedder(self.clause_embedder, _CLAUSES_KEPT))

    @cached_property
    def index(self) -> Index:
        """The index, following the store."""
        with self._lock:
            if self.settings.index == "postgres":
                from index.postgres import PostgresIndex

                return PostgresIndex(self.store, self.embedder, self.tell, self.progress)
            return LiveIndex(self.settings.index_folder, self.store, self.embedder, self.tell, self.progress)

    @property
    def searcher(self) -> Searcher:
        """A searcher over what the store holds now; a missing or damaged index is built first."""
        return Searcher(self.store, _usable(self.index.snapshot), self.query_embedder)

    def build_index(self) -> Described:
        """Bring the index up to the store."""
        return _usable(self.index.refresh).manifest

    def rebuild_index(self) -> Described:
        """Build the index whole from the store."""
        return _usable(self.index.rebuild).manifest

    @property
    def families(self) -> Families:
        """The families of what the store holds now; matches what is new since they were last made."""
        with self._families_lock, from_primary():
            content = self.store.content
            if self._families is None or self._families[0] != content:
                self._families = (content, self._find_families())
            return self._families[1]

    def _find_families(self) -> Families:
        from index.families_file import read, refresh
        from models.remembered import RememberingEmbedder
        from models.similarity import load_matcher

        kept = read(self.settings.families_file)
        embedder = RememberingEmbedder(self.clause_embedder, kept.vectors)
        matcher = load_matcher(self.matcher_folder, embedder)
        return refresh(self.settings.families_file, self.store, embedder, matcher, kept, self.tell)

    def close(self) -> None:
        """Release the database and end the reading process, after what the index does in the background."""
        if "index" in self.__dict__:
            self.index.close()
        if "worker" in self.__dict__:
            self.worker.close()
        if "store" in self.__dict__:
            self.store.close()


def _usable(index: Callable[[], Snapshot]) -> Snapshot:
    try:
        return index()
    except StaleIndexError as error:
        raise NothingUsableError(f"there is no usable index: {error}") from error


def open_store(url: str, name: str, standbys: str = "") -> Store:
    """Open the store at ``url``, called ``name`` in errors: UsageError for a wrong one, NothingUsableError for one out of reach.

    ``standbys`` is KEHOACH_READ_DATABASE.
    """
    try:
        return Store(url, standbys)
    except StandbyError as error:
        raise UsageError(f"KEHOACH_READ_DATABASE: {error}") from error
    except sa.exc.ArgumentError as error:
        raise UsageError(f"{name} is no URL of SQLAlchemy such as {_EXAMPLE}") from error
    except ModuleNotFoundError as error:
        raise UsageError(f"{name} needs the package {error.name}: pip install 'kehoach[postgres]'") from error
    except sa.exc.OperationalError as error:
        raise NothingUsableError(f"{name}: the store cannot be opened: {error.orig}") from error


def own_or_shipped(own: Path, name: str) -> Path:
    """Return the folder of the user's own trained model, else of the one that comes with the program."""
    return own if (own / "manifest.json").exists() else sealed.shipped(name)
