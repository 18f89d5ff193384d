"""Reading PDF: reading order, pages and what they cut, tables, notes; what stands around the text is left out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.parse import parse
from corpus.pdf import PdfError, pdf_text
from corpus.read import read, read_bytes

FILES = Path(__file__).parent / "files"
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
pdfmetrics = pytest.importorskip("reportlab.pdfbase.pdfmetrics")
pytestmark = pytest.mark.skipif(not FONT.exists(), reason="needs the font DejaVu Sans")

from reportlab.lib.pagesizes import A4  # noqa: E402
from reportlab.pdfbase.ttfonts import TTFont  # noqa: E402
from reportlab.pdfgen.canvas import Canvas  # noqa: E402
from reportlab.platypus import SimpleDocTemplate, Table  # noqa: E402

LEFT, RIGHT, TOP = 85, 538, 770
LONG = (
    "Các sở, ban, ngành và Ủy ban nhân dân cấp huyện tổ chức tuyên truyền để người dân và doanh nghiệp giảm dùng sản phẩm "
    "nhựa một lần, phân loại chất thải rắn sinh hoạt tại nguồn, thu gom và tái chế bao bì, dùng năng lượng tiết kiệm và hiệu quả "
    "trong sản xuất, mua sắm sản phẩm thân thiện với môi trường, nhân rộng mô hình điểm đổi túi ni lông ở các chợ"
)


class Sheets:
    """Writes lines of text on pages, as a word processor does."""

    def __init__(self) -> None:
        pdfmetrics.registerFont(TTFont("DejaVu", str(FONT)))
        self.buffer = io.BytesIO()
        self.canvas = Canvas(self.buffer, pagesize=A4)

    def at(self, x: float, y: float, text: str, size: float = 12) -> float:
        self.canvas.setFont("DejaVu", size)
        self.canvas.drawString(x, y, text)
        return x + pdfmetrics.stringWidth(text, "DejaVu", size)

    def centred(self, x: float, y: float, text: str, size: float = 12) -> None:
        self.at(x - pdfmetrics.stringWidth(text, "DejaVu", size) / 2, y, text, size)

    def paragraph(
        self,
        y: float,
        text: str,
        left: float = LEFT,
        right: float = RIGHT,
        indent: float = 36,
        lines: slice = slice(None),
    ) -> float:
        """Write the ``lines`` of a text justified between the margins and return the height of the line below it."""
        wide = pdfmetrics.stringWidth
        rows: list[list[str]] = [[]]
        for word in text.split():
            room = right - left - (indent if len(rows) == 1 else 0)
            if wide(" ".join([*rows[-1], word]), "DejaVu", 12) > room:
                rows.append([])
            rows[-1].append(word)
        for number, row in list(enumerate(rows))[lines]:
            x = left + (indent if number == 0 else 0)
            gap = (right - x - wide(" ".join(row), "DejaVu", 12)) / (len(row) - 1) if row is not rows[-1] else 0
            self.canvas.setFont("DejaVu", 12)
            self.canvas.drawString(x, y, " ".join(row), wordSpace=gap)
            y -= 18
        return y

    def end(self) -> None:
        self.canvas.showPage()

    def data(self) -> bytes:
        self.canvas.save()
        return self.buffer.getvalue()


def texts(data: bytes) -> list[str]:
    return [line for line in pdf_text(data).text.replace("\f", "\n\f\n").split("\n") if line]


def test_heads_and_page_numbers_are_left_out_and_paragraphs_go_on_overleaf() -> None:
    sheets = Sheets()
    tasks = ["1. Tập huấn cán bộ.", "2. Kiểm tra cơ sở.", "3. Khen thưởng đơn vị.", "4. Báo cáo kết quả."]
    for number in range(1, 5):
        sheets.centred(300, 810, f"{number}")
        sheets.at(LEFT, 30, "Kế hoạch sản xuất và tiêu dùng bền vững")
        sheets.at(470, 30, f"Trang {number}/4")
        y = sheets.paragraph(TOP, LONG + ".", lines=slice(3, None)) if number == 2 else TOP
        y = sheets.paragraph(y, tasks[number - 1])
        if number == 1:
            sheets.paragraph(y, LONG + ".", lines=slice(3))
        sheets.end()
    source = read_bytes(sheets.data(), "a.pdf")
    assert [line.strip() for line in source.text.split("\n") if line] == [tasks[0], f"{LONG}.", *tasks[1:]]
    pages = {paragraph.text: paragraph.page for paragraph in parse(source).paragraphs}
    assert [pages[text] for text in (f"{LONG}.", *tasks[1:])] == [1, 2, 3, 4]


def test_numbers_that_are_no_page_numbers_stay() -> None:
    sheets = Sheets()
    sheets.at(LEFT + 36, TOP, "1.")
    sheets.at(LEFT + 72, TOP, "Mục tiêu chung")
    sheets.centred(310, 80, "PHÁT TRIỂN HẠ TẦNG SỐ TRÊN ĐỊA BÀN TỈNH ĐẾN NĂM")
    sheets.centred(310, 62, "2030")
    assert texts(sheets.data()) == ["1. Mục tiêu chung", "PHÁT TRIỂN HẠ TẦNG SỐ TRÊN ĐỊA BÀN TỈNH ĐẾN NĂM", "2030"]


def test_columns_are_read_one_after_the_other() -> None:
    sheets = Sheets()
    sheets.centred(310, TOP, "KẾ HOẠCH")
    words = LONG.split()
    sheets.paragraph(TOP - 30, "1. " + " ".join(words[:40]), right=300, indent=0)
    y = sheets.paragraph(TOP - 30, " ".join(words[40:]) + ".", left=323, indent=0)
    sheets.paragraph(y, "2. Sở Công Thương chủ trì.", left=323, indent=0)
    found = texts(sheets.data())
    assert found[0] == "KẾ HOẠCH"
    assert " ".join(found[1:]) == f"1. {LONG}. 2. Sở Công Thương chủ trì."
    assert found[-1] == "2. Sở Công Thương chủ trì."


def test_head_and_foot_of_an_official_text_are_read_side_by_side() -> None:
    sheets = Sheets()
    for place, (left, right) in enumerate(
        [("ỦY BAN NHÂN DÂN", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), ("TỈNH LÀO CAI", "Độc lập - Tự do - Hạnh phúc"),
         ("Số: 34/KH-UBND", "Lào Cai, ngày 5 tháng 6 năm 2022")]
    ):  # fmt: skip
        sheets.centred(150, TOP - 18 * place, left, 11)
        sheets.centred(410, TOP - 18 * place, right, 11)
    sheets.centred(310, 690, "KẾ HOẠCH")
    sheets.centred(310, 672, "Giảm túi ni lông tại các chợ")
    sheets.paragraph(640, f"{LONG}./.")
    for place, line in enumerate(["Nơi nhận:", "- Như trên;", "- Sở Công Thương;", "- Các chợ;", "- Lưu: VT."]):
        sheets.at(LEFT, 500 - 14 * place, line, 11)
    sheets.centred(420, 500, "TM. ỦY BAN NHÂN DÂN")
    sheets.centred(420, 484, "CHỦ TỊCH")
    sheets.centred(420, 440, "Trần Văn Minh")
    document = parse(read_bytes(sheets.data(), "a.pdf"))
    metadata = document.metadata
    assert (metadata.number, metadata.title, metadata.signer) == (
        "34/KH-UBND", "Giảm túi ni lông tại các chợ", "Trần Văn Minh",
    )  # fmt: skip
    assert str(metadata.date_issued) == "2022-06-05"
    assert [paragraph.text for paragraph in document.paragraphs] == [f"{LONG}./."]


def test_footnotes_leave_the_sentence_and_indices_stay_in_it() -> None:
    sheets = Sheets()
    y = sheets.paragraph(TOP, LONG + ".")
    x = sheets.at(LEFT, y, "Theo Quyết định số 889/QĐ-TTg")
    x = sheets.at(x, y + 5, "1", 7)
    x = sheets.at(x, y, " thu hồi 5 m")
    x = sheets.at(x, y + 5, "3", 7)
    x = sheets.at(x, y, " và giảm CO")
    x = sheets.at(x, y - 3, "2", 7)
    sheets.at(x, y, " ở nhà máy.")
    x = sheets.at(LEFT, 60, "1", 6)
    sheets.at(x, 57, " Chương trình hành động quốc gia về sản xuất và tiêu dùng bền vững.", 9)
    found = texts(sheets.data())
    assert "Theo Quyết định số 889/QĐ-TTg thu hồi 5 m3 và giảm CO2 ở nhà máy." in " ".join(found)
    assert "[1] Chương trình hành động quốc gia về sản xuất và tiêu dùng bền vững." in found


def test_words_parted_at_a_hyphen_are_one() -> None:
    sheets = Sheets()
    sheets.paragraph(TOP, "Nghị quyết số 66- NQ/TW ngày 30 tháng 4", right=LEFT + 36 + 130)
    assert texts(sheets.data()) == ["Nghị quyết số 66-NQ/TW ngày 30 tháng 4"]


def table_pdf(rows: list[list[str]], style: list[tuple[object, ...]], height: float, **options: object) -> bytes:
    Sheets()
    buffer = io.BytesIO()
    grid = [("GRID", (0, 0), (-1, -1), 0.5, "black"), ("FONT", (0, 0), (-1, -1), "DejaVu", 10), *style]
    document = SimpleDocTemplate(buffer, pagesize=(595, height), topMargin=60, bottomMargin=60)
    document.build([Table(rows, colWidths=[30, 150, 70, 70, 90], style=grid, **options)])
    return buffer.getvalue()


def test_merged_cells_and_heads_of_two_levels() -> None:
    rows = [
        ["TT", "Chỉ tiêu", "Năm 2025", "", "Ghi chú"],
        ["", "", "Kế hoạch", "Thực hiện", ""],
        ["I", "Nhựa", "", "", ""],
        ["1", "Thu gom", "80", "82", "Cả tỉnh"],
        ["", "", "90", "91", "Đô thị"],
    ]
    spans = [("SPAN", (0, 0), (0, 1)), ("SPAN", (1, 0), (1, 1)), ("SPAN", (2, 0), (3, 0)), ("SPAN", (4, 0), (4, 1)),
             ("SPAN", (1, 2), (4, 2)), ("SPAN", (0, 3), (0, 4)), ("SPAN", (1, 3), (1, 4))]  # fmt: skip
    assert texts(table_pdf(rows, spans, 842)) == [
        "TT | Chỉ tiêu | Năm 2025 |  | Ghi chú",
        "TT | Chỉ tiêu | Kế hoạch | Thực hiện | Ghi chú",
        "I | Nhựa |  |  |",
        "1 | Thu gom | 80 | 82 | Cả tỉnh",
        "1 | Thu gom | 90 | 91 | Đô thị",
    ]


def test_a_table_goes_on_over_three_pages_without_its_repeated_head() -> None:
    head = [["TT", "Nhiệm vụ", "Chủ trì", "Phối hợp", "Thời gian"], ["1", "2", "3", "4", "5"]]
    rows = [[f"{n}.", f"Nhiệm vụ số {n}", "Sở A", "Sở B", "2025"] for n in range(1, 21)]
    data = table_pdf([*head, *rows], [], 320, repeatRows=2)
    assert pdf_text(data).text.count("\f") >= 2
    assert [line for line in texts(data) if line != "\f"] == [" | ".join(row) for row in [*head, *rows]]


def test_a_row_that_a_page_cuts_is_one() -> None:
    sheets = Sheets()

    def row(top: float, bottom: float, cells: list[list[str]]) -> None:
        for left, width, lines in zip((85, 115, 315), (30, 200, 200), cells, strict=True):
            sheets.canvas.rect(left, bottom, width, top - bottom)
            for place, line in enumerate(lines):
                sheets.at(left + 4, top - 14 - 14 * place, line, 10)

    row(TOP, TOP - 20, [["TT"], ["Nhiệm vụ"], ["Chủ trì"]])
    row(TOP - 20, TOP - 55, [["1"], ["Tuyên truyền giảm dùng", "sản phẩm nhựa một lần"], ["Sở Công Thương"]])
    sheets.end()
    row(TOP, TOP - 20, [["TT"], ["Nhiệm vụ"], ["Chủ trì"]])
    row(TOP - 20, TOP - 40, [[], ["ở các chợ, siêu thị"], []])
    row(TOP - 40, TOP - 60, [["2"], ["Tập huấn"], ["Sở Tài chính"]])
    assert [line for line in texts(sheets.data()) if line != "\f"] == [
        "TT | Nhiệm vụ | Chủ trì",
        "1 | Tuyên truyền giảm dùng sản phẩm nhựa một lần ở các chợ, siêu thị | Sở Công Thương",
        "2 | Tập huấn | Sở Tài chính",
    ]


def test_a_row_without_its_rule_at_the_end_of_a_page_is_in_the_table() -> None:
    sheets = Sheets()
    for x in (85, 115, 315, 515):
        sheets.canvas.line(x, 700, x, 640)
    for y in (700, 680, 660):
        sheets.canvas.line(85, y, 515, y)
    for y, cells in (
        (686, ("TT", "Nhiệm vụ", "Chủ trì")),
        (666, ("1", "Tập huấn", "Sở A")),
        (646, ("2", "Kiểm tra", "Sở B")),
    ):
        for x, cell in zip((89, 119, 319), cells, strict=True):
            sheets.at(x, y, cell, 10)
    assert texts(sheets.data()) == ["TT | Nhiệm vụ | Chủ trì", "1 | Tập huấn | Sở A", "2 | Kiểm tra | Sở B"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [(lambda data: data[: len(data) // 3], "damaged"), (lambda data: b"%PDF-1.4 nothing", "damaged")],
)
def test_damaged_files_say_so(change: Callable[[bytes], bytes], reason: str) -> None:
    with pytest.raises(PdfError, match=reason):
        pdf_text(change((FILES / "binh-duong.pdf").read_bytes()))


def test_pages_of_pictures_are_told() -> None:
    assert pdf_text((FILES / "binh-duong-scan.pdf").read_bytes()).scanned == (1,)


def test_pdf_reads_as_the_page_of_the_portal() -> None:
    printed, web = (parse(read(FILES / f"binh-duong.{kind}")) for kind in ("pdf", "html"))
    assert [(p.text, p.heading_path) for p in printed.paragraphs] == [(p.text, p.heading_path) for p in web.paragraphs]
    assert (printed.metadata.number, printed.metadata.signer, printed.metadata.title) == (
        web.metadata.number, web.metadata.signer, web.metadata.title,
    )  # fmt: skip
