"""Tables as lines: merged cells, layout tables, tables of Markdown."""

from __future__ import annotations

import pytest

from corpus.tables import Cell, join_cells, spread, table_lines


def test_cells_that_span_rows_say_their_text_in_each() -> None:
    rows = spread(
        [
            [Cell("TT", rows=2), Cell("Năm 2025", columns=2), Cell("Ghi chú", rows=2)],
            [Cell("Kế hoạch"), Cell("Thực hiện")],
            [Cell("1"), Cell("80"), Cell("82"), Cell("")],
        ]
    )
    assert rows == [
        ["TT", "Năm 2025", "", "Ghi chú"],
        ["TT", "Kế hoạch", "Thực hiện", "Ghi chú"],
        ["1", "80", "82", ""],
    ]


def test_cells_of_word_that_continue_the_one_above() -> None:
    assert spread([[Cell("Sở A"), Cell("a")], [Cell("", continues=True), Cell("b")], [Cell("", continues=True), Cell("c")]]) == [
        ["Sở A", "a"], ["Sở A", "b"], ["Sở A", "c"],
    ]  # fmt: skip


def test_a_span_over_the_last_row_and_absurd_spans_end() -> None:
    assert spread([[Cell("a", rows=1000), Cell("b")]]) == [["a", "b"]]
    assert len(spread([[Cell("a", columns=10**9)]])[0]) <= 200


def test_data_rows_are_lines_and_layout_tables_are_lines_of_cells() -> None:
    assert table_lines([["TT", "Việc"], ["1", "Tập\nhuấn"], ["", " "]]) == "\nTT | Việc\n1 | Tập huấn\n"
    assert table_lines([["Nơi nhận:\n- Lưu: VT.", "TM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH"]]) == (
        "\nNơi nhận:\n- Lưu: VT.\n\nTM. ỦY BAN NHÂN DÂN\nCHỦ TỊCH\n"
    )


@pytest.mark.parametrize("text", ["", "không có bảng", "| một ô", "|\n|\nhai vạch"])
def test_text_without_tables_stays(text: str) -> None:
    assert join_cells(text) == text


def test_rows_with_an_empty_cell_are_whole() -> None:
    bars = "|\nTT\n|\nViệc\n|\nHạn\n|\n|\n1\n|\n|\n2026\n|\n|\n2\n|\nHọp\n|\n2027\n|"
    lines = [line for line in join_cells(bars).split("\n") if line]
    assert lines == ["TT | Việc | Hạn", "1 |  | 2026", "2 | Họp | 2027"]
