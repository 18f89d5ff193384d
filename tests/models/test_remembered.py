"""Embedders with a memory: new texts only, the same vector for good, names that keep embedders apart, what is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.remembered import RecentEmbedder, RememberingEmbedder


class Counting:
    dimension = 3

    def __init__(self, name: str = "counting") -> None:
        self.id = name
        self.texts: list[str] = []

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        start = len(self.texts)
        self.texts += texts
        return np.array([[start + n, 0, 0] for n in range(len(texts))], np.float32)

    embed_passages = embed_queries


def test_a_text_is_embedded_once_and_keeps_its_vector() -> None:
    base = Counting()
    first = RememberingEmbedder(base, {})
    a = first.embed_queries(["một", "hai", "một"])
    second = RememberingEmbedder(base, first.used)
    b = second.embed_queries(["ba", "hai"])
    assert base.texts == ["một", "hai", "ba"]
    assert (a[0] == a[2]).all()
    assert (a[1] == b[1]).all()
    assert len(second.used) == 2


def test_another_embedder_shares_nothing() -> None:
    first = RememberingEmbedder(Counting("a"), {})
    first.embed_queries(["một"])
    other = Counting("b")
    RememberingEmbedder(other, first.used).embed_queries(["một"])
    assert other.texts == ["một"]


def test_no_texts_have_no_vectors() -> None:
    assert RememberingEmbedder(Counting(), {}).embed_queries([]).shape == (0, 3)


class Telling(Counting):
    """Its vectors tell the text, so that a wrong row is seen."""

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return np.array([[len(text), *text.encode()[:2].ljust(2)] for text in texts], np.float32).reshape(-1, 3)


def test_the_texts_asked_for_last_are_not_embedded_again() -> None:
    base = Telling()
    recent = RecentEmbedder(base, 2)
    recent.embed_queries(["một", "hai"])
    recent.embed_queries(["một"])
    recent.embed_queries(["ba"])
    base.texts.clear()
    recent.embed_queries(["một", "ba"])
    assert base.texts == []
    recent.embed_queries(["hai"])
    assert base.texts == ["hai"]


@given(st.lists(st.lists(st.sampled_from("abcdefg"), max_size=9), max_size=8), st.integers(1, 5))
def test_a_memory_changes_no_vector_and_stays_bounded(batches: list[list[str]], most: int) -> None:
    recent, plain = RecentEmbedder(Telling(), most), Telling()
    for batch in batches:
        found = recent.embed_queries(batch)
        assert (found == plain.embed_queries(batch)).all()
        assert found.shape == (len(batch), 3)
        found[:] = -1  # what a caller does to it is not remembered
        assert len(recent._kept) <= most
        assert all(vector.base is None for vector in recent._kept.values())


def test_threads_share_a_memory() -> None:
    recent, plain = RecentEmbedder(Telling(), 20), Telling()
    batches = [[f"{(i * j) % 50}" for j in range(30)] for i in range(200)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(recent.embed_queries, batches))
    assert all((a == plain.embed_queries(b)).all() for a, b in zip(found, batches, strict=True))
    assert len(recent._kept) == 20
