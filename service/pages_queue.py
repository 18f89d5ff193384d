"""The queue of paragraphs whose tags a model is unsure of: one at a time, judged or skipped."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from service import sessions
from service.access import Space, Who, may_edit, may_read
from service.correcting import correct, queue
from service.errors import NothingUsableError
from service.filtering import filter_of
from service.pages import Language, render, sorted_provinces
from service.problems import ProblemError

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read), Depends(may_edit)])
PATH = "/queue"
# What was skipped is kept in the address, which stays short enough for every server in between.
_MOST_SKIPPED = 60
Skipped = Annotated[list[int], Query(max_length=_MOST_SKIPPED)]
Name = Annotated[str, Query(max_length=200)]


@router.get(PATH)
def waiting(
    request: Request,
    space: Space,
    skip: Skipped = [],  # noqa: B006 - FastAPI makes a new list for each request
    province: Name = "",
    task_group: Name = "",
    saved: Annotated[str, Query(max_length=1000)] = "",
    lang: Language = "vi",
) -> HTMLResponse:
    """Show the most useful paragraph that was not skipped, with what the model thinks of it."""
    only = filter_of(space, province or None, None, task_group or None)
    found = queue(space, len(skip) + 1, only)
    item = next((item for item in found if item.paragraph.key not in skip), None)
    chosen = {"lang": lang, "province": province, "task_group": task_group}
    later = [*skip, item.paragraph.key][-_MOST_SKIPPED:] if item else []
    return render(
        request,
        "queue.html",
        lang,
        item=item,
        tags=space.store.tags_of(item.paragraph.key) if item else [],
        skip=skip,
        next_address=_address(chosen, later),
        first_address=_address(chosen, []),
        saved=space.store.paragraph(saved) if saved else None,
        province=province,
        task_group=task_group,
        provinces=sorted_provinces(space),
        token=sessions.form_token(request),
    )


@router.post(PATH)
def judge(
    request: Request,
    space: Space,
    caller: Who,
    paragraph_id: Annotated[str, Form(max_length=1000)],
    groups: Annotated[list[str], Form(max_length=100)] = [],  # noqa: B006 - as above
    token: Annotated[str, Form(max_length=2000)] = "",
    skip: Skipped = [],  # noqa: B006 - as above
    province: Name = "",
    task_group: Name = "",
    lang: Language = "vi",
) -> RedirectResponse:
    """Keep which task groups a paragraph has and go on to the next."""
    sessions.check_form(request, token)
    try:
        correct(space, paragraph_id, groups, caller.name)
    except NothingUsableError as error:
        raise ProblemError(404, str(error)) from error
    chosen = {"lang": lang, "province": province, "task_group": task_group, "saved": paragraph_id}
    return RedirectResponse(_address(chosen, skip), 303)


def _address(chosen: dict[str, str], skip: list[int]) -> str:
    query = [(name, value) for name, value in chosen.items() if value] + [("skip", str(key)) for key in skip]
    return f"{PATH}?{urlencode(query)}"
