"""Families, gaps, coverage and indicators of a workspace, with errors that name what would be accepted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from corpus.national import Indicator, indicators
from index.ambition import Aim, aims
from index.families import Families
from index.gaps import Gap, Summary, gaps, summarise
from index.view import View
from nlp.fold import fold
from service.errors import NothingUsableError, UsageError
from service.workspace import Workspace


@dataclass(frozen=True)
class Gaps:
    """The gaps of a province, its name in the view, and the region they are measured against (None: all provinces)."""

    province: str
    region: str | None
    gaps: Sequence[Gap]


def place_named(space: Workspace, name: str, view: View) -> str:
    """Return the province of the view that ``name`` means.

    Raises UsageError for an unknown name, NothingUsableError where the store has no plan that counts for it.
    """
    place = view.named(name)
    if place is None:
        raise UsageError(
            f"unknown province {name!r}; accepted are the names of the 63 provinces, with or without diacritics"
        )
    have = sorted({there for document in space.store.documents() if (there := view.place(document))})
    if place not in have:
        raise NothingUsableError(
            f"no plan of {place} in the store; provinces in it: {', '.join(have) or 'none yet: run `kehoach ingest`'}"
        )
    return place


def families_of(families: Families, view: View, least: int) -> list[Summary]:
    """Return the families of at least ``least`` provinces, those of most provinces first."""
    return [summary for summary in summarise(families.families, view) if len(summary.places) >= least]


def gaps_of(space: Workspace, families: Families, name: str, view: View, least: int, *, in_region: bool) -> Gaps:
    """Return what at least ``least`` others, of the region or of all, have and a province lacks. Raises as ``place_named``."""
    province = place_named(space, name, view)
    region = view.region(province) if in_region else None
    within: Callable[[str], bool] = (lambda place: view.region(place) == region) if region else (lambda place: True)
    return Gaps(province, region, gaps(families, province, view, within, least))


def aims_of(space: Workspace, view: View, name: str | None, province: str | None) -> list[tuple[Indicator, list[Aim]]]:
    """Return the indicators called ``name`` (None: all) that have targets, with these by rank; of one province if given.

    Ranks are among all provinces also where one is given. Raises UsageError for an unknown indicator or province.
    """
    wanted = indicators_named(name) if name else indicators()
    place = place_named(space, province, view) if province else None
    by_key: dict[str, list[Aim]] = {}
    for aim in aims(space.store, view):
        if place in (None, aim.place):
            by_key.setdefault(aim.indicator.key, []).append(aim)
    return [(indicator, by_key[indicator.key]) for indicator in wanted if indicator.key in by_key]


def indicators_named(name: str) -> list[Indicator]:
    """Return the indicator with the key ``name``, else those whose Vietnamese or English names hold its words.

    Raises UsageError, with all keys, where there are none.
    """
    exact = [indicator for indicator in indicators() if indicator.key == name]
    sought = fold(name).split()
    found = exact or [i for i in indicators() if all(word in fold(f"{i.name_vi} {i.name_en}") for word in sought)]
    if not found or not sought:
        known = ", ".join(indicator.key for indicator in indicators())
        raise UsageError(f"no indicator {name!r}; known are {known}, or words of their names")
    return found
