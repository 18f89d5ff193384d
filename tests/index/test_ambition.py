"""Targets on one scale: units, years due, the lead over national values, ranks, and changes from plan to plan."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from corpus.store import Store
from index.ambition import aims, history
from index.view import View

BAGS = "{} siêu thị, trung tâm thương mại dùng bao bì thân thiện môi trường."
Add = Callable[..., None]


@pytest.fixture
def store(empty: Store, add: Add) -> Store:
    add(empty, "cb", "Cao Bằng", 2021, [BAGS.format("Đến năm 2025 có 100%")], "objective")
    add(empty, "cb2", "Cao Bằng", 2023, [BAGS.format("Trong năm 2025 có 70%")], "objective")
    add(empty, "bk", "Bắc Kạn", 2021, [BAGS.format("Đến năm 2025 có 85%")] * 2, "objective")
    add(empty, "tn", "Thái Nguyên", 2022, [BAGS.format("Đến năm 2030 có 100%")], "objective")
    add(empty, "cm", "Cà Mau", 2024, [BAGS.format("Phấn đấu có 55%")], "objective", period=(2024, 2026))
    add(empty, "dl", "Đắk Lắk", 2024, [BAGS.format("Đến năm 2025 có 99%")], "news")
    return empty


def test_ranks_and_leads(store: Store) -> None:
    found = aims(store, View(as_published=True))
    assert [(a.rank, a.place, a.value, a.due, a.lead) for a in found] == [
        (1, "Cao Bằng", 100.0, 2025, 15.0),
        (2, "Bắc Kạn", 85.0, 2025, 0.0),
        (3, "Thái Nguyên", 100.0, 2030, 0.0),
        (4, "Cà Mau", 55.0, 2026, -33.0),
        (None, "Cao Bằng", 70.0, 2025, -15.0),
    ]


def test_a_merged_province_is_ranked_once(store: Store) -> None:
    found = aims(store, View())
    assert [(a.rank, a.document.id) for a in found if a.place == "Thái Nguyên"] == [(2, "bk"), (None, "tn")]
    assert len(found) == len(aims(store, View(as_published=True)))


def test_equal_ambition_has_equal_rank(empty: Store, add: Add) -> None:
    for name, province in (("a", "Cà Mau"), ("b", "Lào Cai"), ("c", "Hà Tĩnh")):
        share = "90%" if name == "c" else "85%"
        add(empty, name, province, 2021, [BAGS.format(f"Đến năm 2025 có {share}")], "objective")
    assert [a.rank for a in aims(empty, View())] == [1, 2, 2]


def test_values_are_on_one_scale(empty: Store, add: Add) -> None:
    add(empty, "a", "Cà Mau", 2021, ["Đến năm 2025, tổng công suất điện gió đạt 1,2 GW."], "objective")
    add(empty, "b", "Lào Cai", 2021, ["Đến năm 2025, tổng công suất điện mặt trời đạt 900 MWp."], "objective")
    assert [(a.rank, a.place, a.values) for a in aims(empty, View())] == [
        (1, "Cà Mau", (1200.0,)),
        (2, "Lào Cai", (900.0,)),
    ]


def test_history_follows_one_province_and_not_its_merged_neighbour(store: Store) -> None:
    found = history(aims(store, View()))
    assert {place: [(s.aim.document.id, s.change) for s in steps] for place, steps in found.items()} == {
        "Cao Bằng": [("cb", None), ("cb2", -30.0)]
    }
