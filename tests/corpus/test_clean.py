"""Cleaning: what is left out, with its reason, and what must stay."""

from __future__ import annotations

import pytest

from corpus.clean import boilerplate, split_lines, without_tail


def reasons(text: str) -> dict[str, str]:
    lines = split_lines(text)
    found = boilerplate(lines)
    return {line.text: found[line.number] for line in lines if line.number in found}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("-------", "rule"), ("Trang 3/12", "page number"), ("[...]", "rule"), ("Lượt xem: 1.204", "counter"), ("Views Today : 9", "counter"),
        ("Chia sẻ:", "navigation"), ("Tin liên quan khác", "navigation"), ("BÀI VIẾT CÙNG CHUYÊN MỤC", "navigation"), ("Trang chủ > Tin tức", "navigation"),
        ("Giấy phép số 12/GP-STTTT", "footer"), ("© 2024 Cổng thông tin", "footer"), ("Điện thoại: 0123", "footer"), ("https://vd.vn/a", "link"),
        ("(Kèm theo Kế hoạch số 12/KH-UBND của UBND tỉnh)", "attachment note"), ("Kính gửi: Hội đồng nhân dân tỉnh", "header"),
        ("Nông dân phơi lúa bên đường. Ảnh: Văn A", "caption"),
    ],
)  # fmt: skip
def test_lines_left_out(line: str, reason: str) -> None:
    assert reasons(f"Một đoạn văn bản có thật và đủ dài.\n{line}\nMột đoạn khác cũng có thật.") == {line: reason}


@pytest.mark.parametrize(
    "line",
    [
        "- Hướng dẫn doanh nghiệp đăng ký bản quyền nhãn hiệu cho sản phẩm làng nghề.",
        "a) Hỗ trợ đăng ký nhãn hiệu, sở hữu trí tuệ cho sáng kiến giảm rác.",
        "Nơi nhận hồ sơ đăng ký mô hình là Sở Công Thương.",
        "1. Sở Nội vụ (Phòng Thi đua -",
        "Danh mục dự án được cập nhật theo phụ lục hằng năm.",
    ],
)
def test_words_of_a_plan_stay(line: str) -> None:
    assert not reasons(f"Một đoạn văn bản có thật và đủ dài.\n{line}\nKhen thưởng) tổng hợp kết quả.")


def test_recipients_and_signature_end_at_an_annex() -> None:
    text = "1. Sở A chủ trì.\nNơi nhận:\n- Bộ B;\n- Lưu: VT.\nTM. ỦY BAN NHÂN DÂN\nPHÓ CHỦ TỊCH\nTrần Văn Thử\nPHỤ LỤC\nDANH MỤC DỰ ÁN\n1. Dự án một."
    left = reasons(text)
    assert set(left.values()) == {"recipients", "signature"}
    assert not {"PHỤ LỤC", "DANH MỤC DỰ ÁN", "1. Dự án một.", "1. Sở A chủ trì."} & set(left)


def test_footnotes_and_members_notices_after_the_signature_go() -> None:
    body = "\n".join(f"{n}. Việc thứ {n} của kế hoạch." for n in range(1, 9))
    left = reasons(
        f"{body}\nPHÓ CHỦ TỊCH\nTrần Văn Thử\n[1] Quyết định nêu trên.\nQuý khách vui lòng đăng nhập.\nCảm ơn đã dùng."
    )
    assert left["[1] Quyết định nêu trên."] == "footnote"
    assert left["Quý khách vui lòng đăng nhập."] == left["Cảm ơn đã dùng."] == "footer"


def test_headlines_between_dashes_are_teasers() -> None:
    left = reasons(
        "Đoạn mở đầu của bài viết.\n-\nTin thứ nhất về rừng\n-\nTin thứ hai về biển\nTin ba -\nTin bốn -\nTin năm"
    )
    assert [line for line, reason in left.items() if reason == "teaser"][:2] == [
        "Tin thứ nhất về rừng",
        "Tin thứ hai về biển",
    ]
    assert left["Tin bốn -"] == "teaser"


def test_caption_given_twice_and_byline() -> None:
    left = reasons("Cánh đồng lúa xã A\nCánh đồng lúa xã A\nĐoạn văn kể chuyện đồng ruộng.\nMinh Thử")
    assert left == {"Cánh đồng lúa xã A": "caption", "Minh Thử": "byline"}


def test_read_more_at_the_end_goes() -> None:
    assert without_tail("Tỉnh triển khai kế hoạch. Xem thêm") == "Tỉnh triển khai kế hoạch."


def test_lines_know_their_place() -> None:
    text = "một\n\n  hai\n"
    assert [(line.text, line.number, text[line.start : line.end].strip()) for line in split_lines(text)] == [
        ("một", 1, "một"),
        ("hai", 3, "hai"),
    ]
