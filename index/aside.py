"""Do one thing at a time beside what goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Aside:
    """At most one thread; what is given to it while it is busy is left out. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def run(self, work: Callable[[], object]) -> None:
        """Begin ``work`` unless something is being done."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=work, name="index")
                thread.start()
                self._thread = thread

    def join(self) -> None:
        """Wait for what is being done, unless this is it."""
        with self._lock:
            thread = self._thread
        if thread and thread is not threading.current_thread():
            thread.join()
