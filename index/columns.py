"""What filters and facets look at, one array a field in the order of the rows: a filter is a mask over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpus.feed import Entry
from corpus.provinces import region_of
from corpus.store import Filter

Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
# Field -> its values by code; the value of a code never changes, new ones are put at the end.
Names = dict[str, list[str]]
NAMED = ("province", "province_today", "type", "kind", "group")
# Task groups are bits of one number.
_MAX_GROUPS = 64
_NO_YEAR = -1


class Facts(NamedTuple):
    """What filters and facets look at in one paragraph; ``period`` is the document's."""

    province: str | None
    province_today: str | None
    type: str | None
    kind: str
    groups: Sequence[str]
    year: int | None
    period: tuple[int, int] | None
    has_target: bool

    @classmethod
    def of(cls, entry: Entry) -> Facts:
        """Return those of ``entry``."""
        p = entry.paragraph
        return cls(p.province, p.province_today, entry.type, p.kind, p.groups, p.year, entry.period, entry.has_target)


@dataclass(frozen=True)
class Columns:
    """Facts of paragraphs, a row each; code 0 of a named field stands for none."""

    province: NDArray[np.uint16]
    province_today: NDArray[np.uint16]
    type: NDArray[np.uint16]
    kind: NDArray[np.uint16]
    groups: NDArray[np.uint64]
    year: NDArray[np.int16]
    first_year: NDArray[np.int16]
    last_year: NDArray[np.int16]
    has_target: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.kind)

    def take(self, rows: Rows | Mask) -> Columns:
        """Return the columns of these rows."""
        return Columns(**{name: array[rows] for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return field to array."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def mask(self, only: Filter, names: Names) -> Mask:
        """Tell for every row whether it passes ``only``, a document's id aside."""
        passes = np.ones(len(self), np.bool_)
        if only.province is not None:
            then, today = (_code(names[field], only.province) for field in ("province", "province_today"))
            named = {"published": self.province == then, "today": self.province_today == today}
            passes &= named["published"] | named["today"] if only.province_as == "either" else named[only.province_as]
        if only.region is not None:
            inside = np.array([region_of(name) == only.region for name in names["province"]], np.bool_)
            passes &= inside[self.province]
        for field, wanted in (("type", only.type), ("kind", only.kind)):
            if wanted is not None:
                passes &= getattr(self, field) == _code(names[field], wanted)
        if only.year is not None:
            passes &= (self.year == only.year) | ((self.first_year <= only.year) & (only.year <= self.last_year))
        if only.task_group is not None:
            code = _code(names["group"], only.task_group)
            passes &= self.groups & np.uint64(1 << code if code < _MAX_GROUPS else 0) != 0
        if only.has_target is not None:
            passes &= self.has_target == only.has_target
        return passes


def _code(values: Sequence[str], value: str) -> int:
    """Return the code of ``value``, or one that no row has."""
    return values.index(value) if value in values else np.iinfo(np.uint16).max


def no_names() -> Names:
    """Return the names of an index without rows."""
    return {field: [""] if field != "group" else [] for field in NAMED}


def columns_of(rows: Sequence[Facts], names: Names) -> tuple[Columns, Names]:
    """Return the columns of ``rows``, and ``names`` with the values that are new.

    Raises ValueError where there are more than 64 task groups.
    """
    names = {field: list(values) for field, values in names.items()}
    codes = {field: {value: code for code, value in enumerate(values)} for field, values in names.items()}

    def code(field: str, value: str | None) -> int:
        value = value or ""
        if value not in codes[field]:
            codes[field][value] = len(names[field])
            names[field].append(value)
        return codes[field][value]

    def bits(groups: Sequence[str]) -> int:
        return sum(1 << code("group", group) for group in groups)

    periods = [row.period or (_NO_YEAR, _NO_YEAR) for row in rows]
    groups = [bits(row.groups) for row in rows]
    if len(names["group"]) > _MAX_GROUPS:
        raise ValueError(f"an index holds at most {_MAX_GROUPS} task groups, got {len(names['group'])}")
    columns = Columns(
        province=np.array([code("province", row.province) for row in rows], np.uint16),
        province_today=np.array([code("province_today", row.province_today) for row in rows], np.uint16),
        type=np.array([code("type", row.type) for row in rows], np.uint16),
        kind=np.array([code("kind", row.kind) for row in rows], np.uint16),
        groups=np.array(groups, np.uint64),
        year=np.array([row.year if row.year is not None else _NO_YEAR for row in rows], np.int16),
        first_year=np.array([start for start, _ in periods], np.int16),
        last_year=np.array([end for _, end in periods], np.int16),
        has_target=np.array([row.has_target for row in rows], np.bool_),
    )
    return columns, names


def joined(parts: Sequence[Columns]) -> Columns:
    """Return the rows of all ``parts`` under one another."""
    return Columns(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Columns)})


Facets = dict[str, dict[str, int]]


def facets(columns: Columns, names: Names) -> Facets:
    """Count the rows by field and value, most frequent first; a plan for a period counts for each of its years."""
    counted: Facets = {}
    for field in ("province", "province_today", "type", "kind"):
        totals = np.bincount(getattr(columns, field), minlength=len(names[field]))
        counted[field] = {
            names[field][code]: int(totals[code]) for code in np.flatnonzero(totals) if names[field][code]
        }
    regions: dict[str, int] = {}
    for province, total in counted["province"].items():
        if region := region_of(province):
            regions[region] = regions.get(region, 0) + total
    counted["region"] = regions
    counted["year"] = _years(columns)
    bits = {name: np.uint64(1 << code) for code, name in enumerate(names["group"])}
    groups = {name: int(np.count_nonzero(columns.groups & bit)) for name, bit in bits.items()}
    counted["task_group"] = {name: total for name, total in groups.items() if total}
    with_target = int(np.count_nonzero(columns.has_target))
    counted["has_target"] = {"true": with_target, "false": len(columns) - with_target} if len(columns) else {}
    return {field: dict(sorted(values.items(), key=lambda v: (-v[1], v[0]))) for field, values in counted.items()}


def _years(columns: Columns) -> dict[str, int]:
    known = [a[a != _NO_YEAR] for a in (columns.year, columns.first_year, columns.last_year)]
    if not sum(map(len, known)):
        return {}
    lowest, highest = min(int(a.min()) for a in known if len(a)), max(int(a.max()) for a in known if len(a))
    totals = {}
    for year in range(lowest, highest + 1):
        within = (columns.first_year <= year) & (year <= columns.last_year)
        totals[str(year)] = int(np.count_nonzero((columns.year == year) | within))
    return {year: total for year, total in totals.items() if total}
