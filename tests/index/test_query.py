import pytest

from index.query import Query
from index.query import understand as _understand
from nlp.accents import Restorer
from nlp.spelling import Speller

TEXTS = ["năng lượng mặt trời", "mục tiêu của Cao Bằng năm 2025", "đường vào khu công nghiệp"]
LONG = " ".join(["năng lượng mặt trời"] * 8)
PASTED = f'Tổ chức phong trào "Chống rác thải nhựa" tại các cơ quan -trường học; {LONG} trong cả năm "xanh"'
SPELLER = Speller(Restorer.learn(TEXTS * 200))


def understand(typed: str) -> Query:
    return _understand(typed, SPELLER)


@pytest.mark.parametrize(
    ("typed", "restored"),
    [
        ("nang luong mat troi", "năng lượng mặt trời"),
        ("NANG LUONG", "NĂNG LƯỢNG"),
        ("năng luong", "năng lượng"),
        ("dương", None),
    ],
)
def test_untyped_diacritics_are_restored_and_typed_ones_kept(typed: str, restored: str | None) -> None:
    assert understand(typed).restored == restored


@pytest.mark.parametrize(
    ("typed", "province", "year"),
    [
        ("mục tiêu của Cao Bằng 2025", "Cao Bằng", 2025),
        ("muc tieu cao bang 2025", "Cao Bằng", 2025),
        ("so sánh 2021 và 2025", None, None),
        ("công suất 2030 MW", None, None),
        ("hòa bình", None, None),
    ],
)
def test_a_province_and_a_single_year_are_found(typed: str, province: str | None, year: int | None) -> None:
    query = understand(typed)
    assert (query.province, query.year) == (province, year)


def test_english_is_translated_for_both_legs() -> None:
    query = understand("rooftop solar in supermarkets")
    assert query.translated
    assert "siêu thị" in query.meanings[0]
    assert "siêu thị" in query.words.typed


def test_an_acronym_is_spelled_out() -> None:
    assert "năng lượng tái tạo" in " ".join(understand("dự án NLTT").words.expansions)


@pytest.mark.parametrize("typed", ["", "   ", "\0", "\n"])
def test_an_empty_query_stays_empty(typed: str) -> None:
    assert understand(typed).typed == ""


@pytest.mark.parametrize(
    ("typed", "phrases", "excluded", "asked"),
    [
        ('"năng lượng" mặt trời', ("năng lượng",), (), "năng lượng mặt trời"),
        ("“năng lượng” mặt trời", ("năng lượng",), (), "năng lượng mặt trời"),
        ("năng lượng -trời", (), ("trời",), "năng lượng"),
        ('năng lượng -"mặt trời"', (), ("mặt trời",), "năng lượng"),
        # Ranges, dashes and numbers are no operators, nor are signs in a pasted passage.
        ("giai đoạn 2021 - 2025", (), (), "giai đoạn 2021 - 2025"),
        ("giảm 5 -8%", (), (), "giảm 5 -8%"),
        ('"" năng lượng', (), (), '"" năng lượng'),
        (PASTED, (), (), PASTED),
        (LONG + ' -"bao bì." -túi -túi "siêu thị"', ("siêu thị",), ("bao bì.", "túi"), LONG + " siêu thị"),
        (LONG * 4 + " -túi", (), (), LONG * 4 + " -túi"),
        # A short sentence with operators is a query.
        ('Ai tổ chức "ngày hội sống xanh"?', ("ngày hội sống xanh",), (), "Ai tổ chức ngày hội sống xanh?"),
    ],
)
def test_operators(typed: str, phrases: tuple[str, ...], excluded: tuple[str, ...], asked: str) -> None:
    query = understand(typed)
    assert (query.phrases, query.excluded, query.asked) == (phrases, excluded, asked)


@pytest.mark.parametrize(
    ("typed", "figures", "numbers"),
    [
        ("thủy điện 1.300 MW", ("1.300",), ()),
        ("85% siêu thị", ("85",), ()),
        ("kế hoạch 1043/KH-UBND", (), ("1043/kh-ubnd",)),
        ("nghị định 08/2022/NĐ-CP về 3,5 triệu", ("3,5",), ("08/2022/nd-cp",)),
    ],
)
def test_figures_and_document_numbers(typed: str, figures: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    query = understand(typed)
    assert (query.figures, query.numbers) == (figures, numbers)


def test_an_acronym_keeps_its_place_in_the_meaning_and_a_number_its_letters() -> None:
    assert understand("dự án NLTT nhỏ").meanings == ("dự án năng lượng tái tạo nhỏ",)
    assert understand("số 1043/KH-UBND").meanings == ("số 1043/KH-UBND",)


def test_everyday_words_are_put_into_those_of_plans() -> None:
    query = understand("nuôi heo")
    assert query.meanings == ("nuôi heo", "lợn")
    assert "lợn" in query.words.expansions
