"""A small store of two provinces, with vectors that only know which words two texts share."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from corpus.provinces import province_named
from corpus.store import Analysis, Store
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


@pytest.fixture
def store(tmp_path: Path, words_embedder: WordEmbedder) -> Store:
    opened = Store(f"sqlite:///{tmp_path / 'store.db'}")
    for (place, year), rows in ROWS.items():
        province = province_named(place)
        paragraphs = tuple(Paragraph(name, n, text, "task") for n, (name, text, _) in enumerate(rows, 1))
        metadata = Metadata(
            number=f"{year}/KH-UBND", province=place, province_today=province.today, date_issued=date(year, 5, 7)
        )
        vectors = words_embedder.embed_passages([p.text for p in paragraphs])
        analyses = [
            Analysis([Tag(group, 0.9, assigned=True) for group in groups], (), vector)
            for (_, _, groups), vector in zip(rows, vectors, strict=True)
        ]
        opened.add(Document(place, f"{place}.txt", place, metadata, paragraphs), analyses, words_embedder.id)
    yield opened
    opened.close()
