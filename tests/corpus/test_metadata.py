"""Metadata: numbers, days, titles, bases, signers, tables of portals."""

from __future__ import annotations

from datetime import date

import pytest

from corpus.clean import boilerplate, split_lines
from corpus.header import is_header
from corpus.metadata import Header, read_metadata
from corpus.numbers import is_party_number, numbers_in, parse_day
from corpus.title import sentence_case

HEAD = "ỦY BAN NHÂN DÂN\nTỈNH CAO BẰNG\n-------\nCỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\nĐộc lập - Tự do - Hạnh phúc\nSố: 12/KH-UBND\nCao Bằng, ngày 03 tháng 4 năm 2023\n\nKẾ HOẠCH\n"
BODY = "\n\nCăn cứ Quyết định số 889/QĐ-TTg ngày 24/6/2020;\n\nI. MỤC TIÊU\n\n1. Giảm rác nhựa trong mọi cơ quan."


def header(text: str) -> Header:
    lines = split_lines(text)
    return read_metadata(lines, boilerplate(lines))


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Quyết định số 889/QĐ-TTg và Kế hoạch 12/KH-UBND", ["889/QĐ-TTg", "12/KH-UBND"]),
        ("Nghị quyết 45-NQ/TU, Chương trình 10- CTr/TU", ["45-NQ/TU", "10-CTr/TU"]),
        ("71/NQ -CP; 223/KH- UBND; 57- NQ/TW", ["71/NQ-CP", "223/KH-UBND", "57-NQ/TW"]),
        ("Thông tư 10/2022/TT-BTNMT, Nghị quyết 163/2024/QH15", ["10/2022/TT-BTNMT", "163/2024/QH15"]),
        ("4255/QĐ-BNN-KHCN; 02-KH/BCĐTW; 6676/BYT-CDS", ["4255/QĐ-BNN-KHCN", "02-KH/BCĐTW", "6676/BYT-CDS"]),
        ("1043/KH-UNBD và 5/QD-UBND", ["1043/KH-UBND", "5/QĐ-UBND"]),
        ("CHỈ THỊ SỐ 32/CT-TTG", ["32/CT-TTg"]),
        ("12/KH-UBND - Ban hành; 30/6/2025; 85/100 hộ; 3/4 số xã", ["12/KH-UBND"]),
    ],
)
def test_numbers_keep_all_their_letters(text: str, numbers: list[str]) -> None:
    assert numbers_in(text) == numbers


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("ngày 7 tháng 5 năm 2021", date(2021, 5, 7)), ("07/05/2021", date(2021, 5, 7)), ("ngày 31/02/2021, sau đó 1-3-2021", date(2021, 3, 1)),
        ("ngày    tháng    năm 2021", None), ("99/99/2021", None), ("", None),
    ],
)  # fmt: skip
def test_days(text: str, day: date | None) -> None:
    assert parse_day(text) == day


@pytest.mark.parametrize(
    "line",
    [
        "ỦY BAN NHÂN DÂN CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "TỈNH BẮC KẠN Độc lập - Tự do - Hạnh phúc", "Số: /KH-UBND Bắc Kạn, ngày tháng năm 2021",
        "ỦY BAN NHÂN DÂN TỈNH VĨNH LONG | CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "------- | Độc lập - Tự do - Hạnh phúc", "TỈNHQUẢNG BÌNH",
        "CHỦ TỊCH ỦY BAN NHÂN DÂN TỈNH", "Quảng Nam, ngày     tháng      năm", "Số:",
    ],
)  # fmt: skip
def test_header_lines_alone_or_side_by_side(line: str) -> None:
    assert is_header(" ".join(line.split()))


@pytest.mark.parametrize(
    "line",
    ["Ủy ban nhân dân tỉnh giao Sở Công Thương chủ trì.", "Tỉnh Cao Bằng có 10 huyện", "Việt Nam cam kết", "2021"],
)
def test_sentences_are_no_headers(line: str) -> None:
    assert not is_header(line)


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        ("THỰC HIỆN CHƯƠNG TRÌNH GIẢM RÁC NHỰA\nTRÊN ĐỊA BÀN TỈNH CAO BẰNG", "Thực hiện chương trình giảm rác nhựa trên địa bàn tỉnh Cao Bằng"),
        ("Thực hiện Chương trình giảm rác nhựa\ngiai đoạn 2021 - 2030 trên địa bàn tỉnh", "Thực hiện Chương trình giảm rác nhựa giai đoạn 2021 - 2030 trên địa bàn tỉnh"),
        ("Thực hiện Chương trình giảm rác nhựa\nGiai đoạn 2021 - 2030", "Thực hiện Chương trình giảm rác nhựa Giai đoạn 2021 - 2030"),
        ("V/V HỖ TRỢ CỘNG ĐỒNG THU GOM", "Về việc hỗ trợ cộng đồng thu gom"),
        ("Phát triển năng lượng xanh\n(Ban hành kèm theo Quyết định số 5/QĐ-UBND)", "Phát triển năng lượng xanh"),
        ("Triển khai thực hiện Nghị quyết số 5/NQ-CP của Chính phủ, UBND tỉnh ban hành Kế hoạch như sau:", None),
        ("Phát triển năng lượng xanh\nTriển khai thực hiện Nghị quyết số 5/NQ-CP, UBND tỉnh ban hành Kế hoạch như sau:", "Phát triển năng lượng xanh"),
        ("PHÁT TRIỂN NĂNG LƯỢNG XANH\n\nThực hiện Quyết định số 5/QĐ-TTg của Thủ tướng Chính phủ về việc này.", "Phát triển năng lượng xanh"),
    ],
)  # fmt: skip
def test_titles_below_the_type_line(lines: str, title: str | None) -> None:
    assert header(HEAD + lines + BODY).metadata.title == title


