"""Provinces: the table of 63 and the 34 of today, and names found in text."""

from __future__ import annotations

import pytest

from corpus.provinces import find_provinces, province_named, provinces
from nlp.fold import fold


def test_sixty_three_became_thirty_four() -> None:
    assert len(provinces()) == 63
    assert len({province.today for province in provinces()}) == 34
    assert all(province_named(province.today) for province in provinces())


def test_table_agrees_with_vietnamadminunits() -> None:
    units = pytest.importorskip("vietnamadminunits")
    for province in provinces():
        address = f"{province.kind} {province.name}"
        converted = units.convert_address(address, mode="CONVERT_2025")
        assert fold(converted.short_province) == fold(province.today), address


@pytest.mark.parametrize("name", ["Cao Bằng", "cao bang", "tỉnh Cao Bằng", "TỈNH CAO BẰNG"])
def test_named_with_or_without_diacritics(name: str) -> None:
    found = province_named(name)
    assert found is not None
    assert found.name == "Cao Bằng"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Tỉnh Bắc Kạn và tỉnh Cà Mau", ["Bắc Kạn", "Cà Mau"]),
        ("vì hòa bình và an ninh", []),
        ("tỉnh Hòa Bình", ["Hòa Bình"]),
        ("ke hoach cua ca mau", ["Cà Mau"]),
        ("không có nơi nào", []),
    ],
)
def test_found_in_text(text: str, names: list[str]) -> None:
    found = find_provinces(text)
    assert [province.name for _, _, province in found] == names
    assert all(fold(text[start:end]) == fold(province.name) for start, end, province in found)
