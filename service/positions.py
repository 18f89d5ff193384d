"""Answer requests that only read from standbys, and let who has written see it: the answer to a write names a position.

It is how far the primary's log went (an LSN, ``-`` for ``/``), in the header ``Kehoach-Position`` under ``/v1`` and in a cookie
for pages. A request that brings it is answered from a standby that is as far, else from the primary.
"""

from __future__ import annotations

import re

from fastapi import Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpus import standbys
from corpus.store import Store

HEADER = "Kehoach-Position"
COOKIE = "kehoach_position"
_FORM = re.compile(r"[0-9A-F]{1,8}-[0-9A-F]{1,8}", re.ASCII)
# Seconds; a standby that is further behind is not read anyway.
_KEPT = 3600


class Positions:
    """Choose what a request may read from, and tell editors the position of what they see."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def positioned(message: Message) -> None:
            if message["type"] == "http.response.start" and getattr(request.state, "is_editor", False):
                store: Store = request.app.state.workspace.store
                _tell(request, message, await run_in_threadpool(_written, store))
            await send(message)

        if request.method in ("GET", "HEAD"):
            with standbys.from_standbys(_wanted(request)):
                await self._app(scope, receive, positioned)
        else:
            await self._app(scope, receive, positioned)


def _wanted(request: Request) -> str:
    """Return the position that a request brings; one that cannot be read is reached by no standby."""
    given = request.headers.get(HEADER) or request.cookies.get(COOKIE)
    if not given:
        return standbys.START
    return given.replace("-", "/") if _FORM.fullmatch(given) else standbys.NEVER


def _written(store: Store) -> str:
    try:
        return standbys.written(store.engine)
    except SQLAlchemyError:
        # What was done is done: its author reads from the primary.
        return standbys.NEVER


def _tell(request: Request, message: Message, position: str) -> None:
    value = position.replace("/", "-")
    headers = MutableHeaders(scope=message)
    if request.url.path.startswith("/v1/"):
        headers[HEADER] = value
        return
    cookie = Response()
    cookie.set_cookie(COOKIE, value, max_age=_KEPT, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    headers.append("Set-Cookie", cookie.headers["set-cookie"])
