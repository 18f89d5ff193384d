"""Filters as links: each adds or takes away one filter, keeps the others, and counts what it would keep."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from corpus.store import Filter
from index.columns import Facets
from service.narrowing import FIELDS, SHOWN, Address, Facet, facets_of

GROUPS = ("awareness", "renewable_energy")
COUNTED: Facets = {
    "task_group": {"renewable_energy": 5, "gone": 1},
    "kind": {"task": 6, "objective": 3},
    "province": {"Bắc Kạn": 4, "Atlantis": 3, "Thái Nguyên": 2},
    "province_today": {"Thái Nguyên": 6},
    "region": {"Trung du và miền núi phía Bắc": 6},
    "year": {"2021": 7, "2023": 1, "2022": 2},
    "type": {"Kế hoạch": 9},
    "has_target": {"true": 9, "false": 0},
}  # fmt: skip


def made(only: Filter, counted: Facets = COUNTED) -> dict[str, Facet]:
    return {facet.name: facet for facet in facets_of(counted, Address("điện", only, "vi"), GROUPS)}


def asked(href: str) -> dict[str, str]:
    parts = urlsplit(href)
    assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/")
    pairs = parse_qsl(parts.query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def test_a_value_without_results_or_that_cannot_be_asked_for_is_not_offered() -> None:
    facets = made(Filter())
    assert [choice.value for choice in facets["task_group"].shown] == ["renewable_energy"]
    assert [choice.value for choice in facets["has_target"].shown] == ["true"]
    assert made(Filter(), {name: {} for name in COUNTED}) == {}


def test_years_come_newest_first() -> None:
    assert [choice.value for choice in made(Filter())["year"].shown] == ["2023", "2022", "2021"]


def test_a_province_counts_what_its_link_keeps() -> None:
    facets = made(Filter())
    assert {c.value: c.count for c in facets["province"].shown} == {"Thái Nguyên": 6, "Atlantis": 3}
    assert {c.value: c.count for c in facets["province_before"].shown} == {"Bắc Kạn": 4}


def test_a_province_of_today_is_narrowed_to_one_of_before() -> None:
    facets = made(Filter(province="Thái Nguyên"), COUNTED | {"province": {"Bắc Kạn": 4, "Thái Nguyên": 2}})
    assert [(c.value, c.is_chosen) for c in facets["province"].shown] == [("Thái Nguyên", True)]
    assert "province" not in asked(facets["province"].shown[0].href)
    assert asked(facets["province_before"].shown[0].href)["province"] == "Bắc Kạn"
    before = made(Filter(province="Bắc Kạn"))
    assert "province" not in before
    assert [(c.value, c.is_chosen) for c in before["province_before"].shown] == [("Bắc Kạn", True)]


def test_which_name_is_meant_goes_with_its_province() -> None:
    address = Address("điện", Filter(province="Thái Nguyên", province_as="today", year=2021), "vi")
    assert (address.chosen["province"], address.chosen["province_as"]) == ("Thái Nguyên", "today")
    assert asked(address.lacking("province_as")) == {
        "lang": "vi",
        "q": "điện",
        "province": "Thái Nguyên",
        "year": "2021",
    }
    assert asked(address.lacking("province")) == {"lang": "vi", "q": "điện", "year": "2021"}
    # Bắc Kạn is no name of today: kept, it would leave nothing.
    assert asked(address.having(province="Bắc Kạn")) == {
        "lang": "vi",
        "q": "điện",
        "province": "Bắc Kạn",
        "year": "2021",
    }
    assert asked(address.having(page=2))["province_as"] == "today"
    for nothing in (Filter(province_as="today"), Filter(province="Thái Nguyên")):
        assert "province_as" not in Address("điện", nothing, "vi").chosen


def test_long_lists_are_cut_but_not_for_one_or_two() -> None:
    for length, shown in ((SHOWN, SHOWN), (SHOWN + 2, SHOWN + 2), (SHOWN + 3, SHOWN)):
        facet = made(Filter(), COUNTED | {"type": {f"Loại {n}": 1 for n in range(length)}})["type"]
        assert (len(facet.shown), len(facet.shown + facet.rest)) == (shown, length)


filters = st.builds(
    Filter,
    province=st.sampled_from([None, "Thái Nguyên", "Bắc Kạn", "Atlantis"]),
    province_as=st.sampled_from(["either", "published", "today"]),
    year=st.sampled_from([None, 2021]),
    task_group=st.sampled_from([None, "renewable_energy"]),
    kind=st.sampled_from([None, "task"]),
    type=st.sampled_from([None, "Kế hoạch", "a&b=c #d?"]),
    region=st.sampled_from([None, "Trung du và miền núi phía Bắc"]),
    has_target=st.sampled_from([None, True, False]),
)


@given(only=filters, query=st.text(st.characters(codec="utf-8"), max_size=30))
def test_a_link_changes_its_own_filter_alone(only: Filter, query: str) -> None:
    address = Address(query, only, "en")
    now = {"lang": "en"} | ({"q": query} if query else {}) | address.chosen
    assert asked(address.having()) == now
    assert set(asked(address.lacking(*address.chosen))) <= {"lang", "q"}
    for facet in facets_of(COUNTED, address, GROUPS):
        assert facet.field in FIELDS
        for choice in facet.shown + facet.rest:
            gone = {"province", "province_as"} if facet.field == "province" else {facet.field}
            others = {name: value for name, value in now.items() if name not in gone}
            assert choice.is_chosen == (now.get(facet.field) == choice.value)
            assert asked(choice.href) == others | ({} if choice.is_chosen else {facet.field: choice.value})
