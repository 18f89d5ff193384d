"""Approximate search by meaning: an inverted file of 8-bit codes, memory-mapped, whose finds are scored again exactly.

Jégou, Douze & Schmid 2011 (inverted file); scalar quantisation of FAISS (Douze et al. 2024). Ids are paragraph keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Keys = NDArray[np.int64]

# Lists a root of the rows, vectors a list to learn centres from, lists looked into without a filter, finds scored again
# a hit asked for. Starting values: bench/engines.py, which is to decide them, has not been run to its end.
_LISTS_PER_ROOT = 4
_SAMPLE_PER_LIST = 40
PROBES = 48
RESCORED = 4
_CHUNK = 50_000


def train(vectors: Vectors) -> faiss.Index:
    """Learn the centres of an empty index from rows spread evenly over ``vectors`` (n, dimension)."""
    rows, dimension = vectors.shape
    lists = min(rows, int(_LISTS_PER_ROOT * sqrt(rows)))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(dimension), dimension, lists, faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    )
    sample = np.linspace(0, rows - 1, min(rows, lists * _SAMPLE_PER_LIST)).astype(np.int64)
    index.train(np.ascontiguousarray(vectors[sample]))
    return index


def lists_of(index: faiss.Index) -> int:
    """Return how many lists an index has."""
    return int(faiss.extract_index_ivf(index).nlist)


def is_outgrown(index: faiss.Index, rows: int) -> bool:
    """Tell whether ``rows`` are twice those that the centres of ``index`` were learnt for."""
    return rows > 2 * (lists_of(index) / _LISTS_PER_ROOT) ** 2


def add(index: faiss.Index, keys: Keys, vectors: Vectors) -> Iterator[int]:
    """Add ``vectors`` under ``keys``, yielding how many are in after each chunk."""
    for start in range(0, len(keys), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        index.add_with_ids(np.ascontiguousarray(vectors[chunk]), np.ascontiguousarray(keys[chunk]))
        yield min(start + _CHUNK, len(keys))


def remove(index: faiss.Index, keys: Keys) -> None:
    """Take ``keys`` out of an index that was read into memory."""
    if len(keys):
        index.remove_ids(faiss.IDSelectorBatch(keys))


def read(path: Path, *, mapped: bool) -> faiss.Index:
    """Read an index that ``write`` wrote, its lists memory-mapped for searching or whole for changing."""
    return faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY if mapped else 0)


def write(index: faiss.Index, path: Path) -> None:
    """Write an index to ``path``."""
    faiss.write_index(index, str(path))


def nearest(index: faiss.Index, vector: Vectors, count: int, kept: Keys | None) -> Keys:
    """Return about ``count`` keys near ``vector``, of those ``kept`` (None: all). More lists are probed for fewer kept."""
    probes, selector = PROBES, None
    if kept is not None:
        flags = np.zeros(int(kept[-1]) + 1, np.bool_)
        flags[kept] = True
        # FAISS counts bits from the lowest, and keeps no reference to the array.
        bits = np.packbits(flags, bitorder="little")
        selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]  # its stub is bare
        probes = int(PROBES * index.ntotal / len(kept))
    parameters = faiss.SearchParametersIVF(nprobe=min(probes, lists_of(index)), sel=selector)  # type: ignore[call-arg]
    _, keys = index.search(vector.reshape(1, -1), count, params=parameters)
    found: Keys = keys[0]
    # Where lists hold fewer than asked, FAISS pads with -1.
    return found[found >= 0]
