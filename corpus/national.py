"""Indicators that plans share, each under one name and on one scale, with the national targets beside them.

The data are ``national.toml``; see there for what its fields mean.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from corpus.types import Target
from nlp.fold import fold
from nlp.sentences import clauses

Better = Literal["more", "less"]
# A name of at most so many words may be the rest of one, such as "siêu thị" or the "Đến năm 2025" of a table.
_SHORT = 3


@dataclass(frozen=True)
class Indicator:
    """One thing that targets measure. ``units`` maps a unit to its factor to ``unit``; ``national`` a year to values."""

    key: str
    name_vi: str
    name_en: str
    units: Mapping[str, float]
    better: Better
    source: str | None
    national: Mapping[int, tuple[float, ...]]
    wanted: tuple[re.Pattern[str], ...]
    unwanted: tuple[re.Pattern[str], ...]

    @property
    def unit(self) -> str:
        """The unit of the one scale."""
        return next(iter(self.units))

    def fits(self, named: str, around: str = "") -> bool:
        """Tell whether what a target measures, folded, is this; ``around`` are words that may complete a short name."""
        if any(pattern.search(named) for pattern in self.unwanted):
            return False
        if around and len(named.split()) > _SHORT and not any(pattern.search(named) for pattern in self.wanted):
            return False
        return all(pattern.search(around or named) for pattern in self.wanted)

    def reference(self, year: int) -> float | None:
        """Return the national value for ``year``: on the line between the years set, flat before the first and after the last."""
        years = sorted(self.national)
        if not years:
            return None
        later = next((y for y in years if y >= year), years[-1])
        earlier = next((y for y in reversed(years) if y <= year), years[0])
        low, high = middle(self.national[earlier]), middle(self.national[later])
        return low if later == earlier else low + (high - low) * (year - earlier) / (later - earlier)


def middle(values: tuple[float, ...]) -> float:
    """Return the value that stands for one number or a range."""
    return sum(values) / len(values)


@cache
def indicators() -> tuple[Indicator, ...]:
    """Return the indicators of ``national.toml``, in the order in which they are tried."""
    rows = tomllib.loads(files("corpus").joinpath("national.toml").read_text(encoding="utf-8"))["indicator"]
    return tuple(map(_indicator, rows))


def _indicator(row: Mapping[str, Any]) -> Indicator:
    return Indicator(
        key=row["key"],
        name_vi=row["vi"],
        name_en=row["en"],
        units={unit: float(factor) for unit, factor in row["units"].items()},
        better=row["better"],
        source=row.get("source"),
        national={int(year): tuple(map(float, values)) for year, values in row.get("national", {}).items()},
        wanted=tuple(map(re.compile, row["all"])),
        unwanted=tuple(map(re.compile, row.get("none", ()))),
    )


def indicator_of(target: Target, text: str) -> Indicator | None:
    """Return the indicator that a target of a paragraph's ``text`` measures, or None where none of ours fits.

    What the target says it measures decides; where that is too short to tell, its clause does, and where a row of a table
    was cut into clauses, the whole text if it speaks of one indicator only.
    """
    fitting = [indicator for indicator in indicators() if target.unit in indicator.units]
    start, end = target.span
    clause = next((text[a:b] for a, b in clauses(text) if a <= start and end <= b), text)
    named = fold(f"{target.indicator} {target.scope or ''}")
    for around in ("", fold(clause)):
        found = next((indicator for indicator in fitting if indicator.fits(named, around)), None)
        if found:
            return found
    whole = [indicator for indicator in fitting if indicator.fits(named, fold(text))]
    return whole[0] if len(whole) == 1 else None
