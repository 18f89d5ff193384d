"""Reading Word: numbers, lists, tables, notes and tracked changes of .docx; old .doc through another program."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.enum.text import WD_BREAK
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from corpus.parse import parse
from corpus.read import read
from corpus.word import WordError, doc_text, docx_text

FILES = Path(__file__).parent / "files"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def xml(text: str) -> Any:
    return parse_xml(text.replace(">", f" {W}>", 1))


def lines(document: Any) -> list[str]:
    buffer = io.BytesIO()
    document.save(buffer)
    return [line for line in docx_text(buffer.getvalue()).split("\n") if line]


def add(document: Any, text: str, properties: str = "") -> Any:
    paragraph = document.add_paragraph(text)
    if properties:
        paragraph._p.get_or_add_pPr().append(xml(properties))
    return paragraph


def define_list(document: Any, *levels: tuple[str, str]) -> str:
    """Define a list with these (form, text) levels and return its number properties, to be filled with a level."""
    numbering = document.part.numbering_part.element
    shown = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for depth, (form, text) in enumerate(levels)
    )
    numbering.insert(0, xml(f'<w:abstractNum w:abstractNumId="77">{shown}</w:abstractNum>'))
    numbering.append(xml('<w:num w:numId="77"><w:abstractNumId w:val="77"/></w:num>'))
    return '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="77"/></w:numPr>'


def test_automatic_numbers_are_written_out() -> None:
    document = docx.Document()
    level = define_list(document, ("upperRoman", "%1."), ("decimal", "%2."), ("lowerLetter", "%3)"), ("bullet", "o"))
    for depth, text in (
        (0, "MỤC TIÊU"),
        (1, "Chung"),
        (1, "Riêng"),
        (2, "Đô thị"),
        (3, "Chợ"),
        (0, "NHIỆM VỤ"),
        (1, "Sở A"),
    ):
        add(document, text, level.format(depth))
    assert lines(document) == ["I. MỤC TIÊU", "1. Chung", "2. Riêng", "a) Đô thị", "- Chợ", "II. NHIỆM VỤ", "1. Sở A"]


def test_numbers_of_a_style_are_written_out() -> None:
    document = docx.Document()
    level = define_list(document, ("upperRoman", "%1."))
    document.styles["Heading 1"].element.get_or_add_pPr().append(xml(level.format(0)))
    for text in ("MỤC TIÊU", "NHIỆM VỤ"):
        document.add_paragraph(text, style="Heading 1")
    assert lines(document) == ["I. MỤC TIÊU", "II. NHIỆM VỤ"]


def test_tracked_changes_read_as_accepted_and_content_controls_as_text() -> None:
    document = docx.Document()
    paragraph = add(document, "Giảm ")
    for part in (
        '<w:del w:id="1"><w:r><w:delText>mười</w:delText></w:r></w:del>',
        '<w:ins w:id="2"><w:r><w:t>hai mươi</w:t></w:r></w:ins>',
        '<w:sdt><w:sdtContent><w:r><w:t xml:space="preserve"> phần trăm</w:t></w:r></w:sdtContent></w:sdt>',
    ):
        paragraph._p.append(xml(part))
    document.element.body.insert(
        0, xml("<w:sdt><w:sdtContent><w:p><w:r><w:t>Khối</w:t></w:r></w:p></w:sdtContent></w:sdt>")
    )
    assert lines(document) == ["Khối", "Giảm hai mươi phần trăm"]


def test_footnotes_follow_the_paragraph_that_refers_to_them() -> None:
    document = docx.Document()
    first = add(document, "Theo Quyết định số 889/QĐ-TTg")
    first._p.append(xml('<w:r><w:footnoteReference w:id="5"/></w:r>'))
    first.add_run(" của Thủ tướng.")
    add(document, "Đoạn sau.")
    notes = (
        f'<w:footnotes {W}><w:footnote w:type="separator" w:id="0"><w:p/></w:footnote><w:footnote w:id="5"><w:p><w:r>'
        '<w:footnoteRef/></w:r><w:r><w:t xml:space="preserve"> Chương trình hành động.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
    document.part.relate_to(part, "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes")
    assert lines(document) == [
        "Theo Quyết định số 889/QĐ-TTg của Thủ tướng.", "[1] Chương trình hành động.", "Đoạn sau.",
    ]  # fmt: skip


def test_text_boxes_are_read_once() -> None:
    document = docx.Document()
    box = "<w:txbxContent><w:p><w:r><w:t>Trong khung</w:t></w:r></w:p></w:txbxContent>"
    compatibility = 'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    add(document, "Ngoài khung")._p.append(
        xml(
            f"<w:r><mc:AlternateContent {compatibility}><mc:Choice><w:drawing>{box}</w:drawing></mc:Choice>"
            f"<mc:Fallback><w:pict>{box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
        )
    )
    assert lines(document) == ["Ngoài khung", "Trong khung"]


def test_merged_cells_and_nested_tables() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=4)
    for row, texts in zip(
        table.rows, (["TT", "Năm 2025", "", "Ghi chú"], ["", "Kế hoạch", "Đạt", ""], ["1", "80", "82", ""]), strict=True
    ):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    for first, last in (((0, 0), (1, 0)), ((0, 1), (0, 2)), ((0, 3), (1, 3))):
        merged = table.cell(*first).merge(table.cell(*last))
        for paragraph in [p for p in merged.paragraphs if not p.text]:
            paragraph._p.getparent().remove(paragraph._p)
    inner = table.cell(2, 3).add_table(rows=1, cols=2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "Đô thị", "Nông thôn"
    assert lines(document) == [
        "TT | Năm 2025 |  | Ghi chú", "TT | Kế hoạch | Đạt | Ghi chú", "1 | 80 | 82 | Đô thị | Nông thôn",
    ]  # fmt: skip


def test_paragraphs_stay_apart_and_lines_that_go_on_do_not() -> None:
    document = docx.Document()
    for text in ("Căn cứ Luật Bảo vệ môi trường, gồm cả", "Nghị định số 08/2022/NĐ-CP"):
        add(document, text)
    buffer = io.BytesIO()
    document.save(buffer)
    assert "cả\n\nNghị" in docx_text(buffer.getvalue())
    broken = docx.Document()
    for text in ("Tuyên truyền để người dân và", "doanh nghiệp giảm dùng nhựa", "một lần."):
        add(broken, text)
    buffer = io.BytesIO()
    broken.save(buffer)
    assert docx_text(buffer.getvalue()) == "Tuyên truyền để người dân và\ndoanh nghiệp giảm dùng nhựa\nmột lần."


def test_tabs_breaks_and_fonts_from_before_unicode() -> None:
    document = docx.Document()
    paragraph = add(document, "-\tThu gom")
    paragraph.add_run().add_break(WD_BREAK.LINE)
    run = paragraph.add_run("Uû ban nh©n d©n")
    run.font.name = ".VnTime"
    assert lines(document) == ["- Thu gom", "Uỷ ban nhân dân"]


@pytest.mark.skipif(not shutil.which("soffice"), reason="needs LibreOffice")
def test_old_word_files_read_as_new_ones() -> None:
    old, new = (parse(read(FILES / f"binh-duong.{kind}")) for kind in ("doc", "docx"))
    assert (old.metadata.number, old.metadata.signer) == (new.metadata.number, new.metadata.signer)
    assert [paragraph.text for paragraph in old.paragraphs[:45]] == [
        paragraph.text for paragraph in new.paragraphs[:45]
    ]


@pytest.mark.parametrize("data", [b"\xd0\xcf\x11\xe0" + b"x" * 3000, b""])
@pytest.mark.skipif(not (shutil.which("soffice") or shutil.which("antiword")), reason="needs a program for .doc")
def test_damaged_old_files_say_so(data: bytes) -> None:
    with pytest.raises(WordError, match="damaged or not a Word file"):
        doc_text(data)


def test_old_files_without_a_program_say_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(WordError, match="libreoffice"):
        doc_text(b"\xd0\xcf\x11\xe0")


def test_damaged_new_files_say_so() -> None:
    with pytest.raises(WordError, match="damaged"):
        docx_text(b"PK\x03\x04 nothing")
