"""The JSON endpoints under /v1. The forms are those of the command line."""

from __future__ import annotations

import hmac
from pathlib import PurePath
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from corpus.parse import parse
from corpus.provinces import province_named
from corpus.read import UnreadableError, read_bytes
from corpus.store import Filter
from corpus.targets import find_targets
from service.comparing import compare_provinces
from service.forms import (
    comparison_form,
    document_form,
    paragraph_form,
    report_form,
    result_form,
    tag_form,
    target_form,
)  # fmt: skip
from service.ingest import store_document
from service.problems import ProblemError
from service.workspace import Workspace

MAX_ROWS = 256
MAX_TEXT = 20_000

router = APIRouter(prefix="/v1")
Form = dict[str, Any]


class Row(BaseModel):
    """A paragraph to look at."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"id": "1", "text": "Lắp điện mặt trời trên mái trụ sở."}]}
    )
    id: str = Field(max_length=500)
    text: str = Field(max_length=MAX_TEXT)
    heading_path: list[str] = Field(default_factory=list, max_length=20)


class Rows(BaseModel):
    """Paragraphs to look at."""

    paragraphs: list[Row] = Field(min_length=1, max_length=MAX_ROWS)


class Pair(BaseModel):
    """Two clauses to compare."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "1", "a": "85% siêu thị dùng túi giấy", "b": "100% siêu thị dùng túi giấy"}]
        }
    )
    id: str = Field(max_length=500)
    a: str = Field(max_length=MAX_TEXT)
    b: str = Field(max_length=MAX_TEXT)


class Pairs(BaseModel):
    """Pairs of clauses to compare."""

    pairs: list[Pair] = Field(min_length=1, max_length=MAX_ROWS)


def space_of(request: Request) -> Workspace:
    """Return the workspace of the application."""
    space: Workspace = request.app.state.workspace
    return space


Space = Annotated[Workspace, Depends(space_of)]
Province = Annotated[
    str | None, Query(description="By its name then or today, with or without diacritics.", examples=["Cao Bằng"])
]
Group = Annotated[str | None, Query(description="Key of a task group.", examples=["renewable_energy"])]


def filter_of(space: Workspace, province: str | None, year: int | None, task_group: str | None) -> Filter:
    """Return the filter of query parameters. Raises ProblemError 400 naming what would be accepted."""
    if task_group and task_group not in (known := [group.key for group in space.groups]):
        raise ProblemError(400, f"unknown task_group {task_group!r}; known are {', '.join(known)}")
    named = province_named(province) if province else None
    if province and named is None:
        raise ProblemError(
            400, f"unknown province {province!r}; accepted are the names of the 63 provinces and of today's 34"
        )
    return Filter(named.name if named else None, year, task_group or None)


@router.get("/search")
def search(
    space: Space,
    q: Annotated[str, Query(min_length=1, max_length=2000, examples=["nang luong mat troi"])],
    k: Annotated[int, Query(ge=1, le=100)] = 10,
    province: Province = None,
    year: Annotated[int | None, Query(ge=1900, le=2100)] = None,
    task_group: Group = None,
) -> Form:
    """Search paragraphs by words and by meaning."""
    return result_form(space.searcher.search(q, k, filter_of(space, province, year, task_group)))


@router.post("/tag")
def tag(space: Space, rows: Rows) -> Form:
    """Tag paragraphs: all task groups with their probabilities."""
    tagged = space.tagger.tag([row.text for row in rows.paragraphs])
    found = [{"id": r.id, "tags": [tag_form(t) for t in tags]} for r, tags in zip(rows.paragraphs, tagged, strict=True)]
    return {"paragraphs": found, "model_id": space.tagger.id}


@router.post("/targets")
def targets(rows: Rows) -> Form:
    """Find the targets in paragraphs."""
    found = [
        {"id": r.id, "targets": [target_form(t) for t in find_targets(r.text, r.heading_path)]} for r in rows.paragraphs
    ]
    return {"paragraphs": found}


