"""Structure: headings, anchors, wrapped lines, tables and kinds."""

from __future__ import annotations

import pytest

from corpus.clean import split_lines
from corpus.kinds import kind_of
from corpus.structure import Block, paragraphs


def blocks(text: str) -> dict[str, Block]:
    found = paragraphs(split_lines(text))
    by_anchor = {block.anchor: block for block in found}
    assert len(by_anchor) == len(found), "anchors are unique"
    return by_anchor


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        ("I. MỤC TIÊU\n1. Chung\n- Một.\n- Hai.\n2. Riêng.\nII. NHIỆM VỤ\nA. Việc một.", "I I.1 I.1.1 I.1.2 I.2 II II.A"),
        ("A. MỤC TIÊU\n1. Chung.\nB. NHIỆM VỤ VÀ GIẢI PHÁP\nI. Thể chế\n1. Rà soát.\nII. Mô hình\n1. Nhân rộng.", "A A.1 B B.I B.I.1 B.II B.II.1"),
        ("PHẦN I\nMỤC TIÊU\n1. Chung.\nPHẦN II\nNHIỆM VỤ\nMục 1. Truyền thông\n1. Mở lớp.", "phan-i phan-i.1 phan-ii phan-ii.muc-1 phan-ii.muc-1.1"),
        ("Chương I QUY ĐỊNH CHUNG\nĐiều 1. Phạm vi.\nĐiều 2. Đối tượng.", "chuong-i chuong-i.dieu-1 chuong-i.dieu-2"),
        ("Mở đầu.\nI. VIỆC\n3. Nhóm\n3.1. Một\na) Ý thứ nhất.\nb) Ý thứ hai.\n3.2. Hai.", "0.1 I I.3 I.3.1 I.3.1.a I.3.1.b I.3.2"),
        ("I. VIỆC\nĐoạn không số.\n1. Việc một.\n2. Việc hai.", "I I.3 I.1 I.2"),
        ("MỤC TIÊU CHUNG\n1. Một.\nGIẢI PHÁP THỰC HIỆN\n1. Hai.", "muc-tieu-chung muc-tieu-chung.1 giai-phap-thuc-hien giai-phap-thuc-hien.1"),
        ("V. TỔ CHỨC\n1. Sở A:\n- Chủ trì.\nTrên đây là Kế hoạch của tỉnh.", "V V.1 V.1.1 V.2"),
    ],
)  # fmt: skip
def test_anchors_follow_the_numbering(text: str, anchors: str) -> None:
    assert list(blocks(text)) == anchors.split()


def test_letters_lead_roman_numerals_that_follow_them() -> None:
    found = blocks("A. MỤC TIÊU\n1. Một.\nB. NHIỆM VỤ VÀ GIẢI PHÁP\nI. Thể chế\n1. Rà soát quy định.")
    assert found["B.I.1"].heading_path == ("B. NHIỆM VỤ VÀ GIẢI PHÁP", "I. Thể chế")
    assert found["B"].is_heading
    assert found["B.I"].is_heading


def test_content_above_dashes_is_their_context_but_no_heading() -> None:
    found = blocks("II. NHIỆM VỤ\n1. Tổ chức tuyên truyền cho người dân, gồm các việc sau;\n- Mở lớp.\n- In sổ tay.")
    assert found["II.1.2"].heading_path[-1].startswith("1. Tổ chức tuyên truyền")
    assert not found["II.1"].is_heading


def test_attached_plan_has_its_own_anchors() -> None:
    lines = split_lines("Điều 1. Ban hành.\n1. Khoản một.\nKẾ HOẠCH\n1. Việc một.\n2. Việc hai.")
    kept = [line for line in lines if line.text != "KẾ HOẠCH"]
    assert [b.anchor for b in paragraphs(kept, {3: "Kế hoạch"})] == ["dieu-1", "dieu-1.1", "ke-hoach.1", "ke-hoach.2"]


WRAPPED = """I. MỤC ĐÍCH, YÊU CẦU

- Triển khai thực hiện kịp thời, đồng bộ và hiệu quả Nghị quyết số
57-NQ/TW trên địa bàn tỉnh, gắn với phát triển kinh tế
- xã hội giai đoạn 2021
- 2025 của từng địa phương trong tỉnh và theo đúng kế hoạch được giao.

- Giao Sở Khoa học và
Công nghệ theo dõi việc ứng dụng sáng kiến tiết kiệm tài nguyên;
các sở khác phối hợp thực hiện.

1. Mục đích
Nâng cao nhận thức của người dân về tiêu dùng bền vững trong đời sống
hằng ngày, từ gia đình đến cơ quan, trường học và cơ sở sản xuất trên địa bàn
tỉnh.
"""


