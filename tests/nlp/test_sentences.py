from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.labelled import texts
from nlp.sentences import Span, clauses, sentences

pieces = st.lists(
    st.sampled_from(
        ["1", "2.1", "Điều", "tỉnh", "Hà", "TP", "v.v", "a", ".", ";", ":", "…", "!", "\n", " ", "”", "(", "50,5%"]
    )
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Giảm rác. Tăng tái chế.", ["Giảm rác.", "Tăng tái chế."]),
        ("Giảm rác.Tăng tái chế", ["Giảm rác.", "Tăng tái chế"]),
        ("Xong chưa? Rồi! Tốt…", ["Xong chưa?", "Rồi!", "Tốt…"]),
        ("“Giảm rác.” Ông nói vậy.", ["“Giảm rác.”", "Ông nói vậy."]),
        # Numbers.
        ("Đạt 1.500.000 đồng, 12.5 MW và 7,5%. Hết.", ["Đạt 1.500.000 đồng, 12.5 MW và 7,5%.", "Hết."]),
        ("Đến năm 2030. Sau đó.", ["Đến năm 2030.", "Sau đó."]),
        ("Quyết định 889/QĐ-TTg ngày 24.6.2020. Căn cứ.", ["Quyết định 889/QĐ-TTg ngày 24.6.2020.", "Căn cứ."]),
        # Numbering.
        ("1. Mục tiêu chung. Giảm rác.", ["1. Mục tiêu chung.", "Giảm rác."]),
        ("1.1. Mục tiêu. Giảm rác.", ["1.1. Mục tiêu.", "Giảm rác."]),
        ("Xong.\n10.2.12. Mục tiêu", ["Xong.", "10.2.12. Mục tiêu"]),
        ("II. Nhiệm vụ", ["II. Nhiệm vụ"]),
        ("a. Rác. đ. Điện.", ["a. Rác.", "đ. Điện."]),
        ("Theo khoản 2 Điều 3. của Luật", ["Theo khoản 2 Điều 3. của Luật"]),
        # Titles and abbreviations.
        ("TP. Cần Thơ và Tp.Hà Nội", ["TP. Cần Thơ và Tp.Hà Nội"]),
        ("PGS. TS. Nguyễn A. B. chủ trì (ThS. Lê C)", ["PGS. TS. Nguyễn A. B. chủ trì (ThS. Lê C)"]),
        ("chai, lọ, v.v. đều thu", ["chai, lọ, v.v. đều thu"]),
        # Lines end sentences, and what holds no letter or figure is none.
        ("Mục tiêu\nGiảm rác", ["Mục tiêu", "Giảm rác"]),
        (" \n ./. \n---\n", []),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in sentences(text)] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gồm: thu gom; tái chế. Hết", ["Gồm:", "thu gom;", "tái chế.", "Hết"]),
        ("lúc 8:30 tại https://a.vn; xong", ["lúc 8:30 tại https://a.vn;", "xong"]),
        ("1.1. Mục tiêu: giảm rác", ["1.1. Mục tiêu:", "giảm rác"]),
        ("", []),
    ],
)
def test_clauses(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in clauses(text)] == expected


def assert_good(text: str, spans: list[Span]) -> None:
    assert all(0 <= a < b <= len(text) for a, b in spans)
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))
    assert all(text[a:b] == text[a:b].strip() for a, b in spans)
    # Nothing that can be read is lost.
    inside = {i for a, b in spans for i in range(a, b)}
    assert [i for i, c in enumerate(text) if c.isalnum() and i not in inside] == []


@given(st.text() | pieces.map("".join))
def test_spans_are_ordered_apart_and_hold_every_word(text: str) -> None:
    assert_good(text, sentences(text))
    assert_good(text, clauses(text))


@given(pieces.map("".join))
def test_every_clause_lies_in_one_sentence(text: str) -> None:
    whole = sentences(text)
    assert all(any(a <= c and d <= b for a, b in whole) for c, d in clauses(text))


def test_spans_of_the_labelled_paragraphs() -> None:
    for text in texts():
        assert_good(text, clauses(text))
