"""Search by meaning over unit vectors: a memory-mapped base, what came since, and what is gone; filters work inside.

Up to FLAT_LIMIT rows every search is exact. Beyond, product codes propose and exact scores decide, except where a filter
keeps so few rows that scoring just those is as fast: they are found exactly, however few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from index import codes

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Rows that exact search takes about 5 ms for (results/scale.md).
FLAT_LIMIT = 50_000
# A filter that keeps fewer rows, or a smaller share, has these scored exactly.
EXACT_LIMIT = 50_000
_LEAST_SHARE = 0.08
# Rows copied together to be scored, so that they stay in the processor's cache.
_GATHERED = 512


@dataclass(frozen=True)
class Selection:
    """Which rows of the base and of the delta may be found."""

    base: Mask
    delta: Mask

    def __len__(self) -> int:
        return int(np.count_nonzero(self.base)) + int(np.count_nonzero(self.delta))


@dataclass(frozen=True)
class VectorIndex:
    """Paragraph vectors by key; searching is safe under threads, changing makes another index.

    ``keys`` (n,) ascend and belong to the rows of ``vectors`` (n, dimension); ``approximate`` holds codes of the same
    rows, or is None where search is exact. ``alive`` marks the rows of the base that are not gone or replaced.
    """

    keys: Keys
    vectors: Vectors
    alive: Mask
    delta_keys: Keys
    delta_vectors: Vectors
    approximate: faiss.Index | None = None

    @classmethod
    def of(cls, keys: Keys, vectors: Vectors, approximate: faiss.Index | None = None) -> VectorIndex:
        """Return an index of these rows and no delta. Raises ValueError where ``keys`` do not ascend strictly."""
        if np.any(np.diff(keys) <= 0):
            raise ValueError("keys of a vector index must ascend and be distinct")
        none = np.zeros(0, np.int64)
        return cls(keys, vectors, np.ones(len(keys), np.bool_), none, vectors[:0], approximate)

    def __len__(self) -> int:
        return int(np.count_nonzero(self.alive)) + len(self.delta_keys)

    def search(self, vector: Vectors, limit: int, allowed: Selection | None = None) -> list[tuple[int, float]]:
        """Return (key, cosine) of the ``limit`` nearest of the ``allowed`` rows (None: all), nearest first."""
        base = self.alive if allowed is None else allowed.base
        rows = self._rows(vector, limit, base)
        delta = np.arange(len(self.delta_keys)) if allowed is None else np.flatnonzero(allowed.delta)
        keys = np.concatenate([self.keys[rows], self.delta_keys[delta]])
        scores = np.concatenate([_products(self.vectors, vector, rows), self.delta_vectors[delta] @ vector])
        # By key where scores are equal, so that the same search gives the same order.
        best = np.lexsort((keys, -scores))[:limit]
        return [(int(key), float(score)) for key, score in zip(keys[best], scores[best], strict=True)]

    def vectors_of(self, keys: Sequence[int]) -> Vectors:
        """Return the vectors of ``keys``, shape (len(keys), dimension); zeros for those that are not here."""
        wanted = np.array(keys, np.int64)
        found = np.zeros((len(wanted), self.vectors.shape[1]), np.float32)
        rows, here = self._places(wanted)
        found[here] = self.vectors[rows[here]]
        for place in np.flatnonzero(np.isin(wanted, self.delta_keys)) if len(self.delta_keys) else ():
            found[place] = self.delta_vectors[self.delta_keys == wanted[place]][0]
        return found

    def rows_of(self, wanted: Keys) -> NDArray[np.int64]:
        """Return the rows of those keys ``wanted`` that are here unchanged, in their order."""
        rows, here = self._places(wanted)
        return rows[here]

    def _places(self, wanted: Keys) -> tuple[NDArray[np.int64], Mask]:
        """Return for every key ``wanted`` a row, and whether it is that of the key, unchanged."""
        if not len(self.keys):
            return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), np.bool_)
        rows = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return rows, (self.keys[rows] == wanted) & self.alive[rows]

    def _rows(self, vector: Vectors, limit: int, mask: Mask) -> NDArray[np.int64]:
        """Return rows of ``mask`` among which are the ``limit`` nearest, in no order."""
        kept = np.flatnonzero(mask)
        if len(kept) <= limit:
            return kept
        share = len(kept) / len(mask)
        if self.approximate is not None and len(kept) > EXACT_LIMIT and share > _LEAST_SHARE:
            found = codes.propose(self.approximate, vector, codes.candidates(limit, len(kept), len(mask)))
            found = found[mask[found]]
            if len(found) >= limit:
                return found
        scores = _products(self.vectors, vector, None if 2 * len(kept) > len(mask) else kept)
        scores = scores[kept] if len(scores) > len(kept) else scores
        return kept[np.argpartition(-scores, limit - 1)[:limit]]


def _products(vectors: Vectors, vector: Vectors, rows: Keys | None) -> Vectors:
    """Return the inner products of ``vector`` with the ``rows`` (None: all), in the calling thread alone.

    BLAS would wake all its threads for a few milliseconds of work. So would faiss where it is given rows, and each thread
    that asks gets a team of OpenMP threads of its own for good: searches then wait for one another at its barrier.
    """
    query = np.ascontiguousarray(vector, np.float32)
    if rows is None:
        return _all_products(np.asarray(vectors), query)
    chunks = (rows[start : start + _GATHERED] for start in range(0, len(rows), _GATHERED))
    return np.concatenate([query[:0], *(_all_products(vectors[chunk], query) for chunk in chunks)])


def _all_products(vectors: Vectors, query: Vectors) -> Vectors:
    scores = np.empty(len(vectors), np.float32)
    pointers = faiss.swig_ptr(scores), faiss.swig_ptr(query), faiss.swig_ptr(np.ascontiguousarray(vectors))
    faiss.fvec_inner_products_ny(*pointers, vectors.shape[1], len(vectors))  # type: ignore[attr-defined]  # not in its stub
    return scores
