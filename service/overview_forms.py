"""The JSON forms of families, gaps, coverage and indicators, the same on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corpus.national import Indicator
from corpus.taxonomy import TaskGroup
from corpus.types import Target
from index.ambition import Aim, Step
from index.coverage import Row
from index.gaps import Gap, Summary
from index.statements import Statement
from service.forms import Form


def statement_form(statement: Statement) -> Form:
    """Return a statement and where it stands."""
    return {
        "province": statement.paragraph.province,
        "province_today": statement.paragraph.province_today,
        "document_id": statement.document.id,
        "paragraph_id": statement.paragraph.id,
        "year": statement.document.year,
        "text": statement.text,
    }


def summary_form(summary: Summary) -> Form:
    """Return a family as a view shows it; ``provinces`` maps each to how many statements it has."""
    return {
        "family_id": summary.family.id,
        "title": summary.title,
        "cohesion": summary.family.cohesion,
        "provinces": {place: len(members) for place, members in summary.places.items()},
        "earliest": statement_form(summary.earliest),
        "latest": statement_form(summary.latest),
        "strongest": _strongest_form(summary.strongest),
        "members": [{"counts_for": place} | statement_form(m) for place, of in summary.places.items() for m in of],
    }


def gap_form(gap: Gap) -> Form:
    """Return what others have and a province lacks."""
    return {
        "family_id": gap.summary.family.id,
        "title": gap.summary.title,
        "having": list(gap.having),
        "of": gap.of,
        "strongest": _strongest_form(gap.summary.strongest),
        "example": statement_form(gap.summary.family.medoid),
        "near": [statement_form(statement) for statement in gap.near],
    }


def _strongest_form(strongest: tuple[Statement, Target] | None) -> Form | None:
    if strongest is None:
        return None
    statement, target = strongest
    return statement_form(statement) | {
        "comparator": target.comparator,
        "values": list(target.values),
        "unit": target.unit,
        "deadline": target.deadline,
    }


def coverage_form(row: Row, groups: Sequence[TaskGroup]) -> Form:
    """Return the row of a province; ``shares`` are of its paragraphs, rounded to four decimals."""
    return {
        "province": row.province,
        "published_as": row.published_as,
        "documents": row.documents,
        "paragraphs": row.paragraphs,
        "task_groups": {group.key: row.groups[group.key] for group in groups},
        "shares": {group.key: round(row.share(group.key), 4) for group in groups},
        "kinds": dict(sorted(row.kinds.items())),
        "years": [
            {
                "year": year,
                "paragraphs": counts.paragraphs,
                "task_groups": {group.key: counts.groups[group.key] for group in groups},
            }
            for year, counts in row.years.items()
        ],
    }


def indicator_form(indicator: Indicator, aims: Sequence[Aim], history: Mapping[str, Sequence[Step]]) -> Form:
    """Return an indicator with its national targets, those of provinces by rank, and their changes from plan to plan."""
    return {
        "indicator": indicator.key,
        "name_vi": indicator.name_vi,
        "name_en": indicator.name_en,
        "unit": indicator.unit,
        "better": indicator.better,
        "source": indicator.source,
        "national": [{"year": year, "values": list(values)} for year, values in sorted(indicator.national.items())],
        "aims": [aim_form(aim) for aim in aims],
        "history": [
            {
                "province": place,
                "steps": [
                    {
                        "document_id": step.aim.document.id,
                        "year": step.aim.document.year,
                        "due": step.aim.due,
                        "values": list(step.aim.values),
                        "change": step.change,
                    }
                    for step in steps
                ],
            }
            for place, steps in history.items()
        ],
    }


def aim_form(aim: Aim) -> Form:
    """Return a province's target on its indicator's scale."""
    return {
        "rank": aim.rank,
        "province": aim.place,
        "published_as": aim.paragraph.province,
        "year": aim.document.year,
        "comparator": aim.comparator,
        "values": list(aim.values),
        "unit": aim.indicator.unit,
        "due": aim.due,
        "lead": aim.lead,
        "written": aim.paragraph.text[slice(*aim.target.span)],
        "document_id": aim.document.id,
        "paragraph_id": aim.paragraph.id,
    }
