import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.accents import Restorer
from nlp.fold import fold
from nlp.spelling import Speller

TEXTS = [
    "lắp điện mặt trời trên mái nhà xưởng",
    "giảm túi ni lông ở siêu thị",
    "phân loại rác tại nguồn ở hộ gia đình",
    "truy xuất nguồn gốc nông sản",
    "đường vào khu công nghiệp Bình Dương",
    "đương nhiên là hiệu suất cao",
    "thủy điện nhỏ",
]
SPELLER = Speller(Restorer.learn(TEXTS * 20), kept={"nltt"})


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("dien mat troi", "điện mặt trời"),
        ("DIEN MAT TROI", "ĐIỆN MẶT TRỜI"),
        # Typed diacritics stay, untyped ones are restored.
        ("giảm túi ni long ở siêu thi", "giảm túi ni lông ở siêu thị"),
        ("đương nhiên", "đương nhiên"),
        ("dương", "dương"),
        ("hiệu suất", "hiệu suất"),
        # Slips: a wrong tone, a letter too few, too many or swapped, an initial that sounds alike, the place of the tone.
        ("điện mặt trơi", "điện mặt trời"),
        ("phân lọai rác", "phân loại rác"),
        ("hộ gia đìn", "hộ gia đình"),
        ("phan loai rac tai nguonn", "phân loại rác tại nguồn"),
        ("truy suất nguồn gốc", "truy xuất nguồn gốc"),
        ("thuỷ điện", "thủy điện"),
        # What no neighbour asks for stays.
        ("phở bò", "phở bò"),
        ("NLTT 85% 1043/KH-UBND", "NLTT 85% 1043/KH-UBND"),
        ("how to repair", "how to repair"),
        ("", ""),
    ],
)
def test_a_query_is_read_as_meant(typed: str, read: str) -> None:
    assert SPELLER.read(typed).text == read


def test_what_was_corrected_is_told_and_what_was_restored_is_not() -> None:
    assert SPELLER.read("dien mat troi").corrected == ()
    assert SPELLER.read("điện mặt trơi").corrected == (("trơi", "trời"),)


@given(st.text(max_size=60))
def test_words_keep_their_number_and_typed_words_that_are_known_their_letters(text: str) -> None:
    read = SPELLER.read(text).text
    assert len(Restorer.syllables(read)) == len(Restorer.syllables(text))


@given(st.lists(st.sampled_from(" ".join(TEXTS).split()), min_size=1, max_size=8))
def test_words_with_their_diacritics_are_never_unaccented(chosen: list[str]) -> None:
    typed = " ".join(word for word in chosen if fold(word) != word.lower())
    read = SPELLER.read(typed).text
    assert [word for word in read.split() if fold(word) == word.lower()] == []
