"""What changed between two versions."""

from __future__ import annotations

from corpus.changes import changes
from corpus.types import Document, Metadata, Paragraph


def version(*texts: str, anchors: str = "") -> Document:
    labels = anchors or "123456789"[: len(texts)]
    parts = tuple(
        Paragraph(f"d#{a}", n, text, "task") for n, (a, text) in enumerate(zip(labels, texts, strict=True), 1)
    )
    return Document("d", "d.txt", "0", Metadata(), parts)


def said(old: Document, new: Document) -> list[tuple[str, str, str]]:
    return [(c.kind, c.before.text if c.before else "", c.after.text if c.after else "") for c in changes(old, new)]


def test_nothing_changed() -> None:
    assert said(version("a b", "c d"), version("a b", "c d")) == []


def test_added_removed_and_reworded() -> None:
    old = version("Mở hai lớp tập huấn", "Thu gom rác thải nhựa trên sông", "Trồng cây")
    new = version("Mở ba lớp tập huấn", "Trồng cây", "Lắp điện mặt trời")
    assert said(old, new) == [
        ("changed", "Mở hai lớp tập huấn", "Mở ba lớp tập huấn"),
        ("removed", "Thu gom rác thải nhựa trên sông", ""),
        ("added", "", "Lắp điện mặt trời"),
    ]


def test_a_paragraph_put_between_shifts_nothing() -> None:
    old, new = version("một hai ba", "bốn năm sáu"), version("một hai ba", "bảy tám chín", "bốn năm sáu")
    assert said(old, new) == [("added", "", "bảy tám chín")]
