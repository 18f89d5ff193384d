"""The pages that look over all plans: coverage as a table of links, families, gaps of a province, targets by indicator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from corpus.national import indicators
from index.ambition import aims, history
from index.view import View
from nlp.fold import fold
from service.access import Space, may_read
from service.charts import indicator_chart
from service.errors import UserError
from service.finished import FinishedFamilies, coverage_of, is_current
from service.overviews import aims_of, families_of, gaps_of
from service.pages import Language, Page, render
from service.problems import ProblemError
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
# Shades of the heat map; each is a class of style.css, since the policy allows no styles in the page.
SHADES = 8
SHOWN = 100
T = TypeVar("T")
Name = Annotated[str, Query(max_length=200)]
Least = Annotated[int, Query(ge=2, le=63)]


@router.get("/coverage")
def coverage(request: Request, space: Space, as_published: bool = False, lang: Language = "vi") -> HTMLResponse:
    """Show how many paragraphs of each province have each task group; a cell leads to them."""
    made = coverage_of(request, View(as_published))
    rows = made.value
    most = max((row.share(group.key) for row in rows for group in space.groups), default=0.0) or 1.0
    shades = [[round(row.share(group.key) / most * (SHADES - 1)) for group in space.groups] for row in rows]
    return render(
        request, "coverage.html", lang, rows=list(zip(rows, shades, strict=True)), as_published=as_published, made=made,
        is_current=is_current(space, made),
    )  # fmt: skip


@router.get("/families")
def families(
    request: Request,
    space: Space,
    made: FinishedFamilies,
    q: Name = "",
    least: Least = 2,
    as_published: bool = False,
    page: Page = 1,
    lang: Language = "vi",
) -> HTMLResponse:
    """List the obligations that several provinces share, those with all words of ``q`` in their title."""
    words = fold(q).split()
    found = [
        summary
        for summary in families_of(made.value, View(as_published), least)
        if all(word in fold(summary.title) for word in words)
    ]
    return render(
        request, "families.html", lang, found=_page(found, page), count=len(found), q=q, least=least,
        page=page, pages=_pages(found), as_published=as_published, made=made, is_current=is_current(space, made),
    )  # fmt: skip


@router.get("/families/{family_id}")
def family(
    request: Request, made: FinishedFamilies, family_id: str, as_published: bool = False, lang: Language = "vi"
) -> HTMLResponse:
    """Show one obligation in the words of each province that has it."""
    found = next((s for s in families_of(made.value, View(as_published), 2) if s.family.id == family_id), None)
    if found is None:
        raise ProblemError(404, f"no family {family_id!r}; families change when plans are added")
    return render(request, "family.html", lang, summary=found, as_published=as_published)


@router.get("/gaps")
def gaps(
    request: Request,
    space: Space,
    made: FinishedFamilies,
    province: Name = "",
    region: bool = False,
    least: Least = 2,
    as_published: bool = False,
    page: Page = 1,
    lang: Language = "vi",
) -> HTMLResponse:
    """Show what others oblige to and a province does not."""
    found, problem = None, ""
    if province:
        try:
            found = gaps_of(space, made.value, province, View(as_published), least, in_region=region)
        except UserError as error:
            problem = str(error)
    return render(
        request, "gaps.html", lang, found=found, shown=_page(found.gaps, page) if found else [], problem=problem,
        page=page, pages=_pages(found.gaps) if found else 1, province=province,
        provinces=places(space, View(as_published)), region=region, least=least,
        as_published=as_published, made=made, is_current=is_current(space, made),
    )  # fmt: skip


@router.get("/targets")
def targets(
    request: Request, space: Space, indicator: Name = "", as_published: bool = False, lang: Language = "vi"
) -> HTMLResponse:
    """Show the indicators that plans set targets for, or the targets of all provinces for one of them."""
    view = View(as_published)
    if not indicator:
        counted: dict[str, set[str | None]] = {}
        for aim in aims(space.store, view):
            counted.setdefault(aim.indicator.key, set()).add(aim.place)
        listed = [(of, len(counted[of.key] - {None})) for of in indicators() if of.key in counted]
        listed.sort(key=lambda pair: -pair[1])
        return render(request, "targets.html", lang, listed=listed, as_published=as_published)
    if indicator not in {of.key for of in indicators()}:
        raise ProblemError(404, f"no indicator {indicator!r}")
    found = aims_of(space, view, indicator, None)
    if not found:
        raise ProblemError(404, f"no target of the store measures {indicator!r}")
    of, own = found[0]
    return render(
        request, "indicator.html", lang, of=of, aims=own, steps=history(own), as_published=as_published,
        # Made by us of escaped texts.
        chart=Markup(indicator_chart(of, own, lang)),  # noqa: S704
    )  # fmt: skip


def places(space: Workspace, view: View) -> list[str]:
    """Return the provinces of the view that have plans in the store, in alphabetical order."""
    return sorted({place for document in space.store.documents() if (place := view.place(document))}, key=fold)


def _page(rows: Sequence[T], page: int) -> Sequence[T]:
    return rows[(page - 1) * SHOWN : page * SHOWN]


def _pages(rows: Sequence[object]) -> int:
    return max(1, -(-len(rows) // SHOWN))
