"""Aligning two provinces: one to one, what differs, and that headings and preambles stay out."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.store import StoredParagraph
from index.align import Side, compare, differences, shared_words, sides
from models.embedder import Embedder
from models.similarity import Matcher, load_matcher

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "trained" / "matcher"


@pytest.fixture(scope="module")
def matcher(embedder: Embedder) -> Matcher:
    return load_matcher(SHIPPED, embedder)


def paragraph(text: str, place: str = "Cao Bằng", kind: str = "task", is_heading: bool = False) -> StoredParagraph:
    return StoredParagraph(1, text[:8], "d", 1, text, kind, (), is_heading, place, place, 2021, None, None)


def test_clauses_that_say_the_same_are_paired_once(matcher: Matcher) -> None:
    a = [
        paragraph("Đến năm 2025, 85% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường."),
        paragraph("Lắp đặt điện mặt trời trên mái trụ sở cơ quan nhà nước."),
        paragraph("Trồng mới 1.000 ha rừng phòng hộ đầu nguồn."),
    ]
    b = [
        paragraph("Lắp đặt điện mặt trời trên mái các trụ sở cơ quan nhà nước trong tỉnh.", "Cà Mau"),
        paragraph("Đến năm 2030, 100% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường.", "Cà Mau"),
    ]
    found = compare("Cao Bằng", "Cà Mau", a, b, matcher)
    assert {(pair.a.paragraph.text[:8], pair.b.paragraph.text[:8]) for pair in found.aligned} == {
        ("Đến năm ", "Đến năm "),
        ("Lắp đặt ", "Lắp đặt "),
    }
    assert [side.text[:9] for side in found.only_a] == ["Trồng mới"]
    assert found.only_b == ()
    bags = next(pair for pair in found.aligned if pair.a.text.startswith("Đến"))
    assert {(d.kind, d.a, d.b) for d in bags.differs} == {("value", "85%", "100%"), ("deadline", "2025", "2030")}
    assert "siêu thị" in bags.shared


def test_headings_preambles_and_empty_sides_stay_out(matcher: Matcher) -> None:
    rows = [paragraph("I. MỤC TIÊU", is_heading=True), paragraph("Căn cứ Quyết định 889/QĐ-TTg;", kind="preamble")]
    assert sides(rows) == []
    found = compare("A", "B", rows, [paragraph("Thu gom rác thải nhựa.")], matcher)
    assert (found.aligned, found.only_a, len(found.only_b)) == ((), (), 1)


def test_a_long_paragraph_is_cut_into_its_clauses() -> None:
    text = "Thu gom rác thải nhựa tại các chợ và khu dân cư trên địa bàn tỉnh. " * 2 + (
        "Lắp đặt điện mặt trời trên mái các trụ sở cơ quan nhà nước; tập huấn cho cán bộ các huyện về tiêu dùng bền vững."
    )
    assert len(sides([paragraph(text)])) == 3


@pytest.mark.parametrize(
    ("a", "b", "kinds"),
    [
        ("85% siêu thị", "85% siêu thị", set()),
        ("85% siêu thị", "trên 85% siêu thị", {"value"}),
        ("Báo cáo trước ngày 01/12/2025", "Báo cáo trước ngày 15/12/2025", {"deadline"}),
        ("Sở Công Thương chủ trì", "Sở Tài chính chủ trì", {"agency"}),
        ("Sở Công Thương chủ trì", "sở công thương chủ trì", set()),
        ("Báo cáo trước ngày 31 tháng 12 hằng năm", "Báo cáo trước ngày 10 tháng 12 năm 2024", {"deadline"}),
        ("Căn cứ Nghị định ban hành ngày 01/02/2020", "Căn cứ Nghị định ban hành ngày 03/02/2020", set()),
    ],
)
def test_differences_by_kind(a: str, b: str, kinds: set[str]) -> None:
    found = differences(Side(paragraph(a), a), Side(paragraph(b), b))
    assert {difference.kind for difference in found} == kinds


def test_shared_words_are_content_words_without_figures() -> None:
    assert shared_words("Thu gom 90% rác thải và tái chế", "Tái chế rác thải, thu gom 90%") == (
        "thu gom",
        "rác thải",
        "tái chế",
    )
