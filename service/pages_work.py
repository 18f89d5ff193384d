"""The pages of daily work: bringing in files, what became of them, saved searches and their feeds; help."""

from __future__ import annotations

import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import FormData

from corpus.engine import is_lost
from service import jobs, searches, sessions
from service.access import Space, Who, may_edit, may_read
from service.errors import UsageError
from service.feeds import feed_path
from service.filtering import filter_of
from service.hosts import host_id
from service.jobs_api import files_of, sent
from service.keys import allows
from service.pages import Language, render, sorted_provinces
from service.problems import ProblemError
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
EDITOR = [Depends(may_edit)]
# Seconds after which the page of an unfinished job loads itself again.
REFRESH = 2
_LISTED = 100
Token = Annotated[str, Form(max_length=2000)]
Name = Annotated[str, Query(max_length=200)]
Field = Annotated[str, Form(max_length=2000)]


@router.get("/upload", dependencies=EDITOR)
def upload(request: Request, space: Space, lang: Language = "vi") -> HTMLResponse:
    """Show the form to bring in files."""
    return _upload_page(request, space, lang)


@router.post("/upload", dependencies=EDITOR)
def start(
    request: Request,
    space: Space,
    caller: Who,
    body: Annotated[FormData | bytes, Depends(sent)],
    lang: Language = "vi",
) -> Response:
    """Start an import of the files sent and go to its page."""
    if isinstance(body, bytes):
        raise ProblemError(422, "accepted is multipart/form-data with files")
    token = body.get("token")
    sessions.check_form(request, token if isinstance(token, str) else "")
    job_id = jobs.new_id()
    folder = space.settings.spool / job_id
    try:
        made, _ = jobs.add(
            space.store, job_id, caller.name, files_of(space, body, job_id), None, host_id(space.settings.home)
        )
    except UsageError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return _upload_page(request, space, lang, str(error))
    except BaseException as error:
        if not is_lost(error):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    request.app.state.background.wake()
    return RedirectResponse(f"/jobs/{made.id}?lang={lang}", 303)


def _upload_page(request: Request, space: Workspace, lang: str, problem: str = "") -> HTMLResponse:
    return render(
        request, "upload.html", lang, 422 if problem else 200, accepted=jobs.ACCEPTED, problem=problem,
        most=space.settings.max_upload // 1024**2, token=sessions.form_token(request),
    )  # fmt: skip


@router.get("/jobs", dependencies=EDITOR)
def listed(request: Request, space: Space, lang: Language = "vi") -> HTMLResponse:
    """List the imports, newest first."""
    found = [jobs.job_form(job) for job in jobs.all_jobs(space.store, limit=_LISTED)]
    return render(request, "jobs.html", lang, jobs=found)


@router.get("/jobs/{job_id}", dependencies=EDITOR)
def one(request: Request, space: Space, job_id: str, still: bool = False, lang: Language = "vi") -> HTMLResponse:
    """Show one import; while anything is left to do the page loads itself again, unless ``still``."""
    job = _job(space, job_id)
    is_going = job.state in ("waiting", "running")
    return render(
        request, "job.html", lang, job=jobs.job_form(job), items=jobs.items(space.store, job_id), is_going=is_going,
        refresh=REFRESH if is_going and not still else 0, still=still, token=sessions.form_token(request),
    )  # fmt: skip


@router.post("/jobs/{job_id}", dependencies=EDITOR)
def change(
    request: Request,
    space: Space,
    job_id: str,
    action: Annotated[str, Form(pattern="^(cancel|retry)$")],
    token: Token = "",
    lang: Language = "vi",
) -> RedirectResponse:
    """Cancel what waits of an import, or take up again what failed."""
    sessions.check_form(request, token)
    _job(space, job_id)
    if action == "cancel":
        jobs.cancel(space.store, job_id)
    else:
        jobs.retry(space.store, job_id)
        request.app.state.background.wake()
    return RedirectResponse(f"/jobs/{job_id}?lang={lang}", 303)


def _job(space: Workspace, job_id: str) -> jobs.Job:
    found = jobs.job(space.store, job_id)
    if found is None:
        raise ProblemError(404, f"no job {job_id!r}")
    return found


@router.get("/feeds")
def feeds(
    request: Request,
    space: Space,
    caller: Who,
    q: Annotated[str, Query(max_length=2000)] = "",
    task_group: Name = "",
    province: Name = "",
    lang: Language = "vi",
) -> HTMLResponse:
    """Show the saved searches with their feeds, and make the feed of a search that is not saved."""
    filter_of(space, province or None, None, task_group or None)
    return _feeds_page(request, space, caller, lang, q=q, task_group=task_group, province=province)


@router.post("/feeds", dependencies=EDITOR)
def save(
    request: Request,
    space: Space,
    caller: Who,
    name: Field = "",
    q: Field = "",
    task_group: Field = "",
    province: Field = "",
    token: Token = "",
    lang: Language = "vi",
) -> Response:
    """Save a search."""
    sessions.check_form(request, token)
    only = filter_of(space, province or None, None, task_group or None)
    shown = name.strip()[:200] or ", ".join(filter(None, (q.strip()[:100], task_group, province)))
    try:
        searches.add(space.store, shown, q, only.task_group, only.province, caller.name)
    except UsageError as error:
        return _feeds_page(request, space, caller, lang, problem=str(error))
    return RedirectResponse(f"/feeds?lang={lang}", 303)


@router.post("/feeds/{search_id}/remove", dependencies=EDITOR)
def remove(
    request: Request, space: Space, search_id: str, token: Token = "", lang: Language = "vi"
) -> RedirectResponse:
    """Forget a saved search."""
    sessions.check_form(request, token)
    if not searches.remove(space.store, search_id):
        raise ProblemError(404, f"no saved search {search_id!r}")
    return RedirectResponse(f"/feeds?lang={lang}", 303)


def _feeds_page(request: Request, space: Workspace, caller: Who, lang: str, **values: Any) -> HTMLResponse:
    chosen = {"q": "", "task_group": "", "province": "", "problem": ""} | values
    may_save = allows(caller.scope, "editor")
    wanted = (chosen["q"].strip(), chosen["task_group"] or None, chosen["province"] or None)
    return render(
        request, "feeds.html", lang, 422 if chosen["problem"] else 200,
        saved=searches.searches(space.store) if may_save else [], may_save=may_save,
        feed=feed_path(*wanted) if any(wanted) else "", provinces=sorted_provinces(space),
        token=sessions.form_token(request), **chosen,
    )  # fmt: skip


@router.get("/help")
def show_help(request: Request, lang: Language = "vi") -> HTMLResponse:
    """Show what this is and how it is used."""
    return render(request, f"help-{lang}.html", lang)
