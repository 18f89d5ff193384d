"""The FastAPI application: JSON endpoints, web pages, health, one error shape, security headers."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from service import api, overview_api, pages, report
from service.problems import BodyLimit, ProblemError, add_problem_handlers, add_problem_schema, problem_responses
from service.schemas import Health
from service.settings import Settings
from service.workspace import Workspace

_LOG = logging.getLogger("kehoach")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def create_app(settings: Settings, workspace: Workspace | None = None) -> FastAPI:
    """Return the application over ``workspace``, by default one of ``settings``; models load in the background."""
    space = workspace or Workspace(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Opened before threads share the workspace: the store's own lock and the searcher's are taken in either order.
        _ = space.store
        threading.Thread(target=_warm_up, args=(app,), name="warm-up", daemon=True).start()
        yield
        if workspace is None:
            space.close()

    app = FastAPI(
        title="kehoach",
        version=version("kehoach"),
        summary="Read, tag, search and compare Vietnamese provincial plans",
        description=f"The pages are at `/`. An example of every endpoint, to run as it is: {pages.DOCS}",
        lifespan=lifespan,
        # FastAPI's own pages load scripts from elsewhere, which neither works offline nor passes the policy above.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.workspace = space
    app.state.ready = threading.Event()
    app.state.failed = False
    app.state.problem_page = pages.problem_page
    # The last one added is the outermost: refusals of large bodies get their request id too.
    app.add_middleware(BodyLimit, limit=settings.max_body)
    add_problem_handlers(app)

    @app.middleware("http")
    async def secure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    app.include_router(api.router)
    app.include_router(overview_api.router)
    app.mount("/static", StaticFiles(directory=Path(str(files("service").joinpath("static")))), name="static")

    @app.get("/health/live", response_model=Health, responses=problem_responses(500))
    def live() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "live"}

    @app.get("/health/ready", response_model=Health, responses=problem_responses(500, 503))
    def ready() -> dict[str, str]:
        """Say whether models and index are loaded."""
        if app.state.failed:
            raise ProblemError(503, "models or index cannot be loaded; the log tells why")
        if not app.state.ready.is_set():
            raise ProblemError(503, "models and index are still loading")
        return {"status": "ready"}

    app.include_router(report.router)
    app.include_router(pages.router)
    add_problem_schema(app.openapi())
    return app


def _warm_up(app: FastAPI) -> None:
    space: Workspace = app.state.workspace
    try:
        space.searcher.search("khởi động", 1)
        space.tagger.tag(["khởi động"])
        space.matcher.match([("khởi động", "khởi động")])
    except Exception:
        _LOG.exception("models or index cannot be loaded")
        app.state.failed = True
    else:
        app.state.ready.set()
