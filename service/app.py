"""The FastAPI application: JSON endpoints, web pages, health, one error shape, what surrounds every request."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from importlib.resources import files
from itertools import count
from multiprocessing.connection import wait
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.concurrency import run_in_threadpool
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware

from corpus.stages import listen
from service import (
    api,
    jobs_api,
    metrics,
    overview_api,
    pages,
    pages_compare,
    pages_document,
    pages_files,
    pages_overview,
    pages_queue,
    pages_search,
    pages_tagging,
    pages_work,
    report,
    searches_api,
    signing,
    suggest_api,
)
from service.behind import Behind, behind_of
from service.following import following
from service.logs import configure
from service.middleware import Again, BodyLimit, Observed, RateLimit
from service.paging import NotModified, program_of
from service.positions import HEADER, Positions
from service.problems import ProblemError, add_problem_handlers, add_schemas, problem_responses
from service.schemas import Health
from service.settings import Settings
from service.settings import settings as of_environment
from service.workspace import Workspace

_LOG = logging.getLogger("kehoach")
_SMALLEST_COMPRESSED = 1000
# After so many failures in a row the service says that it cannot load; it goes on trying, at most so many seconds apart.
_TRIES = 3
_LONGEST_PAUSE = 30


def app_of_environment() -> FastAPI:
    """Return the application of a worker process, which has nothing but its environment to go by."""
    configure(of_environment())
    if parent := multiprocessing.parent_process():
        threading.Thread(target=_end_with, args=(parent.sentinel,), name="parent", daemon=True).start()
    app = create_app(of_environment())
    app.state.owns_process = True
    return app


def _end_with(sentinel: int) -> None:
    """Stop this process when its parent is gone: killed with -9, it cannot tell its workers, and they would hold the port."""
    wait([sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def create_app(settings: Settings, workspace: Workspace | None = None) -> FastAPI:
    """Return the application over ``workspace``, by default one of ``settings``; models load in the background."""
    space = workspace or Workspace(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Opened before threads share the workspace: the store's own lock and the searcher's are taken in either order.
        _ = space.store
        background: Behind = app.state.background
        background.start()
        threading.Thread(target=_warm_up, args=(app,), name="warm-up", daemon=True).start()
        with following(space):
            yield
        app.state.stopping.set()
        app.state.ready.clear()
        await run_in_threadpool(background.stop, settings.shutdown_seconds)
        if workspace is None:
            space.close()

    app = FastAPI(
        title="kehoach",
        version=version("kehoach"),
        summary="Read, tag, search and compare Vietnamese provincial plans",
        description=f"The pages are at `/`. An example of every endpoint, to run as it is: {pages.DOCS}",
        lifespan=lifespan,
        # FastAPI's own pages load scripts from elsewhere, which neither works offline nor passes the security policy.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.workspace = space
    app.state.background = behind_of(space)
    app.state.program = program_of(space)
    app.state.ready = threading.Event()
    app.state.stopping = threading.Event()
    app.state.failed = False
    app.state.owns_process = False
    app.state.problem_page = pages.problem_page
    listen(metrics.observe_stage)
    _surround(app, settings)
    add_problem_handlers(app)

    @app.exception_handler(NotModified)
    def on_known(_request: Request, known: NotModified) -> Response:
        return Response(status_code=304, headers=known.headers)

    app.include_router(api.router)
    app.include_router(jobs_api.router)
    app.include_router(searches_api.router)
    app.include_router(metrics.router)
    app.include_router(overview_api.router)
    app.include_router(suggest_api.router)
    app.mount("/static", StaticFiles(directory=Path(str(files("service").joinpath("static")))), name="static")

    @app.get("/health/live", response_model=Health, responses=problem_responses(500))
    def live() -> dict[str, str]:
        """Say that the process answers."""
        return {"status": "live"}

    @app.get("/health/ready", response_model=Health, responses=problem_responses(500, 503))
    def ready() -> dict[str, str]:
        """Say whether tokenizer, models and index are loaded and were used once."""
        if app.state.failed:
            raise ProblemError(503, "models or index cannot be loaded; the log tells why")
        if not app.state.ready.is_set():
            raise ProblemError(503, "models and index are still loading")
        return {"status": "ready"}

    app.include_router(signing.router)
    app.include_router(report.router)
    for module in (
        pages,
        pages_compare,
        pages_search,
        pages_document,
        pages_queue,
        pages_tagging,
        pages_overview,
        pages_files,
        pages_work,
    ):
        app.include_router(module.router)
    add_schemas(app.openapi())
    return app


def _surround(app: FastAPI, settings: Settings) -> None:
    """Add the layers around the endpoints; the last one added is the outermost."""
    if settings.read_database:
        app.add_middleware(Positions)
    app.add_middleware(Again)
    app.add_middleware(BodyLimit, settings=settings)
    if settings.rate:
        app.add_middleware(RateLimit, rate=settings.rate)
    app.add_middleware(GZipMiddleware, minimum_size=_SMALLEST_COMPRESSED, compresslevel=5)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["X-API-Key", "X-Request-ID", "Content-Type", "Idempotency-Key", "If-None-Match", HEADER],
            expose_headers=["X-Request-ID", "ETag", "Server-Timing", "Retry-After", HEADER],
        )
    app.add_middleware(Observed)


def _warm_up(app: FastAPI) -> None:
    space: Workspace = app.state.workspace
    for attempt in count(1):
        try:
            space.searcher.search("khởi động", 1)
            space.tagger.tag(["khởi động"])
            space.matcher.match([("khởi động", "khởi động")])
        except Exception:
            # A document that arrives while the index is built, or another worker that builds it, is a passing cause.
            _LOG.exception("models or index cannot be loaded; attempt %d", attempt)
            app.state.failed = attempt >= _TRIES
            if app.state.stopping.wait(min(attempt, _LONGEST_PAUSE)):
                return
        else:
            if app.state.owns_process:
                # What is loaded stays. Looking through it for garbage would stop every answer for a fifth of a second.
                gc.collect()
                gc.freeze()
            app.state.failed = False
            app.state.ready.set()
            return