def test_title_of_a_decision() -> None:
    text = (
        HEAD.replace("KẾ HOẠCH", "QUYẾT ĐỊNH").replace("KH-", "QĐ-")
        + "Ban hành Kế hoạch giảm rác nhựa\n\nỦY BAN NHÂN DÂN TỈNH CAO BẰNG\nCăn cứ Luật A;\n\nQUYẾT ĐỊNH:\n\nĐiều 1. Ban hành."
    )
    found = header(text)
    assert (found.metadata.type, found.metadata.title) == ("Quyết định", "Ban hành Kế hoạch giảm rác nhựa")
    left = {line.text for line in split_lines(text) if line.number not in found.lines}
    assert left == {"Căn cứ Luật A;", "Điều 1. Ban hành."}


@pytest.mark.parametrize(
    "line", ["CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Quảng Nam, ngày     tháng     năm", "Bản dịch này thuộc quyền sở hữu của cổng", "A portal has the copyright on this page"]
)  # fmt: skip
def test_never_a_title(line: str) -> None:
    assert header(f"{line}\n\nMột câu văn bản thật sự kết thúc bằng dấu chấm.").metadata.title is None


@pytest.mark.parametrize(
    ("capitals", "sentence"),
    [
        ("PHÁT TRIỂN HẠ TẦNG 5G, IOT TẠI THÀNH PHỐ HÀ NỘI", "Phát triển hạ tầng 5G, IoT tại thành phố Hà Nội"),
        (
            "THỰC HIỆN CHỈ THỊ SỐ 32/CT-TTG CỦA THỦ TƯỚNG CHÍNH PHỦ",
            "Thực hiện Chỉ thị số 32/CT-TTg của Thủ tướng Chính phủ",
        ),
        ("BẦU CỬ ĐẠI BIỂU HĐND KHÓA XVI, SẢN PHẨM OCOP", "Bầu cử đại biểu HĐND khóa XVI, sản phẩm OCOP"),
        ("NGHỊ QUYẾT ĐẠI HỘI LẦN THỨ XIII CỦA ĐẢNG", "Nghị quyết Đại hội lần thứ XIII của Đảng"),
        ("XỬ LÝ VI PHẠM VỀ XI MĂNG", "Xử lý vi phạm về xi măng"),
        ("CHƯƠNG TRÌNH “SỐNG XANH” TỈNH ĐẮK LẮK", "Chương trình “Sống xanh” tỉnh Đắk Lắk"),
        ("Đã viết thường sẵn ở Cà Mau", "Đã viết thường sẵn ở Cà Mau"),
    ],
)
def test_capitals_become_a_sentence(capitals: str, sentence: str) -> None:
    assert sentence_case(capitals) == sentence


def test_head_wrapped_over_lines() -> None:
    text = HEAD.replace("Số: 12", "Số:\n12").replace("ngày 03 tháng", "ngày 03\ntháng") + "GIẢM RÁC" + BODY
    about = header(text).metadata
    assert (about.number, about.date_issued, about.province) == ("12/KH-UBND", date(2023, 4, 3), "Cao Bằng")


def test_blank_number_and_day_stay_open() -> None:
    about = header(
        HEAD.replace("12/KH", "     /KH").replace("03 tháng 4", "  tháng  ") + "Giảm rác tại mọi chợ" + BODY
    ).metadata
    assert (about.number, about.date_issued) == (None, None)
    assert about.based_on == ("889/QĐ-TTg",)
    assert about.type == "Kế hoạch"


def test_bases_over_wrapped_lines_and_not_from_the_text() -> None:
    text = (
        HEAD
        + "GIẢM RÁC\n\nCăn cứ Nghị quyết số\n45-NQ/TU ngày 1/2/2021; Kế hoạch số 12/KH-UBND;\n\nTheo Thông tư số 8/2021/TT-BCT.\n\nI. VIỆC\n\n1. Làm theo Quyết định 9/QĐ-UBND."
    )
    assert header(text).metadata.based_on == ("45-NQ/TU", "8/2021/TT-BCT")


