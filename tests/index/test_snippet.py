import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.snippet import MAX_CHARACTERS, snippet

LONG = "Mở đầu không liên quan. " * 30 + "Siêu thị thay túi ni lông bằng bao bì giấy. " + "Phần sau cũng dài. " * 30


@pytest.mark.parametrize(
    ("text", "query", "marked"),
    [
        ("Lắp điện mặt trời trên mái.", "dien mat troi", ["điện mặt trời"]),
        ("Lắp điện mặt trời trên mái.", "mái ĐIỆN", ["điện", "mái"]),
        ("Giảm 85% túi ni lông", "85%", ["85"]),
        ("Không có gì ở đây", "thủy điện", []),
        ("Năng lượng mặt trời cần khả năng chịu lực", "năng lượng mặt trời", ["Năng lượng mặt trời"]),
        ("Dùng túi vải ở siêu thị", "túi ở siêu thị", ["túi", "siêu thị"]),
        ("Xây đường ở Bình Dương", "đường", ["đường"]),
        ("Xây ĐƯỜNG ở Bình Dương", "đường", ["ĐƯỜNG"]),
        ("Xây đường ở Bình Dương", "duong", ["đường", "Dương"]),
        ("Cho vay để mở chợ", "chợ", ["chợ"]),
        # A text that lost its diacritics, or has others by a slip, has nothing so spelt.
        ("Xay duong vao khu cong nghiep", "đường", ["duong"]),
        ("Lắp điên mặt trới", "điện", ["điên"]),
    ],
)
def test_diacritics_count_where_they_are_typed_and_stand_in_the_text(text: str, query: str, marked: list[str]) -> None:
    found = snippet(text, query)
    assert [found.text[a:b] for a, b in found.marks] == marked


def test_a_long_text_is_cut_to_where_the_words_stand() -> None:
    found = snippet(LONG, "túi ni lông siêu thị")
    assert "Siêu thị thay túi ni lông" in found.text
    assert found.text.startswith("… ")
    assert found.text.endswith(" …")
    assert found.words == 5


def test_function_words_alone_do_not_choose_the_place() -> None:
    assert "túi" in snippet("và của các cho " * 40 + "túi", "và túi").text


@given(st.text(max_size=600), st.text(max_size=60))
def test_marks_lie_in_order_inside_the_snippet(text: str, query: str) -> None:
    found = snippet(text, query)
    assert len(found.text) <= MAX_CHARACTERS + 4
    ends = [0, *(place for mark in found.marks for place in mark), len(found.text)]
    assert ends == sorted(ends)
