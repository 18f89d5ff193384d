"""Who has to act: the bodies an assignment begins with, those of a table's cell, those of the heading above."""

from __future__ import annotations

import pytest

from corpus.agencies import acting_agencies


@pytest.mark.parametrize(
    ("text", "agencies"),
    [
        ("1. Sở Công Thương: chủ trì theo dõi Kế hoạch.", ("Sở Công Thương",)),
        ("Sở Nông nghiệp và Phát triển nông thôn phát triển vùng nguyên liệu.", ("Sở Nông nghiệp và Phát triển nông thôn",)),
        ("a) Sở Văn hóa, Thể thao và Du lịch, Sở Y tế phối hợp tổ chức.", ("Sở Văn hóa, Thể thao và Du lịch", "Sở Y tế")),
        ("UBND các huyện, thị xã, thành phố ban hành kế hoạch.", ("UBND các huyện, thị xã, thành phố",)),
        ("Giao Sở Tài chính chủ trì, phối hợp với Sở Công Thương.", ("Sở Tài chính",)),
        ("Ban Quản lý Khu kinh tế tỉnh, Liên minh Hợp tác xã đôn đốc.", ("Ban Quản lý Khu kinh tế tỉnh", "Liên minh Hợp tác xã")),
        ("Nhiệm vụ: Tập huấn; Cơ quan chủ trì: Sở Y tế; Cơ quan phối hợp: UBND cấp xã", ("Sở Y tế",)),
        ("Tổ chức hai lớp tập huấn cho Sở Công Thương.", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_those_named_first_act(text: str, agencies: tuple[str, ...]) -> None:
    assert acting_agencies(text) == agencies


def test_a_duty_without_a_name_is_that_of_its_heading() -> None:
    path = ("III. TỔ CHỨC THỰC HIỆN", "2. Sở Tài nguyên và Môi trường")
    assert acting_agencies("Hướng dẫn phân loại rác.", path) == ("Sở Tài nguyên và Môi trường",)
    assert acting_agencies("Sở Y tế hướng dẫn.", path) == ("Sở Y tế",)
