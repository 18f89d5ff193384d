"""The remembering embedder: new texts only, the same vector for good, names that keep embedders apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.remembered import RememberingEmbedder


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
