"""Coverage: counts, shares, kinds and years; merged provinces counted once."""

from __future__ import annotations

from collections.abc import Callable

from corpus.store import Store
from index.coverage import coverage
from index.view import View

Add = Callable[..., None]


def fill(store: Store, add: Add) -> None:
    add(store, "bk", "Bắc Kạn", 2021, ["a", "b"], "objective", ["awareness"])
    add(store, "tn", "Thái Nguyên", 2023, ["c", "d"], "task")
    add(store, "dl", "Đắk Lắk", 2022, ["e"], "task", ["awareness", "renewable_energy"])
    add(store, "cm", "Cà Mau", 2022, ["f"], "task")


def test_each_paragraph_counts_once_in_each_view(empty: Store, add: Add) -> None:
    fill(empty, add)
    today, then = coverage(empty, View()), coverage(empty, View(as_published=True))
    assert [row.province for row in today] == ["Cà Mau", "Đắk Lắk", "Thái Nguyên"]
    assert [row.province for row in then] == ["Bắc Kạn", "Cà Mau", "Đắk Lắk", "Thái Nguyên"]
    assert sum(row.paragraphs for row in today) == sum(row.paragraphs for row in then) == 6
    merged = today[-1]
    assert (merged.published_as, merged.documents) == (["Bắc Kạn", "Thái Nguyên"], 2)


def test_counts_shares_kinds_and_years(empty: Store, add: Add) -> None:
    fill(empty, add)
    merged = coverage(empty, View())[-1]
    assert (merged.groups["awareness"], merged.share("awareness"), merged.share("none")) == (2, 0.5, 0.0)
    assert dict(merged.kinds) == {"objective": 2, "task": 2}
    assert {year: (c.paragraphs, c.groups["awareness"]) for year, c in merged.years.items()} == {
        2021: (2, 2),
        2023: (2, 0),
    }


def test_an_empty_store_has_no_rows(empty: Store) -> None:
    assert coverage(empty, View()) == []
