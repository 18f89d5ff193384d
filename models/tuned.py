"""The default embedder with tuned upper layers: for texts that are compared with one another, or for queries alone (``models.asking``)."""

from __future__ import annotations

from models.changed import ChangedEmbedder, changeable
from models.embedder import Embedder, OnnxEmbedder
from models.tuning import Tuning


class TunedEmbedder(ChangedEmbedder):
    """An ``OnnxEmbedder`` whose vectors a tuning has changed; its id names both."""

    def __init__(self, base: OnnxEmbedder, tuning: Tuning) -> None:
        """Load the model with ``tuning`` from beside ``base``, built there if absent; raises DamagedModelError."""
        super().__init__(base, tuning)
        self.id = tuned_id(base, tuning)


def tuned(embedder: Embedder, tuning: Tuning) -> TunedEmbedder:
    """Return ``embedder`` with ``tuning``. Raises AdapterError where it is not the default embedder."""
    return TunedEmbedder(changeable(embedder, tuning), tuning)


def tuned_id(base: Embedder, tuning: Tuning) -> str:
    """Return the id of ``base`` with ``tuning``."""
    return f"{base.id}+{tuning.id}"
