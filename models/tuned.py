"""The default embedder with tuned upper layers: vectors of another space, for texts that are compared with one another."""

from __future__ import annotations

import threading

from models.build import build, changed_folder, verify
from models.embedder import Embedder, OnnxEmbedder
from models.errors import AdapterError
from models.tuning import Tuning


class TunedEmbedder(OnnxEmbedder):
    """An ``OnnxEmbedder`` whose vectors a tuning has changed; its id names both."""

    def __init__(self, base: OnnxEmbedder, tuning: Tuning) -> None:
        """Load the model with ``tuning`` from beside ``base``, built there if absent; raises DamagedModelError."""
        self.folder = changed_folder(base.folder, tuning.id)
        if not self.folder.exists():
            build(self.folder, changes=tuning)
        verify(self.folder, tuning.id)
        self.id, self.dimension = tuned_id(base, tuning), base.dimension
        self._tokenizer, self._pool, self._lock = base._tokenizer, base._pool, threading.Lock()


def tuned(embedder: Embedder, tuning: Tuning) -> TunedEmbedder:
    """Return ``embedder`` with ``tuning``. Raises AdapterError where it is not the default embedder."""
    if not isinstance(embedder, OnnxEmbedder):
        raise AdapterError(f"{tuning.id} changes the default embedder and does not fit {embedder.id}")
    return TunedEmbedder(embedder, tuning)


def tuned_id(base: Embedder, tuning: Tuning) -> str:
    """Return the id of ``base`` with ``tuning``."""
    return f"{base.id}+{tuning.id}"
