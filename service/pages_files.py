"""The files beside the pages that look over all plans: their tables as CSV or Excel workbook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from index.view import View
from service.access import Space, may_read
from service.exporting import write_table
from service.finished import FinishedFamilies, coverage_of, gaps_in
from service.overview_files import write_aims, write_coverage, write_families
from service.overview_forms import gap_form
from service.overviews import Gaps, aims_of, families_of
from service.workspace import Tell

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
Form = Literal["csv", "xlsx"]
Least = Annotated[int, Query(ge=2, le=63)]
_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


@router.get("/coverage.{form}")
def coverage(request: Request, space: Space, form: Form, as_published: bool = False) -> Response:
    """Return the coverage as a table."""
    rows = coverage_of(request, View(as_published)).value
    return _file("coverage", form, lambda file: write_coverage(file, rows, space.groups, space.tell))


@router.get("/families.{form}")
def families(
    space: Space, made: FinishedFamilies, form: Form, least: Least = 2, as_published: bool = False
) -> Response:
    """Return the families by provinces as a table."""
    found = families_of(made.value, View(as_published), least)
    return _file("families", form, lambda file: write_families(file, found, space.tell))


@router.get("/gaps.{form}")
def gaps(
    space: Space,
    made: FinishedFamilies,
    form: Form,
    province: Annotated[str, Query(min_length=1, max_length=200)],
    region: bool = False,
    least: Least = 2,
    as_published: bool = False,
) -> Response:
    """Return the gaps of a province as a table."""
    found = gaps_in(space, made, province, View(as_published), least, in_region=region)
    return _file("gaps", form, lambda file: _write_gaps(file, found, space.tell))


@router.get("/targets.{form}")
def targets(
    space: Space,
    form: Form,
    indicator: Annotated[str, Query(max_length=200)] = "",
    as_published: bool = False,
) -> Response:
    """Return the targets of one indicator, or of all, as a table."""
    found = aims_of(space, View(as_published), indicator or None, None)
    return _file("targets", form, lambda file: write_aims(file, [aim for _, own in found for aim in own], space.tell))


def _write_gaps(file: Path, found: Gaps, tell: Tell) -> None:
    columns = ("province", "family_id", "title", "having", "provinces", "of", "example", "example_paragraph", "near")
    rows = []
    for gap in found.gaps:
        form = gap_form(gap)
        rows.append(
            {
                "province": found.province,
                "family_id": form["family_id"],
                "title": form["title"],
                "having": len(gap.having),
                "provinces": "; ".join(gap.having),
                "of": gap.of,
                "example": form["example"]["text"],
                "example_paragraph": form["example"]["paragraph_id"],
                "near": "; ".join(near["paragraph_id"] for near in form["near"]),
            }
        )
    write_table(file, "gaps", columns, rows, tell)


def _file(name: str, form: Form, write: Callable[[Path], None]) -> Response:
    with TemporaryDirectory(prefix="kehoach-") as folder:
        file = Path(folder, f"{name}.{form}")
        write(file)
        content = file.read_bytes()
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(content, media_type=_TYPES[form], headers=headers)
