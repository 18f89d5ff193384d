"""The work that goes on behind requests: imports, then webhooks. One process of a home folder does it at a time.

Several hosts, each with a home of its own, share the work of one store.
"""

from __future__ import annotations

import fcntl
import logging
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpcore
from sqlalchemy.exc import SQLAlchemyError

from corpus.files import UnreadableError
from corpus.store import Store
from service import audit, jobs, webhooks
from service.errors import UserError
from service.fetching import fetch
from service.forms import report_form
from service.hosts import host_id
from service.ingest import FileReport, ingest_file
from service.jobs import Item
from service.workspace import Workspace

_LOG = logging.getLogger("kehoach")
# Seconds between looks for work that another process may have taken in.
_PAUSE = 0.5
# Seconds of importing after which the index is brought up, so that searches do not have to.
_INDEXED_EVERY = 2.0
# Seconds between looks for entries of the audit log that are too old.
_PRUNED_EVERY = 3600.0


class Background:
    """A thread that does the waiting work of a workspace, in whichever process holds the lock of its home folder."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="background", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look for work at once."""
        self._wake.set()

    def stop(self, seconds: float) -> None:
        """End; the file in hand may take ``seconds`` more, then it is put back into the queue and read by the next."""
        self._stop.set()
        self._wake.set()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._space.worker.close()
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            with _lock(self._space.settings.home) as is_ours:
                if is_ours:
                    self._serve()
            self._stop.wait(_PAUSE)

    def _serve(self) -> None:
        """Do what waits until told to stop; a database that fails for a while only costs that while."""
        recover_at, prune_at = 0.0, time.monotonic()
        while not self._stop.is_set():
            self._wake.clear()
            try:
                if time.monotonic() > recover_at:
                    jobs.recover(self._space.store, host_id(self._space.settings.home))
                    recover_at = time.monotonic() + jobs.LEASE.total_seconds()
                    jobs.clean(self._space.store, self._space.settings.spool)
                done = run_waiting(self._space, self._stop)
                if done:
                    jobs.clean(self._space.store, self._space.settings.spool)
                if time.monotonic() >= prune_at:
                    audit.prune(self._space.store, self._space.settings.audit_days)
                    prune_at = time.monotonic() + _PRUNED_EVERY
                if self._space.settings.webhook_hosts:
                    webhooks.enqueue(self._space)
                    webhooks.deliver(self._space.store, self._space.settings.webhook_hosts)
            except SQLAlchemyError:
                _LOG.exception("the database failed in the background; tried again")
                recover_at = 0.0
            self._wake.wait(_PAUSE)


@contextmanager
def _lock(home: Path) -> Iterator[bool]:
    """Hold the lock of ``home``, if nobody else does; the system frees it when a process dies."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "background.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def run_waiting(space: Workspace, stop: threading.Event, backend: httpcore.NetworkBackend | None = None) -> int:
    """Bring in what waits, one file after another, until nothing does or ``stop`` is set; return how many were done."""
    count, indexed, host = 0, time.monotonic(), host_id(space.settings.home)
    while not stop.is_set() and (item := jobs.take(space.store, host)):
        try:
            with _held(space.store, item):
                reports = list(_ingest(space, item, backend))
        except SQLAlchemyError:
            raise
        except Exception as error:
            _LOG.exception("a file of an import broke", extra={"job": item.job_id, "file": item.name})
            reports = [
                FileReport(item.name, "failed", reason=f"an unexpected error ({type(error).__name__}); see the log")
            ]
        if stop.is_set() and not any(report.is_usable for report in reports):
            # Stopped in the middle of reading: that is no fault of the file.
            jobs.finish(space.store, item, "waiting", [])
            break
        state: jobs.State = "done" if any(report.is_usable for report in reports) else "failed"
        # Whoever sees that an import is done finds what it brought.
        if time.monotonic() - indexed > _INDEXED_EVERY or not jobs.has_waiting(space.store, item.job_id):
            space.build_index()
            indexed = time.monotonic()
        jobs.finish(space.store, item, state, map(report_form, reports))
        count += 1
    if count:
        space.build_index()
    return count


@contextmanager
def _held(store: Store, item: Item) -> Iterator[None]:
    """Say meanwhile, again and again, that an item is in hand."""
    ended = threading.Event()

    def hold() -> None:
        while not ended.wait(jobs.LEASE.total_seconds() / 4):
            try:
                jobs.hold(store, item)
            except SQLAlchemyError:
                _LOG.exception("the database failed while a file is read; tried again")

    thread = threading.Thread(target=hold, name="hold", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _ingest(space: Workspace, item: Item, backend: httpcore.NetworkBackend | None) -> Iterator[FileReport]:
    folder = jobs.folder_of(space.settings.spool, item)
    if item.url is not None:
        try:
            name, body = fetch(item.url, space.settings.fetch_hosts, space.settings.max_upload, backend)
            shutil.rmtree(folder / "fetched", ignore_errors=True)
            with body:
                jobs.keep(folder / "fetched", 1, name, body, space.settings.max_upload)
        except (UnreadableError, UserError, OSError) as error:
            yield FileReport(item.url, "failed", reason=str(error))
            return
        files = [path for path in (folder / "fetched").rglob("*") if path.is_file()]
    else:
        files = [folder / item.name]
    for file in files:
        for report in ingest_file(file, space):
            yield replace(report, file=item.name)
