"""Aligning two provinces: one to one, what differs, and that headings and preambles stay out."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.store import StoredParagraph
from index.align import compare, sides
from models.embedder import Embedder
from models.similarity import Matcher, clause_embedder, load_matcher

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "trained" / "matcher"


@pytest.fixture(scope="module")
def matcher(embedder: Embedder) -> Matcher:
    return load_matcher(SHIPPED, clause_embedder(SHIPPED, embedder))


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


def test_a_clause_left_over_joins_the_pair_it_repeats(matcher: Matcher) -> None:
    one = paragraph("Đến năm 2025, 85% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường.")
    b = [
        paragraph("Đến năm 2025, 85% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường.", "Cà Mau"),
        paragraph("Đến năm 2030, 100% siêu thị thay túi ni lông bằng bao bì thân thiện môi trường.", "Cà Mau"),
    ]
    found = compare("Cao Bằng", "Cà Mau", [one], b, matcher)
    assert len(found.aligned) == 1
    assert [side.text for side in found.aligned[0].also_b] == [b[1].text]
    assert found.only_b == ()


def test_what_both_took_from_the_decision_is_flagged(matcher: Matcher) -> None:
    taken = "70% khu công nghiệp, cụm công nghiệp, làng nghề được nâng cao nhận thức về sản xuất và tiêu dùng bền vững."
    own = "Trồng mới 1.000 ha rừng phòng hộ đầu nguồn."
    both = [paragraph(taken), paragraph(own)]
    found = compare("Cao Bằng", "Cà Mau", both, both, matcher)
    assert {pair.a.text: pair.national for pair in found.aligned} == {taken: "zones_informed", own: None}


def test_what_one_alone_took_from_the_decision_is_flagged(matcher: Matcher) -> None:
    taken = "70% khu công nghiệp, cụm công nghiệp, làng nghề được nâng cao nhận thức về sản xuất và tiêu dùng bền vững."
    own = "Trồng mới 1.000 ha rừng phòng hộ đầu nguồn."
    both = [paragraph(taken), paragraph(own)]
    flags = {taken: "zones_informed", own: None}
    for others in ([paragraph("Lắp đặt điện mặt trời trên mái trụ sở cơ quan nhà nước.", "Cà Mau")], []):
        assert {side.text: side.national for side in compare("A", "B", both, others, matcher).only_a} == flags
        assert {side.text: side.national for side in compare("A", "B", others, both, matcher).only_b} == flags
