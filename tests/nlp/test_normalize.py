import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.normalize import normalize


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("  Kế \t hoạch\u00a0số  1 ", "Kế hoạch số 1"),
        (unicodedata.normalize("NFD", "Điều kiện bền vững"), "Điều kiện bền vững"),
        ("một\r\nhai\rba\u2028bốn\x0cnăm", "một\nhai\nba\nbốn\nnăm"),
        ("một \n\n hai", "một\n\nhai"),
        # Written-out line ends of scrapers; a path is none.
        (r"một\r\nhai", "một\nhai"),
        (r"Nơi nhận:\nSở Công Thương\r\n- Lưu", "Nơi nhận:\nSở Công Thương\n- Lưu"),
        (unicodedata.normalize("NFD", r"xong\nđến"), "xong\nđến"),
        (unicodedata.normalize("NFD", r"xong\náp dụng"), "xong\náp dụng"),
        (r"ổ D:\network", r"ổ D:\network"),
        # What cannot be seen.
        ("bền\u200b vữ\u00adng\ufeff", "bền vững"),
        ("85\u200e%\u202c", "85%"),
        ("a\x00b\x07c\ud800d", "a b c d"),
        ("", ""),
        ("\u200b", ""),
    ],
)
def test_normalize(text: str, normal: str) -> None:
    assert normalize(text) == normal


@given(st.text(st.characters() | st.sampled_from(list("\\rn\n\r \u200b\u0301aà"))))
def test_normal_text_stays_and_can_be_written(text: str) -> None:
    normal = normalize(text)
    assert normalize(normal) == normal
    assert unicodedata.is_normalized("NFC", normal)
    assert "  " not in normal
    assert all(character == "\n" or character.isprintable() for character in normal)
    normal.encode("utf-8")


@given(st.lists(st.text(st.characters(categories=["L", "N", "P", "Zs"], exclude_characters="\\"))))
def test_the_number_of_lines_is_kept(lines: list[str]) -> None:
    assert normalize("\n".join(lines)).count("\n") == max(0, len(lines) - 1)
