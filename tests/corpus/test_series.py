"""Base plans and the yearly plans that carry them out."""

from __future__ import annotations

from corpus.series import series
from corpus.stored import StoredDocument


def plan(
    name: str, year: int, period: tuple[int, int] | None = None, province: str = "Cao Bằng", *cited: str
) -> StoredDocument:
    return StoredDocument(
        id=name, source="x", number=name, type="Kế hoạch", title=None, province=province, province_today=province,
        issuing_body=None, signer=None, date_issued=None, year=year, based_on=cited, paragraphs=1, period=period,
    )  # fmt: skip


BASE = plan("1043/KH-UBND", 2021, (2021, 2030), "Cao Bằng", "889/QĐ-TTg")


def test_a_plan_belongs_to_the_one_it_cites() -> None:
    yearly = [plan(f"{n}/KH-UBND", 2021 + n, None, "Cao Bằng", "1043/KH-UBND") for n in (2, 1)]
    assert series([*yearly, BASE]) == {BASE.id: (BASE.id, "1/KH-UBND", "2/KH-UBND")}


def test_a_plan_of_one_year_belongs_to_the_long_one_of_the_same_programme() -> None:
    yearly = plan("9/KH-UBND", 2023, (2023, 2023), "Cao Bằng", "889/QĐ-TTg")
    assert series([BASE, yearly]) == {BASE.id: (BASE.id, yearly.id)}
    other = plan("10/KH-UBND", 2023, (2023, 2023), "Cao Bằng", "1746/QĐ-TTg")
    assert series([BASE, other]) == {}


def test_other_provinces_and_later_plans_are_no_base() -> None:
    assert series([BASE, plan("9/KH-UBND", 2023, None, "Cà Mau", "1043/KH-UBND")]) == {}
    assert series([BASE, plan("9/KH-UBND", 2020, (2020, 2020), "Cao Bằng", "1043/KH-UBND")]) == {}


def test_chains_end_at_the_first_plan_and_circles_do_not_hang() -> None:
    middle = plan("5/KH-UBND", 2022, None, "Cao Bằng", "1043/KH-UBND")
    last = plan("6/KH-UBND", 2023, None, "Cao Bằng", "5/KH-UBND")
    assert series([BASE, middle, last]) == {BASE.id: (BASE.id, middle.id, last.id)}
    a, b = plan("a", 2022, None, "Cà Mau", "b"), plan("b", 2022, None, "Cà Mau", "a")
    assert set(series([a, b])) <= {"a", "b"}
