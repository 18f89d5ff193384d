"""The JSON endpoints under /v1. The forms are those of the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path as FilePath
from pathlib import PurePath
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request

from corpus.store import Filter, ProvinceAs
from corpus.targets import find_targets
from corpus.types import Kind, Tag
from index.paging import CursorError
from index.view import View
from models.explain import explain
from models.wording import corrected
from service.access import Space, Who, may_edit, may_read
from service.behind import Behind, BusyError
from service.comparing import compare_named
from service.correcting import all_corrections, correct, correction_form, queue, queued_form
from service.errors import UsageError
from service.explaining import examples_for
from service.filtering import filter_of
from service.forms import (
    comparison_form,
    document_form,
    explanation_form,
    judged_tag_form,
    match_form,
    paragraph_form,
    report_form,
    result_form,
    target_form,
)  # fmt: skip
from service.paging import Cursor, Limit, fresh, fresh_to, page_of, read_number, read_text
from service.problems import ProblemError, problem_responses
from service.schemas import (
    MAX_EXPLAINED,
    Comparison,
    Correction,
    Corrections,
    DocumentInFull,
    Documents,
    Found,
    Judgement,
    Matched,
    Measured,
    Pairs,
    ParagraphInFull,
    Queue,
    Report,
    Rows,
    RowsToTag,
    Tagged,
)

router = APIRouter(prefix="/v1", responses=problem_responses(401, 422, 429, 500), dependencies=[Depends(may_read)])
Form = dict[str, Any]
FRESH = [Depends(fresh)]
FRESH_TO = [Depends(fresh_to)]


Province = Annotated[
    str | None, Query(description="By its name then or today, with or without diacritics.", examples=["Cao Bằng"])
]
Group = Annotated[str | None, Query(description="Key of a task group.", examples=["renewable_energy"])]
AsPublished = Annotated[
    bool, Query(description="Count plans for the 63 provinces that published them, not for today's 34.")
]


@router.get("/search", response_model=Found, dependencies=FRESH, responses=problem_responses(400))
def search(
    space: Space,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=2000,
            description="With or without diacritics, or in English.",
            examples=["nang luong mat troi"],
        ),
    ],
    k: Annotated[int, Query(ge=1, le=100, description="How many hits.", examples=[10])] = 10,
    province: Province = None,
    year: Annotated[
        int | None, Query(ge=1900, le=2100, description="Plans issued in it or running over it.", examples=[2021])
    ] = None,
    task_group: Group = None,
    kind: Annotated[Kind | None, Query(description="Kind of paragraph.", examples=["task"])] = None,
    type: Annotated[  # noqa: A002
        str | None, Query(max_length=100, description="Type of document.", examples=["Kế hoạch"])
    ] = None,
    region: Annotated[
        str | None,
        Query(
            max_length=100, description="Region of the province, with or without diacritics.", examples=["Tây Nguyên"]
        ),
    ] = None,
    has_target: Annotated[
        bool | None, Query(description="Only paragraphs with a target, or only those without.")
    ] = None,
    province_as: Annotated[
        ProvinceAs,
        Query(description="By which name `province` is meant: that a plan was published under, today's, or either."),
    ] = "either",
    by_document: Annotated[
        bool, Query(description="Only the best hit of each document; `facets` count these.", examples=[True])
    ] = False,
    cursor: Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before.")] = None,
) -> Form:
    """Search paragraphs by words and by meaning, with counts by facet; `cursor` gives the pages after the first."""
    named = filter_of(space, province, year, task_group, region, province_as)
    only = replace(named, kind=kind, type=type or None, has_target=has_target)
    try:
        return result_form(space.searcher.search(q, k, only, cursor or None, grouped=by_document))
    except CursorError as error:
        raise ProblemError(400, f"cursor: {error}") from error


@router.post("/tag", response_model=Tagged, response_model_exclude_unset=True, responses=problem_responses(400, 413))
def tag(space: Space, rows: RowsToTag) -> Form:
    """Tag paragraphs: all task groups with their probabilities; with `explain`, what carried those assigned."""
    if rows.explain and len(rows.paragraphs) > MAX_EXPLAINED:
        raise ProblemError(400, f"{len(rows.paragraphs)} paragraphs with explain; accepted are {MAX_EXPLAINED} at most")
    # Asked for once: another may be put in use meanwhile.
    tagger = space.tagger
    tagged = tagger.tag([row.text for row in rows.paragraphs])
    found = [
        {"id": row.id, "tags": [judged_tag_form(t, tagger) for t in tags]}
        for row, tags in zip(rows.paragraphs, tagged, strict=True)
    ]
    if rows.explain:
        examples = examples_for(space, tagger)
        for form, row in zip(found, rows.paragraphs, strict=True):
            of_row = explain(tagger, corrected(row.text), examples=examples)
            form["explanations"] = [explanation_form(reason) for reason in of_row]
    return {"paragraphs": found, "model_id": tagger.id}


@router.post("/targets", response_model=Measured, responses=problem_responses(400, 413))
def targets(rows: Rows) -> Form:
    """Find the targets in paragraphs."""
    found = [
        {"id": r.id, "targets": [target_form(t) for t in find_targets(r.text, r.heading_path)]} for r in rows.paragraphs
    ]
    return {"paragraphs": found}


@router.post("/similar", response_model=Matched, responses=problem_responses(400, 413))
def similar(space: Space, pairs: Pairs) -> Form:
    """Tell how similar pairs of clauses are and whether they state the same obligation."""
    matcher = space.matcher
    matches = matcher.match([(pair.a, pair.b) for pair in pairs.pairs])
    found = [{"id": pair.id, **match_form(match)} for pair, match in zip(pairs.pairs, matches, strict=True)]
    return {"pairs": found, "model_id": matcher.id}


@router.get("/compare", response_model=Comparison, dependencies=FRESH, responses=problem_responses(400))
def compare(
    space: Space,
    a: Annotated[str, Query(max_length=500, description="A province or the id of a plan.", examples=["Cao Bằng"])],
    b: Annotated[str, Query(max_length=500, description="Another one.", examples=["Cà Mau"])],
    task_group: Group = None,
    as_published: AsPublished = False,
) -> Form:
    """Compare two provinces or plans clause by clause; two plans may be of one province."""
    filter_of(space, None, None, task_group)
    return comparison_form(compare_named(space, a, b, View(as_published), task_group))


@router.get("/documents", response_model=Documents, dependencies=FRESH, responses=problem_responses(400))
def documents(space: Space, province: Province = None, limit: Limit = 1000, cursor: Cursor = None) -> Form:
    """List the documents, by their ids."""
    only = filter_of(space, province, None, None).province
    listed = space.store.documents_after(read_text(cursor) or "", limit + 1, only)
    found, following = page_of(listed, limit, lambda document: document.id)
    return {"documents": [document_form(document) for document in found], "next_cursor": following}


@router.get(
    "/documents/{document_id:path}", response_model=DocumentInFull, dependencies=FRESH, responses=problem_responses(404)
)
def document(space: Space, document_id: Annotated[str, Path(examples=["cao-bang/1043-kh-ubnd-2021"])]) -> Form:
    """Return one document with its paragraphs."""
    found = space.store.document(document_id)
    if found is None:
        raise ProblemError(404, f"no document {document_id!r}")
    paragraphs = space.store.paragraphs(Filter(document_id=document_id))
    return {**document_form(found), "paragraphs": [paragraph_form(p) for p in paragraphs]}


@router.get(
    "/paragraphs/{paragraph_id:path}",
    response_model=ParagraphInFull,
    dependencies=FRESH_TO,
    responses=problem_responses(404),
)
def paragraph(
    space: Space, caller: Who, paragraph_id: Annotated[str, Path(examples=["cao-bang/1043-kh-ubnd-2021#II.4.2"])]
) -> Form:
    """Return one paragraph with its tags and targets; the "#" of its id is sent as %23.

    `model_id` of a person's tag is their name, shown only to callers with a key.
    """
    found = space.store.paragraph(paragraph_id)
    if found is None:
        raise ProblemError(404, f"no paragraph {paragraph_id!r}")
    tags, targets_of = space.store.tags_of(found.key), space.store.targets_of(found.key)

    def maker_of(tag: Tag) -> str:
        return tag.model_id if tag.source == "model" or caller.sees_names else ""

    return {
        **paragraph_form(found),
        "tags": [judged_tag_form(t, space.tagger) | {"source": t.source, "model_id": maker_of(t)} for t in tags],
        "targets": [target_form(t) for t in targets_of],
    }


async def whole_body(request: Request) -> AsyncIterator[FilePath]:
    """Give the body as it came, whatever its content type says, as a file on disk."""
    with NamedTemporaryFile(prefix="kehoach-") as file:
        async for part in request.stream():
            file.write(part)
        file.flush()
        yield FilePath(file.name)


@router.post(
    "/corrections",
    status_code=201,
    response_model=Correction,
    responses=problem_responses(400, 401, 403, 404, 413),
    dependencies=[Depends(may_edit)],
)
def add_correction(space: Space, caller: Who, judgement: Judgement) -> Form:
    """Say which task groups a paragraph has; models leave its tags alone from then on. The key's name is put behind `by`."""
    if space.store.paragraph(judgement.paragraph_id) is None:
        raise ProblemError(404, f"no paragraph {judgement.paragraph_id!r}")
    key = caller.name if caller.kind == "key" else ""
    try:
        made = correct(space, judgement.paragraph_id, judgement.task_groups, judgement.by, judgement.note, key)
    except UsageError as error:
        raise ProblemError(400, str(error)) from error
    return correction_form(made)


