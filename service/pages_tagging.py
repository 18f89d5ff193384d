"""The page that tags a pasted text or a file, and shows what carried each tag. Nothing of it is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape
from starlette.datastructures import FormData, UploadFile

from corpus.files import UnreadableError, check_kind
from corpus.types import Tag
from models.explain import Explanation
from models.wording import corrected
from service import jobs, sessions
from service.access import Space, may_read
from service.explaining import reasons
from service.pages import Language, render
from service.problems import ProblemError
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
PATH = "/tag"
MOST_TEXT = 20_000
# A paragraph takes a few hundred milliseconds to explain and a few to tag.
MOST_EXPLAINED = 5
MOST_TAGGED = 400
_BLANK = re.compile(r"\n[^\S\n]*\n")


@dataclass(frozen=True)
class Tagged:
    """A paragraph as the tagger read it, its tags, the groups it is unsure of, and why it has those assigned.

    There are no explanations where none is assigned or none was asked for.
    """

    text: str
    tags: Sequence[Tag]
    unsure: Sequence[str]
    explanations: Sequence[Explanation]


async def sent(request: Request) -> FormData:
    """Return the form that was sent; runs after the caller was let in."""
    return await request.form(max_files=1, max_fields=10)


@router.get(PATH)
def form(request: Request, lang: Language = "vi") -> HTMLResponse:
    """Show the form."""
    return _page(request, lang)


@router.post(PATH)
def tag(
    request: Request, space: Space, fields: Annotated[FormData, Depends(sent)], lang: Language = "vi"
) -> HTMLResponse:
    """Show the tags of what was pasted or sent."""
    sessions.check_form(request, _text(fields, "token"))
    typed, file = _text(fields, "text"), fields.get("file")
    try:
        if isinstance(file, UploadFile) and file.filename:
            texts = _read(space, file)
        elif typed.strip():
            texts = paragraphs_of(typed)
        else:
            return _page(request, lang, status=422, problem="nothing_to_tag")
    except UnreadableError as error:
        return _page(request, lang, status=422, typed=typed, detail=str(error))
    if len(typed) > MOST_TEXT:
        return _page(request, lang, status=413, typed=typed[:MOST_TEXT], problem="too_long")
    found = judged(space, texts[:MOST_TAGGED])
    return _page(request, lang, typed=typed, found=found, left=max(0, len(texts) - MOST_TAGGED))


def paragraphs_of(text: str) -> list[str]:
    """Return the paragraphs of a pasted text: cut at blank lines where it has some, else at line breaks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    parts = _BLANK.split(lines) if _BLANK.search(lines) else lines.split("\n")
    return [joined for part in parts if (joined := " ".join(part.split()))]


def judged(space: Workspace, texts: Sequence[str]) -> list[Tagged]:
    """Return the tags of ``texts``, the first few that have any explained."""
    read = [corrected(text) for text in texts]
    found, left = [], MOST_EXPLAINED
    tagger = space.tagger
    for text, tags in zip(read, tagger.tag(read), strict=True):
        explanations: Sequence[Explanation] = ()
        if left and any(tag.assigned for tag in tags):
            explanations = reasons(space, text)
            left -= 1
        unsure = [tag.task_group for tag in tags if tagger.is_unsure(tag)]
        found.append(Tagged(text, tags, unsure, explanations))
    return found


def carried(text: str, explanation: Explanation) -> Markup:
    """Return ``text`` escaped, the carrying clause in a span and the words that carried the tag in <mark>."""
    start, end = explanation.clause.span
    words = sorted(span for word in explanation.words for span in word.spans)
    clause = _marked(text, start, end, words)
    before, after = _marked(text, 0, start, words), _marked(text, end, len(text), words)
    return Markup('{}<span class="clause">{}</span>{}').format(before, clause, after)


def _marked(text: str, start: int, end: int, words: Iterable[tuple[int, int]]) -> Markup:
    parts, place = [], start
    for first, last in words:
        if place <= first and last <= end:
            parts += [escape(text[place:first]), Markup("<mark>{}</mark>").format(text[first:last])]
            place = last
    return Markup("").join([*parts, escape(text[place:end])])


def _read(space: Workspace, file: UploadFile) -> list[str]:
    name = (file.filename or "").replace("\\", "/").rpartition("/")[2][-200:]
    check_kind(name)
    data = file.file.read(space.settings.max_upload + 1)
    if len(data) > space.settings.max_upload:
        raise ProblemError(413, f"{name}: over the limit of {space.settings.max_upload:,} bytes a file")
    found = [p.text for p in space.worker.parse(data, name).paragraphs if not p.is_heading]
    if not found:
        raise UnreadableError(f"{name}: no paragraphs in it")
    return found


def _text(fields: FormData, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _page(
    request: Request,
    lang: str,
    *,
    status: int = 200,
    typed: str = "",
    found: Sequence[Tagged] = (),
    left: int = 0,
    problem: str = "",
    detail: str = "",
) -> HTMLResponse:
    return render(
        request,
        "tag.html",
        lang,
        status,
        typed=typed,
        found=found,
        left=left,
        problem=problem,
        detail=detail,
        accepted=",".join(s for s in jobs.ACCEPTED if s != ".jsonl"),
        most_explained=MOST_EXPLAINED,
        carried=carried,
        token=sessions.form_token(request),
    )
