"""Labelled rows are read strictly, and the datasheet is the one that the data gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from corpus import labelled
from corpus.labelled import LabelError, LabelledParagraph, parse_labelled
from corpus.labelled import datasheet as module
from corpus.labelled.datasheet import cohen_kappa, datasheet, near_duplicates
from nlp.accents import Restorer
from nlp.spelling import Speller

GOOD = '{"id": "1", "text": "điện gió", "labels": []}\n'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not JSON in UTF-8"),
        (b"\xff\xfe", "not JSON in UTF-8"),
        ("[]", "is list, not an object"),
        ('{"text": "a", "labels": []}', '"id" is missing'),
        ('{"id": "2", "labels": []}', '"text" is missing'),
        ('{"id": "2", "text": 7, "labels": []}', '"text" is missing or not a string'),
        ('{"id": "2", "text": "a"}', '"labels" is missing'),
        ('{"id": "2", "text": "a", "labels": "awareness"}', '"labels" is missing or not a list of strings'),
        ('{"id": "2", "text": "a", "labels": [1]}', '"labels" is missing or not a list of strings'),
        ('{"id": "2", "text": "a", "labels": [], "heading_path": "x"}', '"heading_path" is missing or not a list'),
        ('{"id": "2", "text": "a", "labels": ["solar"]}', "unknown labels ['solar'], known are ['awareness']"),
    ],
)
def test_a_bad_row_is_named_with_its_line_and_what_is_expected(line: str | bytes, said: str) -> None:
    data = GOOD.encode() + b"\n" + (line if isinstance(line, bytes) else line.encode())
    with pytest.raises(LabelError) as raised:
        parse_labelled(data, "rows.jsonl", {"awareness"})
    assert str(raised.value).startswith("rows.jsonl, line 3: ")
    assert said in str(raised.value)


@given(st.text(), st.lists(st.text()), st.lists(st.text()))
def test_every_well_formed_row_is_read_as_written(text: str, labels: list[str], headings: list[str]) -> None:
    row = {"id": 7, "doc": "d", "genre": "law", "text": text, "labels": labels, "heading_path": headings}
    expected = LabelledParagraph("7", "d", "law", text, frozenset(labels), tuple(headings))
    assert parse_labelled(b"\xef\xbb\xbf" + json.dumps(row).encode(), "x") == [expected]


def test_the_datasheet_is_that_of_the_data() -> None:
    written = (labelled.folder() / module.FILE).read_text(encoding="utf-8")
    assert written == datasheet(), "run: python -m corpus.labelled.datasheet"


def test_counts_of_the_datasheet_add_up() -> None:
    rows = labelled.paragraphs()
    text = datasheet()
    assert text.count(f"| all | {len(rows):,} | {len({row.document for row in rows})} |") == 3
    assert f"| frozen | {len(labelled.frozen()):,} |" in text


def test_a_file_that_nothing_is_said_about_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "paragraphs-new.jsonl").write_text(GOOD, encoding="utf-8")
    (tmp_path / "strange.jsonl").write_text(GOOD, encoding="utf-8")
    (tmp_path / "frozen.txt").write_text("", encoding="utf-8")
    monkeypatch.setattr(labelled, "folder", lambda: tmp_path)
    with pytest.raises(LookupError, match=r"strange\.jsonl: say in corpus/labelled/datasheet\.py"):
        module._files()


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[bool, bool]]) -> None:
    first, second = map(list, zip(*pairs, strict=True))
    if len({*first, *second}) > 1:
        assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second))
    else:
        assert cohen_kappa(first, second) == 1.0


def test_near_duplicates_are_found_across_documents_only() -> None:
    text = "Thu gom và tái chế sáu mươi phần trăm rác thải nhựa tại các chợ trong tỉnh"
    rows = [
        LabelledParagraph("1", "a", "", text, frozenset()),
        LabelledParagraph("2", "a", "", text, frozenset()),
        LabelledParagraph("3", "b", "", text.upper() + " vào năm 2030", frozenset()),
        LabelledParagraph("4", "c", "", "Lắp đặt điện mặt trời áp mái cho mọi trụ sở cơ quan nhà nước", frozenset()),
        LabelledParagraph("5", "d", "", "Kính gửi các sở", frozenset()),
        LabelledParagraph("6", "e", "", "Kính gửi các sở", frozenset()),
    ]
    assert near_duplicates(rows) == [("1", "3"), ("2", "3")]


def test_words_are_learnt_from_rows_without_scanning_noise() -> None:
    texts, every = labelled.texts(), [row.text for row in labelled.paragraphs()]
    left_out = set(every) - set(texts)
    assert any("công nghiêp" in text for text in left_out)
    assert len(left_out) < 0.01 * len(every)
    # Names of places and loan words are no syllables of Vietnamese either.
    assert any("Đắk Lắk" in text for text in texts)
    read = Speller(Restorer.learn(texts)).read("nang luong tai tao trong công nghiêp")
    assert read.text == "năng lượng tái tạo trong công nghiệp"
    assert read.corrected == (("nghiêp", "nghiệp"),)
