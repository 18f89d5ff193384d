"""One error shape over HTTP: RFC 9457 problem details, with a request id on every response."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import schemas
from service.errors import UserError

_LOG = logging.getLogger("kehoach")
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_FOR_PROGRAMS = ("/v1/", "/health/", "/static/", "/openapi.json")
MEDIA_TYPE = "application/problem+json"
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


def add_problem_schema(document: dict[str, Any]) -> None:
    """Put the schema that ``problem_responses`` refers to into an OpenAPI document."""
    template = "#/components/schemas/{model}"
    schema = schemas.Problem.model_json_schema(ref_template=template)
    document["components"]["schemas"] |= {**schema.pop("$defs"), "Problem": schema}


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
    """Make every error of ``app`` a problem and give every response a request id."""

    @app.exception_handler(ProblemError)
    def on_problem(request: Request, error: ProblemError) -> Response:
        response = problem_response(request, error.status, error.detail)
        response.headers.update(error.headers)
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

    @app.middleware("http")
    async def name_request(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        given = request.headers.get("x-request-id", "")
        name = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        try:
            response = await call_next(request)
        except Exception:
            # Caught here rather than by a handler, which would answer outside of this middleware and so without the id.
            _LOG.exception("unexpected error, request %s at %s", name, request.url.path)
            response = problem_response(request, 500, f"an unexpected error; the log tells more under {name}")
        response.headers["X-Request-ID"] = name
        return response


class BodyLimit:
    """Refuse request bodies over ``limit`` bytes, also those that do not tell their length beforehand."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body while it arrives."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        told = request.headers.get("content-length", "0")
        if told.isdigit() and int(told) > self._limit:
            await self._refuse(request, scope, receive, send)
            return
        messages: list[Message] = []
        size = 0
        while request.method in ("POST", "PUT", "PATCH"):
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._limit:
                await self._refuse(request, scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        replay = iter(messages)

        async def replayed() -> Message:
            return next(replay, None) or await receive()

        await self._app(scope, replayed, send)

    async def _refuse(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem_response(request, 413, f"the request body is over the limit of {self._limit:,} bytes")
        await response(scope, receive, send)
