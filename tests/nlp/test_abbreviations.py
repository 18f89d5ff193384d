import re

import pytest

from corpus.labelled import texts
from nlp.abbreviations import abbreviations, expand, glossary, translate
from nlp.fold import fold, words

TEXTS = texts()
# The shape of a Vietnamese syllable without its diacritics.
SYLLABLE = re.compile(
    r"(ngh|ng|nh|gh|gi|kh|ch|ph|th|tr|qu|[bcdghklmnpqrstvx])?"
    r"(oai|oay|oeo|uoi|uou|uay|uya|uye|uyu|yeu|ieu|[aeo][iouy]|[iouy][aeiouy]|oa|[aeiouy])"
    r"(ch|nh|ng|[cmnpt])?"
)


@pytest.mark.parametrize(
    ("query", "expansions"),
    [
        ("dự án NLTT", ["năng lượng tái tạo"]),
        ("du an nltt", ["năng lượng tái tạo"]),
        ("ĐMT, đmt và dmt", ["điện mặt trời"]),
        ("kế hoạch SXTDBV", ["sản xuất và tiêu dùng bền vững"]),
        ("năng lượng tái tạo", ["nltt"]),
        ("nang luong tai tao", ["nltt"]),
        ("Sở Văn hóa, Thể thao và Du lịch", ["vhttdl"]),
        ("văn hoá thể thao và du lịch", ["vhttdl"]),
        ("phát triển kinh tế - xã hội", ["ktxh"]),
        ("Sở TN&MT", ["tài nguyên và môi trường"]),
        ("sở tn & mt", ["tài nguyên và môi trường"]),
        ("siêu thị", []),
        ("năng lượng tái", []),
        ("", []),
    ],
)
def test_acronyms_are_expanded_both_ways(query: str, expansions: list[str]) -> None:
    assert expand(query) == expansions


def test_two_acronyms_of_one_phrase_expand_once() -> None:
    assert expand("SCP, SXTDBV") == ["sản xuất và tiêu dùng bền vững"]


def test_every_acronym_finds_its_phrase_and_the_phrase_its_acronym() -> None:
    for form, meaning in abbreviations().items():
        assert meaning in expand(form.upper())
        assert form in expand(f"về {meaning} của tỉnh")


@pytest.mark.parametrize(
    ("query", "vietnamese"),
    [
        ("rooftop solar in supermarkets", "điện mặt trời mái nhà siêu thị"),
        ("Rooftop Solar", "điện mặt trời mái nhà"),
        ("waste sorting", "phân loại rác thải tại nguồn"),
        # The longest term wins.
        ("plastic bag", "túi ni lông"),
        ("single-use plastics", "sản phẩm nhựa dùng một lần"),
        ("green public procurement", "mua sắm công xanh"),
        # Plurals, participles, gerunds, possessives, hyphens.
        ("batteries", "pin, ắc quy"),
        ("households", "hộ gia đình"),
        ("beaches", "bãi biển"),
        ("replacing packaging", "thay thế bao bì"),
        ("treated wastewater", "xử lý nước thải"),
        ("the people's committees", "ủy ban nhân dân"),
        ("farmers’ unions", "hội nông dân"),
        ("eco label", "nhãn sinh thái"),
        ("eco-labels", "nhãn sinh thái"),
        # Function words and figures say nothing about the language.
        ("what is the target for the students", "mục tiêu, chỉ tiêu học sinh, sinh viên"),
        ("85% of supermarkets by 2030", "siêu thị"),
        # Nor do names.
        ("supermarkets in Ba Ria Vung Tau", "siêu thị"),
        ("wind power bac lieu", "điện gió"),
        # Nor do words that Vietnamese has borrowed, unless an English term holds them.
        ("logistics xanh", ""),
        ("ham biogas", ""),
        ("green logistics", "logistics xanh"),
        ("biogas digesters", "hầm biogas"),
        # Vietnamese stays as it is.
        ("tui ni long sieu thi", ""),
        ("dien mat troi ap mai", ""),
        ("can bo do thi", ""),
        ("nong nghiep organic", ""),
        ("supermarket ở Hà Nội", ""),
        ("the of and", ""),
        ("2030", ""),
        ("", ""),
    ],
)
def test_english_is_translated_and_vietnamese_is_not(query: str, vietnamese: str) -> None:
    assert translate(query) == vietnamese


def test_vietnamese_typed_without_diacritics_is_never_english() -> None:
    paragraphs = [words(fold(text)) for text in TEXTS[::4]]
    assert len(paragraphs) > 300
    pieces = [typed[start : start + 4] for typed in paragraphs for start in range(0, len(typed), 4)]
    # Paragraphs quote "design for recycling", "Green Label", "net zero"; of "học marketing" half is English.
    quoted = {"recycling", "marketing", "label", "net"}
    queries = [" ".join(typed) for typed in paragraphs + pieces if not quoted & set(typed)]
    assert [query for query in queries if translate(query)] == []


def test_no_single_term_looks_like_a_vietnamese_syllable() -> None:
    forms = [form for form in [*abbreviations(), *glossary()] if " " not in form]
    assert [form for form in forms if SYLLABLE.fullmatch(form)] == []


def test_no_single_term_is_a_word_of_the_plans_unless_borrowed() -> None:
    written = {word for text in TEXTS for word in words(fold(text))}
    # Words that Vietnamese has borrowed, and parts of names of firms, labels and rules (REACH).
    borrowed = {
        "biogas", "city", "ecolabel", "green", "hydrogen", "label", "logistics", "market", "organic", "plastic",
        "port", "reach", "recycling", "retail", "vietnam",
    }  # fmt: skip
    assert {form for form in glossary() if form in written} <= borrowed


def test_every_term_is_short_and_translated() -> None:
    for form, meaning in glossary().items():
        assert form == fold(form)
        assert 1 <= len(form.split()) <= 5
        assert translate(f"the {form} of") == ("" if form in ("biogas", "logistics") else meaning)