@router.post("/similar")
def similar(space: Space, pairs: Pairs) -> Form:
    """Tell how similar pairs of clauses are and whether they state the same obligation."""
    matches = space.matcher.match([(pair.a, pair.b) for pair in pairs.pairs])
    found = [
        {"id": pair.id, "similarity": round(match.similarity, 4), "same_clause": match.same_clause}
        for pair, match in zip(pairs.pairs, matches, strict=True)
    ]
    return {"pairs": found, "model_id": space.matcher.id}


@router.get("/compare")
def compare(
    space: Space,
    a: Annotated[str, Query(max_length=60, examples=["Cao Bằng"])],
    b: Annotated[str, Query(max_length=60, examples=["Cà Mau"])],
    task_group: Group = None,
) -> Form:
    """Compare two provinces clause by clause."""
    filter_of(space, None, None, task_group)
    return comparison_form(compare_provinces(space, a, b, task_group))


@router.get("/coverage")
def coverage(space: Space) -> Form:
    """Count the paragraphs of each province by task group."""
    rows = [
        {
            "province": province or None,
            "paragraphs": counts[""],
            "task_groups": {g.key: counts.get(g.key, 0) for g in space.groups},
        }
        for province, counts in space.store.coverage().items()
    ]
    return {"provinces": rows}


@router.get("/documents")
def documents(space: Space, province: Province = None) -> Form:
    """List the documents."""
    only = filter_of(space, province, None, None).province
    return {"documents": [document_form(document) for document in space.store.documents(only)]}


@router.get("/documents/{document_id:path}")
def document(space: Space, document_id: str) -> Form:
    """Return one document with its paragraphs."""
    found = space.store.document(document_id)
    if found is None:
        raise ProblemError(404, f"no document {document_id!r}")
    paragraphs = space.store.paragraphs(Filter(document_id=document_id))
    return {**document_form(found), "paragraphs": [paragraph_form(p) for p in paragraphs]}


@router.get("/paragraphs/{paragraph_id:path}")
def paragraph(space: Space, paragraph_id: str) -> Form:
    """Return one paragraph with its tags and targets; the "#" of its id is sent as %23."""
    found = space.store.paragraph(paragraph_id)
    if found is None:
        raise ProblemError(404, f"no paragraph {paragraph_id!r}")
    tags, targets_of = space.store.tags_of(found.key), space.store.targets_of(found.key)
    return {
        **paragraph_form(found),
        "tags": [tag_form(t) | {"source": t.source, "model_id": t.model_id} for t in tags],
        "targets": [target_form(t) for t in targets_of],
    }


def may_write(space: Space, x_api_key: Annotated[str, Header()] = "") -> None:
    """Let a caller with the key of the settings through. Raises ProblemError 403 without a key set, 401 for a wrong one."""
    expected = space.settings.api_key
    if not expected:
        raise ProblemError(403, "writing over HTTP is off; the operator switches it on with KEHOACH_API_KEY")
    if not hmac.compare_digest(x_api_key.encode(), expected.encode()):
        raise ProblemError(401, "the header X-API-Key is missing or wrong")


@router.post("/documents", status_code=201, dependencies=[Depends(may_write)])
def add_document(
    space: Space,
    content: Annotated[bytes, Body(media_type="application/octet-stream")],
    name: Annotated[str, Query(min_length=1, max_length=200, examples=["plan.txt"])],
) -> Form:
    """Read, tag and store one document: the body is the file, ``name`` tells its kind by the suffix."""
    try:
        read = parse(read_bytes(content, PurePath(name).name))
    except UnreadableError as error:
        raise ProblemError(422, f"{name}: {error}") from error
    report = store_document(read, name, space)
    if not report.is_usable:
        raise ProblemError(422, f"{name}: {report.reason}")
    return report_form(report)
