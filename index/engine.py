"""What search asks of an index, whichever engine keeps it: the local one (``index.live``) or PostgreSQL (``index.postgres``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.store import Filter, Store
from index.columns import Facets
from index.lexical import Words
from nlp.accents import Restorer

Vectors = NDArray[np.float32]
# Gives the unit vector of what is looked for: encoding takes as long as a search, which may begin with the words meanwhile.
Meaning = Callable[[], Vectors]
# (key, score) of paragraphs, best first, by key where scores are equal.
Found = list[tuple[int, float]]


class Described(Protocol):
    """What a snapshot was built from."""

    @property
    def paragraphs(self) -> int:
        """How many paragraphs it holds."""

    @property
    def embedder_id(self) -> str:
        """Whose vectors it holds."""


class Snapshot(Protocol):
    """An index as of a moment, for searching; safe to share between threads. ``store`` is the one it was built from."""

    @property
    def manifest(self) -> Described:
        """What it was built from."""

    @property
    def restorer(self) -> Restorer:
        """What restores diacritics by the indexed text."""

    def by_words(self, store: Store, words: Words, limit: int, only: Filter) -> Found:
        """Return the BM25 scores of at most ``limit`` paragraphs that pass ``only`` and have a word of ``words``.

        None has a word or a pair of words that these exclude.
        """

    def legs(
        self, store: Store, words: Words, meaning: Meaning, limit: int, filters: Sequence[Filter]
    ) -> list[tuple[Found, Found]]:
        """Return for each of ``filters`` what ``by_words`` does, and the cosines of the nearest to the vector of ``meaning``."""

    def vectors_of(self, store: Store, keys: Sequence[int]) -> Vectors:
        """Return the unit vectors of ``keys``, (keys, dimension); zeros for those that are not here."""

    def facets(self, store: Store, keys: Sequence[int]) -> Facets:
        """Count those of ``keys`` that are here."""


class Index(Protocol):
    """An index that follows the store."""

    def snapshot(self) -> Snapshot:
        """Return the index as of now or a moment ago; one that is missing or damaged is built first."""

    def refresh(self) -> Snapshot:
        """Take in all that the store has and return the index."""

    def rebuild(self) -> Snapshot:
        """Build the index whole and return it."""

    def close(self) -> None:
        """Wait for what goes on in the background."""