@router.get("/corrections", response_model=Corrections, dependencies=FRESH_TO, responses=problem_responses(400))
def corrections(space: Space, caller: Who, limit: Limit = 1000, cursor: Cursor = None) -> Form:
    """List what people corrected, oldest first; who they are, and their notes, only to callers with a key."""
    listed = all_corrections(space, read_number(cursor) or 0, limit + 1)
    found, following = page_of(listed, limit, lambda item: item.number)
    return {
        "corrections": [correction_form(item, with_names=caller.sees_names) for item in found],
        "next_cursor": following,
    }


@router.get("/queue", response_model=Queue, dependencies=FRESH, responses=problem_responses(400))
def waiting(
    space: Space,
    k: Annotated[int, Query(ge=1, le=100, description="How many paragraphs.", examples=[20])] = 20,
    province: Province = None,
    task_group: Group = None,
) -> Form:
    """List the paragraphs whose tags a person should look at, most useful first."""
    found = queue(space, k, filter_of(space, province, None, task_group))
    return {"paragraphs": [queued_form(item) for item in found]}


_FILE = {
    "requestBody": {
        "required": True,
        "description": "The file, as it is.",
        "content": {
            "application/octet-stream": {
                "schema": {"type": "string", "format": "binary"},
                "example": "KẾ HOẠCH\nTHU GOM RÁC\nI. NHIỆM VỤ\n- Thu gom rác thải nhựa trên vịnh.\n",
            }
        },
    }
}


@router.post(
    "/documents",
    status_code=201,
    response_model=Report,
    responses=problem_responses(401, 403, 413, 503),
    dependencies=[Depends(may_edit)],
    openapi_extra=_FILE,
)
def add_document(
    request: Request,
    file: Annotated[FilePath, Depends(whole_body)],
    name: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            description="The file's name; its suffix tells its kind.",
            examples=["plan.txt"],
        ),
    ],
) -> Form:
    """Read, tag and store one document."""
    behind: Behind = request.app.state.background
    try:
        report = behind.ingest(file, PurePath(name).name)
    except BusyError as error:
        raise ProblemError(503, str(error), {"Retry-After": "2"}) from error
    if not report.is_usable:
        raise ProblemError(422, f"{report.file}: {report.reason}")
    return report_form(report)
