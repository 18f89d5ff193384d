"""Read documents in processes of their own, with limits on time and memory: a hostile file costs only itself.

``python -m corpus.worker`` is such a process. It takes a JSON line with a name and a size and then the bytes, and answers
with JSON lines: that it has the file, that it is about to recognise pages, what came of it. JSON and not pickle, so that
a process that a file took over cannot make this one run anything.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from corpus.codec import document_form, document_from
from corpus.files import UnreadableError
from corpus.types import Document

_MOST_ANSWER = 512 * 1024 * 1024
_MOST_MESSAGE = 400
_OUT_OF_MEMORY = 3


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds to read it, seconds more to recognise its scanned pages, bytes of memory."""

    seconds: float = 60.0
    ocr_seconds: float = 600.0
    memory: int = 2 * 1024**3


@dataclass
class _Clock:
    """How long a file may still take."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    def wait(self, descriptor: int, event: int) -> None:
        """Wait until ``descriptor`` can be read or written. Raises TimeoutError where the time is over before."""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            if not selector.select(max(0.0, self.began + self.seconds - time.monotonic())):
                raise TimeoutError(f"reading it took over {self.seconds:g} seconds")


class Worker:
    """A process that reads one document after another; started when needed, replaced after a crash or a time-out."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._received = bytearray()
        self._lock = threading.Lock()

    def parse(self, data: bytes, name: str) -> Document:
        """Return the document in ``data``. Raises UnreadableError as ``read`` does, and for one that breaks the limits."""
        with self._lock:
            try:
                answer = self._ask(data, name)
                if "document" in answer:
                    return document_from(answer["document"])
            except TimeoutError as error:
                self._stop()
                raise UnreadableError(str(error)) from error
            except (OSError, EOFError, ValueError, RecursionError) as error:
                raise UnreadableError(self._reason(error)) from error
        raise UnreadableError(_one_line(str(answer.get("error", "the reader broke"))))

    def close(self) -> None:
        """Stop the process, also while it reads: that file is then unreadable."""
        if process := self._process:
            _kill(process)
        with self._lock:
            self._stop()

    def _ask(self, data: bytes, name: str) -> dict[str, Any]:
        limits = self._limits
        request = json.dumps({"name": name, "size": len(data), "ocr_seconds": limits.ocr_seconds}).encode() + b"\n"
        clock = _Clock(limits.seconds)
        for is_last in (False, True):
            try:
                self._send(request + data, clock)
                self._line(clock)
                break
            except (BrokenPipeError, EOFError):
                # It died before it had the file: that is no fault of the file.
                if is_last:
                    raise
                self._stop()
        answer = self._line(clock)
        if "recognising" in answer:
            clock.seconds += limits.ocr_seconds
            answer = self._line(clock)
        return answer

    def _send(self, data: bytes, clock: _Clock) -> None:
        descriptor = _descriptor(self._running().stdin)
        rest = memoryview(data)
        while rest:
            clock.wait(descriptor, selectors.EVENT_WRITE)
            rest = rest[os.write(descriptor, rest) :]

    def _line(self, clock: _Clock) -> dict[str, Any]:
        """Return the next line the process writes. Raises TimeoutError, EOFError where the process ends, ValueError for no JSON."""
        descriptor = _descriptor(self._process.stdout if self._process else None)
        searched = 0
        while (end := self._received.find(b"\n", searched)) < 0:
            searched = len(self._received)
            clock.wait(descriptor, selectors.EVENT_READ)
            part = os.read(descriptor, 1 << 20)
            if not part:
                raise EOFError("it ended without an answer")
            self._received += part
            if len(self._received) > _MOST_ANSWER:
                raise EOFError("its answer is too long")
        line = self._received[:end]
        del self._received[: end + 1]
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("no answer in it")
        return answer

    def _reason(self, error: Exception) -> str:
        """Stop the process and say in words why it gave no answer."""
        if self._process and isinstance(error, (OSError, EOFError)):
            # It closed its pipes, so it is about to end.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        status = self._stop()
        if status == _OUT_OF_MEMORY:
            return f"it needs over {self._limits.memory // 2**20:,} MB"
        if status == -signal.SIGKILL:
            return "the reader was killed while reading it, which also happens where memory runs out"
        if status is not None and status < 0:
            return f"it broke the reader ({signal.strsignal(-status)})"
        return _one_line(f"it broke the reader ({error})")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._stop()
            # -P: nothing in the current folder may stand in for a module. OpenBLAS reserves memory for every thread.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "corpus.worker", str(self._limits.memory)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
            os.set_blocking(_descriptor(self._process.stdin), False)
        return self._process

    def _stop(self) -> int | None:
        """End the process with all that it started; return the status it had ended with by itself, if it had."""
        process, self._process = self._process, None
        self._received.clear()
        if process is None:
            return None
        status = process.poll()
        _kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        return status


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _descriptor(pipe: Any) -> int:
    return int(pipe.fileno()) if pipe else -1


def _one_line(message: str) -> str:
    """Return an error message of the process, which may have been taken over by a file, as a short printable line."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in message).split())
    return shown if len(shown) <= _MOST_MESSAGE else shown[: _MOST_MESSAGE - 1] + "…"


def main() -> None:
    """Answer requests on standard input until it ends."""
    # Only this process needs the readers and what they load.
    from corpus.parse import parse
    from corpus.read import read_bytes

    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer

    def answer(form: dict[str, Any]) -> None:
        answers.write(json.dumps(form).encode() + b"\n")
        answers.flush()

    while line := requests.readline():
        request = json.loads(line)
        data = requests.read(request["size"])
        answer({"received": len(data)})
        try:
            source = read_bytes(
                data, request["name"], request["ocr_seconds"], lambda pages: answer({"recognising": pages})
            )
            answer({"document": document_form(parse(source))})
        except UnreadableError as error:
            answer({"error": str(error)})
        except MemoryError:
            # What is left of the memory may not do for the next file.
            os._exit(_OUT_OF_MEMORY)
        except RecursionError:
            answer({"error": "it is nested too deeply"})
        except Exception as error:
            # A fault of a reader costs one file, not the process.
            answer({"error": f"it broke the reader ({type(error).__name__}: {error})"})


if __name__ == "__main__":
    main()
