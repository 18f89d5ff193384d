"""Understand what was typed: the restored and translated forms, added terms, and a province or year named in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from corpus.provinces import find_provinces
from index.lexical import Words
from nlp.abbreviations import expand, translate
from nlp.accents import Restorer
from nlp.fold import has_diacritics
from nlp.normalize import normalize

_YEAR = re.compile(r"(?<![\d.,/])(20[1-4]\d)(?![\d.,/]|\s*MW)")


@dataclass(frozen=True)
class Query:
    """A query as typed and as understood; ``meaning`` is what the dense leg embeds."""

    typed: str
    meaning: str
    words: Words
    restored: str | None = None
    translated: str | None = None
    province: str | None = None
    year: int | None = None


def understand(text: str, restorer: Restorer) -> Query:
    """Return the query behind ``text``. Typed diacritics are kept; a text with none at all gets them restored."""
    typed = " ".join(normalize(text).split())
    translated = translate(typed)
    restored = "" if translated or has_diacritics(typed) or not restorer.knows(typed) else restorer.restore(typed)
    expansions = expand(restored or typed) + ([translated] if translated else [])
    meaning = " ".join(filter(None, (restored or typed, *expand(restored or typed))))
    if translated:
        meaning = f"{translated} ({typed})"
    provinces = _named_provinces(typed)
    years = _YEAR.findall(typed)
    query = Query(typed, meaning, Words(typed, restored, expansions))
    return replace(
        query,
        restored=restored if restored not in ("", typed) else None,
        translated=translated or None,
        province=provinces[0] if provinces else None,
        year=int(years[0]) if len(set(years)) == 1 else None,
    )


def _named_provinces(typed: str) -> list[str]:
    """Return the provinces named in a query, where capitals are often left out."""
    if typed != typed.lower() or not has_diacritics(typed):
        return [province.name for _, _, province in find_provinces(typed)]
    # "hòa bình" in small letters is peace.
    return [province.name for _, _, province in find_provinces(typed.title()) if province.name != "Hòa Bình"]
