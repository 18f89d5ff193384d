"""Count what plans say, by province, task group, kind of paragraph and year, straight from the store."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa

from corpus.schema import documents, paragraphs, tags
from corpus.store import Store
from index.view import View
from nlp.fold import fold


@dataclass
class Year:
    """The plans of one year: how many paragraphs, in all and by task group."""

    paragraphs: int = 0
    groups: Counter[str] = field(default_factory=Counter)


@dataclass
class Row:
    """One province, or the national texts (None): paragraphs in all, by task group and by kind, and its years in order.

    A paragraph may have several task groups or none, so groups do not add up to ``paragraphs``. ``published_as`` lists
    the provinces, by their names then, whose plans are counted.
    """

    province: str | None
    published_as: list[str] = field(default_factory=list)
    documents: int = 0
    paragraphs: int = 0
    groups: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    years: dict[int, Year] = field(default_factory=dict)

    def share(self, group: str) -> float:
        """Return the share of its paragraphs, headings included, that have a task group."""
        return self.groups[group] / self.paragraphs if self.paragraphs else 0.0


def coverage(store: Store, view: View) -> list[Row]:
    """Return a row for every province with a plan, by name, and last one for texts of no province if there are any."""
    published = documents.c.province
    place = published if view.as_published else sa.func.coalesce(documents.c.province_today, published)
    columns = (place.label("place"), published.label("published"), documents.c.year)
    joined = paragraphs.join(documents)
    plans = sa.select(*columns, sa.func.count()).select_from(documents).group_by(*columns)
    said = (
        sa.select(*columns, paragraphs.c.kind, sa.func.count())
        .select_from(joined)
        .group_by(*columns, paragraphs.c.kind)
    )
    tagged = (
        sa.select(*columns, tags.c.task_group, sa.func.count())
        .select_from(joined.join(tags, tags.c.paragraph_key == paragraphs.c.key))
        .where(tags.c.assigned)
        .group_by(*columns, tags.c.task_group)
    )
    rows: dict[str | None, Row] = {}
    with store.reading() as connection:
        for name, origin, year, count in connection.execute(plans):
            row = rows.setdefault(name, Row(name))
            row.documents += count
            if origin is not None and origin not in row.published_as:
                row.published_as.append(origin)
            if year is not None:
                row.years.setdefault(year, Year())
        for name, _, year, kind, count in connection.execute(said):
            rows[name].paragraphs += count
            rows[name].kinds[kind] += count
            if year is not None:
                rows[name].years[year].paragraphs += count
        for name, _, year, group, count in connection.execute(tagged):
            rows[name].groups[group] += count
            if year is not None:
                rows[name].years[year].groups[group] += count
    for row in rows.values():
        row.published_as.sort()
        row.years = dict(sorted(row.years.items()))
    return sorted(rows.values(), key=lambda row: (row.province is None, fold(row.province or "")))
