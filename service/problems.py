"""One error shape over HTTP: RFC 9457 problem details."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from corpus.engine import is_lost
from service import schemas
from service.errors import UserError

_FOR_PROGRAMS = ("/v1/", "/health/", "/static/", "/metrics", "/openapi.json")
MEDIA_TYPE = "application/problem+json"
# Set in the scope of a request that the database failed.
LOST = "kehoach.lost"
# About what a fail-over takes.
_SECONDS = "3"
_LOG = logging.getLogger("kehoach")
Responses = dict[int | str, dict[str, Any]]


class ProblemError(Exception):
    """A failure with an HTTP status and a sentence for the caller."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def problem_responses(*statuses: int) -> Responses:
    """Return what an endpoint that can fail with ``statuses`` says of them in the OpenAPI document."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def add_schemas(document: dict[str, Any]) -> None:
    """Put the schemas that are named but not found by FastAPI into an OpenAPI document."""
    template = "#/components/schemas/{model}"
    for model in (schemas.Problem, schemas.Urls):
        schema = model.model_json_schema(ref_template=template)
        document["components"]["schemas"] |= {**schema.pop("$defs", {}), model.__name__: schema}


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_FOR_PROGRAMS)


def problem_response(request: Request, status: int, detail: str, **more: Any) -> Response:
    """Return a problem+json response, or a page that says the same to a browser that went to a page's address."""
    if _wants_page(request):
        page: Response = request.app.state.problem_page(request, status, detail)
        return page
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": quote(request.url.path),
        **more,
    }
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Make every error of ``app`` a problem."""

    @app.exception_handler(ProblemError)
    def on_problem(request: Request, error: ProblemError) -> Response:
        response = problem_response(request, error.status, error.detail)
        response.headers.update(error.headers)
        return response

    @app.exception_handler(SQLAlchemyError)
    def on_database(request: Request, error: SQLAlchemyError) -> Response:
        if not is_lost(error):
            raise error
        request.scope[LOST] = True
        _LOG.warning("the database cannot be reached or was lost: %s", error)
        what = "the database cannot be reached for a moment; try again"
        if request.method not in ("GET", "HEAD"):
            what += ". Whether this request had been carried out by then is not known"
        response = problem_response(request, 503, what)
        response.headers["Retry-After"] = _SECONDS
        return response

    @app.exception_handler(UserError)
    def on_user_error(request: Request, error: UserError) -> Response:
        return problem_response(request, 400, str(error))

    @app.exception_handler(HTTPException)
    def on_http(request: Request, error: HTTPException) -> Response:
        response = problem_response(request, error.status_code, str(error.detail))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(RequestValidationError)
    def on_validation(request: Request, error: RequestValidationError) -> Response:
        errors = [{"where": ".".join(map(str, e["loc"])), "what": e["msg"]} for e in error.errors()]
        detail = "; ".join(f"{e['where']}: {e['what']}" for e in errors)
        return problem_response(request, 422, detail, errors=errors)
