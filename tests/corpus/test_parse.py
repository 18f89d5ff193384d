"""Parsing whole documents: permalinks, spans, the five real texts and any text at all."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.parse import parse, ready_documents
from corpus.read import Source, read
from corpus.ready import ReadyParagraph
from corpus.types import Document
from nlp.normalize import normalize

PLAN = """ỦY BAN NHÂN DÂN      CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM
TỈNH LÀO CAI          Độc lập - Tự do - Hạnh phúc
Số: 34/KH-UBND        Lào Cai, ngày 5 tháng 6 năm 2022

KẾ HOẠCH
Giảm túi ni lông tại các chợ giai đoạn 2022 - 2025

Căn cứ Quyết định số 889/QĐ-TTg ngày 24/6/2020;

I. MỤC TIÊU
1. Giảm 50% túi ni lông tại chợ.
II. NHIỆM VỤ
1. Sở Công Thương: chủ trì vận động tiểu thương.
2. Lắp đặt điểm đổi túi.

Nơi nhận:
- Lưu: VT.
CHỦ TỊCH
Trần Văn Thử
"""


def document(text: str, name: str = "a.txt") -> Document:
    return parse(Source(name, normalize(text), "0" * 64))


def test_a_plan_from_head_to_foot() -> None:
    plan = document(PLAN)
    about = plan.metadata
    assert plan.id == "lao-cai/34-kh-ubnd-2022"
    assert (about.number, about.date_issued, about.signer, about.period) == (
        "34/KH-UBND",
        date(2022, 6, 5),
        "Trần Văn Thử",
        (2022, 2025),
    )
    assert about.title == "Giảm túi ni lông tại các chợ giai đoạn 2022 - 2025"
    assert about.based_on == ("889/QĐ-TTg",)
    assert [(p.id.split("#")[1], p.kind) for p in plan.paragraphs] == [
        ("0.1", "preamble"), ("I", "objective"), ("I.1", "objective"), ("II", "task"), ("II.1", "assignment"), ("II.2", "task"),
    ]  # fmt: skip
    assert {s.reason for s in plan.skipped} == {"header", "title", "recipients", "signature"}


def test_every_line_is_kept_or_skipped() -> None:
    text = normalize(PLAN)
    plan = document(PLAN)
    skipped = {s.line for s in plan.skipped}
    kept = " ".join(text[p.start : p.end] for p in plan.paragraphs)
    for number, line in enumerate(text.split("\n"), 1):
        assert not line or number in skipped or line in kept


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ngày 5 tháng 6 năm 2022", "ngày    tháng    năm", "lao-cai/34-kh-ubnd-2022"),
        ("Số: 34/", "Số: 34/2022/", "lao-cai/34-2022-kh-ubnd"),
        ("Số: 34/", "Số:   /", "lao-cai/giam-tui-ni-long-tai-cac-cho-giai-f23ac431"),
    ],
)
def test_permalinks(old: str, new: str, expected: str) -> None:
    assert document(PLAN.replace(old, new)).id == expected


def test_ready_rows_become_documents() -> None:
    rows = [
        ReadyParagraph("a", "d1", "một", "Cao Bằng", kind="news", year=2020),
        ReadyParagraph("b", "d1", "hai", kind="?"),
        ReadyParagraph("c", "d2", "ba"),
    ]
    first, second = ready_documents(rows, "rows.jsonl", "0")
    assert [(p.id, p.kind) for p in first.paragraphs] == [("a", "news"), ("b", "task")]
    assert (first.metadata.province, first.metadata.year, second.id) == ("Cao Bằng", 2020, "d2")


WORDS = st.sampled_from(
    ["I. ", "1. ", "a) ", "- ", "A. ", "Điều 1. ", "KẾ HOẠCH", "QUYẾT ĐỊNH:", "PHỤ LỤC", "PHẦN I", "Nơi nhận:", "CHỦ TỊCH", "\n", "\n\n", " | ",
     "TT | Nhiệm vụ | Hạn", "Số: 1/KH-UBND", "Căn cứ ", "MỤC TIÊU CHUNG", "rừng", "Giao Sở Y tế", ".", ";", ":", "2021 -", "[1]", "|", "**", "1.1. ", "(", "“"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(WORDS, max_size=40).map("".join), st.text(max_size=300)))
def test_spans_lie_in_the_text_and_anchors_are_unique(text: str) -> None:
    text = normalize(text)
    found = parse(Source("a.txt", text, "0" * 64))
    ids = [p.id for p in found.paragraphs]
    assert len(set(ids)) == len(ids)
    assert [p.ordinal for p in found.paragraphs] == list(range(1, len(ids) + 1))
    for paragraph in found.paragraphs:
        assert paragraph.text
        assert 0 <= paragraph.start < paragraph.end <= len(text)
        assert paragraph.text.split()[-1].strip("|;:") in text[paragraph.start : paragraph.end] or ":" in paragraph.text


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> dict[str, Document]:
    folder = Path(__file__).resolve().parents[3] / "shared" / "seeds"
    if not folder.is_dir():
        pytest.skip("the real documents are not here")
    return {file.name[:3]: parse(read(file)) for file in sorted(folder.glob("*.txt"))}


@pytest.mark.parametrize(
    ("name", "number", "type_name", "issued", "province", "today"),
    [
        ("000", None, None, None, "Bắc Kạn", "Thái Nguyên"),
        ("001", "1043/KH-UBND", "Kế hoạch", date(2021, 5, 7), "Cao Bằng", "Cao Bằng"),
        ("002", "174/KH-UBND", "Kế hoạch", None, "Cà Mau", "Cà Mau"),
        ("003", None, None, None, None, None),
        ("004", "1635/QĐ-UBND", "Quyết định", None, "Bắc Kạn", "Thái Nguyên"),
    ],
)
def test_real_metadata(
    real: dict[str, Document],
    name: str,
    number: str | None,
    type_name: str | None,
    issued: date | None,
    province: str | None,
    today: str | None,
) -> None:
    about = real[name].metadata
    assert (about.number, about.type, about.date_issued, about.province, about.province_today) == (
        number,
        type_name,
        issued,
        province,
        today,
    )


def test_real_plan_in_full(real: dict[str, Document]) -> None:
    plan = real["001"]
    assert (plan.metadata.signer, plan.metadata.based_on) == ("Nguyễn Bích Ngọc", ("889/QĐ-TTg",))
    assert plan.paragraphs[0].kind == "preamble"
    assert {"I.1.1", "I.2.5", "II.1.5", "II.3.4"} <= {p.id.split("#")[1] for p in plan.paragraphs}


@pytest.mark.parametrize(("name", "count"), [("000", 7), ("001", 26), ("002", 13), ("003", 8), ("004", 6)])
def test_real_texts_keep_their_paragraphs_only(real: dict[str, Document], name: str, count: int) -> None:
    assert len(real[name].paragraphs) == count
    for paragraph in real[name].paragraphs:
        text = paragraph.text.lower()
        assert paragraph.is_heading or text.endswith((".", ";", "”", "…", "...")) or len(text) > 80
        assert not any(
            word in text for word in ("view counter", "xem thêm", "giấy phép", "skip to content", "chia sẻ :")
        )
