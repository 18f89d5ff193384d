"""Saved searches and their news over HTTP: /v1/searches, /v1/feed.atom; the audit log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from service import audit, searches
from service.access import Space, Who, may_administer, may_edit, may_read
from service.api import Group, Province
from service.feeds import MEDIA_TYPE, atom, feed_path
from service.fetching import check
from service.filtering import filter_of
from service.news import news
from service.paging import Cursor, Limit, fresh, page_of, read_number
from service.problems import ProblemError, Responses, problem_responses
from service.schemas import Audit, Search, Searches, SearchMade, SearchWanted
from service.webhooks import SETTING

router = APIRouter(
    prefix="/v1", tags=["news"], responses=problem_responses(401, 422, 429, 500), dependencies=[Depends(may_read)]
)
Form = dict[str, Any]
# Whoever reads a feed once in this time misses nothing, however much one import brought.
_WHOLE = timedelta(days=7)
_FEED: Responses = {200: {"description": "Atom feed", "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}
SearchId = Annotated[str, Path(max_length=100, examples=["9d2e60b1c47fa835"])]


@router.get("/feed.atom", response_class=Response, responses=_FEED | problem_responses(400, 404))
def feed(
    request: Request,
    response: Response,
    space: Space,
    search: Annotated[
        str | None, Query(max_length=100, description="A saved search; the others are not read then.")
    ] = None,
    q: Annotated[
        str, Query(max_length=2000, description="What to hear of, by meaning.", examples=["điện mặt trời mái nhà"])
    ] = "",
    task_group: Group = None,
    province: Province = None,
) -> Response:
    """Return the newest documents that have paragraphs near a query in meaning, of a task group, of a province."""
    name, query, group, place = "kehoach", q.strip(), task_group, province
    path = feed_path(query, task_group, province)
    if search is not None:
        saved = searches.search(space.store, search)
        if saved is None:
            raise ProblemError(404, f"no saved search {search!r}")
        name, query, group, place = saved.name, saved.query, saved.task_group, saved.province
        path = f"/v1/feed.atom?search={saved.id}"
    elif query or group or place:
        name = ", ".join(filter(None, (query, group, place)))
    only = filter_of(space, place, None, group)
    fresh(request, response, space)
    base = space.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    store_id = space.store.content.partition(":")[0]
    found = news(space, query, only, since=datetime.now(UTC) - _WHOLE)
    body = atom(name, base + path, base, found, store_id)
    return Response(body, media_type=f"{MEDIA_TYPE}; charset=utf-8", headers=dict(response.headers))


@router.post(
    "/searches",
    status_code=201,
    response_model=SearchMade,
    responses=problem_responses(400, 403, 413),
    dependencies=[Depends(may_edit)],
)
def save(space: Space, caller: Who, wanted: SearchWanted) -> Form:
    """Save a search, for a feed and, where the operator allows hosts, for a webhook; its secret is shown this once."""
    only = filter_of(space, wanted.province, None, wanted.task_group)
    if wanted.webhook is not None:
        try:
            check(wanted.webhook, space.settings.webhook_hosts, SETTING)
        except ValueError as error:
            raise ProblemError(400, f"webhook: {error}") from error
    made = searches.add(
        space.store, wanted.name, wanted.query, only.task_group, only.province, caller.name, wanted.webhook
    )
    return {**searches.search_form(made), "secret": made.secret}


@router.get(
    "/searches", response_model=Searches, responses=problem_responses(400, 403), dependencies=[Depends(may_edit)]
)
def saved(space: Space, limit: Limit = 100, cursor: Cursor = None) -> Form:
    """List the saved searches, oldest first."""
    found = searches.searches(space.store, read_number(cursor) or 0, limit + 1)
    shown, following = page_of(found, limit, lambda search: search.number)
    return {"searches": [searches.search_form(search) for search in shown], "next_cursor": following}


@router.get(
    "/searches/{search_id}",
    response_model=Search,
    responses=problem_responses(403, 404),
    dependencies=[Depends(may_edit)],
)
def one(space: Space, search_id: SearchId) -> Form:
    """Return one saved search."""
    found = searches.search(space.store, search_id)
    if found is None:
        raise ProblemError(404, f"no saved search {search_id!r}")
    return searches.search_form(found)


@router.delete(
    "/searches/{search_id}", status_code=204, responses=problem_responses(403, 404), dependencies=[Depends(may_edit)]
)
def forget(space: Space, search_id: SearchId) -> None:
    """Forget a saved search, its feed and what its webhook was still to be told."""
    if not searches.remove(space.store, search_id):
        raise ProblemError(404, f"no saved search {search_id!r}")


@router.get(
    "/audit", response_model=Audit, responses=problem_responses(400, 403), dependencies=[Depends(may_administer)]
)
def audited(space: Space, limit: Limit = 100, cursor: Cursor = None) -> Form:
    """List who changed what, newest first."""
    found = audit.entries(space.store, read_number(cursor), limit + 1)
    shown, following = page_of(found, limit, lambda entry: entry.number)
    return {"entries": [audit.entry_form(entry) for entry in shown], "next_cursor": following}
