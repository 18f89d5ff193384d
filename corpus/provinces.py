"""Provinces as published (63) and as they are since 1 July 2025 (34), and how to find them in text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from nlp.fold import fold


@dataclass(frozen=True)
class Province:
    """One of the 63 provinces: ``today`` names the province it is, or is part of, now."""

    name: str
    kind: str
    region: str
    today: str
    aliases: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The name for permalinks, such as ``cao-bang``."""
        return re.sub(r"[^a-z0-9]+", "-", fold(self.name)).strip("-")


@cache
def provinces() -> tuple[Province, ...]:
    """Return the 63 provinces of ``provinces.tsv``."""
    lines = files("corpus").joinpath("provinces.tsv").read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return tuple(
        Province(row[0], row[1], row[2], row[3], aliases=tuple(filter(None, row[4].split(",")))) for row in rows
    )


@cache
def _by_name() -> dict[str, Province]:
    named = {fold(alias): province for province in provinces() for alias in province.aliases}
    return named | {fold(province.name): province for province in provinces()}


@cache
def _pattern() -> re.Pattern[str]:
    names = sorted(_by_name(), key=len, reverse=True)
    return re.compile(
        r"(?<![^\W_])(?:" + "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names) + r")(?![^\W_])"
    )


@cache
def region_of(name: str | None) -> str | None:
    """Return the region of the province published as ``name``; None for what is no province of the 63."""
    return next((province.region for province in provinces() if province.name == name), None)


def regions() -> list[str]:
    """Return the regions, in the order of ``provinces.tsv``."""
    return list(dict.fromkeys(province.region for province in provinces()))


def region_named(name: str) -> str | None:
    """Return the region called ``name``, in capitals or small letters, with or without diacritics, or None."""
    wanted = " ".join(fold(name).split())
    return next((region for region in regions() if fold(region) == wanted), None)


def provinces_of(region: str) -> list[str]:
    """Return the provinces of a region, by their names of before July 2025."""
    return [province.name for province in provinces() if province.region == region]


# Folded names that are also everyday words or other places' parts; without diacritics they need "tỉnh" before them.
_AMBIGUOUS = frozenset({"hoa binh", "an giang", "hue", "thai binh"})


def province_named(name: str) -> Province | None:
    """Return the province called ``name``, with or without diacritics, "tỉnh" or "thành phố", or None."""
    bare = re.sub(r"^(?:tinh|thanh pho|tp\.?)\s*", "", re.sub(r"\s+", " ", fold(name)).strip())
    return _by_name().get(bare)


def find_provinces(text: str) -> list[tuple[int, int, Province]]:
    """Return (start, end, province) of every province named in ``text``, in order.

    A name must carry its diacritics where the text has any, so that "hòa bình" (peace) in running text is not Hòa Bình
    unless capitalised.
    """
    folded = re.sub(r"\s", " ", fold(text))
    plain = folded == text.lower()
    found = []
    for match in _pattern().finditer(folded):
        province = _by_name()[re.sub(r"\s+", " ", match.group())]
        written = text[match.start() : match.end()]
        spellings = {province.name.lower(), *(alias.lower() for alias in province.aliases)}
        exact = re.sub(r"\s+", " ", written.lower()) in spellings
        if (plain and (match.group() not in _AMBIGUOUS or "tinh" in folded[: match.start()])) or (
            exact and written[:1].isupper()
        ):
            found.append((match.start(), match.end(), province))
    return found
