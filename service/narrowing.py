"""Filters of the search page as links: which are chosen, what else the results have, and how many of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlencode

from corpus.provinces import provinces
from corpus.store import Filter
from index.columns import Facets

FIELDS = ("task_group", "kind", "province", "province_as", "region", "year", "type", "has_target")
# A list is cut after so many values, unless this would hide only one or two.
SHOWN = 8
_SPARED = 2


@dataclass(frozen=True)
class Choice:
    """A value of a filter. ``href`` leads to the results with it or, where it ``is_chosen``, to those without."""

    value: str
    count: int
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Facet:
    """The values of ``field`` among the results; ``rest`` are those after the first few."""

    name: str
    field: str
    shown: list[Choice]
    rest: list[Choice]


class Address:
    """The address of a search: every link is the same one but for a parameter, so each is encoded once.

    Which name of a province is meant belongs to that province: it goes with it, and another one is meant by either name.
    """

    def __init__(self, query: str, only: Filter, lang: str) -> None:
        given = {field: getattr(only, field) for field in FIELDS}
        if only.province is None or only.province_as == "either":
            given["province_as"] = None
        self.chosen = {field: written(value) for field, value in given.items() if value is not None}
        self._parts = {"lang": urlencode({"lang": lang})} | ({"q": urlencode({"q": query})} if query else {})
        self._parts |= {field: urlencode({field: value}) for field, value in self.chosen.items()}

    def having(self, **values: str | int) -> str:
        """Return the address with these parameters, begun anew at the first page."""
        changed = {name: urlencode({name: value}) for name, value in values.items()}
        return "/?" + "&".join((self._staying(values) | changed).values())

    def lacking(self, *names: str) -> str:
        """Return the address without these parameters, begun anew at the first page."""
        return "/?" + "&".join(part for name, part in self._staying(names).items() if name not in names)

    def _staying(self, names: Collection[str]) -> dict[str, str]:
        return {n: part for n, part in self._parts.items() if n != "province_as" or "province" not in names}


def written(value: str | int | bool) -> str:
    """Return a value of a filter as it stands in an address."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def facets_of(counted: Facets, address: Address, groups: Iterable[str]) -> list[Facet]:
    """Return what the results can be narrowed by, those fields left out that have no value.

    A filter holds one value, so of a field that is chosen only that value is offered, to be taken back; a province of today
    can still be narrowed to those it was made of. ``groups`` are the task groups that can be asked for.
    """
    today, before = _provinces(counted)
    values: dict[str, Mapping[str, int]] = {
        "task_group": {key: counted["task_group"][key] for key in groups if key in counted["task_group"]},
        "kind": counted["kind"],
        "province": today,
        "province_before": before,
        "region": counted["region"],
        "year": dict(sorted(counted["year"].items(), reverse=True)),
        "type": counted["type"],
        "has_target": {value: count for value, count in counted["has_target"].items() if count},
    }
    return [facet for name, counts in values.items() if (facet := _facet(name, counts, address)).shown]


def _facet(name: str, counts: Mapping[str, int], address: Address) -> Facet:
    field = "province" if name == "province_before" else name
    chosen = address.chosen.get(field)
    choices = [
        Choice(
            value,
            count,
            address.lacking(field) if value == chosen else address.having(**{field: value}),
            value == chosen,
        )
        for value, count in counts.items()
        if chosen in (None, value) or (name == "province_before" and chosen not in counts)
    ]
    cut = SHOWN if len(choices) > SHOWN + _SPARED else len(choices)
    return Facet(name, field, choices[:cut], choices[cut:])


def _provinces(counted: Facets) -> tuple[dict[str, int], dict[str, int]]:
    """Return the counts of today's provinces, and of those that are now part of another one.

    The filter takes a province by its name then or today; a name of both times is counted as of today, for that is what
    the filter keeps.
    """
    before = {name: count for name, count in counted["province"].items() if name in _merged()}
    other = {
        name: n
        for name, n in counted["province"].items()
        if name not in before and name not in counted["province_today"]
    }
    return counted["province_today"] | other, before


@cache
def _merged() -> frozenset[str]:
    return frozenset(province.name for province in provinces() if province.today != province.name)