def test_wrapped_lines_are_joined() -> None:
    texts = [block.text for block in blocks(WRAPPED).values()]
    assert any(text.endswith("được giao.") and "kinh tế - xã hội giai đoạn 2021 - 2025" in text for text in texts)
    assert any(
        text.startswith("Giao Sở Khoa học và Công nghệ") and text.endswith("phối hợp thực hiện.") for text in texts
    )
    assert "1. Mục đích" in texts
    assert len(texts) == 5


def test_one_paragraph_a_line_is_never_glued() -> None:
    lines = [
        "Tỉnh phấn đấu giảm túi ni lông tại mọi siêu thị " * 4,
        "Hỗ trợ doanh nghiệp thu gom bao bì",
        "Sở Công Thương: Chủ trì, phối hợp " * 5,
    ]
    assert [block.text for block in blocks("\n".join(line.strip() for line in lines)).values()] == [
        line.strip() for line in lines
    ]


TABLE = """PHỤ LỤC
DANH MỤC NHIỆM VỤ
TT | Nhiệm vụ | Cơ quan chủ trì | Thời gian
I | NÂNG CAO NHẬN THỨC | |
1 | Mở lớp tập huấn | Sở Công Thương | 2025
2 | In sổ tay | | Hằng năm
II | TÁI CHẾ | |
1 | Thu gom pin | Sở Xây dựng | 2026"""


def test_rows_carry_their_column_headings() -> None:
    found = blocks(TABLE)
    assert list(found) == ["phu-luc", "phu-luc.I", "phu-luc.I.1", "phu-luc.I.2", "phu-luc.II", "phu-luc.II.1"]
    assert found["phu-luc.I.1"].text == "Nhiệm vụ: Mở lớp tập huấn; Cơ quan chủ trì: Sở Công Thương; Thời gian: 2025"
    assert found["phu-luc.I.2"].text == "Nhiệm vụ: In sổ tay; Thời gian: Hằng năm"
    assert found["phu-luc.II.1"].heading_path == ("PHỤ LỤC DANH MỤC NHIỆM VỤ", "II. TÁI CHẾ")


def test_a_line_between_rows_names_them() -> None:
    found = blocks(
        "TT | Chỉ tiêu | Chủ trì\nI. Phân phối\n1 | Chợ không rác | Sở Công Thương\n2 | Siêu thị xanh | Sở Y tế"
    )
    assert list(found) == ["I", "I.1", "I.2"]
    assert found["I.2"].text == "Chỉ tiêu: Siêu thị xanh; Chủ trì: Sở Y tế"
    assert found["I.2"].heading_path == ("I. Phân phối",)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        (("I. MỤC TIÊU",), "- Giảm 5% nguyên liệu.", "objective"),
        (("I. MỤC ĐÍCH, YÊU CẦU",), "Việc làm phải rõ người.", "objective"),
        (("II. NHIỆM VỤ, GIẢI PHÁP",), "Xây dựng mô hình thu gom.", "task"),
        (("II. NHIỆM VỤ, GIẢI PHÁP", "1. Truyền thông"), "Số lượng: 02 hội nghị mỗi năm.", "task"),
        (("II. NHIỆM VỤ",), "Sở Công Thương: theo dõi chỉ tiêu.", "assignment"),
        (("II. NHIỆM VỤ",), "3. UBND các huyện chủ trì thu gom.", "assignment"),
        (("III. KINH PHÍ",), "Ngân sách bố trí theo phân cấp.", "assignment"),
        (("IV. TỔ CHỨC THỰC HIỆN", "1. Chế độ báo cáo"), "Gửi trước ngày 15/12.", "assignment"),
        ((), "Căn cứ Luật Bảo vệ môi trường;", "preamble"),
        ((), "Ủy ban nhân dân tỉnh ban hành Kế hoạch như sau:", "preamble"),
    ],
)  # fmt: skip
def test_kinds(path: tuple[str, ...], text: str, kind: str) -> None:
    block = Block(text, 0, len(text), path, "1", False)
    assert kind_of(block, official=True, numbered_before=bool(path)) == kind
    assert kind_of(block, official=False, numbered_before=bool(path)) == "news"
