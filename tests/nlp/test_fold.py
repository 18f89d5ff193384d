import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.fold import fold, grams, has_diacritics, word_spans, words

LETTERS = "aàáảãạăằắẳẵặâầấẩẫậeèéẻẽẹêềếểễệiìíỉĩịoòóỏõọôồốổỗộơờớởỡợuùúủũụưừứửữựyỳýỷỹỵđ"
vietnamese = st.text(st.sampled_from(LETTERS + LETTERS.upper() + "bcghklmnpqrstvx 0123456789.,%-/_"))


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Sản xuất và Tiêu dùng BỀN VỮNG", "san xuat va tieu dung ben vung"),
        ("Đường đi ĐƯỜNG", "duong di duong"),
        ("889/QĐ-TTg, 85%", "889/qd-ttg, 85%"),
        ("CO₂ và café", "co₂ va cafe"),
        ("", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_every_letter_folds_to_its_base() -> None:
    bases = {fold(letter) for letter in LETTERS + LETTERS.upper()}
    assert bases == set("aeiouyd")


@given(st.text())
def test_folding_keeps_the_length_and_is_done_once(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)
    assert not has_diacritics(fold(text))


@given(vietnamese)
def test_spans_hold_the_words_in_order(text: str) -> None:
    spans = word_spans(text)
    assert [text[a:b].lower() for a, b in spans] == words(text)
    assert [fold(text)[a:b] for a, b in spans] == words(fold(text))
    assert all(a < b <= c < d for (a, b), (c, d) in pairwise(spans))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("kế hoạch", True), ("KẾ HOẠCH", True), ("Đ", True), ("ke hoach 85%", False), ("KE HOACH", False), ("", False)],
)
def test_has_diacritics(text: str, expected: bool) -> None:
    assert has_diacritics(text) is expected


@pytest.mark.parametrize(
    ("syllables", "expected"),
    [([], []), (["điện"], ["điện"]), (["điện", "gió", "xa"], ["điện", "gió", "xa", "điện_gió", "gió_xa"])],
)
def test_grams(syllables: list[str], expected: list[str]) -> None:
    assert grams(syllables) == expected
