"""Measure families and coverage over made-up stores of growing size: `python bench/families.py [PROVINCES]...`.

Each province has one plan of 300 paragraphs, put together from clauses of the project's labelled paragraphs by a seeded
draw. Embedding, whose rate results/speed.md has, is left out: vectors are made of the words instead. Times are those that
the processors spent, which other programs on the machine disturb little. Prints a row of a Markdown table for each size.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from corpus import labelled
from corpus.provinces import provinces
from corpus.store import Analysis, Store
from corpus.targets import find_targets
from corpus.types import Document, Metadata, Paragraph, Tag
from index.coverage import coverage
from index.families import Families
from index.families_file import read, refresh
from index.gaps import gaps, summarise
from index.view import View
from models.embedder import Embedder, load_embedder
from models.remembered import RememberingEmbedder
from models.similarity import clause_embedder, load_matcher
from nlp.sentences import clauses
from service.settings import Settings
from service.workspace import own_or_shipped

PARAGRAPHS = 300
GROUPS = ("awareness", "circular_economy", "green_distribution", "renewable_energy")


class DrawnVectors:
    """In place of the default embedder: words are drawn directions, and texts lie as near one another as with e5."""

    def __init__(self, embedder: Embedder) -> None:
        self.id = embedder.id
        self.dimension = embedder.dimension
        self._words: dict[str, np.ndarray] = {}

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        """Return the sum of the words' directions and of a larger one that all texts share."""
        rows = np.zeros((len(texts), self.dimension))
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row += self._direction(word)
            row /= np.linalg.norm(row)
        rows = 0.6 * rows + 0.8 * self._direction("")
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def embed_passages(self, texts: Sequence[str], count: Callable[[int], None] | None = None) -> np.ndarray:
        """Is not asked for here."""
        raise NotImplementedError(f"{len(texts)} passages, {count}")

    def _direction(self, word: str) -> np.ndarray:
        if word not in self._words:
            drawn = np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.dimension)
            self._words[word] = drawn / np.linalg.norm(drawn)
        return self._words[word]


def add_plan(store: Store, number: int) -> None:
    """Store the made-up plan of one of today's provinces."""
    draw = random.Random(number)
    pool = [text[a:b] for text in labelled.texts() for a, b in clauses(text) if len(text[a:b].split()) > 5]
    today = sorted({province.today for province in provinces()})[number]
    texts = [f"{draw.choice(pool)} {draw.choice(pool)}" for _ in range(PARAGRAPHS)]
    members = tuple(Paragraph(f"{number}#{n}", n, text, "task") for n, text in enumerate(texts, 1))
    metadata = Metadata(province=today, province_today=today, date_issued=date(2021, 1, 1))
    analyses = [
        Analysis([Tag(draw.choice(GROUPS), 0.9, assigned=True)], find_targets(text), np.zeros(1, np.float32))
        for text in texts
    ]
    store.add(Document(str(number), f"{number}.txt", str(number), metadata, members), analyses, "none")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds that ``work`` took and what it gave."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def main(sizes: list[int]) -> None:
    """Measure each size, its last plan arriving after the others."""
    settings = Settings()
    print("| provinces | statements | all new s | one more s | none new s | summaries ms | gaps ms | coverage ms |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as home:
        store, file = Store(f"sqlite:///{home}/store.db"), Path(home, "families.npz")
        folder = own_or_shipped(settings.own_matcher, "matcher")
        base = DrawnVectors(clause_embedder(folder, load_embedder("default", settings.cache)))

        def families() -> Families:
            kept = read(file)
            embedder = RememberingEmbedder(base, kept.vectors)
            matcher = load_matcher(folder, embedder)
            return refresh(file, store, embedder, matcher, kept)

        stored = 0
        for size in sizes:
            while stored < size - 1:
                add_plan(store, stored)
                stored += 1
            file.unlink(missing_ok=True)
            first, _ = timed(families)
            add_plan(store, stored)
            stored += 1
            more, _ = timed(families)
            again, found = timed(families)
            summed, _ = timed(partial(summarise, found.families, View()))
            lacking, _ = timed(partial(gaps, found, "Cà Mau", View(), lambda place: True))
            covered = min(timed(lambda: coverage(store, View()))[0] for _ in range(5))
            count = sum(map(len, found.statements.values()))
            row = (
                size,
                count,
                f"{first:.1f}",
                f"{more:.1f}",
                f"{again:.2f}",
                *(f"{1000 * s:.0f}" for s in (summed, lacking, covered)),
            )
            print("| " + " | ".join(map(str, row)) + " |", flush=True)
        store.close()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [5, 10, 20, 34])
