"""The endpoints that look over all plans: families, gaps, coverage, indicators, and pictures of the last two."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from index.ambition import history
from index.gaps import gap_order, summary_order
from index.view import View
from service.access import Space, may_read
from service.api import FRESH, AsPublished, Form, Province
from service.charts import coverage_chart, indicator_chart
from service.finished import FINISHED, FinishedFamilies, coverage_of, gaps_in, made_form
from service.overview_forms import coverage_form, gap_form, indicator_form, summary_form
from service.overview_schemas import Coverage, Families, Gaps, Indicators
from service.overviews import aims_of, families_of
from service.paging import Cursor, Limit, page_after
from service.problems import ProblemError, Responses, problem_responses

router = APIRouter(
    prefix="/v1", tags=["overviews"], responses=problem_responses(401, 422, 429, 500), dependencies=[Depends(may_read)]
)
Least = Annotated[int, Query(ge=2, le=63, description="Only what at least so many provinces have.", examples=[3])]
Language = Annotated[str, Query(pattern="^(vi|en)$", description="vi or en.")]
_SVG: Responses = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}, "description": "An SVG picture"}}


@router.get("/families", response_model=Families, dependencies=FINISHED, responses=problem_responses(400, 503))
def families(
    space: Space,
    made: FinishedFamilies,
    least: Least = 2,
    as_published: AsPublished = False,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Form:
    """List the obligations that several provinces share, as they were last made."""
    listed = families_of(made.value, View(as_published), least)
    found, following = page_after(listed, cursor, limit, summary_order)
    return {"families": [summary_form(s) for s in found], "next_cursor": following, **made_form(space, made)}


@router.get("/gaps/{province}", response_model=Gaps, dependencies=FINISHED, responses=problem_responses(400, 404, 503))
def gaps(
    space: Space,
    made: FinishedFamilies,
    province: Annotated[str, Path(max_length=60, examples=["Cà Mau"])],
    region: Annotated[bool, Query(description="Against the provinces of its region only.")] = False,
    least: Least = 2,
    as_published: AsPublished = False,
    limit: Limit = 1000,
    cursor: Cursor = None,
) -> Form:
    """List what other provinces oblige to and this one does not."""
    found = gaps_in(space, made, province, View(as_published), least, in_region=region)
    listed, following = page_after(found.gaps, cursor, limit, gap_order)
    return {
        "province": found.province,
        "region": found.region,
        "gaps": [gap_form(gap) for gap in listed],
        "next_cursor": following,
        **made_form(space, made),
    }


@router.get("/coverage", response_model=Coverage, dependencies=FINISHED, responses=problem_responses(503))
def coverage(request: Request, space: Space, as_published: AsPublished = False) -> Form:
    """Count the paragraphs of each province by task group, kind and year, as it was last made."""
    made = coverage_of(request, View(as_published))
    return {"provinces": [coverage_form(row, space.groups) for row in made.value], **made_form(space, made)}


@router.get("/coverage.svg", response_class=Response, responses=_SVG | problem_responses(503))
def coverage_picture(
    request: Request, space: Space, as_published: AsPublished = False, lang: Language = "vi"
) -> Response:
    """Draw the coverage as a heat map."""
    return _picture(coverage_chart(coverage_of(request, View(as_published)).value, space.groups, lang))


@router.get("/indicators", response_model=Indicators, dependencies=FRESH, responses=problem_responses(400))
def indicators(
    space: Space,
    indicator: Annotated[
        str | None,
        Query(max_length=200, description="Key, or words of the name.", examples=["supermarkets_green_packaging"]),
    ] = None,
    province: Province = None,
    as_published: AsPublished = False,
) -> Form:
    """List indicators with the targets of provinces by ambition, beside the national ones."""
    found = aims_of(space, View(as_published), indicator, province)
    return {"indicators": [indicator_form(of, aims, history(aims)) for of, aims in found]}


@router.get("/indicators/{indicator}.svg", response_class=Response, responses=_SVG | problem_responses(400, 404))
def indicator_picture(
    space: Space,
    indicator: Annotated[str, Path(max_length=60, examples=["supermarkets_green_packaging"])],
    as_published: AsPublished = False,
    lang: Language = "vi",
) -> Response:
    """Draw the targets of the provinces for one indicator beside the national ones."""
    found = aims_of(space, View(as_published), indicator, None)
    if len(found) != 1:
        keys = ", ".join(of.key for of, _ in found) or "none"
        raise ProblemError(404, f"{indicator!r} is not one indicator with targets in the store; it means {keys}")
    return _picture(indicator_chart(*found[0], lang))


def _picture(svg: str) -> Response:
    return Response(svg, media_type="image/svg+xml")
