"""Indicators: the same one across wordings, traps of the same theme, the national line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.national import indicator_of, indicators
from corpus.targets import find_targets


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Đến năm 2025, 85% siêu thị chuyển sang bao bì thân thiện môi trường.", "supermarkets_green_packaging"),
        (
            "Phấn đấu 60% TTTM, siêu thị đóng gói bằng vật liệu dễ phân hủy vào năm 2026.",
            "supermarkets_green_packaging",
        ),
        ("Đến năm 2025, 70% siêu thị không phát túi ni lông miễn phí.", "supermarkets_without_bags"),
        ("Đến năm 2030 giảm 60% bao bì nhựa khó phân hủy tại các chợ.", "packaging_at_markets"),
        ("Phấn đấu 100% làng nghề, khu công nghiệp được phổ biến kiến thức.", "zones_informed"),
        ("Giảm 5 - 8% mức tiêu hao nguyên liệu, nhiên liệu vào năm 2025.", "material_intensity"),
        ("Xây dựng 1 - 2 mô hình sản xuất và tiêu dùng bền vững.", "models"),
        ("Phấn đấu 80% rác sinh hoạt được phân loại tại nguồn.", "waste_sorted"),
        ("Đến năm 2025, 90% trường học có vườn rau.", None),
        ("Đến năm 2025, 40% chợ hạng I chấm dứt phát túi nhựa.", None),
    ],
)
def test_wordings_have_their_indicator(text: str, key: str | None) -> None:
    target = find_targets(text)[0]
    found = indicator_of(target, text)
    assert (found.key if found else None) == key


def test_one_paragraph_may_measure_several_things() -> None:
    text = "Đến năm 2025: 70% khu công nghiệp, làng nghề được tuyên truyền; 85% siêu thị dùng bao bì thân thiện."
    keys = [found.key for target in find_targets(text) if (found := indicator_of(target, text))]
    assert keys == ["zones_informed", "supermarkets_green_packaging"]


def test_keys_are_distinct_and_national_targets_have_a_source() -> None:
    assert len({indicator.key for indicator in indicators()}) == len(indicators())
    assert all(bool(indicator.national) == bool(indicator.source) for indicator in indicators())
    assert all(indicator.units[indicator.unit] == 1 for indicator in indicators())


@given(st.integers(2000, 2100))
def test_the_national_line_never_leaves_its_ends(year: int) -> None:
    for indicator in indicators():
        if indicator.national:
            middles = [sum(values) / len(values) for values in indicator.national.values()]
            assert min(middles) <= indicator.reference(year) <= max(middles)


def test_the_national_line_runs_through_its_targets() -> None:
    packaging = next(i for i in indicators() if i.key == "supermarkets_green_packaging")
    assert [packaging.reference(year) for year in (2021, 2025, 2027, 2030, 2035)] == [85, 85, 91, 100, 100]
    assert next(i for i in indicators() if i.key == "models").reference(2025) is None
