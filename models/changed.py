"""The default embedder with changed upper layers, built beside the one it is made from when first needed."""

from __future__ import annotations

import threading

from models.build import build, changed_folder, verify
from models.embedder import Embedder, OnnxEmbedder
from models.errors import AdapterError
from models.tuning import Tuning


class ChangedEmbedder(OnnxEmbedder):
    """An ``OnnxEmbedder`` made from another one by ``changes``; it shares that one's tokenizer and threads, and its id."""

    def __init__(self, base: OnnxEmbedder, changes: Tuning) -> None:
        """Load the model with ``changes`` from beside ``base``, built there if absent; raises DamagedModelError."""
        self.folder = changed_folder(base.folder, changes.id)
        if not self.folder.exists():
            build(self.folder, changes=changes)
        verify(self.folder, changes.id)
        self.id, self.dimension = base.id, base.dimension
        self._tokenizer, self._pool, self._lock = base._tokenizer, base._pool, threading.Lock()


def changeable(embedder: Embedder, changes: Tuning) -> OnnxEmbedder:
    """Return ``embedder``. Raises AdapterError where it is not the default one, which alone ``changes`` fit."""
    if not isinstance(embedder, OnnxEmbedder):
        raise AdapterError(f"{changes.id} changes the default embedder and does not fit {embedder.id}")
    return embedder
