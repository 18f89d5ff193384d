"""Suggestions: from the beginning of any word, typed accents honoured, names first, quick."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.store import Analysis, Store
from corpus.types import Document, Metadata, Paragraph
from index.suggest import Suggester, Suggestion, suggester_of
from nlp.fold import fold

NAMES = Suggester(
    {
        Suggestion("Nền kinh tế xanh", "heading"): 2,
        Suggestion("nến thơm", "term"): 5,
        Suggestion("nếm thử", "term"): 1,
        Suggestion("Cao Bằng", "province"): 1,
        Suggestion("cao bản", "term"): 9,
        Suggestion("12/KH-UBND", "number"): 1,
        Suggestion("Đường sắt", "term"): 1,
    }
)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("ne", ["Nền kinh tế xanh", "nến thơm", "nếm thử"]),
        ("nê", ["Nền kinh tế xanh", "nến thơm", "nếm thử"]),
        ("nế", ["nến thơm", "nếm thử"]),
        ("NỀN", ["Nền kinh tế xanh"]),
        ("nè", []),
        ("kinh t", ["Nền kinh tế xanh"]),
        ("inh", []),
        ("cao b", ["Cao Bằng", "cao bản"]),
        ("cao bằ", ["Cao Bằng"]),
        ("12/k", ["12/KH-UBND"]),
        ("kh-u", ["12/KH-UBND"]),
        ("duong", ["Đường sắt"]),
        ("đuo", ["Đường sắt"]),
        ("e\u0301", []),
        (" ", []),
        ("", []),
    ],
)
def test_what_is_typed_finds_what_begins_like_it(typed: str, expected: list[str]) -> None:
    assert sorted(found.text for found in NAMES.suggest(typed)) == sorted(expected)


def test_names_come_first_and_the_same_words_once() -> None:
    both = Suggester(
        {Suggestion("rác thải", "term"): 9, Suggestion("Rác thải", "heading"): 1, Suggestion("Rá", "province"): 1}
    )
    assert [found.text for found in both.suggest("ra")] == ["Rá", "rác thải"]
    assert len(both.suggest("ra", 1)) == 1


@given(st.text(max_size=120))
def test_nothing_typed_breaks_it(typed: str) -> None:
    assert len(NAMES.suggest(typed, 3)) <= 3


@given(st.sampled_from([item.text for item in NAMES.suggest("n") + NAMES.suggest("c")]), st.data())
def test_every_beginning_of_a_suggestion_finds_it(text: str, data: st.DataObject) -> None:
    typed = text[: data.draw(st.integers(1, len(text)))]
    if typed.strip():
        assert text in [found.text for found in NAMES.suggest(typed)]
        assert text in [found.text for found in NAMES.suggest(fold(typed))]


def test_the_store_gives_its_headings_numbers_provinces_and_terms(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/kehoach.db")
    members = [Paragraph("a#1", 1, "II. NHIỆM VỤ VÀ GIẢI PHÁP", "task", is_heading=True)]
    members += [Paragraph(f"a#{n}", n, f"Thu gom pin hỏng ở {n} bến phà.", "task") for n in range(2, 8)]
    about = Metadata(number="77/KH-UBND", province="Quảng Ninh", province_today="Quảng Ninh")
    store.add(
        Document("a", "a.txt", "0", about, tuple(members)), [Analysis([], [], np.zeros(3, np.float32))] * 7, "none"
    )
    made = suggester_of(store, ["Năng lượng tái tạo"])
    store.close()
    assert made.suggest("nhiem")[0] == Suggestion("Nhiệm vụ và giải pháp", "heading")
    assert made.suggest("77")[0].kind == "number"
    assert made.suggest("quang n")[0] == Suggestion("Quảng Ninh", "province")
    assert made.suggest("nang l")[0] == Suggestion("Năng lượng tái tạo", "task_group")
    assert made.suggest("gom p")[0] == Suggestion("thu gom pin hỏng", "term")


def test_it_is_quick_among_many() -> None:
    syllables = ["ta", "tê", "ti", "to", "tu", "tha", "thê", "thi"]
    texts = {" ".join((a, b, c, d)) for a in syllables for b in syllables for c in syllables for d in syllables}
    many = Suggester({Suggestion(text, "term"): 1 for text in texts})
    began = time.process_time()
    for typed in ("t", "th", "ta t", "the thi"):
        assert len(many.suggest(typed)) == 8
    assert (time.process_time() - began) / 4 < 0.1
