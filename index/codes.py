"""Approximate search by meaning: every vector as product codes of 4 bits, all of them scanned, the best scored exactly after.

Jégou, Douze & Schmid 2011 (product quantisation); André, Kermarrec & Le Scouarnec 2015 (scanning 4-bit codes in registers);
Douze et al. 2024 (FAISS). An inverted file would be faster still and loses too much: vectors of e5 hardly form clusters
(results/scale.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]

# Two dimensions a code, codes learnt from so many rows, and how many are scored exactly, for 10 and for more hits: what keeps
# recall@10 >= .98 of exact search. The more rows compete, the more must be: 1,000 of 100,000 give .997, of 1,000,000 only
# .948, where 2,000 give .980 and 3,000 .988.
_SAMPLE = 20_000
LEAST_RESCORED = 1_000
_ROWS_PER_RESCORED = 400
_RESCORED_PER_HIT = 10
_CHUNK = 50_000


def train(vectors: Vectors) -> faiss.Index:
    """Learn the codes of an empty index from rows spread evenly over ``vectors`` (n, dimension)."""
    rows, dimension = vectors.shape
    codes = faiss.IndexPQFastScan(dimension, dimension // 2, 4, faiss.METRIC_INNER_PRODUCT)
    sample = np.ascontiguousarray(vectors[np.linspace(0, rows - 1, min(rows, _SAMPLE)).astype(np.int64)])
    # Less their mean, vectors of e5 fill the space that codes divide; the order of inner products stays.
    centred = faiss.IndexPreTransform(faiss.CenteringTransform(dimension), codes)
    centred.train(sample)
    return centred


def add(index: faiss.Index, vectors: Vectors) -> Iterator[int]:
    """Add ``vectors``, yielding how many are in after each chunk."""
    for start in range(0, len(vectors), _CHUNK):
        index.add(np.ascontiguousarray(vectors[start : start + _CHUNK]))
        yield min(start + _CHUNK, len(vectors))


def read(path: Path) -> faiss.Index:
    """Read an index that ``write`` wrote. Raises RuntimeError where it is damaged."""
    return faiss.read_index(str(path))


def write(index: faiss.Index, path: Path) -> None:
    """Write an index to ``path``."""
    faiss.write_index(index, str(path))


def candidates(limit: int, kept: int, rows: int) -> int:
    """Return how many of ``rows`` must be proposed for ``limit`` hits among the ``kept`` ones that pass a filter."""
    rescored = max(LEAST_RESCORED, kept // _ROWS_PER_RESCORED, _RESCORED_PER_HIT * limit)
    return min(rows, rescored * rows // kept)


def propose(index: faiss.Index, vector: Vectors, count: int) -> Rows:
    """Return ``count`` rows whose codes are nearest to ``vector``."""
    # A query must not be centred: the product with the mean is the same for all rows.
    inner = faiss.downcast_index(index.index)  # type: ignore[attr-defined]  # its stub is bare
    rows: Rows = inner.search(vector.reshape(1, -1), count)[1][0]
    return rows[rows >= 0]
