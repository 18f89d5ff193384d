"""The page of a document, where an editor corrects a tag in two clicks: "correct" at a paragraph, then what it should have."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from corpus.store import Filter
from service import sessions
from service.access import Space, Who, may_edit, may_read
from service.correcting import correct
from service.keys import allows
from service.pages import Language, Page, page_of, permalink, render
from service.problems import ProblemError

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
Ordinal = Annotated[int, Query(ge=0, le=2**53)]


@router.get("/documents/{document_id:path}")
def document(
    request: Request,
    space: Space,
    caller: Who,
    document_id: str,
    page: Page = 1,
    edit: Ordinal = 0,
    saved: Ordinal = 0,
    lang: Language = "vi",
) -> HTMLResponse:
    """Show a document with its outline, tags and targets; paragraphs have the anchors of their permalinks.

    ``edit`` is the ordinal of the paragraph whose tags are being corrected, ``saved`` that of one whose tags just were.
    """
    found = space.store.document(document_id)
    if found is None:
        raise ProblemError(404, f"no document {document_id!r}")
    paragraphs = space.store.paragraphs(Filter(document_id=document_id))
    shown = [p for p in paragraphs if page_of(p) == page]
    keys = [p.key for p in shown]
    targets, tags = space.store.targets_by_key(keys), space.store.tags_by_key(keys)
    may_correct = allows(caller.scope, "editor")
    return render(
        request,
        "document.html",
        lang,
        document=found,
        headings=[p for p in paragraphs if p.is_heading],
        rows=[(p, targets.get(p.key, []), tags.get(p.key, [])) for p in shown],
        page=page,
        pages=max(map(page_of, paragraphs), default=1),
        may_correct=may_correct,
        edit=edit if may_correct else 0,
        saved=saved,
        token=sessions.form_token(request) if may_correct and edit else "",
    )


@router.post("/corrections", dependencies=[Depends(may_edit)])
def save(
    request: Request,
    space: Space,
    caller: Who,
    paragraph_id: Annotated[str, Form(max_length=1000)],
    groups: Annotated[str, Form(max_length=2000)] = "",
    token: Annotated[str, Form(max_length=2000)] = "",
    lang: Language = "vi",
) -> RedirectResponse:
    """Keep which task groups a paragraph has (keys, with commas) and go back to it."""
    sessions.check_form(request, token)
    paragraph = space.store.paragraph(paragraph_id)
    if paragraph is None:
        raise ProblemError(404, f"no paragraph {paragraph_id!r}")
    correct(space, paragraph_id, [group for group in groups.split(",") if group], caller.name)
    return RedirectResponse(permalink(paragraph, lang, saved=paragraph.ordinal), 303)
