"""The web pages: search, a document, a comparison. Rendered on the server, without any script."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from corpus.store import Filter
from service.api import Space, filter_of
from service.comparing import compare_provinces
from service.errors import UserError
from service.problems import ProblemError

router = APIRouter(include_in_schema=False)
LIMIT = 20
EXAMPLES = ("siêu thị thay túi ni lông", "nang luong mat troi", "training for enterprises")
Language = Annotated[str, Query(pattern="^(vi|en)$")]


@cache
def strings() -> dict[str, dict[str, str]]:
    """Return language to name to text."""
    catalogue: dict[str, dict[str, str]] = tomllib.loads(
        files("service").joinpath("strings.toml").read_text(encoding="utf-8")
    )
    return catalogue


def marked(text: str, marks: Iterable[tuple[int, int]]) -> Markup:
    """Return ``text`` escaped, with <mark> around the spans."""
    parts, position = [], 0
    for start, end in marks:
        parts += [escape(text[position:start]), Markup("<mark>"), escape(text[start:end]), Markup("</mark>")]
        position = end
    return Markup("").join([*parts, escape(text[position:])])


@cache
def _templates() -> Environment:
    environment = Environment(loader=PackageLoader("service"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["marked"] = marked
    return environment


def _render(request: Request, space: Space, name: str, lang: str, status: int = 200, **values: Any) -> HTMLResponse:
    names = {group.key: group.name_vi if lang == "vi" else group.name_en for group in space.groups}
    other = request.url.include_query_params(lang=strings()[lang]["other_language_code"])
    template = _templates().get_template(name)
    page = template.render(
        t=strings()[lang],
        lang=lang,
        group_names=names,
        provinces=space.store.provinces(),
        other=f"{other.path}?{other.query}",
        **values,
    )
    return HTMLResponse(page, status)


@router.get("/")
def search(
    request: Request,
    space: Space,
    q: Annotated[str, Query(max_length=2000)] = "",
    province: str = "",
    task_group: str = "",
    lang: Language = "vi",
) -> HTMLResponse:
    """Show the search box and, for a query, its hits."""
    result = None
    if q.strip():
        result = space.searcher.search(q, LIMIT, filter_of(space, province or None, None, task_group or None))
    return _render(
        request,
        space,
        "search.html",
        lang,
        q=q,
        province=province,
        task_group=task_group,
        result=result,
        examples=EXAMPLES,
    )


@router.get("/compare")
def compare(
    request: Request, space: Space, a: str = "", b: str = "", task_group: str = "", lang: Language = "vi"
) -> HTMLResponse:
    """Show two provinces side by side."""
    comparison, problem = None, ""
    if a and b:
        try:
            filter_of(space, None, None, task_group or None)
            comparison = compare_provinces(space, a, b, task_group or None)
        except UserError as error:
            problem = str(error)
    return _render(
        request, space, "compare.html", lang, a=a, b=b, task_group=task_group, comparison=comparison, problem=problem
    )


@router.get("/documents/{document_id:path}")
def document(request: Request, space: Space, document_id: str, lang: Language = "vi") -> HTMLResponse:
    """Show a document with its outline, tags and targets; paragraphs have the anchors of their permalinks."""
    found = space.store.document(document_id)
    if found is None:
        raise ProblemError(404, f"no document {document_id!r}")
    paragraphs = space.store.paragraphs(Filter(document_id=document_id))
    rows = [(p, p.id.partition("#")[2] or p.id, space.store.targets_of(p.key)) for p in paragraphs]
    return _render(request, space, "document.html", lang, document=found, rows=rows)
