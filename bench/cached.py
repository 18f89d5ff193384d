"""Keep vectors and answers in files, so that a bench run again is short."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from recipes import Answers

from models.embedder import Count, Embedder, Vectors

_SAVED_EVERY = 2000


class CachedEmbedder:
    """Passes texts it has not met to ``inner`` and keeps their float32 vectors by the texts' hashes."""

    def __init__(self, inner: Embedder, folder: Path) -> None:
        self.id, self.dimension, self._inner = inner.id, inner.dimension, inner
        self._file = folder / f"{inner.id.replace('/', '_')}.npz"
        self._known: dict[str, Vectors] = {}
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as kept:
                self._known = dict(zip(kept["hashes"].tolist(), kept["vectors"], strict=True))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._inner.embed_queries(texts)

    def embed_passages(self, texts: Sequence[str], count: Count | None = None) -> Vectors:
        hashes = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
        new = {name: text for name, text in zip(hashes, texts, strict=True) if name not in self._known}
        for start in range(0, len(new), _SAVED_EVERY):
            names = list(new)[start : start + _SAVED_EVERY]
            self._known.update(
                zip(names, self._inner.embed_passages([new[name] for name in names], count), strict=True)
            )
            self._save()
        return np.stack([self._known[name] for name in hashes])

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        work = self._file.with_name(f".{self._file.name}")
        np.savez(work, hashes=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
        work.replace(self._file)


def kept(file: Path, work: Callable[[], Sequence[Answers]]) -> list[Answers]:
    """Return what ``file`` keeps; where it is missing, do the ``work`` and keep that."""
    if not file.exists():
        parts = {
            f"{number}/{part}/{condition}": found
            for number, answers in enumerate(work())
            for part in ("held_out", "frozen")
            for condition, found in getattr(answers, part).items()
        }
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(file, **parts)
    answers: dict[int, Answers] = {}
    with np.load(file, allow_pickle=False) as stored:
        for name in stored.files:
            number, part, condition = name.split("/")
            getattr(answers.setdefault(int(number), Answers({}, {})), part)[condition] = stored[name]
    return [answers[number] for number in sorted(answers)]
