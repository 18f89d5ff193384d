"""Write families, coverage and targets as tables and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from corpus.taxonomy import TaskGroup
from corpus.types import KINDS
from index.ambition import Aim
from index.coverage import Row
from index.gaps import Summary
from nlp.fold import fold
from service.errors import NothingUsableError
from service.exporting import write_table
from service.overview_forms import aim_form
from service.workspace import Tell


def write_families(file: Path, found: Sequence[Summary], tell: Tell) -> None:
    """Write the matrix of families by provinces: how many statements each has. Raises as ``write_table``."""
    places = sorted({place for summary in found for place in summary.places}, key=fold)
    columns = ("family_id", "title", "provinces", "earliest", "latest", *places)
    rows = (
        {
            "family_id": summary.family.id,
            "title": summary.title,
            "provinces": len(summary.places),
            "earliest": summary.earliest.document.year,
            "latest": summary.latest.document.year,
            **{place: len(summary.places.get(place, ())) for place in places},
        }
        for summary in found
    )
    write_table(file, "families", columns, rows, tell)


def write_coverage(file: Path, rows: Sequence[Row], groups: Sequence[TaskGroup], tell: Tell) -> None:
    """Write a row for each province: counts and shares by task group, counts by kind. Raises as ``write_table``."""
    keys = [group.key for group in groups]
    columns = ("province", "published_as", "documents", "paragraphs", *keys, *(f"share.{k}" for k in keys), *KINDS)
    forms = (
        {
            "province": row.province,
            "published_as": row.published_as,
            "documents": row.documents,
            "paragraphs": row.paragraphs,
            **{key: row.groups[key] for key in keys},
            **{f"share.{key}": round(row.share(key), 4) for key in keys},
            **{kind: row.kinds[kind] for kind in KINDS},
        }
        for row in rows
    )
    write_table(file, "coverage", columns, forms, tell)


def write_aims(file: Path, found: Sequence[Aim], tell: Tell) -> None:
    """Write a row for each target of a province. Raises as ``write_table``."""
    columns = ("indicator", "name_vi", "rank", "province", "published_as", "year", "comparator", "values", "unit", "due",
               "lead", "written", "document_id", "paragraph_id")  # fmt: skip
    forms = ({"indicator": aim.indicator.key, "name_vi": aim.indicator.name_vi, **aim_form(aim)} for aim in found)
    write_table(file, "targets", columns, forms, tell)


def write_picture(file: Path, picture: str) -> None:
    """Write a picture. Raises NothingUsableError where the file cannot be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(picture, encoding="utf-8")
    except OSError as error:
        raise NothingUsableError(f"{file}: cannot be written: {error.strerror or error}") from error
