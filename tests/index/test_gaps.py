"""Summaries and gaps: merged provinces counted once in each view, near statements, strongest targets, titles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from corpus.store import Store
from index.families import Families, build
from index.gaps import gaps, summarise, title_of
from index.statements import statements
from index.view import View


@pytest.fixture
def found(empty: Store, add: Callable[..., None], first_word: type) -> Families:
    """Bắc Kạn is part of Thái Nguyên today; both have the first obligation."""
    add(empty, "bk", "Bắc Kạn", 2021, ["bao bì giảm 20% ở siêu thị", "rac tại nguồn"])
    add(empty, "tn", "Thái Nguyên", 2022, ["bao bì giảm 40% ở siêu thị"])
    add(empty, "cb", "Cao Bằng", 2023, ["bao bì giảm 30% ở siêu thị", "rac hữu cơ", "dien gió"])
    add(empty, "cm", "Cà Mau", 2024, ["bac cầu", "dien mặt trời"])
    return build({d.id: statements(empty, d) for d in empty.documents()}, first_word())


def everywhere(place: str) -> bool:
    return True


def test_a_merged_province_counts_once_in_each_view(found: Families) -> None:
    today = {s.title.split()[0]: list(s.places) for s in summarise(found.families, View())}
    assert today["Bao"] == ["Cao Bằng", "Thái Nguyên"]
    then = {s.title.split()[0]: list(s.places) for s in summarise(found.families, View(as_published=True))}
    assert then["Bao"] == ["Bắc Kạn", "Cao Bằng", "Thái Nguyên"]
    for view in (View(), View(as_published=True)):
        for summary in summarise(found.families, view):
            members = [m.paragraph.id for of in summary.places.values() for m in of]
            assert sorted(members) == sorted({m.paragraph.id for m in summary.family.members})


def test_gaps_count_provinces_of_the_view(found: Families) -> None:
    today = gaps(found, "Cà Mau", View(), everywhere)
    assert [(g.summary.title.split()[0], g.having, g.of) for g in today] == [
        ("Bao", ("Cao Bằng", "Thái Nguyên"), 3),
        ("Rac", ("Cao Bằng", "Thái Nguyên"), 3),
    ]
    then = gaps(found, "Cà Mau", View(as_published=True), everywhere)
    assert [(g.summary.title.split()[0], len(g.having), g.of) for g in then] == [("Bao", 3, 4), ("Rac", 2, 4)]
    lacking = gaps(found, "Thái Nguyên", View(), everywhere)
    assert [(g.summary.title, g.having) for g in lacking] == [("Dien gió", ("Cà Mau", "Cao Bằng"))]


def test_a_province_of_today_has_what_its_former_parts_have(found: Families) -> None:
    titles = {g.summary.title.split()[0] for g in gaps(found, "Thái Nguyên", View(as_published=True), everywhere)}
    assert "Rac" in titles
    assert "Rac" not in {g.summary.title.split()[0] for g in gaps(found, "Thái Nguyên", View(), everywhere)}


def test_only_the_provinces_asked_for_count(found: Families) -> None:
    view = View()
    near = gaps(found, "Cà Mau", view, lambda place: view.region(place) == view.region("Cà Mau"))
    assert near == []


def test_near_statements_are_told(found: Families) -> None:
    # The matcher finds "bac" near "bao" but not the same.
    bags = next(g for g in gaps(found, "Cà Mau", View(), everywhere) if g.summary.title.startswith("Bao"))
    assert bags.near == ()
    closer = replace(bags.summary.family, cohesion=0.7)
    family = next(f for f in found.families if f.id == closer.id)
    loose = replace(found, families=tuple(closer if f is family else f for f in found.families))
    bags = next(g for g in gaps(loose, "Cà Mau", View(), everywhere) if g.summary.title.startswith("Bao"))
    assert [s.text for s in bags.near] == ["bac cầu"]


def test_earliest_latest_and_strongest(found: Families) -> None:
    bags = next(s for s in summarise(found.families, View()) if s.title.startswith("Bao"))
    assert (bags.earliest.document.id, bags.latest.document.id) == ("bk", "cb")
    statement, target = bags.strongest
    assert (statement.document.id, target.values) == ("tn", (40.0,))


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("a) Đến năm 2025, 85% siêu thị dùng bao bì thân thiện;", "85% siêu thị dùng bao bì thân thiện"),
        ("3.1. Hỗ trợ kiểm toán năng lượng cho nhà máy; hướng dẫn đo đếm.", "Hỗ trợ kiểm toán năng lượng cho nhà máy"),
        ("2.000 lượt nông dân được tập huấn về canh tác bền vững.", "2.000 lượt nông dân được tập huấn về canh tác bền vững"),
        ("Nhiệm vụ: Phân loại rác tại nguồn ở các thành phố lớn; Cơ quan chủ trì: Sở A", "Phân loại rác tại nguồn ở các thành phố lớn"),
        ("Đơn vị: Sở Công Thương; Trách nhiệm: Tổng hợp báo cáo; Thời hạn: 25/11", "Sở Công Thương: Tổng hợp báo cáo"),
        ("- " + "rất dài " * 30, ("Rất dài " + "rất dài " * 10).rstrip() + " …"),
        ("a)", "A)"),
    ],
)  # fmt: skip
def test_titles_are_plain(found: Families, text: str, title: str) -> None:
    family = found.families[0]
    paragraph = replace(family.medoid.paragraph, text=text)
    medoid = replace(family.medoid, paragraph=paragraph, span=(0, len(text)))
    assert title_of(replace(family, medoid=medoid)) == title
