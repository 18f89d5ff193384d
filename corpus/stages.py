"""Tell how long each stage of the work takes, to whoever listens: metrics, the timing of one request.

A stage costs two clock readings and a dictionary entry, so it may stand in the hottest places.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

Stage = Literal["read", "tag", "embed", "index", "search_lexical", "search_dense", "search_both", "store"]
Listener = Callable[[Stage, float], None]

_listeners: list[Listener] = []
_times: ContextVar[dict[Stage, float] | None] = ContextVar("stage_times", default=None)


def listen(listener: Listener) -> None:
    """Call ``listener`` with every stage from now on and how many seconds it took; once, however often it is given."""
    if listener not in _listeners:
        _listeners.append(listener)


@contextmanager
def stage(name: Stage) -> Iterator[None]:
    """Time what is done inside. A stage within another counts in both."""
    began = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - began
        if (times := _times.get()) is not None:
            times[name] = times.get(name, 0.0) + seconds
        for listener in _listeners:
            listener(name, seconds)


@contextmanager
def timed() -> Iterator[dict[Stage, float]]:
    """Gather the seconds of each stage done inside, in this context and in threads that copied it."""
    times: dict[Stage, float] = {}
    token = _times.set(times)
    try:
        yield times
    finally:
        _times.reset(token)
