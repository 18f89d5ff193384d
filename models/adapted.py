"""The default embedder with a task adapter: one run gives a passage's vector, the same as without, and its logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.adapter import Adapter
from models.changed import ChangedEmbedder, changeable
from models.embedder import PASSAGE_PROMPT, Count, Embedder, OnnxEmbedder, Vectors, prepare
from models.graph import LOGITS

Logits = NDArray[np.float32]


class AdaptedEmbedder(ChangedEmbedder):
    """An ``OnnxEmbedder`` that also gives the logits of the ``adapter``'s groups. Its id is the base's: vectors are the same."""

    def __init__(self, base: OnnxEmbedder, adapter: Adapter) -> None:
        """Load the model with ``adapter`` from beside ``base``, built there if absent; raises DamagedModelError."""
        super().__init__(base, adapter)
        self.adapter = adapter

    def read_passages(self, texts: Sequence[str], count: Count | None = None) -> tuple[Vectors, Logits]:
        """Return the vectors of ``texts`` as ``embed_passages`` does, and logits of shape (texts, groups), 0 for empty texts."""
        prepared = [prepare(text) for text in texts]
        filled = [number for number, text in enumerate(prepared) if text]
        vectors = np.zeros((len(prepared), self.dimension), np.float32)
        logits = np.zeros((len(prepared), len(self.adapter.groups)), np.float32)
        names = ["sentence_embedding", LOGITS]
        prompted = [PASSAGE_PROMPT + prepared[number] for number in filled]
        for number, (vector, said) in zip(
            filled, self._pool.map(lambda text: self._outputs(text, names, count), prompted), strict=True
        ):
            vectors[number], logits[number] = vector, said
        return vectors, logits


def adapted(embedder: Embedder, adapter: Adapter) -> AdaptedEmbedder:
    """Return ``embedder`` with ``adapter``. Raises AdapterError where it is not the default embedder."""
    if isinstance(embedder, AdaptedEmbedder) and embedder.adapter.id == adapter.id:
        return embedder
    return AdaptedEmbedder(changeable(embedder, adapter), adapter)
