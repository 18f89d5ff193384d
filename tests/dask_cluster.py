"""A Dask scheduler and workers as processes on loopback, each started again when it ends as a supervisor would."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Cluster:
    """The ``scheduler`` and the workers called ``workers``; what they print is in dask.log of ``folder``."""

    def __init__(
        self,
        folder: Path,
        home: Path,
        cache: Path,
        workers: Sequence[str],
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start them; workers get ``options``, all of them ``environment`` beside that of this process."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self._environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "DASK_TEMPORARY_DIRECTORY": str(folder),
            "KEHOACH_HOME": str(home),
            "KEHOACH_CACHE": str(cache),
            "KEHOACH_THREADS": "1",
            **(environment or {}),
        }
        worker = ("worker", self.address, "--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--no-dashboard")
        self._commands = {
            "scheduler": ("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"),
            **dict.fromkeys(workers, (*worker, *options)),
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._is_over = threading.Event()
        self._log = (folder / "dask.log").open("ab")
        self._thread = threading.Thread(target=self._supervise, daemon=True)
        self._thread.start()

    def _supervise(self) -> None:
        while not self._is_over.wait(0.1):
            for name, command in self._commands.items():
                process = self._processes.get(name)
                if process is None or process.poll() is not None:
                    self._processes[name] = subprocess.Popen(
                        [sys.executable, "-m", "dask", *command],
                        env=self._environment, stdout=self._log, stderr=self._log,
                    )  # fmt: skip

    def kill(self, name: str) -> None:
        """End a process by SIGKILL."""
        self._processes[name].send_signal(signal.SIGKILL)

    def close(self) -> None:
        """End all for good."""
        self._is_over.set()
        self._thread.join()
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._log.close()
