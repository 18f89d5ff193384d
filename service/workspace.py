"""Bring store, models and indexes together as the settings say, each loaded when first needed and shared by threads."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

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


T = TypeVar("T")
# The trained models that may change while a process runs, and the attributes that hold what was loaded of each.
_TRAINED = {"tagger": ("tagger",), "matcher": ("clause_embedder", "matcher"), "queries": ("query_embedder",)}


class _Trained(cached_property[T]):
    """An attribute loaded and set under the workspace's lock, so that a first use does not undo a change."""

    if not TYPE_CHECKING:

        def __get__(self, instance: Workspace | None, owner: type | None = None) -> Any:
            if instance is None:
                return self
            with instance._lock:
                return super().__get__(instance, owner)


class Workspace:
    """Everything one process works with. Attributes load on first use, under one lock."""

    def __init__(self, settings: Settings, tell: Tell | None = None, progress: Progress | None = None) -> None:
        self.settings = settings
        self.tell: Tell = tell or (lambda what: None)
        self.progress: Progress = progress or (lambda what, done, total: None)
        self._lock = threading.RLock()
        self._families_lock = threading.Lock()
        self._families: tuple[tuple[str, str], Families] | None = None
        self._taking_up = threading.Lock()
        self._in_use = self._seen = self._manifests()

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

    @_Trained
    def query_embedder(self) -> Embedder:
        """The embedder of searches: of queries as they are tuned, and of passages as in the indexes."""
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

    @_Trained
    def tagger(self) -> Tagger:
        """The tagger, running on the embedder it was trained with."""
        from models.tagger import load_tagger

        return load_tagger(self.tagger_folder, self.groups, self.default_embedder)

    @property
    def tagger_embedder_id(self) -> str:
        """The embedder whose vectors tagging leaves behind."""
        return self.default_embedder.id

    @property
    def matcher_folder(self) -> Path:
        """The folder of the matcher in use: the user's own, else the shipped one."""
        return own_or_shipped(self.settings.own_matcher, "matcher")

    @_Trained
    def clause_embedder(self) -> Embedder:
        """The embedder that the matcher compares clauses with."""
        from models.similarity import clause_embedder

        return clause_embedder(self.matcher_folder, self.default_embedder)

    @_Trained
    def matcher(self) -> Matcher:
        """The model that tells whether two clauses say the same; it keeps the vectors of clauses it saw last."""
        from models.remembered import RecentEmbedder
        from models.similarity import load_matcher

        return load_matcher(self.matcher_folder, RecentEmbedder(self.clause_embedder, _CLAUSES_KEPT))

    @property
    def models(self) -> str:
        """The identity of the trained models in use: changes after another was put in the place of any."""
        return " ".join(self._in_use.values())

    @property
    def matcher_version(self) -> str:
        """The identity of the matcher in use."""
        return self._in_use["matcher"]

    def take_up_models(self) -> bool:
        """Put models trained since they were loaded in the place of those; tell whether any was. Cheap where nothing changed.

        A change has to be there at two calls in a row: a model is swapped in by two renames. Who has a model goes on with it.
        Raises what loading raises, after the other models were taken up; the model in use stays then.
        """
        with self._taking_up:
            now = self._manifests()
            is_settled, self._seen = now == self._seen, now
            changed = [name for name in now if now[name] != self._in_use[name]] if is_settled else []
            failure: Exception | None = None
            for name in changed:
                try:
                    self._take_up(name, now[name])
                except Exception as error:
                    failure = error
            if failure:
                raise failure
            return bool(changed)

    def _take_up(self, name: str, version: str) -> None:
        with self._lock:
            if not any(attribute in self.__dict__ for attribute in _TRAINED[name]):
                # What is not loaded yet will be loaded as it is now.
                self._in_use = {**self._in_use, name: version}
                return
        beside = Workspace(self.settings, self.tell)
        for attribute in ("groups", "embedder", "default_embedder"):
            beside.__dict__[attribute] = getattr(self, attribute)
        loaded = {attribute: getattr(beside, attribute) for attribute in _TRAINED[name]}
        with self._lock:
            self.__dict__.update(loaded)
            # Afterwards: an answer by the earlier model must not get the ETag of the later one.
            self._in_use = {**self._in_use, name: version}

    def _manifests(self) -> dict[str, str]:
        folders = {"tagger": self.tagger_folder, "matcher": self.matcher_folder, "queries": self.queries_folder}
        found = dict.fromkeys(folders, "")
        for name, folder in folders.items():
            with suppress(OSError):
                found[name] = hashlib.sha256((folder / sealed.MANIFEST_FILE).read_bytes()).hexdigest()
        return found

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
            made_from = (self.store.content, self.matcher_version)
            if self._families is None or self._families[0] != made_from:
                self._families = (made_from, self._find_families())
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
    return own if (own / sealed.MANIFEST_FILE).exists() else sealed.shipped(name)
