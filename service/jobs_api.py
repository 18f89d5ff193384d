"""Imports over HTTP: /v1/jobs."""

from __future__ import annotations

import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from corpus.engine import is_lost
from service import jobs
from service.access import Space, Who, may_edit, may_read
from service.errors import UsageError
from service.fetching import check
from service.hosts import host_id
from service.paging import Cursor, Limit, page_of, read_number
from service.problems import ProblemError, problem_responses
from service.schemas import Job, JobInFull, Jobs, Urls
from service.workspace import Workspace

router = APIRouter(
    prefix="/v1/jobs", tags=["jobs"], responses=problem_responses(401, 422, 429, 500), dependencies=[Depends(may_read)]
)
Form = dict[str, Any]
JobId = Annotated[str, Path(max_length=100, examples=["4f1c2a9be07d3865"])]
_BODY = {
    "requestBody": {
        "required": True,
        "description": "Files to read, as many as there are; or, where the operator allows hosts, addresses to fetch them from.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "contentMediaType": "application/octet-stream"},
                        }
                    },
                }
            },
            "application/json": {"schema": {"$ref": "#/components/schemas/Urls"}},
        },
    }
}


async def sent(request: Request) -> FormData | bytes:
    """Return what was sent: files, kept on disk where they are large, or JSON. Runs after the caller was let in."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await request.form(max_files=jobs.MOST_FILES, max_fields=10)
    if kind == "application/json":
        return await request.body()
    raise ProblemError(422, "accepted are multipart/form-data with files, and application/json with urls")


@router.post(
    "",
    status_code=202,
    response_model=Job,
    responses=problem_responses(400, 403, 409, 413),
    dependencies=[Depends(may_edit)],
    openapi_extra=_BODY,
)
def start(
    request: Request,
    space: Space,
    caller: Who,
    body: Annotated[FormData | bytes, Depends(sent)],
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=200, description="The same again gives the job that was made the first time."),
    ] = None,
) -> Form:
    """Import many files: answered once they are kept, read afterwards, whatever happens to the service meanwhile."""
    job_id = jobs.new_id()
    folder = space.settings.spool / job_id
    try:
        sources = _urls(space, body) if isinstance(body, bytes) else files_of(space, body, job_id)
        made, is_new = jobs.add(
            space.store, job_id, caller.name, sources, idempotency_key, host_id(space.settings.home)
        )
    except jobs.ReusedKeyError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ProblemError(409, str(error)) from error
    except BaseException as error:
        # Where the database was lost the job may be in it; files that no job has are cleaned up later.
        if not is_lost(error):
            shutil.rmtree(folder, ignore_errors=True)
        raise
    if is_new:
        request.app.state.background.wake()
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return jobs.job_form(made)


def files_of(space: Workspace, form: FormData, job_id: str) -> list[tuple[str, str, str | None]]:
    """Keep the files of a form as those of a job; return them as ``jobs.add`` takes them."""
    files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files:
        raise ProblemError(422, "no file in it; accepted are files in the field `files`, with their names")
    folder, most = space.settings.spool / job_id, space.settings.max_upload
    kept = [jobs.keep(folder, n, file.filename or "", file.file, most) for n, file in enumerate(files, 1)]
    return [(name, digest, None) for name, digest in kept]


def _urls(space: Workspace, body: bytes) -> list[tuple[str, str, str | None]]:
    try:
        urls = Urls.model_validate_json(body).urls
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
        raise ProblemError(422, said) from error
    for url in urls:
        try:
            check(url, space.settings.fetch_hosts)
        except ValueError as error:
            raise UsageError(f"{url[:200]}: {error}") from error
    return [(url, url, url) for url in urls]


@router.get("", response_model=Jobs, responses=problem_responses(400, 403), dependencies=[Depends(may_edit)])
def listed(space: Space, limit: Limit = 100, cursor: Cursor = None) -> Form:
    """List the imports, newest first."""
    found, following = page_of(jobs.all_jobs(space.store, read_number(cursor), limit + 1), limit, lambda j: j.number)
    return {"jobs": [jobs.job_form(job) for job in found], "next_cursor": following}


@router.get(
    "/{job_id}", response_model=JobInFull, responses=problem_responses(400, 403, 404), dependencies=[Depends(may_edit)]
)
def one(space: Space, job_id: JobId, limit: Limit = 100, cursor: Cursor = None) -> Form:
    """Return one import: its progress and what became of each file."""
    return _in_full(space, job_id, read_number(cursor) or 0, limit)


@router.post(
    "/{job_id}/cancel",
    response_model=JobInFull,
    responses=problem_responses(403, 404),
    dependencies=[Depends(may_edit)],
)
def cancel(space: Space, job_id: JobId) -> Form:
    """Stop an import: what waits is not read; the file in hand is finished, what is stored stays."""
    form = _in_full(space, job_id)
    jobs.cancel(space.store, form["job_id"])
    return _in_full(space, job_id)


@router.post(
    "/{job_id}/retry", response_model=JobInFull, responses=problem_responses(403, 404), dependencies=[Depends(may_edit)]
)
def retry(request: Request, space: Space, job_id: JobId) -> Form:
    """Read the failed and cancelled files of an import again."""
    form = _in_full(space, job_id)
    jobs.retry(space.store, form["job_id"])
    request.app.state.background.wake()
    return _in_full(space, job_id)


def _in_full(space: Workspace, job_id: str, after: int = 0, limit: int = 100) -> Form:
    found = jobs.job(space.store, job_id)
    if found is None:
        raise ProblemError(404, f"no job {job_id!r}")
    items, following = page_of(jobs.items(space.store, job_id, after, limit + 1), limit, lambda item: item.ordinal)
    return {**jobs.job_form(found), "items": [jobs.item_form(item) for item in items], "next_cursor": following}
