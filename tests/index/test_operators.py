import pytest

from index.operators import contains


@pytest.mark.parametrize(
    ("phrase", "holds"),
    [
        ("gạch không nung", True),
        ("gach khong nung", True),
        ("GẠCH không nung", True),
        ("gạch nung", False),
        ("không nung gạch", False),
        # Diacritics count where the phrase has any.
        ("gách không nung", False),
        ("nung, vật liệu", True),
        ("", False),
        ("!?", False),
    ],
)
def test_words_must_stand_next_to_one_another(phrase: str, holds: bool) -> None:
    assert contains("Dùng gạch không nung, vật liệu từ tro xỉ.", phrase) is holds
