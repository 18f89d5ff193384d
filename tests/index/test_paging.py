"""Cursors: pages are the ranking, also while it changes; foreign and broken cursors are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.store import Filter
from index.paging import CursorError, Seen, cursor_after, seen_by, start_of

TEXT, ONLY = "rác thải nhựa", Filter(year=2021)
rankings = st.dictionaries(st.integers(1, 10**12), st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=30).map(
    lambda scores: sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))
)


@settings(deadline=None)
@given(rankings, st.integers(1, 7))
def test_pages_make_up_the_ranking(ranking: list[tuple[int, float]], size: int) -> None:
    seen, start = [], 0
    while page := ranking[start : start + size]:
        seen += page
        last = seen_by(cursor_after(Seen(*page[-1], len(seen)), TEXT, ONLY), TEXT, ONLY)
        assert last.count == len(seen)
        start = start_of(last, ranking)
    assert seen == ranking


@settings(deadline=None)
@given(rankings.filter(bool), st.data())
def test_a_page_goes_on_where_it_was_though_hits_have_gone(
    ranking: list[tuple[int, float]], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(ranking) - 1))
    seen = Seen(*ranking[place], place + 1)
    gone = data.draw(st.sets(st.sampled_from(ranking))) | {ranking[place]}
    left = [scored for scored in ranking if scored not in gone]
    assert left[start_of(seen, left) :] == [s for s in ranking[place + 1 :] if s not in gone]


@pytest.mark.parametrize("cursor", ["x", "!!!!", "ă", "AAAA", "A" * 32 + "=", " "])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorError):
        seen_by(cursor, TEXT, ONLY)


def test_a_cursor_of_another_search_is_refused() -> None:
    cursor = cursor_after(Seen(1, 1.0, 1), TEXT, ONLY)
    for text, only in ((TEXT, Filter()), ("khác", ONLY)):
        with pytest.raises(CursorError, match="another search"):
            seen_by(cursor, text, only)
