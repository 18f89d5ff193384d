"""What goes on behind requests and where: in this process, or for all workers of one `kehoach serve` in a process of low priority.

That process brings documents in, indexes them and makes the overviews, so that answering never waits for it: the system
gives it what processor time requests leave. Workers reach it over a Unix socket in a folder that only this user may enter.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection, Listener, wait
from pathlib import Path
from typing import Any

from service.background import Background
from service.following import following
from service.ingest import FileReport, ingest_bytes
from service.kept_overviews import FAMILIES, PAUSE, Fetched, Kept, Made, Maker
from service.rates import create_table
from service.settings import RATES, SHARED_VARIABLE, SOCKET, Settings, shared_folder
from service.settings import settings as of_environment
from service.workspace import Workspace

_LOG = logging.getLogger("kehoach")
# How much the process of low priority gives way (0: not at all, 19: to everything).
_NICENESS = 10
# Documents sent one by one that are read at a time, and that wait for it in each worker.
_AT_ONCE = 2
_MOST_WAITING = 8
_RESTART_SECONDS = 1.0
_MAKER_SECONDS = 5.0


class BusyError(RuntimeError):
    """Too many documents wait already, or the process that reads them is not there."""


class Behind:
    """What a worker knows of the work behind it; here that work is done by threads of the same process."""

    def __init__(self, space: Workspace) -> None:
        self.kept = Kept()
        self._space = space
        self._background = Background(space)
        self._maker = Maker(space, self.kept)
        self._places = threading.BoundedSemaphore(_MOST_WAITING)

    def start(self) -> None:
        """Begin."""
        self._background.start()
        self._maker.start()

    def stop(self, seconds: float) -> None:
        """End; the file in hand may take ``seconds`` more."""
        self._background.stop(seconds)
        self._maker.stop(_MAKER_SECONDS)

    def wake(self) -> None:
        """Look for waiting imports at once."""
        self._background.wake()

    def ingest(self, file: Path, name: str) -> FileReport:
        """Bring in and index the document in ``file``, which was sent as ``name``; it is read when its turn has come. Raises BusyError where too many wait."""
        if not self._places.acquire(blocking=False):
            raise BusyError(f"{_MOST_WAITING} documents are being read; send it again in a moment")
        try:
            return self._ingest(file, name)
        finally:
            self._places.release()

    def _ingest(self, file: Path, name: str) -> FileReport:
        report = ingest_bytes(file.read_bytes(), name, self._space)
        if report.is_usable:
            self._space.build_index()
        return report


class RemoteBehind(Behind):
    """The same, done by the process behind a socket."""

    def __init__(self, space: Workspace, address: str) -> None:
        super().__init__(space)
        self.kept: Fetched = Fetched(self._families)
        self._address = address
        self._stopping = threading.Event()
        self._follower = threading.Thread(target=self._follow, name="overviews", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._follower.start()

    def stop(self, seconds: float) -> None:
        """End; the process itself ends with the command that started it."""
        self._stopping.set()
        self._follower.join(seconds)

    def wake(self) -> None:
        """Look for waiting imports at once."""
        with contextlib.suppress(BusyError):
            self._ask("wake")

    def _ingest(self, file: Path, name: str) -> FileReport:
        answer = self._ask("ingest", file, name)
        if not isinstance(answer, FileReport):
            raise RuntimeError(f"reading {name} broke: {answer}; the log tells more")
        return answer

    def _ask(self, *request: object) -> Any:
        try:
            with Client(self._address, "AF_UNIX") as connection:
                connection.send(request)
                return connection.recv()
        except (OSError, EOFError) as error:
            raise BusyError("the process that reads documents is starting; send it again in a moment") from error

    def _follow(self) -> None:
        while not self._stopping.wait(PAUSE):
            with contextlib.suppress(BusyError):
                contents, newer = self._ask("overviews", self.kept.contents())
                for name, made in newer.items():
                    self.kept.put(name, made)
                self.kept.announce(contents)

    def _families(self) -> Made[object] | None:
        try:
            found: Made[object] | None = self._ask(FAMILIES)
        except BusyError:
            return None
        return found


def behind_of(space: Workspace) -> Behind:
    """Return what does the work behind this process: the process that `kehoach serve` started, else its own threads."""
    folder = shared_folder()
    return RemoteBehind(space, str(folder / SOCKET)) if folder else Behind(space)


@contextlib.contextmanager
def process_behind() -> Iterator[None]:
    """Keep the process of low priority running for what is started inside; replace it when it dies."""
    with tempfile.TemporaryDirectory(prefix="kehoach-") as folder:
        os.environ[SHARED_VARIABLE] = folder
        create_table(Path(folder) / RATES)
        keeper = _Keeper()
        keeper.start()
        try:
            yield
        finally:
            keeper.stop()
            del os.environ[SHARED_VARIABLE]


class _Keeper:
    """A thread that starts the process and starts it again."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._thread = threading.Thread(target=self._run, name="background keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._lock:
            self._stopping.set()
            if self._process:
                self._process.terminate()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                if self._stopping.is_set():
                    return
                self._process = multiprocessing.get_context("spawn").Process(target=_main, name="background")
                self._process.start()
            self._process.join()
            if not self._stopping.wait(_RESTART_SECONDS):
                _LOG.error("the background process ended with %s; started again", self._process.exitcode)


def _main() -> None:
    """Do the work until told to stop or until the command that started this is gone."""
    from corpus.stages import listen
    from service import metrics
    from service.logs import configure

    stopping = threading.Event()
    # Ctrl-C reaches every process of the terminal; this one is stopped by the command, after the requests.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    os.nice(_NICENESS)
    chosen = of_environment()
    configure(chosen)
    listen(metrics.observe_stage)
    parent = multiprocessing.parent_process()
    space = Workspace(chosen)
    behind = Behind(space)
    address = Path(os.environ[SHARED_VARIABLE]) / SOCKET
    address.unlink(missing_ok=True)
    behind.start()
    with Listener(str(address), "AF_UNIX", backlog=64) as listener:
        threading.Thread(target=_listen, args=(listener, behind), name="listener", daemon=True).start()
        with following(space):
            while not stopping.wait(PAUSE):
                if parent and wait([parent.sentinel], 0):
                    break
    _end(behind, space, chosen)


def _end(behind: Behind, space: Workspace, chosen: Settings) -> None:
    behind.stop(chosen.shutdown_seconds)
    space.close()


def _listen(listener: Listener, behind: Behind) -> None:
    reading = threading.BoundedSemaphore(_AT_ONCE)
    while True:
        try:
            connection = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, behind, reading), daemon=True).start()


def _answer(connection: Connection[Any, Any], behind: Behind, reading: threading.BoundedSemaphore) -> None:
    with connection, contextlib.suppress(OSError, EOFError):
        verb, *given = connection.recv()
        if verb == "overviews":
            connection.send((behind.kept.contents(), behind.kept.newer(*given)))
        elif verb == FAMILIES:
            connection.send(behind.kept.made(FAMILIES))
        elif verb == "wake":
            behind.wake()
            connection.send(None)
        else:
            try:
                with reading:
                    report = behind.ingest(*given)
            except Exception as error:
                _LOG.exception("a document broke")
                connection.send(type(error).__name__)
            else:
                connection.send(report)
