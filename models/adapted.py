"""The default embedder with a task adapter: one run gives a passage's vector, the same as without, and its logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.adapter import Adapter
from models.changed import ChangedEmbedder, changeable
from models.embedder import PASSAGE_PROMPT, Count, Embedder, OnnxEmbedder, Vectors
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
        names = ["sentence_embedding", LOGITS]

        def read(text: str) -> Vectors:
            return np.concatenate(self._outputs(text, names, count))

        width = self.dimension + len(self.adapter.groups)
        both = self._filled(
            PASSAGE_PROMPT, texts, width, lambda prompted: np.stack(list(self._pool.map(read, prompted)))
        )
        return both[:, : self.dimension], both[:, self.dimension :]


def adapted(embedder: Embedder, adapter: Adapter) -> AdaptedEmbedder:
    """Return ``embedder`` with ``adapter``. Raises AdapterError where it is not the default embedder."""
    if isinstance(embedder, AdaptedEmbedder) and embedder.adapter.id == adapter.id:
        return embedder
    return AdaptedEmbedder(changeable(embedder, adapter), adapter)