@pytest.mark.parametrize(
    "table",
    [
        "Số hiệu | 7/KH-UBND | Ngày ban hành | 04/09/2020\nLoại văn bản | Kế hoạch | Cơ quan ban hành | UBND thành phố Hải Phòng\nNgười ký | Đang cập nhật | Tình trạng | Đang cập nhật",
        "Số hiệu 7/KH-UBND\nNgày ban hành 04/09/2020\nLoại văn bản Kế hoạch\nNơi ban hành Thành phố Hải Phòng",
        "Số hiệu:\n7/KH-UBND\nNgày ban hành:\n04/09/2020\nLoại văn bản:\nKế hoạch\nNơi ban hành:\nThành phố Hải Phòng\nNgười ký:\nĐang cập nhật",
    ],
    ids=["two pairs a row", "a pair a line", "values below"],
)
def test_tables_of_portals(table: str) -> None:
    found = header(f"{table}\n\nMột đoạn văn bản đủ dài để giữ lại.")
    about = found.metadata
    assert (about.number, about.type, about.date_issued, about.province) == (
        "7/KH-UBND",
        "Kế hoạch",
        date(2020, 9, 4),
        "Hải Phòng",
    )
    assert about.signer is None
    assert about.issuing_body == "Ủy ban nhân dân thành phố Hải Phòng"
    assert set(found.lines.values()) == {"metadata table"}


def test_signer_below_the_office() -> None:
    about = header(
        HEAD + "GIẢM RÁC" + BODY + "\n\nTM. ỦY BAN NHÂN DÂN\nKT. CHỦ TỊCH\nPHÓ CHỦ TỊCH\n\nLê Thị Thử Nghiệm"
    ).metadata
    assert about.signer == "Lê Thị Thử Nghiệm"
    assert header(HEAD + "GIẢM RÁC" + BODY + "\n\nCHỦ TỊCH").metadata.signer is None


PORTAL = "Số hiệu | 12/KH-UBND\nNgày ban hành | 04/04/2023\nNơi ban hành | Tỉnh Cao Bằng\n\n"


def test_every_field_says_where_it_was_read() -> None:
    text = HEAD + "THỰC HIỆN TIÊU DÙNG BỀN VỮNG GIAI ĐOẠN 2021 - 2025" + BODY
    about = header(text).metadata
    for name, written in (("number", "12/KH-UBND"), ("date_issued", "03 tháng 4 năm 2023"), ("province", "CAO BẰNG")):
        found = about.evidence[name]
        assert (text[found.start : found.end], found.place) == (written, "header")
    assert about.evidence["period"].place == "title"
    assert set(about.evidence) <= {
        "number",
        "type",
        "title",
        "province",
        "issuing_body",
        "signer",
        "date_issued",
        "period",
    }
    assert "signer" not in about.evidence
    assert header("Một dòng chữ.").metadata.evidence == {}


def test_places_that_disagree_are_both_told() -> None:
    about = header(PORTAL.replace("12/KH", "13/KH") + HEAD + "THỰC HIỆN TIÊU DÙNG BỀN VỮNG" + BODY).metadata
    assert (about.number, about.evidence["number"].place) == ("13/KH-UBND", "table")
    assert about.conflicts == (
        "number: the portal's table says 13/KH-UBND, the text 12/KH-UBND",
        "date: the portal's table says 2023-04-04, the text 2023-04-03",
    )
    headline = "Kế hoạch thực hiện tiêu dùng bền vững trên địa bàn tỉnh giai đoạn 2021 - 2030\n\n"
    about = header(
        headline + HEAD + "THỰC HIỆN TIÊU DÙNG BỀN VỮNG TRÊN ĐỊA BÀN TỈNH GIAI ĐOẠN 2021 - 2025" + BODY
    ).metadata
    assert about.period == (2021, 2025)
    assert about.page_title == headline.strip()
    assert about.conflicts == ("period: the page's headline says 2021-2030, the text 2021-2025",)
    assert header(PORTAL.replace("04/04", "03/04") + HEAD + "THỰC HIỆN" + BODY).metadata.conflicts == ()


def test_a_plan_until_a_year_begins_with_its_issue() -> None:
    title = "TIÊU DÙNG BỀN VỮNG ĐẾN NĂM 2025, ĐỊNH HƯỚNG ĐẾN NĂM 2030"
    assert header(HEAD + title + BODY).metadata.period == (2023, 2025)


@pytest.mark.parametrize(
    ("number", "is_party"),
    [
        ("45-NQ/TU", True),
        ("57-NQ/TW", True),
        ("10-CTr/TU", True),
        ("1043/KH-UBND", False),
        ("889/QĐ-TTg", False),
        ("", False),
    ],
)
def test_party_numbers_are_told_from_those_of_the_state(number: str, is_party: bool) -> None:
    assert is_party_number(number) is is_party
