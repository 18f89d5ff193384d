"""The overviews of the application as they were last finished: what endpoints and pages show, and say of when it is."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, Request, Response

from index.coverage import Row
from index.families import Families
from index.view import View
from service import overviews
from service.access import Space
from service.behind import Behind
from service.errors import NothingUsableError
from service.kept_overviews import Kept, Made, NotMadeError
from service.paging import tell_apart
from service.problems import ProblemError
from service.workspace import Workspace

_AGAIN = {"Retry-After": "5"}


def _kept(request: Request) -> Kept:
    behind: Behind = request.app.state.background
    return behind.kept


def _not_yet() -> ProblemError:
    return ProblemError(503, "this is being made for the first time since the start; ask again in a moment", _AGAIN)


def coverage_of(request: Request, view: View) -> Made[list[Row]]:
    """Return the coverage in a view. Raises ProblemError 503 where it was never made."""
    try:
        return _kept(request).coverage(view)
    except NotMadeError as error:
        raise _not_yet() from error


def gaps_in(
    space: Workspace, made: Made[Families], province: str, view: View, least: int, *, in_region: bool
) -> overviews.Gaps:
    """Return the gaps of a province as of ``made``. Raises ProblemError 404 where it has no plan, UsageError for an unknown one."""
    try:
        return overviews.gaps_of(space, made.value, province, view, least, in_region=in_region)
    except NothingUsableError as error:
        raise ProblemError(404, str(error)) from error


def _families(request: Request) -> Made[Families]:
    try:
        return _kept(request).families()
    except NotMadeError as error:
        raise _not_yet() from error


def _fresh(request: Request, response: Response, space: Space) -> None:
    tell_apart(request, response, space, space.store.content, str(sorted(_kept(request).contents().items())))


FinishedFamilies = Annotated[Made[Families], Depends(_families)]
# An ETag, as ``service.paging.fresh`` gives, that also changes when a newer version is finished.
FINISHED = [Depends(_fresh)]


def is_current(space: Workspace, made: Made[Any]) -> bool:
    """Tell whether the store is still as it was when this was made."""
    return made.content == space.store.content


def made_form(space: Workspace, made: Made[Any]) -> dict[str, Any]:
    """Return when something was made, for an answer."""
    return {"as_of": made.at.isoformat(), "is_current": is_current(space, made)}
