from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from index.vectors import VectorIndex


@pytest.fixture
def vectors() -> np.ndarray:
    rows = np.random.default_rng(1).normal(size=(200, 16)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def keys() -> np.ndarray:
    return np.arange(1000, 1200, dtype=np.int64)


def test_search_is_exact(vectors: np.ndarray, keys: np.ndarray) -> None:
    index = VectorIndex.build(keys, vectors, 16)
    expected = keys[np.argsort(-(vectors @ vectors[5]))[:10]]
    assert [key for key, _ in index.search(vectors[5], 10)] == expected.tolist()


def test_a_filter_works_inside_the_search(vectors: np.ndarray, keys: np.ndarray) -> None:
    allowed = keys[150:153]
    found = VectorIndex.build(keys, vectors, 16).search(vectors[5], 10, allowed)
    assert sorted(key for key, _ in found) == allowed.tolist()


def test_an_empty_filter_and_an_empty_index_find_nothing(vectors: np.ndarray, keys: np.ndarray) -> None:
    none = np.zeros(0, np.int64)
    assert VectorIndex.build(keys, vectors, 16).search(vectors[0], 5, none) == []
    assert VectorIndex.build(none, vectors[:0], 16).search(vectors[0], 5) == []


def test_a_key_twice_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(ValueError, match="distinct"):
        VectorIndex.build(np.array([1, 1]), vectors[:2], 16)


def test_what_is_saved_is_loaded(tmp_path: Path, vectors: np.ndarray, keys: np.ndarray) -> None:
    index = VectorIndex.build(keys, vectors, 16)
    index.save(tmp_path / "v.faiss")
    assert VectorIndex.load(tmp_path / "v.faiss").search(vectors[3], 4) == index.search(vectors[3], 4)


def test_threads_search_together(vectors: np.ndarray, keys: np.ndarray) -> None:
    index = VectorIndex.build(keys, vectors, 16)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: index.search(vectors[n], 1)[0][0], range(200)))
    assert found == keys.tolist()
