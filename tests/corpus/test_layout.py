"""Putting the words of a page in order: pure geometry, on words placed by hand."""

from __future__ import annotations

import pytest

from corpus.layout import Paragraph, Run, cell_text, goes_on, lines, paragraphs

MARGINS = (85.0, 540.0)


def line(text: str, top: float, left: float = 85, right: float = 540) -> Run:
    return Run(text, left, top, right, top + 13)


def texts(*runs: Run) -> list[str]:
    return [paragraph.text for paragraph in paragraphs(runs, MARGINS)]


def test_words_of_a_line_join_and_wide_gaps_part_them() -> None:
    words = [
        Run("Sở ", 85, 100, 100, 113),
        Run("Y", 103, 100.5, 110, 113),
        Run("tế", 113, 100, 124, 113),
        line("b", 100, 300, 310),
    ]
    assert [[run.text for run in row] for row in lines(list(reversed(words)))] == [["Sở Y tế", "b"]]


def test_a_line_that_is_full_goes_on_and_a_short_one_ends() -> None:
    assert texts(
        line("Tuyên truyền để người dân và doanh nghiệp giảm dùng sản phẩm nhựa một lần tại", 100, 121),
        line("các chợ, siêu thị.", 118, 85, 180),
        line("Kiểm tra.", 136, 121, 180),
    ) == [
        "Tuyên truyền để người dân và doanh nghiệp giảm dùng sản phẩm nhựa một lần tại các chợ, siêu thị.",
        "Kiểm tra.",
    ]


def test_a_full_line_without_a_full_stop_ends_where_the_next_is_set_in() -> None:
    found = texts(
        line("2. Sở Nông nghiệp và Môi trường, Ủy ban nhân dân các xã, phường và các đơn vị liên quan", 100, 121),
        line("Chủ trì tuyên truyền để người dân và doanh nghiệp giảm dùng sản phẩm nhựa một lần tại", 118, 121),
        line("các chợ và siêu thị trên địa bàn, báo cáo Ủy ban nhân dân tỉnh trước ngày 15 tháng 11 năm", 136),
        line("2025.", 154, 85, 110),
    )
    assert [text[:7] for text in found] == ["2. Sở N", "Chủ trì"]


def test_a_dash_within_a_sentence_begins_no_item() -> None:
    (text,) = texts(
        line("Đẩy mạnh kinh tế tuần hoàn gắn với phát triển nông nghiệp và du lịch của các vùng kinh tế", 100),
        line("- xã hội khó khăn.", 118, 85, 180),
    )
    assert text.endswith("kinh tế - xã hội khó khăn.")


def test_lines_of_a_column_of_centred_lines_stand_alone() -> None:
    left = [
        line("ỦY BAN NHÂN DÂN", 100, 90, 210),
        line("TỈNH LÀO CAI", 118, 105, 195),
        line("Số: 3/KH-UBND", 136, 100, 200),
    ]
    right = [
        line("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", 100, 260, 530),
        line("Độc lập - Tự do - Hạnh phúc", 118, 300, 490),
    ]
    assert texts(*left, *right) == [run.text for run in (*left, *right)]


def test_a_title_in_the_middle_of_the_page_ends_the_columns_above_it() -> None:
    head = [line("ỦY BAN NHÂN DÂN", 100, 90, 210), line("CỘNG HÒA XÃ HỘI", 100, 330, 530),
            line("TỈNH LÀO CAI", 118, 105, 195), line("Độc lập - Tự do", 118, 370, 490)]  # fmt: skip
    assert texts(*head, line("KẾ HOẠCH", 160, 280, 345)) == [
        "ỦY BAN NHÂN DÂN", "TỈNH LÀO CAI", "CỘNG HÒA XÃ HỘI", "Độc lập - Tự do", "KẾ HOẠCH",
    ]  # fmt: skip


def test_what_stands_above_in_the_right_column_belongs_to_it() -> None:
    assert texts(
        line("II. NHIỆM VỤ", 96, 323, 420),
        line("1. Mục tiêu.", 102, 85, 150),
        line("Giảm nhựa.", 122, 85, 150), line("3. Thu gom.", 122, 323, 400),
        line("Tái chế chất thải rắn sinh hoạt.", 140, 85, 290), line("4. Kiểm tra các cơ sở sản xuất.", 140, 323, 530),
    ) == ["1. Mục tiêu.", "Giảm nhựa.", "Tái chế chất thải rắn sinh hoạt.", "II. NHIỆM VỤ", "3. Thu gom.", "4. Kiểm tra các cơ sở sản xuất."]  # fmt: skip


def test_a_number_raised_behind_a_unit_is_a_power_and_no_note() -> None:
    runs = [line("Diện tích 5 ", 100, 85, 150), Run("m", 152, 100, 160, 113), Run("2", 160, 100, 164, 113, is_raised=True),
            line("đất", 100, 168, 190), Run("2 Theo Luật.", 85, 760, 150, 769)]  # fmt: skip
    assert texts(*runs) == ["Diện tích 5 m2 đất", "2 Theo Luật."]


@pytest.mark.parametrize(
    ("first", "on"),
    [
        (Paragraph(60, "tháng 11 năm 2025"), True),
        (Paragraph(60, "Bộ Chính trị về chuyển đổi số"), True),
        (Paragraph(60, "Bộ Chính trị về chuyển đổi số", is_set_in=True), False),
        (Paragraph(60, "2. Sở Tài chính"), False),
        (Paragraph(60, "PHỤ LỤC", is_centred=True), False),
    ],
)
def test_what_goes_on_overleaf(first: Paragraph, on: bool) -> None:
    assert goes_on(Paragraph(700, "Thực hiện Nghị quyết số 57-NQ/TW của", is_full=True), first) is on


def test_a_paragraph_that_ends_within_its_line_does_not_go_on() -> None:
    assert not goes_on(Paragraph(700, "Thực hiện Nghị quyết"), Paragraph(60, "tháng 11"))


def test_cells_keep_their_lines_and_join_at_hyphens() -> None:
    assert cell_text([line("66-", 100), line("NQ/TW", 114), line("Sở Y tế", 128)]) == "66-NQ/TW\nSở Y tế"
