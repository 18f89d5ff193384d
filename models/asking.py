"""An embedder whose queries another encoder reads than its passages: the default one with a tuning for queries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.embedder import Count, Embedder, OnnxEmbedder, Vectors
from models.tuned import TunedEmbedder
from models.tuning import Tuning, read_tuning

# What the folder of a tuning for queries is called.
NAME = "queries"


class AskingEmbedder:
    """``base`` for passages, ``base`` with a tuning for queries. Vectors of both lie in one space; its id names both."""

    def __init__(self, base: OnnxEmbedder, tuning: Tuning) -> None:
        """Load the tuned model from beside ``base``, built there if absent; raises DamagedModelError."""
        self._base, self._queries = base, TunedEmbedder(base, tuning)
        self.id, self.dimension = f"{base.id}+{NAME}-{tuning.id.removeprefix('tuning-')}", base.dimension

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed what is looked for."""
        return self._queries.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str], count: Count | None = None) -> Vectors:
        """Embed what is looked through; the vectors are those of ``base``."""
        return self._base.embed_passages(texts, count)


def query_tuning(folder: Path, **expected: object) -> Tuning:
    """Return the tuning in ``folder``. Raises AdapterError where it cannot be used or a detail is not as ``expected``."""
    return read_tuning(folder, "run `kehoach train --queries`", **expected)


def with_queries(embedder: Embedder, folder: Path) -> Embedder:
    """Return ``embedder`` with the tuning in ``folder`` for its queries; another than the default one as it is.

    Raises AdapterError where the tuning cannot be used.
    """
    if not isinstance(embedder, OnnxEmbedder):
        return embedder
    return AskingEmbedder(embedder, query_tuning(folder, embedder=embedder.id))
