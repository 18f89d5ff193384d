"""Pages of a sorted list: whole, disjoint, and good across a list that is made anew meanwhile."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.paging import Order, page_after, write_cursor
from service.problems import ProblemError

Row = tuple[int, str, str]
rows = st.sets(
    st.tuples(st.integers(-3, 0), st.text(st.characters(codec="utf-8"), max_size=90), st.text("ab", max_size=2))
)


def order(row: Row) -> Order:
    return row


@given(before=rows, after=rows, limit=st.integers(1, 5))
def test_what_stays_in_a_list_comes_once(before: set[Row], after: set[Row], limit: int) -> None:
    listed, seen, cursor = sorted(before), [], None
    while True:
        page, cursor = page_after(listed, cursor, limit, order)
        assert len(page) <= limit
        seen += page
        if cursor is None:
            break
        assert len(cursor) <= 1000
        listed = sorted(before | after)
    assert len(set(seen)) == len(seen)
    assert seen == sorted(seen)
    assert before <= set(seen)


@pytest.mark.parametrize("value", [1, "a", {"a": 1}, ["a"], [None], [[0]], [-1, 2]])
def test_what_no_answer_gave_is_refused(value: Any) -> None:
    with pytest.raises(ProblemError, match="next_cursor") as raised:
        page_after([(-1, "a", "b")], write_cursor(value), 1, order)
    assert raised.value.status == 400


def test_cursors_are_no_longer_than_is_accepted() -> None:
    longest = (-34, "😀" * 92, "f" * 16)
    _, cursor = page_after([longest, (0, "", "")], None, 1, order)
    assert cursor is not None
    assert len(cursor) <= 1000
