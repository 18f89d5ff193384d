import pytest

from index.query import understand
from nlp.accents import Restorer

RESTORER = Restorer.learn(["năng lượng mặt trời", "mục tiêu của Cao Bằng năm 2025", "đường vào khu công nghiệp"] * 3)


@pytest.mark.parametrize(
    ("typed", "restored"),
    [
        ("nang luong mat troi", "năng lượng mặt trời"),
        ("NANG LUONG", "NĂNG LƯỢNG"),
        ("năng luong", None),
        ("dương", None),
    ],
)
def test_diacritics_are_restored_only_where_none_was_typed(typed: str, restored: str | None) -> None:
    assert understand(typed, RESTORER).restored == restored


@pytest.mark.parametrize(
    ("typed", "province", "year"),
    [
        ("mục tiêu của Cao Bằng 2025", "Cao Bằng", 2025),
        ("muc tieu cao bang 2025", "Cao Bằng", 2025),
        ("so sánh 2021 và 2025", None, None),
        ("công suất 2030 MW", None, None),
        ("hòa bình", None, None),
    ],
)
def test_a_province_and_a_single_year_are_found(typed: str, province: str | None, year: int | None) -> None:
    query = understand(typed, RESTORER)
    assert (query.province, query.year) == (province, year)


def test_english_is_translated_for_both_legs() -> None:
    query = understand("rooftop solar in supermarkets", RESTORER)
    assert query.translated
    assert "siêu thị" in query.meaning
    assert any("siêu thị" in expansion for expansion in query.words.expansions)


def test_an_acronym_is_spelled_out() -> None:
    assert "năng lượng tái tạo" in " ".join(understand("dự án NLTT", RESTORER).words.expansions)


@pytest.mark.parametrize("typed", ["", "   ", "\0", "\n"])
def test_an_empty_query_stays_empty(typed: str) -> None:
    assert understand(typed, RESTORER).typed == ""
