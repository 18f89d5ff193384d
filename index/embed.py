"""Embed what is stored and has no vector yet of the embedder in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from corpus.store import Store
from models.embedder import Embedder

_AT_ONCE = 1_000
# Gets what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def embed(
    store: Store,
    embedder: Embedder,
    missing: Sequence[tuple[int, str]],
    tell: Callable[[str], None],
    progress: Progress,
) -> None:
    """Embed the (key, text) ``missing`` and keep their vectors in ``store``, telling what is done."""
    if missing:
        tell(f"embedding {len(missing)} paragraphs with {embedder.id}")
    for start in range(0, len(missing), _AT_ONCE):
        part = missing[start : start + _AT_ONCE]
        vectors = embedder.embed_passages([text for _, text in part])
        store.add_vectors(embedder.id, [key for key, _ in part], vectors)
        progress("embedding paragraphs", start + len(part), len(missing))
