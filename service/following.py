"""Take up models that are trained while a process runs, so that what `kehoach train` wrote is in use without a restart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from service.workspace import Workspace

_LOG = logging.getLogger("kehoach")
# Seconds between looks, which read three small files; a change is taken up at the second look that finds it.
_PAUSE = 2.0
_AFTER_FAILURE = 30.0


@contextmanager
def following(space: Workspace) -> Iterator[None]:
    """Have a thread put newly trained models in use meanwhile; one that cannot be loaded is logged and tried again."""
    stopping = threading.Event()

    def follow() -> None:
        pause = _PAUSE
        while not stopping.wait(pause):
            pause = _PAUSE
            try:
                if space.take_up_models():
                    _LOG.info("newly trained models are in use", extra={"models": space.models})
            except Exception:
                _LOG.exception("a trained model cannot be taken up; the one before stays in use")
                pause = _AFTER_FAILURE

    threading.Thread(target=follow, name="models", daemon=True).start()
    try:
        yield
    finally:
        stopping.set()
