"""Prepare documents on the workers of a Dask cluster, by the functions that do it on one machine.

A task is one document: its bytes go to a worker, what ``prepare`` makes of them comes back. It writes nothing, so it may
run twice, or be lost with its worker or with the scheduler, and is simply done again. Results are given out in the order
of the input, so what the client stores does not depend on which worker was faster.
See distributed.dask.org, "Resilience" and "Why did my worker die?".
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from functools import partial
from itertools import count
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from corpus.files import MAX_BYTES, UnreadableError
from service.errors import NothingUsableError
from service.ingest import Done, FileReport, Step
from service.preparing import Makers, Prepared, Work, makers, prepare
from service.settings import settings
from service.workspace import Workspace

if TYPE_CHECKING:
    from distributed import Client, Future

_LOG = logging.getLogger("kehoach")
# Documents under way for each thread of the cluster: enough that one slow file at the head does not leave it idle.
_AHEAD = 64
_MOST_BYTES = 256 * 1024**2
# How often a task is tried again whose worker lives but reports an error of the program or the machine.
_RETRIES = 2
# The scheduler may be lost this often before another document is done.
_MOST_LOSSES = 5
_LOOK_SECONDS = 2.0

_lock = threading.Lock()
_workspaces: list[Workspace] = []


class UnfitWorkerError(Exception):
    """A worker cannot do the work of this client; no file is to blame."""


def prepare_there(work: Work, expected: Makers) -> Prepared | str:
    """Prepare one document on a Dask worker; return it, or why it cannot be read.

    The worker's own settings say where its models lie. Raises UnfitWorkerError where they are not those of the client.
    """
    try:
        space = _workspace()
        here = makers(space)
    except Exception as error:
        raise UnfitWorkerError(f"its models do not load ({type(error).__name__}: {error})") from error
    if here != expected:
        raise UnfitWorkerError(f"it has {here}, this machine {expected}: install and set the same on both")
    try:
        return prepare(work, space)
    except UnreadableError as error:
        return str(error)


def _workspace() -> Workspace:
    """Return the workspace of this worker process, one for all its threads."""
    with _lock:
        if not _workspaces:
            space = Workspace(settings())
            _ = space.tagger, space.worker
            _workspaces.append(space)
        return _workspaces[0]


class _LostError(Exception):
    """The scheduler is gone, with all that it was told."""


class _Cluster:
    """A connection to the scheduler, made anew when it breaks; what was under way is then for the caller to give again."""

    def __init__(self, address: str, patience: float, expected: Makers) -> None:
        self._address = address
        self._patience = patience
        self._expected = expected
        self._client: Client | None = None
        self._token = uuid4().hex
        self._names = count()
        self._finished: SimpleQueue[tuple[int, Future]] = SimpleQueue()
        self._under_way: dict[int, Future] = {}

    def connect(self) -> None:
        """Connect, or connect again. Raises NothingUsableError where no scheduler answers in time."""
        from distributed import Client

        self.close()
        deadline = time.monotonic() + self._patience
        while self._client is None:
            left = max(1.0, deadline - time.monotonic())
            try:
                self._client = Client(self._address, timeout=min(left, 10.0), set_as_default=False, name="kehoach")
            except (OSError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise NothingUsableError(
                        f"KEHOACH_SCHEDULER={self._address}: no Dask scheduler answered in {self._patience:g} seconds "
                        f"({error}); what is stored stays, the same command goes on from there"
                    ) from error
                time.sleep(0.2)
        self._finished = SimpleQueue()

    def close(self) -> None:
        """Leave the scheduler, which forgets what this client asked of it."""
        client, self._client = self._client, None
        self._under_way.clear()
        if client:
            client.close(timeout=2)

    def threads(self) -> int:
        """Return how many threads the workers have, waiting for the first. Raises _LostError, NothingUsableError."""
        deadline = time.monotonic() + self._patience
        while not (found := sum(self._ask().values())):
            if time.monotonic() > deadline:
                raise NothingUsableError(
                    f"the Dask scheduler at {self._address} has had no worker for {self._patience:g} seconds; start "
                    f"some with `dask worker {self._address}`. What is stored stays, the same command goes on from there"
                )
            time.sleep(0.2)
        return found

    @property
    def under_way(self) -> int:
        """How many documents the workers have."""
        return len(self._under_way)

    def _ask(self) -> dict[str, int]:
        try:
            found: dict[str, int] = self._open.nthreads()
        except Exception as error:
            raise _LostError(str(error)) from error
        return found

    @property
    def _open(self) -> Client:
        if self._client is None or self._client.status != "running":
            raise _LostError("the connection is closed")
        return self._client

    def submit(self, number: int, work: Work) -> None:
        """Give a document to the workers. Raises _LostError."""
        # A name of its own every time: the scheduler must not answer with the failure of an earlier try.
        key = f"prepare-{self._token}-{next(self._names)}"
        try:
            future = self._open.submit(prepare_there, work, self._expected, key=key, pure=False, retries=_RETRIES)
        except (OSError, RuntimeError) as error:
            raise _LostError(str(error)) from error
        self._under_way[number] = future
        future.add_done_callback(partial(self._put, self._finished, number))

    @staticmethod
    def _put(finished: SimpleQueue[tuple[int, Future]], number: int, future: Future) -> None:
        finished.put((number, future))

    def next(self) -> tuple[int, Prepared | str | BaseException]:
        """Wait for a document and return it, why it is unreadable, or what went wrong. Raises _LostError."""
        while True:
            try:
                number, future = self._finished.get(timeout=_LOOK_SECONDS)
                break
            except Empty:
                self.threads()
        if future.status not in ("finished", "error"):
            raise _LostError(f"the task is {future.status}")
        try:
            result: Any = future.exception() if future.status == "error" else future.result()
        except Exception as error:
            raise _LostError(str(error)) from error
        del self._under_way[number]
        return number, result


class _Run:
    """The documents of one run: those to be given, those under way, and those done that wait for their turn."""

    def __init__(self, steps: Iterator[Step], cluster: _Cluster) -> None:
        self._steps = enumerate(steps)
        self._cluster = cluster
        self._open: dict[int, Work] = {}
        self._waiting: deque[int] = deque()
        # Documents during which workers died, and how many: in order, each tried once more with nothing beside it.
        self._suspects: dict[int, int] = {}
        self._done: dict[int, Done] = {}
        self._turn = 0
        self._bytes = 0
        self._is_read = False
        self._losses = 0

    def __iter__(self) -> Iterator[Done]:
        while True:
            try:
                self._give()
                while self._turn in self._done:
                    yield self._done.pop(self._turn)
                    self._turn += 1
                if self._open:
                    self._take()
                elif self._is_read:
                    return
            except _LostError as error:
                self._reconnect(error)

    def _give(self) -> None:
        """Give the workers what they can take; of documents that may have killed workers one, when all else is done."""
        while self._waiting:
            self._cluster.submit(self._waiting[0], self._open[self._waiting[0]])
            self._waiting.popleft()
        if self._suspects:
            if not self._cluster.under_way:
                self._cluster.submit(first := next(iter(self._suspects)), self._open[first])
            return
        most = _AHEAD * self._cluster.threads()
        while not self._is_read and len(self._open) + len(self._done) < most and self._bytes < _MOST_BYTES:
            number, step = next(self._steps, (-1, None))
            if step is None:
                self._is_read = True
            elif not isinstance(step, Work):
                self._done[number] = step
            else:
                self._open[number] = step
                self._bytes += _size(step)
                # Kept as waiting until it is given: the connection may break in between.
                self._waiting.append(number)
                self._cluster.submit(number, step)
                self._waiting.pop()

    def _take(self) -> None:
        """Take one document from the workers."""
        from distributed import KilledWorker

        number, result = self._cluster.next()
        self._losses = 0
        work = self._open[number]
        if isinstance(result, KilledWorker):
            deaths = result.allowed_failures + 1
            if number not in self._suspects:
                self._suspects[number] = deaths
                return
            result = f"{self._suspects[number] + deaths} Dask workers died while they prepared it; it is set aside"
        if isinstance(result, UnfitWorkerError | ImportError):
            raise NothingUsableError(f"a Dask worker cannot be used: {result}") from result
        if isinstance(result, BaseException):
            _LOG.error("a file broke the program", exc_info=result, extra={"file": work.name})
            result = f"cannot be used: {type(result).__name__}: {result}"
        self._done[number] = (
            (work, result) if isinstance(result, Prepared) else FileReport(work.name, "failed", reason=result)
        )
        self._suspects.pop(number, None)
        self._bytes -= _size(self._open.pop(number))

    def _reconnect(self, error: _LostError) -> None:
        self._losses += 1
        if self._losses > _MOST_LOSSES:
            raise NothingUsableError(
                f"the Dask scheduler was lost {self._losses} times without a document done in between ({error}); "
                "what is stored stays, the same command goes on from there"
            ) from error
        _LOG.warning("the Dask scheduler was lost (%s); %d documents are given again", error, len(self._open))
        self._cluster.connect()
        self._waiting = deque(number for number in self._open if number not in self._suspects)


def over_dask(steps: Iterator[Step], workspace: Workspace) -> Iterator[Done]:
    """Yield what the workers of ``KEHOACH_SCHEDULER`` prepare of ``steps``, in their order; reports pass through.

    A document that ends its workers is failed: first after the scheduler's ``allowed-failures``, then, so that none is
    blamed for another, once more as often with nothing beside it. Raises NothingUsableError where no scheduler, or no
    worker, is there for ``KEHOACH_SCHEDULER_SECONDS``, and where a worker has other models than this machine.
    """
    try:
        import dask
        import distributed  # noqa: F401 - told apart from a missing module of a worker
    except ImportError as error:
        raise NothingUsableError("KEHOACH_SCHEDULER needs kehoach[dask]: pip install 'kehoach[dask]'") from error
    # A file travels with its task; Dask would warn of every one over 10 MB.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": 2 * MAX_BYTES})
    chosen = workspace.settings
    cluster = _Cluster(chosen.scheduler, chosen.scheduler_seconds, makers(workspace))
    try:
        cluster.connect()
        yield from _Run(steps, cluster)
    finally:
        cluster.close()


def _size(work: Work) -> int:
    if isinstance(work.content, bytes):
        return len(work.content)
    return sum(len(paragraph.text) for paragraph in work.content.paragraphs)
