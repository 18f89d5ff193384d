"""Read documents in processes of their own, with limits on time and memory: a hostile file costs only itself.

``python -m corpus.worker`` is such a process: it takes a JSON line with a name and a size and then the bytes, and answers
with a JSON line. JSON and not pickle, so that a process that a file took over cannot make this one run anything.
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
from dataclasses import dataclass
from typing import Any

from corpus.codec import document_form, document_from
from corpus.files import UnreadableError
from corpus.types import Document

_MOST_ANSWER = 512 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What one file may cost: seconds to read it, seconds more to recognise its scanned pages, bytes of memory."""

    seconds: float = 60.0
    ocr_seconds: float = 600.0
    memory: int = 2 * 1024**3


class Worker:
    """A process that reads one document after another; started when needed, replaced after a crash or a time-out."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def parse(self, data: bytes, name: str) -> Document:
        """Return the document in ``data``. Raises UnreadableError as ``read`` does, and for one that breaks the limits."""
        with self._lock:
            try:
                answer = self._ask(data, name)
            except (OSError, EOFError, ValueError) as error:
                status = self._stop()
                reason = (
                    f"needs over {self._limits.memory // 2**20:,} MB"
                    if status == -signal.SIGKILL
                    else "broke the reader"
                )
                raise UnreadableError(f"it {reason} ({error or 'no answer'})") from error
            except TimeoutError as error:
                self._stop()
                raise UnreadableError(str(error)) from error
        if "error" in answer:
            raise UnreadableError(answer["error"])
        return document_from(answer["document"])

    def close(self) -> None:
        """Stop the process."""
        with self._lock:
            self._stop()

    def _ask(self, data: bytes, name: str) -> dict[str, Any]:
        process = self._running()
        if process.stdin is None or process.stdout is None:
            raise EOFError("no pipes")
        request = {"name": name, "size": len(data), "ocr_seconds": self._limits.ocr_seconds}
        process.stdin.write(json.dumps(request).encode() + b"\n" + data)
        process.stdin.flush()
        deadline = time.monotonic() + self._limits.seconds
        while True:
            answer = self._line(process, deadline)
            if "recognising" not in answer:
                return answer
            deadline = time.monotonic() + self._limits.ocr_seconds + self._limits.seconds

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        """Return the next line the process writes. Raises TimeoutError, EOFError where the process ends, ValueError for no JSON."""
        line = bytearray()
        descriptor = process.stdout.fileno() if process.stdout else -1
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise TimeoutError(f"reading it took over {self._limits.seconds:g} seconds")
                part = os.read(descriptor, 1 << 20)
                line += part
                if not part or len(line) > _MOST_ANSWER:
                    raise EOFError("it ended without an answer" if not part else "its answer is too long")
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError("no answer in it")
        return answer

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "corpus.worker", str(self._limits.memory)]
            self._process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self._process

    def _stop(self) -> int | None:
        """End the process with all that it started; return the status it had ended with by itself, if it had."""
        process, self._process = self._process, None
        if process is None:
            return None
        status = process.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        return status


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
        try:
            source = read_bytes(
                data, request["name"], request["ocr_seconds"], lambda pages: answer({"recognising": pages})
            )
            answer({"document": document_form(parse(source))})
        except UnreadableError as error:
            answer({"error": str(error)})
        except MemoryError:
            answer({"error": f"it needs over {memory // 2**20:,} MB"})
        except RecursionError:
            answer({"error": "it is nested too deeply"})


if __name__ == "__main__":
    main()
