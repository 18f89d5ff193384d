"""A small store of two provinces, vectors that only know which words two texts share, a matcher that knows less."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from corpus.provinces import province_named
from corpus.store import Analysis, Store
from corpus.targets import find_targets
from corpus.types import Document, Metadata, Paragraph, Tag
from nlp.fold import fold, words


class WordEmbedder:
    """Sums a random direction a word: alike texts share words."""

    id = "words"
    dimension = 64

    def embed_passages(self, texts: Sequence[str], count: Callable[[int], None] | None = None) -> np.ndarray:
        rows = []
        for text in texts:
            row = np.zeros(self.dimension)
            for word in words(fold(text)):
                row += np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.dimension)
            rows.append(row / (np.linalg.norm(row) or 1))
        return np.array(rows, np.float32).reshape(len(texts), self.dimension)

    embed_queries = embed_passages


ROWS = {
    ("Cao Bằng", 2021): [
        ("b1", "Phấn đấu 85% siêu thị thay túi ni lông bằng bao bì dễ phân hủy.", ["green_distribution"]),
        ("b2", "Lắp đặt điện mặt trời trên mái trụ sở các cơ quan nhà nước.", ["renewable_energy"]),
        ("b3", "Tuyên truyền về tiêu dùng bền vững cho hội viên phụ nữ.", ["awareness"]),
    ],
    ("Bắc Kạn", 2022): [
        ("k1", "Đến năm 2025, 70% siêu thị dùng bao bì thân thiện môi trường.", ["green_distribution"]),
        ("k2", "Xây dựng đường dương vào khu công nghiệp.", []),
    ],
}


@pytest.fixture
def words_embedder() -> WordEmbedder:
    return WordEmbedder()


def fill(store: Store, embedder: WordEmbedder) -> None:
    """Store the plans of ROWS."""
    for (place, year), rows in ROWS.items():
        province = province_named(place)
        paragraphs = tuple(Paragraph(name, n, text, "task") for n, (name, text, _) in enumerate(rows, 1))
        metadata = Metadata(
            number=f"{year}/KH-UBND", province=place, province_today=province.today, date_issued=date(year, 5, 7)
        )
        vectors = embedder.embed_passages([p.text for p in paragraphs])
        analyses = [
            Analysis([Tag(group, 0.9, assigned=True) for group in groups], (), vector)
            for (_, _, groups), vector in zip(rows, vectors, strict=True)
        ]
        store.add(Document(place, f"{place}.txt", place, metadata, paragraphs), analyses, embedder.id)


@pytest.fixture
def store(tmp_path: Path, words_embedder: WordEmbedder) -> Iterator[Store]:
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}")
    fill(opened, words_embedder)
    yield opened
    opened.close()


@pytest.fixture
def postgres_store(postgres_url: str, words_embedder: WordEmbedder) -> Iterator[Store]:
    """The same on PostgreSQL."""
    opened = Store(postgres_url)
    fill(opened, words_embedder)
    yield opened
    opened.close()


@dataclass(frozen=True)
class Words:
    """The first words of clauses."""

    first: tuple[str, ...]


class FirstWord:
    """Finds clauses the same that start with the same word, and those near that start with the same two letters."""

    id = "first-word"
    threshold = 0.5
    alignment_threshold = 0.7

    def __init__(self) -> None:
        self.described = 0

    def describe(self, texts: Sequence[str]) -> Words:
        self.described += len(texts)
        return Words(tuple(text.split()[0] for text in texts))

    def matrix(self, a: Words, b: Words) -> np.ndarray:
        rows = [[0.95 if x == y else 0.6 if x[:2] == y[:2] else 0.1 for y in b.first] for x in a.first]
        return np.array(rows).reshape(len(a.first), len(b.first))


def add_to_store(
    store: Store,
    name: str,
    province: str,
    year: int,
    texts: Sequence[str],
    kind: str = "task",
    groups: Sequence[str] = (),
    period: tuple[int, int] | None = None,
    agencies: tuple[str, ...] = (),
) -> None:
    """Store a plan whose paragraphs are ``texts``, with the targets found in them."""
    metadata = Metadata(
        number=f"{name}/KH-UBND",
        province=province,
        province_today=province_named(province).today,
        date_issued=date(year, 5, 1),
        period=period,
    )
    members = tuple(Paragraph(f"{name}#{n}", n, text, kind, agencies=agencies) for n, text in enumerate(texts, 1))
    analyses = [
        Analysis([Tag(g, 0.9, assigned=True) for g in groups], find_targets(text), np.zeros(2, np.float32))
        for text in texts
    ]
    digest = f"{name}{year}{texts}"
    store.add(Document(name, f"{name}.txt", digest, metadata, members), analyses, "none")


@pytest.fixture(scope="session")
def first_word() -> type[FirstWord]:
    return FirstWord


@pytest.fixture(scope="session")
def add() -> Callable[..., None]:
    return add_to_store


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    opened = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    yield opened
    opened.close()
