"""Turn texts into vectors, behind one small protocol with two implementations.

Both share what decides a vector: the e5 prompts, the clean-up of hostile input, the length limit and unit length.
"""

from __future__ import annotations

import os
import threading
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from corpus.stages import stage
from models.build import MAX_TOKENS, build, default_folder, verify

Vectors = NDArray[np.float32]
Count = Callable[[int], None]

QUERY_PROMPT = "query: "
PASSAGE_PROMPT = "passage: "
# No Vietnamese text needs more to fill MAX_TOKENS; the rest is never tokenised.
MAX_CHARACTERS = 8 * MAX_TOKENS


class Embedder(Protocol):
    """Maps texts to float32 unit vectors of shape (texts, dimension).

    A text is read up to MAX_CHARACTERS and MAX_TOKENS. NUL, other controls and lone surrogates count as spaces. A text
    with nothing left maps to the zero vector, whose similarity to everything is 0.
    """

    id: str
    dimension: int

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Embed what is looked for, and texts compared with one another."""
        ...

    def embed_passages(self, texts: Sequence[str], count: Count | None = None) -> Vectors:
        """Embed what is looked through; ``count`` is called with 1 for every text done."""
        ...


def prepare(text: str) -> str:
    """Return ``text`` cut to MAX_CHARACTERS with controls and lone surrogates turned into single spaces."""
    kept = "".join(c if c.isprintable() else " " for c in text[:MAX_CHARACTERS])
    return " ".join(kept.split())


class _Prompted:
    """What both implementations share; they add only how prepared, non-empty texts are encoded."""

    dimension: int

    @abstractmethod
    def _encode(self, texts: Sequence[str], count: Count | None) -> Vectors:
        """Return the unit vectors of prompted texts."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(QUERY_PROMPT, texts, None)

    def embed_passages(self, texts: Sequence[str], count: Count | None = None) -> Vectors:
        return self._embed(PASSAGE_PROMPT, texts, count)

    def _embed(self, prompt: str, texts: Sequence[str], count: Count | None) -> Vectors:
        return self._filled(prompt, texts, self.dimension, lambda prompted: self._encode(prompted, count))

    def _filled(self, prompt: str, texts: Sequence[str], width: int, encode: Callable[[list[str]], Vectors]) -> Vectors:
        """Return (texts, width): what ``encode`` makes of those that are not empty once prepared, prompted; 0 for the others."""
        prepared = [prepare(text) for text in texts]
        filled = [i for i, text in enumerate(prepared) if text]
        found = np.zeros((len(prepared), width), np.float32)
        if filled:
            with stage("embed"):
                found[filled] = encode([prompt + prepared[i] for i in filled])
        return found


class OnnxEmbedder(_Prompted):
    """The default embedder: a folder made by ``models.build``, run by onnxruntime.

    Every text is its own run: 8-bit activations are scaled over a whole batch, so batch mates would change a vector, and
    padding would cost time. Runs are spread over threads instead, which is faster and gives the same vector every time.
    """

    _opened: Any = None

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        """Load ``folder``; raises DamagedModelError where it does not match its manifest."""
        from tokenizers import Tokenizer

        manifest = verify(folder)
        self.folder = folder
        self.id = f"{manifest['name']}-{manifest['build']}"
        self.dimension = int(manifest["dimension"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        # Set once here and never again: changing it while another thread encodes raises "Already borrowed".
        self._tokenizer.enable_truncation(int(manifest["max_tokens"]))
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(threads or available_processors(), thread_name_prefix="embed")

    @property
    def _session(self) -> Any:
        """The session, opened when first needed: a tagger with an adapter has one of its own and never needs this."""
        with self._lock:
            if self._opened is None:
                import onnxruntime

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = 1
                options.log_severity_level = 3
                model = str(self.folder / "model.onnx")
                self._opened = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            return self._opened

    def tokens(self, text: str, prompt: str = PASSAGE_PROMPT) -> list[int]:
        """Return the ids of the tokens of a text as the encoder reads them."""
        return list(self._tokenizer.encode(prompt + prepare(text)).ids)

    def _encode(self, texts: Sequence[str], count: Count | None) -> Vectors:
        if len(texts) == 1:
            return self._run(texts[0], count)[None]
        return np.stack(list(self._pool.map(lambda text: self._run(text, count), texts)))

    def _run(self, text: str, count: Count | None) -> Vectors:
        return self._outputs(text, ["sentence_embedding"], count)[0]

    def _outputs(self, text: str, names: list[str], count: Count | None) -> list[Vectors]:
        """Return what the encoder says of a prompted text under ``names``, without the batch dimension."""
        tokens = self._tokenizer.encode(text)
        feed = {
            "input_ids": np.array([tokens.ids], np.int64),
            "attention_mask": np.array([tokens.attention_mask], np.int64),
        }
        found = [output[0] for output in self._session.run(names, feed)]
        if count:
            count(1)
        return found


class TransformerEmbedder(_Prompted):
    """Any model that ``sentence-transformers`` loads, by hub name or folder; needs ``kehoach[transformers]``."""

    def __init__(self, name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise ImportError(
                f"embedder {name!r} needs sentence-transformers: pip install 'kehoach[transformers]' -c constraints.txt"
            ) from error
        self._model = SentenceTransformer(name, device=None)
        self._model.max_seq_length = min(MAX_TOKENS, self._model.max_seq_length or MAX_TOKENS)
        self.id = f"sentence-transformers:{name}"
        dimension = self._model.get_embedding_dimension()
        if dimension is None:
            raise ValueError(f"embedder {name!r} does not tell its dimension")
        self.dimension = dimension

    def _encode(self, texts: Sequence[str], count: Count | None) -> Vectors:
        # prompt="": the prompts are already in the texts, the same for every model.
        vectors = self._model.encode(list(texts), prompt="", normalize_embeddings=True, show_progress_bar=False)
        if count:
            count(len(texts))
        return np.asarray(vectors, np.float32)


def load_embedder(name: str, cache: Path, threads: int | None = None) -> Embedder:
    """Return the embedder ``name``: "default" (built into ``cache`` when absent), or a sentence-transformers name."""
    if name != "default":
        return TransformerEmbedder(name)
    folder = default_folder(cache)
    if not folder.exists():
        build(folder)
    return OnnxEmbedder(folder, threads)


def available_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
