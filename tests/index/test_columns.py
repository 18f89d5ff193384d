"""Masks and counts over columns, against the same questions asked of each paragraph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.feed import Entry
from corpus.provinces import region_of
from corpus.store import Filter, StoredParagraph
from index.columns import Facts, columns_of, facets, joined, no_names

places = st.sampled_from([None, "Cao Bằng", "Bắc Kạn", "Thái Nguyên", "Cà Mau"])
years = st.sampled_from([None, 2019, 2021, 2025])
groups = st.lists(st.sampled_from(["awareness", "renewable_energy", "circular_economy"]), unique=True)


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    found = []
    for key in range(draw(st.integers(0, 12))):
        paragraph = StoredParagraph(
            key, f"p{key}", "d", key, "đoạn", draw(st.sampled_from(["task", "news"])), (), False, draw(places),
            draw(places), draw(years), None, None, groups=tuple(draw(groups)),
        )  # fmt: skip
        period = draw(st.sampled_from([None, (2021, 2025), (2025, 2030)]))
        kind = draw(st.sampled_from([None, "Kế hoạch", "Quyết định"]))
        found.append(Entry(paragraph, kind, period, draw(st.booleans()), np.ones(2, np.float32)))
    return found


filters = st.builds(
    Filter, province=places, province_as=st.sampled_from(["either", "published", "today"]), year=years, task_group=st.sampled_from([None, "awareness", "unknown"]),
    kind=st.sampled_from([None, "task", "unknown"]), type=st.sampled_from([None, "Kế hoạch", "unknown"]),
    region=st.sampled_from([None, "Trung du và miền núi phía Bắc", "unknown"]), has_target=st.sampled_from([None, True, False]),
)  # fmt: skip


def passes(entry: Entry, only: Filter) -> bool:
    p = entry.paragraph
    named = {"either": (p.province, p.province_today), "published": (p.province,), "today": (p.province_today,)}
    return (
        only.province in (None, *named[only.province_as])
        and (only.year is None or only.year in entry.years)
        and (only.task_group is None or only.task_group in p.groups)
        and only.kind in (None, p.kind)
        and only.type in (None, entry.type)
        and only.region in (None, region_of(p.province))
        and only.has_target in (None, entry.has_target)
    )


@settings(deadline=None)
@given(entries(), entries(), filters)
def test_a_mask_is_the_filter_of_every_row(first: list[Entry], second: list[Entry], only: Filter) -> None:
    columns, names = columns_of([Facts.of(entry) for entry in first], no_names())
    more, names = columns_of([Facts.of(entry) for entry in second], names)
    whole = joined([columns, more])
    assert whole.mask(only, names).tolist() == [passes(entry, only) for entry in first + second]


@settings(deadline=None)
@given(entries())
def test_facets_count_what_a_filter_would_keep(some: list[Entry]) -> None:
    columns, names = columns_of([Facts.of(entry) for entry in some], no_names())
    counted = facets(columns, names)
    fields = {"task_group": "task_group", "kind": "kind", "type": "type", "region": "region"}
    for field, values in counted.items():
        assert list(values.values()) == sorted(values.values(), reverse=True)
        for value, total in values.items():
            if field in fields:
                assert total == sum(passes(entry, Filter(**{fields[field]: value})) for entry in some)
            elif field == "year":
                assert total == sum(int(value) in entry.years for entry in some)
    assert sum(counted["has_target"].values()) == len(some)
    assert sum(counted["kind"].values()) == len(some)


def test_too_many_task_groups_are_refused() -> None:
    paragraph = StoredParagraph(
        1, "p", "d", 1, "đoạn", "task", (), False, None, None, None, None, None, groups=tuple(map(str, range(65)))
    )
    with pytest.raises(ValueError, match="at most 64 task groups, got 65"):
        columns_of([Facts.of(Entry(paragraph, None, None, False, None))], no_names())
