"""The filter of what was asked, by the same rules for the command line and for HTTP."""

from __future__ import annotations

from corpus.provinces import province_named, region_named, regions
from corpus.store import Filter, ProvinceAs
from service.errors import UsageError
from service.workspace import Workspace


def filter_of(
    space: Workspace,
    province: str | None,
    year: int | None,
    task_group: str | None,
    region: str | None = None,
    province_as: ProvinceAs = "either",
) -> Filter:
    """Return the filter; what is empty is open. Raises UsageError for what is unknown, naming what would be accepted."""
    if task_group and task_group not in (known := [group.key for group in space.groups]):
        raise UsageError(f"unknown task group {task_group!r}; known are {', '.join(known)}")
    named = province_named(province) if province else None
    # Ready paragraphs may name a province of their own.
    if province and named is None and province not in space.store.provinces():
        raise UsageError(
            f"unknown province {province!r}; accepted are the names of the 63 provinces and of today's 34, with or without"
            " diacritics"
        )
    inside = region_named(region) if region else None
    if region and inside is None:
        raise UsageError(f"unknown region {region!r}; known are {', '.join(regions())}")
    place = named.name if named else province or None
    return Filter(place, year, task_group or None, region=inside, province_as=province_as)
