"""A year named in a query as a wish: how much a paragraph is of it, and that it orders and never filters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from corpus.store import StoredParagraph
from index.features import NAMES, Describer, Scores
from index.query import understand
from index.rank import shipped
from nlp.accents import Restorer
from nlp.spelling import Speller

RESTORER = Restorer.learn(["mục tiêu thay túi ni lông ở siêu thị", "xe tải nặng 2.025 tấn"] * 50)
SPELLER = Speller(RESTORER)
PLAIN = StoredParagraph(
    1, "p1", "d", 1, "Siêu thị thay túi ni lông.", "objective", (), False, "Cao Bằng", "Cao Bằng", 2021, None, None,
    period=(2021, 2030),
)  # fmt: skip


def described(query: str, *paragraphs: StoredParagraph) -> np.ndarray:
    rows = [replace(paragraph, key=key) for key, paragraph in enumerate(paragraphs)]
    equal = dict.fromkeys(range(len(rows)), 1.0)
    vectors = np.tile(np.eye(1, 4, dtype=np.float32), (len(rows), 1))
    return Describer(RESTORER).describe(understand(query, SPELLER), rows, Scores(equal, equal), vectors)


def of_year(query: str, paragraph: StoredParagraph) -> float:
    return float(described(query, paragraph)[0, NAMES.index("year")])


@pytest.mark.parametrize(
    ("text", "headings", "value"),
    [
        ("Siêu thị thay túi ni lông vào năm 2025.", (), 1),
        ("Siêu thị thay túi ni lông trước ngày 31/12/2025.", (), 1),
        ("Siêu thị thay túi ni lông giai đoạn 2021-2025.", (), 1),
        ("Siêu thị thay túi ni lông.", ("II. MỤC TIÊU", "1. Đến năm 2025"), 1),
        # The plan runs over that year, and says no more.
        ("Siêu thị thay túi ni lông.", ("II. MỤC TIÊU",), 0.25),
        ("Siêu thị thay 2.025 tấn túi ni lông, 12025 chiếc.", (), 0.25),
        ("Siêu thị thay túi ni lông theo Nghị định 08/2025/NĐ-CP.", (), 0.25),
    ],
)
def test_a_year_is_met_by_words_headings_or_the_plan(text: str, headings: tuple[str, ...], value: float) -> None:
    assert of_year("siêu thị 2025", replace(PLAIN, text=text, heading_path=headings)) == pytest.approx(value)


def test_a_plan_issued_in_the_year_is_nearer_than_one_that_runs_over_it() -> None:
    values = [of_year(f"siêu thị {year}", PLAIN) for year in (2021, 2025, 2031)]
    assert values == pytest.approx([0.5, 0.25, 0])


def test_the_year_counts_for_as_much_as_the_subject_is_met() -> None:
    dated = replace(PLAIN, text="Chợ thay túi ni lông năm 2025.")
    assert of_year("siêu thị 2025", dated) == 0
    assert 0 < of_year("siêu thị túi 2025", dated) < of_year("túi ni lông năm 2025", dated) == pytest.approx(1)
    assert of_year("2025", dated) == pytest.approx(1)


def test_without_a_year_in_the_query_none_counts() -> None:
    assert of_year("siêu thị", replace(PLAIN, text="Siêu thị năm 2025.")) == 0
    assert of_year("siêu thị 2021 2025", replace(PLAIN, text="Siêu thị năm 2025.")) == 0


def test_otherwise_equal_paragraphs_are_ranked_by_the_year() -> None:
    target = replace(PLAIN, heading_path=("Đến năm 2025",))
    other = replace(PLAIN, heading_path=("Đến năm 2030",))
    issued = replace(other, year=2025)
    earlier = replace(other, year=2015, period=(2015, 2020))
    likely = shipped().probabilities(described("túi ni lông siêu thị năm 2025", earlier, other, issued, target))
    assert list(np.argsort(-likely)) == [3, 2, 1, 0]
