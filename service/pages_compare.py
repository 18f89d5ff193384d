"""The page that shows two provinces or plans side by side."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from corpus.store import StoredDocument
from index.view import View
from service.access import Space, may_read
from service.comparing import CommonPlanError, compare_named, meant, name_of, places_of, plans_of, titles_of
from service.errors import NothingUsableError, UserError
from service.filtering import filter_of
from service.pages import Language, render, strings
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
Name = Annotated[str, Query(max_length=500)]


@router.get("/compare")
def compare(
    request: Request,
    space: Space,
    a: Name = "",
    b: Name = "",
    task_group: Annotated[str, Query(max_length=200)] = "",
    as_published: bool = False,
    lang: Language = "vi",
) -> HTMLResponse:
    """Show two provinces or plans side by side; of provinces that are chosen the plans are offered, too."""
    filter_of(space, None, None, task_group or None)
    view = View(as_published)
    chosen = [meant(space.store, name, view) if name else None for name in (a, b)]
    compared, problem = None, ""
    if a and b:
        try:
            compared = compare_named(space, a, b, view, task_group or None)
        except CommonPlanError:
            problem = strings()[lang]["same_province"]
        except NothingUsableError:
            problem = strings()[lang]["nothing_to_compare"]
        except UserError as error:
            problem = str(error)
    return render(
        request,
        "compare.html",
        lang,
        a=name_of(chosen[0] or ""),
        b=name_of(chosen[1] or ""),
        task_group=task_group,
        provinces=places_of(space.store, view),
        plans=_plans(space, chosen, view),
        as_published=as_published,
        compared=compared,
        problem=problem,
    )


def _plans(space: Workspace, chosen: list[str | StoredDocument | None], view: View) -> dict[str, str]:
    """Return the ids of the plans of what is chosen to their titles: those of all provinces would be too many for a list."""
    found: dict[str, StoredDocument] = {}
    for party in chosen:
        place = view.place(party) if isinstance(party, StoredDocument) else party
        listed = plans_of(space.store, place, view) if place else [party] if isinstance(party, StoredDocument) else []
        found |= {plan.id: plan for plan in listed}
    return titles_of(list(found.values()))
