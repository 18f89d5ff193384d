"""Search by meaning: exact inner product over unit vectors with FAISS, filters applied inside the search."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]


class VectorIndex:
    """Paragraph vectors by key. Searching is thread-safe; nothing is added after it is built."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, keys: Keys, vectors: Vectors, dimension: int) -> VectorIndex:
        """Index ``vectors`` (n, dimension) under ``keys`` (n,), which must be distinct: FAISS would keep both of a pair."""
        if len(np.unique(keys)) != len(keys):
            raise ValueError("keys of a vector index must be distinct")
        index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        if len(keys):
            index.add_with_ids(np.ascontiguousarray(vectors, np.float32), keys)
        return cls(index)

    @classmethod
    def load(cls, path: Path) -> VectorIndex:
        """Read what ``save`` wrote."""
        return cls(faiss.read_index(str(path)))

    def save(self, path: Path) -> None:
        """Write the index to ``path``."""
        faiss.write_index(self._index, str(path))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: Vectors, limit: int, allowed: Keys | None = None) -> list[tuple[int, float]]:
        """Return (key, cosine) of the ``limit`` nearest of the ``allowed`` keys (None: all), nearest first."""
        parameters = None
        if allowed is not None:
            limit = min(limit, len(allowed))
            parameters = faiss.SearchParameters(sel=faiss.IDSelectorBatch(allowed))  # type: ignore[call-arg]  # its stub is bare
        limit = min(limit, len(self))
        if limit == 0:
            return []
        scores, keys = self._index.search(vector.reshape(1, -1), limit, params=parameters)
        # A filter that leaves fewer than asked is padded with -1.
        return [(int(key), float(score)) for key, score in zip(keys[0], scores[0], strict=True) if key >= 0]
