"""Missing spaces: put back where there is one way to do it, left alone elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.spacing import is_syllable, respace


@pytest.mark.parametrize(
    ("glued", "parted"),
    [
        ("ngày 09/9/2009của UBND", "ngày 09/9/2009 của UBND"),
        ("TỈNHQUẢNG BÌNH", "TỈNH QUẢNG BÌNH"),
        ("phát triểnkinh tế", "phát triển kinh tế"),
        ("sảnphẩm tại thànhphố", "sản phẩm tại thành phố"),
        ("bao bì,túi giấy;hộp bã mía", "bao bì, túi giấy; hộp bã mía"),
        ("bảo vệ môi trường.Các sở", "bảo vệ môi trường. Các sở"),
        ("trụ sởPhó Chủ tịch", "trụ sở Phó Chủ tịch"),
        ("năm 2025đạt 85%", "năm 2025 đạt 85%"),
    ],
)
def test_dropped_spaces_come_back(glued: str, parted: str) -> None:
    assert respace(glued) == parted


@pytest.mark.parametrize(
    "text",
    [
        "số 1043/KH-UBND ngày 07/5/2021", "5.000kWh, 12MW, 100ha, 2x300MVA", "CO2, 5G, m2, 4.0", "túi nilông, dầu madút",
        "https://vidu.vn/tin,bai", "nghiêng nghiêm khuyếch", "Email: a.b@c.vn", "1,5 triệu; 2,5%", "a) b) đ) 2.1.", "",
    ],
)  # fmt: skip
def test_what_is_written_so_stays(text: str) -> None:
    assert respace(text) == text


@pytest.mark.parametrize("word", ["nghiêng", "giếng", "gì", "quyết", "ở", "uống", "khuya", "đẹp", "ý"])
def test_syllables(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["thủt", "bcd", "áàn", "kinhtế", "êzen", "x"])
def test_no_syllables(word: str) -> None:
    assert not is_syllable(word)


@given(st.text(alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyáàảãạếềểễệ ,.;0123456789AĐ", max_size=80))
def test_only_spaces_are_added(text: str) -> None:
    assert respace(text).replace(" ", "") == text.replace(" ", "")
    assert respace(respace(text)) == respace(text)
