"""What two aligned clauses put differently: figures above all, and changed words as a reader would mark them."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import labelled
from index.differences import changes, differences, shared_words

_FIGURE = re.compile(r"(?<![\w/.,-])\d+(?:[.,]\d+)*(?![\w/]|[.,]\d| ?[-–] ?\d)")


@pytest.mark.parametrize(
    ("a", "b", "kinds"),
    [
        ("85% siêu thị", "85% siêu thị", set()),
        ("85% siêu thị", "trên 85% siêu thị", {"value"}),
        ("Tổ chức 02 lớp tập huấn", "Tổ chức 05 lớp tập huấn", {"value"}),
        ("Tổ chức 2 lớp tập huấn", "Tổ chức 02 lớp tập huấn", set()),
        ("Báo cáo trước ngày 01/12/2025", "Báo cáo trước ngày 15/12/2025", {"deadline"}),
        ("Hoàn thành kho lạnh năm 2024", "Hoàn thành kho lạnh năm 2026", {"deadline"}),
        ("Sở Công Thương chủ trì", "Sở Tài chính chủ trì", {"agency"}),
        ("Sở Công Thương chủ trì", "sở công thương chủ trì", set()),
        ("Thu gom rác ở đô thị", "Thu gom rác ở nông thôn", {"scope"}),
        ("Báo cáo trước ngày 31 tháng 12 hằng năm", "Báo cáo trước ngày 10 tháng 12 năm 2024", {"deadline"}),
        ("Căn cứ Nghị định ban hành ngày 01/02/2020", "Căn cứ Nghị định ban hành ngày 03/02/2020", set()),
        ("Thực hiện Quyết định 889/QĐ-TTg", "Thực hiện Quyết định 687/QĐ-TTg", set()),
    ],
)
def test_differences_by_kind(a: str, b: str, kinds: set[str]) -> None:
    assert {difference.kind for difference in differences(a, b)} == kinds


def _changed(text: str, generator: random.Random) -> tuple[str, str] | None:
    """Return ``text`` with one number or year changed, and the kind of difference that makes."""
    figures = list(_FIGURE.finditer(text))
    if not figures:
        return None
    figure = generator.choice(figures)
    written = figure.group()
    is_year = bool(re.fullmatch(r"20[1-5]\d", written))
    last = int(written[-1])
    other = f"{written[:-1]}{(last + generator.randint(1, 8)) % 9 + 1 if last else 5}"
    if other == written:
        other = f"{written[:-1]}{last % 9 + 1}"
    return text[: figure.start()] + other + text[figure.end() :], "deadline" if is_year else "value"


def test_one_changed_figure_is_found_in_nearly_all_clauses() -> None:
    generator = random.Random(889)
    texts = [clause.text for clause in labelled.clauses()] + [
        text for pair in labelled.test_pairs() for text in (pair.a, pair.b)
    ]
    pairs = [(text, changed) for text in dict.fromkeys(texts) if (changed := _changed(text, generator))]
    missed = [
        (text, other)
        for text, (other, kind) in pairs
        if kind not in {difference.kind for difference in differences(text, other)}
    ]
    assert len(pairs) > 200
    assert len(missed) <= 0.05 * len(pairs), missed


def test_changes_are_cut_between_words() -> None:
    a = "85% siêu thị sử dụng bao bì thân thiện môi trường"
    b = "100% siêu thị, trung tâm thương mại sử dụng túi vải"
    marked = [(c.a and a[slice(*c.a)], c.b and b[slice(*c.b)]) for c in changes(a, b)]
    assert marked == [
        ("85%", "100%"),
        (None, "trung tâm thương mại"),
        ("bao bì thân thiện môi trường", "túi vải"),
    ]


def test_binding_words_do_not_interrupt_a_change() -> None:
    a, b = "thu gom rác và tái chế nhựa", "phân loại giấy và ủ phân"
    assert [(c.a, c.b) for c in changes(a, b)] == [((0, len(a)), (0, len(b)))]


words = st.sampled_from("siêu thị bao bì túi ni lông 85% 2025 giảm và của rác thải nhựa , . 01/12/2025 (KCN)".split())


@settings(max_examples=60, deadline=None)
@given(st.lists(words, max_size=12), st.lists(words, max_size=12))
def test_what_is_not_changed_is_the_same_on_both_sides(first: list[str], second: list[str]) -> None:
    a, b = " ".join(first), " ".join(second)
    kept = []
    for text, side in ((a, "a"), (b, "b")):
        for change in reversed(changes(a, b)):
            span = getattr(change, side)
            text = text if span is None else text[: span[0]] + text[span[1] :]
        kept.append(re.findall(r"\w+", text.lower()))
    assert kept[0] == kept[1]
    assert changes(a, a) == ()


def test_shared_words_are_content_words_without_figures() -> None:
    assert shared_words("Thu gom 90% rác thải và tái chế", "Tái chế rác thải, thu gom 90%") == (
        "thu gom",
        "rác thải",
        "tái chế",
    )
