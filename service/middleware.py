"""What happens around every request: id, timing, log line, metrics, security headers; limits on rate and size."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from typing import Any

import structlog
from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpus.stages import timed
from service import audit, metrics
from service.problems import LOST, problem_response
from service.rates import Rates
from service.settings import RATES, Settings, shared_folder

_LOG = logging.getLogger("kehoach")
# Seconds before what the database failed is tried again.
_PAUSE = 0.5
_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Observed:
    """Give every request an id and every response its security headers and times; count it, log it, catch what broke."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        name = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        request.state.request_id = name
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=name)
        began, status = time.perf_counter(), 0
        with timed() as stages:

            async def named(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    headers = MutableHeaders(scope=message)
                    headers["X-Request-ID"] = name
                    for header, value in HEADERS.items():
                        headers.setdefault(header, value)
                    times = [("total", time.perf_counter() - began), *stages.items()]
                    headers["Server-Timing"] = ", ".join(f"{what};dur={1000 * took:.1f}" for what, took in times)
                await send(message)

            try:
                await self._app(scope, receive, named)
            except Exception:
                # Caught here and not by a handler, which would answer outside of all this.
                _LOG.exception("unexpected error", extra={"path": scope["path"]})
                if status:
                    raise
                broke = problem_response(request, 500, f"an unexpected error; the log tells more under {name}")
                await broke(scope, receive, named)
            finally:
                await self._count(scope, request, status, time.perf_counter() - began)

    async def _count(self, scope: Scope, request: Request, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "") or "other"
        metrics.requests.labels(request.method if route != "other" else "any", route, str(status)).inc()
        metrics.request_seconds.labels(route).observe(seconds)
        if entry := getattr(request.state, "audit", None):
            try:
                await asyncio.shield(run_in_threadpool(audit.end, request.app.state.workspace.store, entry, status))
            except SQLAlchemyError:
                _LOG.exception("the audit log could not be told how a request ended", extra={"entry": entry})
        # Without the query: it may hold what somebody looks for, and does not help to find a fault.
        fields: dict[str, Any] = {"method": request.method, "path": scope["path"], "status": status}
        _LOG.info("request", extra={**fields, "ms": round(1000 * seconds, 1)})


class RateLimit:
    """Refuse requests of a caller who sends more than ``rate`` a second, after a burst of ten seconds' worth."""

    def __init__(self, app: ASGIApp, rate: float) -> None:
        self._app = app
        self._rate = rate
        shared = shared_folder()
        self._rates = Rates(rate, shared / RATES if shared else None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through or answer 429 with the time to wait."""
        if scope["type"] != "http" or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        wait = self._rates.take((scope.get("client") or ("",))[0], time.monotonic())
        if not wait:
            await self._app(scope, receive, send)
            return
        response = problem_response(Request(scope), 429, f"over {self._rate:g} requests a second; wait a little")
        response.headers["Retry-After"] = str(int(wait) + 1)
        await response(scope, receive, send)


class Again:
    """Answer a request that only reads once more where the database was lost meanwhile: the primary may have changed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        before = dict(scope)

        async def unless_lost(message: Message) -> None:
            if LOST not in scope:
                await send(message)

        await self._app(scope, receive, unless_lost)
        if LOST in scope:
            await asyncio.sleep(_PAUSE)
            scope.clear()
            scope.update(before)
            await self._app(scope, receive, send)


class BodyLimit:
    """Refuse request bodies that are too large, also those that do not tell their length beforehand."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._most = {
            "/v1/documents": settings.max_upload,
            "/tag": settings.max_upload,
            "/v1/jobs": settings.max_job,
            "/upload": settings.max_job,
        }
        self._default = settings.max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body while it is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._most.get(scope["path"], self._default)
        request = Request(scope)
        reason = f"the request body is over the limit of {limit:,} bytes"
        told = request.headers.get("content-length", "0")
        if told.isdigit() and int(told) > limit:
            await problem_response(request, 413, reason)(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > limit:
                # The one exception that passes through FastAPI's reading of bodies as it is.
                raise HTTPException(413, reason)
            return message

        await self._app(scope, counted, send)
