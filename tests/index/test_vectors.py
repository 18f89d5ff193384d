"""Search by meaning: exact, approximate, filtered, and over what changed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index import codes
from index import vectors as vectors_module
from index.vectors import Selection, VectorIndex


@pytest.fixture
def vectors() -> np.ndarray:
    rows = np.random.default_rng(1).normal(size=(200, 16)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def keys() -> np.ndarray:
    return np.arange(1000, 1200, dtype=np.int64)


def test_search_is_exact(vectors: np.ndarray, keys: np.ndarray) -> None:
    index = VectorIndex.of(keys, vectors)
    expected = keys[np.argsort(-(vectors @ vectors[5]))[:10]]
    assert [key for key, _ in index.search(vectors[5], 10)] == expected.tolist()


def only(*rows: int, of: int = 200) -> Selection:
    return Selection(np.isin(np.arange(of), rows), np.zeros(0, np.bool_))


def test_a_filter_works_inside_the_search(vectors: np.ndarray, keys: np.ndarray) -> None:
    found = VectorIndex.of(keys, vectors).search(vectors[5], 10, only(150, 151, 152))
    assert sorted(key for key, _ in found) == [1150, 1151, 1152]


def test_an_empty_filter_and_an_empty_index_find_nothing(vectors: np.ndarray, keys: np.ndarray) -> None:
    assert VectorIndex.of(keys, vectors).search(vectors[0], 5, only()) == []
    assert VectorIndex.of(keys[:0], vectors[:0]).search(vectors[0], 5) == []


def changed(keys: np.ndarray, vectors: np.ndarray) -> tuple[VectorIndex, np.ndarray]:
    """An index of which some rows are gone, some replaced and some new, and the vectors by key that it should find."""
    index = VectorIndex.of(keys[:150], vectors[:150])
    alive = np.arange(150) % 3 > 0
    index = replace(index, alive=alive, delta_keys=keys[[3, 160, 170]], delta_vectors=vectors[[103, 160, 170]])
    rows = {int(key): row for key, row in zip(keys[:150][alive], vectors[:150][alive], strict=True)}
    return index, rows | {1003: vectors[103], 1160: vectors[160], 1170: vectors[170]}


def test_what_is_gone_is_not_found_and_what_is_new_is(vectors: np.ndarray, keys: np.ndarray) -> None:
    index, rows = changed(keys, vectors)
    assert len(index) == len(rows)
    for query in vectors[:20]:
        expected = sorted(rows, key=lambda key: (-float(rows[key] @ query), key))[:10]
        assert [key for key, _ in index.search(query, 10)] == expected
    few = Selection(index.alive & (np.arange(150) < 5), np.array([True, False, False]))
    assert sorted(key for key, _ in index.search(vectors[0], 10, few)) == [1001, 1002, 1003, 1004]


@pytest.fixture
def many() -> np.ndarray:
    """Vectors in loose groups, as those of texts are."""
    random = np.random.default_rng(2)
    rows = random.normal(size=(40, 16))[random.integers(40, size=4_000)] + 0.7 * random.normal(size=(4_000, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.01])
def test_the_approximate_index_finds_nearly_all_and_filters_inside(
    tmp_path: Path, many: np.ndarray, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors_module, "EXACT_LIMIT", 500)
    monkeypatch.setattr(codes, "LEAST_RESCORED", 400)
    numbers = np.arange(0, 3 * len(many), 3, dtype=np.int64)
    made = codes.train(many)
    assert list(codes.add(made, many))[-1] == len(many)
    codes.write(made, tmp_path / "v.codes")
    index = VectorIndex.of(numbers, many, codes.read(tmp_path / "v.codes"))
    exact = VectorIndex.of(numbers, many)
    allowed = Selection(np.random.default_rng(3).random(len(many)) < share, np.zeros(0, np.bool_))
    hits = 0
    for query in many[:100]:
        found = [key for key, _ in index.search(query, 10, allowed)]
        assert len(found) == 10
        assert allowed.base[np.array(found) // 3].all()
        hits += len({*found} & {key for key, _ in exact.search(query, 10, allowed)})
    assert hits >= 980
    assert share > 0.1 or hits == 1_000, "few rows are searched exactly"


@pytest.mark.parametrize(
    ("limit", "kept", "rows", "proposed"),
    [
        (100, 100_000, 100_000, 1_000),
        (100, 1_000_000, 1_000_000, 2_500),
        (100, 500_000, 1_000_000, 2_500),
        (100, 200_000, 1_000_000, 5_000),
        (1_000, 1_000_000, 1_000_000, 10_000),
        (10_000, 60_000, 60_000, 60_000),
    ],
)
def test_more_rows_have_more_of_them_scored_exactly(limit: int, kept: int, rows: int, proposed: int) -> None:
    assert codes.candidates(limit, kept, rows) == proposed


def test_a_key_twice_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(ValueError, match="distinct"):
        VectorIndex.of(np.array([1, 1]), vectors[:2])


def test_threads_search_together(vectors: np.ndarray, keys: np.ndarray) -> None:
    index = VectorIndex.of(keys, vectors)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: index.search(vectors[n], 1)[0][0], range(200)))
    assert found == keys.tolist()


def test_searching_starts_no_threads() -> None:
    """A library that starts a team of them for every thread that asks makes searches wait for one another."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3000, 64)).astype(np.float32)
    index = VectorIndex.of(np.arange(3000), vectors)
    few = Selection(np.arange(3000) % 7 == 0, np.zeros(0, np.bool_))
    done, leave = threading.Barrier(9), threading.Event()

    def ask() -> None:
        index.search(vectors[0], 10)
        index.search(vectors[0], 10, few)
        done.wait(30)
        leave.wait(30)

    before = len(list(Path("/proc/self/task").iterdir()))
    asking = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in asking]
    done.wait(30)
    during = len(list(Path("/proc/self/task").iterdir()))
    leave.set()
    [thread.join() for thread in asking]
    assert during <= before + len(asking)


def test_vectors_of_keys_come_from_base_and_delta() -> None:
    vectors = np.eye(4, dtype=np.float32)
    index = replace(
        VectorIndex.of(np.array([2, 5, 9]), vectors[:3]),
        alive=np.array([True, False, True]),
        delta_keys=np.array([5, 11]),
        delta_vectors=np.stack([vectors[3], vectors[0]]),
    )
    assert index.vectors_of([9, 5, 11, 7, 2]).tolist() == [*vectors[[2, 3, 0]].tolist(), [0.0] * 4, vectors[0].tolist()]
    assert index.vectors_of([]).shape == (0, 4)
    assert VectorIndex.of(np.zeros(0, np.int64), vectors[:0]).vectors_of([1]).tolist() == [[0.0] * 4]
