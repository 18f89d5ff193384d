"""What all web pages share, and the API's page. Rendered on the server, without any script."""

from __future__ import annotations

import json
import operator
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from corpus.store import StoredParagraph
from corpus.types import Target
from index.differences import Change
from nlp.fold import fold
from service import sessions
from service.access import may_read
from service.workspace import Workspace

router = APIRouter(include_in_schema=False, dependencies=[Depends(may_read)])
DOCS = "/docs"
PARAGRAPHS_A_PAGE = 500
Language = Annotated[str, Query(pattern="^(vi|en)$")]
Page = Annotated[int, Query(ge=1, le=1_000_000)]
_SIGNS = {">=": "≥ ", "<=": "≤ "}


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


def differing(text: str, changes: Iterable[Change], side: Literal["a", "b"], t: Mapping[str, str]) -> Markup:
    """Return ``text`` escaped, with what the other clause words otherwise or lacks marked, also for who hears the page."""
    parts, position = [], 0
    for change in changes:
        own, other = (change.a, change.b) if side == "a" else (change.b, change.a)
        if own is None:
            continue
        kind, said = ("changed", t["worded_otherwise"]) if other else ("added", t["only_here"])
        opening = Markup('<mark class="{}"><span class="unseen">[{}: </span>').format(kind, said)
        parts += [escape(text[position : own[0]]), opening, escape(text[own[0] : own[1]])]
        parts.append(Markup('<span class="unseen">]</span></mark>'))
        position = own[1]
    return Markup("").join([*parts, escape(text[position:])])


def spans(targets: Iterable[Target]) -> list[tuple[int, int]]:
    """Return where the figures of ``targets`` stand, in order and without overlaps."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(target.span for target in targets):
        if end > start >= (found[-1][1] if found else 0):
            found.append((start, end))
    return found


def anchor(paragraph_id: str) -> str:
    """Return the part of a paragraph's id after "#", as it stands in addresses and in the page."""
    document, _, part = paragraph_id.partition("#")
    return quote(part or document)


def permalink(paragraph: StoredParagraph, lang: str, **more: str | int) -> str:
    """Return the address of a paragraph in the page of its document; ``more`` goes into its query."""
    page = page_of(paragraph)
    query = urlencode({"lang": lang} | ({"page": page} if page > 1 else {}) | more)
    return f"/documents/{quote(paragraph.document_id)}?{query}#{anchor(paragraph.id)}"


def page_of(paragraph: StoredParagraph) -> int:
    """Return on which page of its document a paragraph stands."""
    return max(0, paragraph.ordinal - 1) // PARAGRAPHS_A_PAGE + 1


def figure(target: Target, lang: str) -> str:
    """Return the values of a target with sign and unit, as numbers are written in the language."""
    values = " – ".join(number(value, lang) for value in target.values)
    return f"{_SIGNS.get(target.comparator, '')}{values} {target.unit}".strip()


def number(value: float, lang: str) -> str:
    """Return a number as it is written in the language, with at most six decimals."""
    swapped = str.maketrans(",.", ".,") if lang == "vi" else {}
    return f"{value:,.6f}".rstrip("0").rstrip(".").translate(swapped)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("service"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals |= {
        "marked": marked,
        "spans": spans,
        "differing": differing,
        "anchor": anchor,
        "permalink": permalink,
        "figure": figure,
        "path_of": quote,
        "api_docs": DOCS,
    }
    environment.filters |= {"combined": operator.or_, "number": number}
    return environment


def render_text(space: Workspace, name: str, lang: str, **values: Any) -> str:
    """Return the text of a template with the names and words of a language."""
    names = {group.key: group.name_vi if lang == "vi" else group.name_en for group in space.groups}
    return _templates().get_template(name).render(t=strings()[lang], lang=lang, group_names=names, **values)


def render(request: Request, name: str, lang: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the page that template ``name`` makes of ``values``."""
    other = request.url.include_query_params(lang=strings()[lang]["other_language_code"])
    page = render_text(
        request.app.state.workspace,
        name,
        lang,
        other=f"{other.path}?{other.query}",
        here=request.url.path,
        session_token=sessions.form_token(request) if sessions.key_id_of(request) else "",
        **values,
    )
    return HTMLResponse(page, status)


def problem_page(request: Request, status: int, detail: str) -> HTMLResponse:
    """Return the page that shows an error to a person."""
    lang = "en" if request.query_params.get("lang") == "en" else "vi"
    return render(request, "problem.html", lang, status, detail=detail, title=HTTPStatus(status).phrase, code=status)


def sorted_provinces(space: Workspace) -> list[str]:
    """Return the provinces of the store as published, in alphabetical order."""
    return sorted(space.store.provinces(), key=fold)


@router.get(DOCS)
def docs(request: Request, lang: Language = "vi") -> HTMLResponse:
    """Show the JSON endpoints with an example of each."""
    return render(
        request,
        "docs.html",
        lang,
        endpoints=list(endpoints(request.app.openapi())),
        origin=str(request.base_url).rstrip("/"),
    )


def endpoints(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation of an OpenAPI document with an example: ``address`` and, for a POST, ``body`` and its type, or ``form``."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parameters = operation.get("parameters", [])
            content = operation.get("requestBody", {}).get("content", {})
            media_type = next(iter(content), "")
            is_form = media_type == "multipart/form-data"
            body = _body_example(content[media_type], document) if content and not is_form else ""
            yield {
                "method": method.upper(),
                "path": path,
                "summary": operation["description"],
                "parameters": parameters,
                "address": _address(path, parameters),
                "media_type": media_type,
                "body": body,
                "form": "files=@plan.txt" if is_form else "",
                "needs_key": bool(operation.get("security")),
            }


def _address(path: str, parameters: list[dict[str, Any]]) -> str:
    query = {}
    for parameter in parameters:
        example = str(next(iter(parameter["schema"].get("examples", [])), ""))
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(example))
        elif parameter["required"]:
            query[parameter["name"]] = example
    return f"{path}?{urlencode(query)}" if query else path


def _body_example(content: dict[str, Any], document: dict[str, Any]) -> str:
    if "example" in content:
        return str(content["example"])
    schema = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
    if "examples" in schema:
        return json.dumps(schema["examples"][0], ensure_ascii=False)
    name, rows = next(iter(schema["properties"].items()))
    row = document["components"]["schemas"][rows["items"]["$ref"].rpartition("/")[2]]
    return json.dumps({name: row["examples"]}, ensure_ascii=False)
