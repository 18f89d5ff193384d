"""The FastAPI application: JSON endpoints, web pages, health, one error shape, security headers."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles

from service import api, pages
from service.problems import BodyLimit, ProblemError, add_problem_handlers
from service.settings import Settings
from service.workspace import Workspace

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
        threading.Thread(target=_warm_up, args=(app,), name="warm-up", daemon=True).start()
        yield
        if workspace is None:
            space.close()

    app = FastAPI(
        title="kehoach",
        version=version("kehoach"),
        summary="Read, tag, search and compare Vietnamese provincial plans",
        lifespan=lifespan,
    )
    app.state.workspace = space
    app.state.ready = threading.Event()
    app.state.failure = None
    # The last one added is the outermost: refusals of large bodies get their request id too.
    app.add_middleware(BodyLimit, limit=settings.max_body)
    add_problem_handlers(app)

    @app.middleware("http")
    async def secure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        # The interactive documentation of FastAPI brings its own scripts from elsewhere.
        if request.url.path != "/docs":
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
        return response

    app.include_router(api.router)
    app.mount("/static", StaticFiles(directory=Path(str(files("service").joinpath("static")))), name="static")

    @app.get("/health/live")
    def live() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "live"}

    @app.get("/health/ready")
    def ready() -> dict[str, str]:
        """Say whether models and index are loaded."""
        if app.state.failure:
            raise ProblemError(503, f"not ready: {app.state.failure}")
        if not app.state.ready.is_set():
            raise ProblemError(503, "models and index are still loading")
        return {"status": "ready"}

    app.include_router(pages.router)
    return app


def _warm_up(app: FastAPI) -> None:
    space: Workspace = app.state.workspace
    try:
        space.searcher.search("khởi động", 1)
        space.tagger.tag(["khởi động"])
        space.matcher.match([("khởi động", "khởi động")])
    except Exception as error:
        app.state.failure = str(error)
    else:
        app.state.ready.set()
