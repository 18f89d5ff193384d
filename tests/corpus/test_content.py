"""The hash over what a store holds: the same however it came there, another when any of it differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from corpus.content import content_hash
from corpus.store import Analysis, Store
from corpus.types import Document, Metadata, Paragraph, Tag, Target

Held = list[tuple[Document, list[Analysis]]]


def held(name: str) -> tuple[Document, list[Analysis]]:
    members = tuple(Paragraph(f"{name}#{n}", n, f"đoạn {n}", "task") for n in (1, 2))
    target = Target("tỷ lệ", ">=", (85.0,), "%", "2025", None, (0, 3))
    tags = [Tag("awareness", 0.25, False, model_id="m"), Tag("circular_economy", 0.5, True, model_id="m")]
    return Document(name, f"{name}.txt", name, Metadata(province="Cà Mau"), members), [
        Analysis(tags, [target], np.ones(3, np.float32)) for _ in members
    ]


@pytest.fixture
def hash_of(tmp_path: Path) -> Iterator[Callable[[Held], str]]:
    stores = []

    def make(documents: Held) -> str:
        store = Store(f"sqlite:///{tmp_path / str(len(stores))}.db")
        stores.append(store)
        for document, analyses in documents:
            store.add(document, analyses, "e")
        return content_hash(store)

    yield make
    for store in stores:
        store.close()


def test_order_row_numbers_and_earlier_versions_do_not_count(hash_of: Callable[[Held], str]) -> None:
    one, two = held("a"), held("b")
    older = replace(two[0], sha256="older", source="older.txt")
    backwards = [(document, [replace(a, tags=a.tags[::-1]) for a in analyses]) for document, analyses in (two, one)]
    assert hash_of([one, two]) == hash_of(backwards) == hash_of([(older, two[1]), one, two])


def _first(analyses: Sequence[Analysis], **changes: object) -> list[Analysis]:
    return [replace(analyses[0], **changes), *analyses[1:]]  # type: ignore[arg-type]


def test_any_difference_counts(hash_of: Callable[[Held], str]) -> None:
    document, analyses = held("a")
    tag, other = analyses[0].tags
    shorter = replace(document, paragraphs=document.paragraphs[:1])
    hashes = [
        hash_of(content)
        for content in (
            [],
            [(document, analyses)],
            [(document, analyses), held("b")],
            [(replace(document, metadata=Metadata(province="Long An")), analyses)],
            [(shorter, analyses[:1])],
            [(document, _first(analyses, tags=[replace(tag, probability=0.26), other]))],
            [(document, _first(analyses, tags=[replace(tag, source="person"), other]))],
            [(document, _first(analyses, targets=[]))],
            [(document, _first(analyses, corrected="đoạn"))],
        )
    ]
    assert len(set(hashes)) == len(hashes)
