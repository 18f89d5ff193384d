"""The search page: hits with facets, page by page; without a query, the paragraphs that pass the filters."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from corpus.provinces import province_named
from corpus.store import ProvinceAs
from corpus.types import Kind
from index.paging import CursorError
from nlp.fold import fold
from service.access import Space, may_read
from service.filtering import filter_of
from service.narrowing import Address, facets_of
from service.pages import Language, Page, render
from service.problems import ProblemError
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
LIMIT = 20
LISTED = 50
EXAMPLES = ("siêu thị thay túi ni lông", "nang luong mat troi", "training for enterprises")


@router.get("/")
def search(
    request: Request,
    space: Space,
    q: Annotated[str, Query(max_length=2000)] = "",
    province: Annotated[str, Query(max_length=200)] = "",
    province_as: ProvinceAs = "either",
    year: Annotated[str, Query(pattern=r"^(\d{4})?$")] = "",
    task_group: Annotated[str, Query(max_length=200)] = "",
    kind: Kind | None = None,
    type: Annotated[str, Query(max_length=100)] = "",  # noqa: A002
    region: Annotated[str, Query(max_length=100)] = "",
    has_target: bool | None = None,
    cursor: Annotated[str, Query(max_length=100)] = "",
    page: Page = 1,
    lang: Language = "vi",
) -> HTMLResponse:
    """Show the search box and, for a query, its hits; without a query, the paragraphs that pass the filters.

    Hits after the first page are those after ``cursor``, and ``page`` is what to call them.
    """
    q = q.strip()
    # Without a province it says nothing, and a cursor would belong to another search.
    by_name: ProvinceAs = province_as if province else "either"
    named = filter_of(space, province, int(year) if year else None, task_group, region, by_name)
    only = replace(named, kind=kind, type=type or None, has_target=has_target)
    try:
        result = space.searcher.search(q, LIMIT, only, cursor or None) if q else None
    except CursorError as error:
        raise ProblemError(400, f"cursor: {error}") from error
    passing = space.store.keys(only) if result is None and not only.is_open else None
    shown = [] if passing is None else [int(key) for key in passing[(page - 1) * LISTED : page * LISTED]]
    found = space.store.paragraphs_by_key(shown)
    if result is not None:
        total, size, page = sum(result.facets["has_target"].values()), LIMIT, page if cursor else 1
    else:
        total, size = 0 if passing is None else len(passing), LISTED
    years = {str(year) for years in space.store.years().values() for year in years}
    address = Address(q, only, lang)
    return render(
        request,
        "search.html",
        lang,
        q=q,
        address=address,
        provinces=_with(_provinces(space), address.chosen.get("province", "")),
        province_as=province_as,
        years=_with(sorted(years, reverse=True), year),
        result=result,
        facets=facets_of(result.facets, address, (group.key for group in space.groups)) if result else [],
        is_filtered=passing is not None,
        listed=[found[key] for key in shown if key in found],
        total=total,
        page=page,
        first=(page - 1) * size + 1,
        pages=max(1, -(-total // size)),
        cursor=cursor,
        documents=[]
        if (result and result.hits) or shown
        else sorted(space.store.documents(), key=lambda d: fold(d.province or "")),
        examples=EXAMPLES,
    )


def _provinces(space: Workspace) -> list[str]:
    """Return the provinces of the store by their names then and today, in alphabetical order."""
    published = space.store.provinces()
    today = (known.today for name in published if (known := province_named(name)))
    return sorted({*published, *today}, key=fold)


def _with(options: list[str], chosen: str) -> list[str]:
    """Return ``options`` with the one chosen, of which the store may have nothing."""
    return options if chosen in ("", *options) else [chosen, *options]
