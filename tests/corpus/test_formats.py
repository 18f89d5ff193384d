"""One plan in every format gives the same paragraphs and metadata; readers run in a process that may die."""

from __future__ import annotations

import os
import signal
import sys
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.enum.text import WD_ALIGN_PARAGRAPH

from corpus import ocr
from corpus import word as word_module
from corpus.files import UnreadableError
from corpus.parse import parse
from corpus.read import read, read_bytes
from corpus.types import Document
from corpus.word import docx_text
from corpus.worker import Limits, Worker

FILES = Path(__file__).parent / "files"
FIELDS = ("number", "type", "title", "province", "province_today", "date_issued", "issuing_body", "based_on", "period")


@pytest.fixture(scope="module")
def whole() -> Document:
    return parse(read(FILES / "binh-duong.txt"))


@pytest.fixture(scope="module")
def worker() -> Worker:
    opened = Worker()
    yield opened
    opened.close()


def alike(a: Document, b: Document) -> float:
    texts = ("\n".join(p.text for p in d.paragraphs) for d in (a, b))
    return SequenceMatcher(None, *texts, autojunk=False).ratio()


@pytest.mark.parametrize("suffix", ["html", "docx", "doc", "pdf"])
def test_formats_give_the_same(whole: Document, worker: Worker, suffix: str) -> None:
    if suffix == "doc" and word_module.shutil.which("antiword") is None:
        pytest.skip("antiword is not installed")
    path = FILES / f"binh-duong.{suffix}"
    document = worker.parse(path.read_bytes(), path.name)
    assert alike(document, whole) >= 0.98
    assert [p.id for p in document.paragraphs] == [p.id for p in whole.paragraphs]
    assert [p.heading_path for p in document.paragraphs] == [p.heading_path for p in whole.paragraphs]
    for field in FIELDS:
        assert getattr(document.metadata, field) == getattr(whole.metadata, field)
    rows = [p.text for p in document.paragraphs if "Cơ quan chủ trì:" in p.text]
    assert len(rows) == 7
    assert rows[6].startswith(
        "Nhiệm vụ: Phổ biến nghĩa vụ môi trường trong hiệp định thương mại tự do; Cơ quan chủ trì: Sở Công Thương"
    )


def test_pages_and_evidence(worker: Worker) -> None:
    path = FILES / "binh-duong.pdf"
    document = worker.parse(path.read_bytes(), path.name)
    pages = [p.page for p in document.paragraphs]
    assert pages == sorted(pages)
    assert (pages[0], pages[-1]) == (1, 6)
    number = document.metadata.evidence["number"]
    assert document.text[number.start : number.end] == "5308/KH-UBND"
    assert number.place == "header"
    assert 0.9 < number.confidence <= 1


def test_a_scan_is_recognised(whole: Document, worker: Worker) -> None:
    if missing := ocr.missing():
        pytest.skip(f"{missing} is not installed")
    path = FILES / "binh-duong-scan.pdf"
    document = worker.parse(path.read_bytes(), path.name)
    assert document.notes == ("page 1 read by text recognition (OCR)",)
    assert document.metadata.number == "5308/KH-UBND"
    count = len(document.paragraphs)
    scanned, meant = ("\n".join(p.text for p in d.paragraphs[:count]) for d in (document, whole))
    matcher = SequenceMatcher(None, scanned, meant, autojunk=False)
    wrong = sum(max(b - a, d - c) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal")
    assert wrong / len(meant) <= 0.015


def test_without_recognition_a_scan_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "missing", lambda: "tesseract")
    with pytest.raises(UnreadableError, match=r"page 1 only pictures and not read.*tesseract-ocr-vie"):
        read(FILES / "binh-duong-scan.pdf")


def test_word_numbers_lists_and_tables_are_read() -> None:
    document = docx.Document()
    for text in ("Mở lớp tập huấn", "In tờ rơi"):
        document.add_paragraph(text, style="List Number")
    document.add_paragraph("Thu gom pin", style="List Bullet")
    table = document.add_table(rows=3, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "Nhiệm vụ"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "Sở Công Thương"
    table.cell(2, 0).text = "hai"
    document.add_paragraph("Cuối").alignment = WD_ALIGN_PARAGRAPH.RIGHT
    import io

    out = io.BytesIO()
    document.save(out)
    assert [line for line in docx_text(out.getvalue()).splitlines() if line] == [
        "1. Mở lớp tập huấn", "2. In tờ rơi", "- Thu gom pin", "Nhiệm vụ |  |", " |  | Sở Công Thương".strip(),
        "hai |  | Sở Công Thương", "Cuối",
    ]  # fmt: skip


def test_legacy_codes_are_put_into_unicode() -> None:
    tcvn3 = "KÕ ho¹ch thùc hiÖn Ch­¬ng tr×nh hµnh ®éng quèc gia vÒ s¶n xuÊt vµ tiªu dïng bÒn v÷ng"
    for data in (tcvn3.encode("cp1252"), tcvn3.encode()):
        source = read_bytes(data, "a.txt")
        assert source.text == "Kế hoạch thực hiện Chương trình hành động quốc gia về sản xuất và tiêu dùng bền vững"
    assert source.notes == ("written in TCVN3, put into Unicode",)
    vni = "Keá hoaïch thöïc hieän Chöông trình haønh ñoäng quoác gia veà saûn xuaát vaø tieâu duøng beàn vöõng"
    assert read_bytes(vni.encode(), "a.txt").text.startswith("Kế hoạch thực hiện Chương trình hành động")


@pytest.mark.parametrize("text", ["Sở Y tế", "Café déjà vu, élève ñandú", "Plan of action for 2030", "TP. Huế: 5%"])
def test_text_that_is_right_stays(text: str) -> None:
    assert read_bytes(text.encode(), "a.txt").text == text


def test_a_slow_file_costs_only_itself(whole: Document) -> None:
    hasty = Worker(Limits(seconds=0.001))
    with pytest.raises(UnreadableError, match=r"took over 0\.001 seconds"):
        hasty.parse((FILES / "binh-duong.pdf").read_bytes() * 20, "a.pdf")
    hasty._limits = Limits()
    assert hasty.parse((FILES / "binh-duong.txt").read_bytes(), "a.txt").paragraphs == whole.paragraphs
    hasty.close()


@pytest.mark.skipif(sys.platform != "linux", reason="memory limits are those of Linux")
def test_a_greedy_file_costs_only_itself(whole: Document) -> None:
    small = Worker(Limits(memory=400 * 2**20))
    with pytest.raises(UnreadableError, match=r"needs over|killed|memory"):
        small.parse("từ ".encode() * 8_000_000, "a.txt")
    assert small.parse((FILES / "binh-duong.txt").read_bytes(), "a.txt").paragraphs == whole.paragraphs
    small.close()


def test_a_reader_that_dies_is_replaced(whole: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    data = (FILES / "binh-duong.txt").read_bytes()
    worker.parse(data, "a.txt")
    process = worker._process
    assert process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert worker.parse(data, "a.txt").paragraphs == whole.paragraphs
    replaced = worker._process
    assert replaced
    line = worker._line

    def killed_once_it_has_the_file(clock: Any) -> dict[str, Any]:
        answer = line(clock)
        os.kill(replaced.pid, signal.SIGKILL)
        return answer

    monkeypatch.setattr(worker, "_line", killed_once_it_has_the_file)
    with pytest.raises(UnreadableError, match="killed"):
        worker.parse("KẾ HOẠCH\n".encode() * 100_000, "b.txt")
    monkeypatch.undo()
    assert worker.parse(data, "a.txt").paragraphs == whole.paragraphs
    worker.close()
