"""Keep the vectors of texts that come again, so that only new texts are embedded: all that one run used, or those asked for last."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from models.embedder import Embedder, Vectors

Vector = NDArray[np.float32]


class RememberingEmbedder:
    """An embedder that is told what was embedded before: ``known`` is what another one had ``used``.

    A text has one vector for good, where an embedder by itself may give slightly different ones in different batches. For
    one thread at a time.
    """

    def __init__(self, embedder: Embedder, known: Mapping[bytes, Vector]) -> None:
        self.id = embedder.id
        self.dimension = embedder.dimension
        self._embedder = embedder
        self._known = dict(known)
        self._used: dict[bytes, Vector] = {}

    @property
    def used(self) -> Mapping[bytes, Vector]:
        """A name of each text that was asked for, 32 bytes, and its vector."""
        return self._used

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, those not known before by the embedder."""
        names = [_name(self.id, text) for text in texts]
        new = {name: text for name, text in zip(names, texts, strict=True) if name not in self._known}
        if new:
            self._known |= dict(zip(new, self._embedder.embed_queries(list(new.values())), strict=True))
        rows = [self._known[name] for name in names]
        self._used |= dict(zip(names, rows, strict=True))
        return np.array(rows, np.float32).reshape(len(rows), self.dimension)

    def embed_passages(self, texts: Sequence[str], count: Callable[[int], None] | None = None) -> Vectors:
        """Embed texts as the embedder does; nothing of it is kept."""
        return self._embedder.embed_passages(texts, count)


class RecentEmbedder:
    """An embedder that keeps the vectors of the ``most`` texts it was asked for last. Safe to share between threads.

    A vector takes ``4 * dimension`` bytes; of a text only a name of 32 bytes is kept.
    """

    def __init__(self, embedder: Embedder, most: int) -> None:
        self.id = embedder.id
        self.dimension = embedder.dimension
        self._embedder = embedder
        self._most = most
        self._kept: OrderedDict[bytes, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed texts, those not kept by the embedder."""
        names = [_name(self.id, text) for text in texts]
        named = dict(zip(names, texts, strict=True))
        with self._lock:
            found = {name: self._kept[name] for name in named if name in self._kept}
        new = [name for name in named if name not in found]
        if new:
            # Outside the lock: two threads may embed a text twice, but none waits for what another embeds. A row is copied
            # because it would keep the whole batch in memory.
            vectors = self._embedder.embed_queries([named[name] for name in new])
            found |= {name: vector.copy() for name, vector in zip(new, vectors, strict=True)}
        with self._lock:
            for name in named:
                self._kept[name] = found[name]
                self._kept.move_to_end(name)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        rows = [found[name] for name in names]
        return np.array(rows, np.float32).reshape(len(rows), self.dimension)

    def embed_passages(self, texts: Sequence[str], count: Callable[[int], None] | None = None) -> Vectors:
        """Embed texts as the embedder does; nothing of it is kept."""
        return self._embedder.embed_passages(texts, count)


def _name(embedder_id: str, text: str) -> bytes:
    return hashlib.sha256(f"{embedder_id}\0{text}".encode("utf-8", "replace")).digest()
