"""Coverage, suggestions and families as they were last finished: made behind requests after each change, served as they are meanwhile."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from index.coverage import Row, coverage
from index.families import Families
from index.suggest import Suggester, suggester_of
from index.view import View
from service.workspace import Workspace

_LOG = logging.getLogger("kehoach")
T = TypeVar("T")
FAMILIES = "families"
# Seconds between looks whether the store has changed.
PAUSE = 0.5
# How many times as long as it worked the thread rests: documents that keep coming, and requests, go first.
_REST = 3
# Seconds that a request waits for what was never made yet.
_PATIENCE = 2.0
_AFTER_FAILURE = 30.0


@dataclass(frozen=True)
class Made(Generic[T]):
    """What was made, the state of the store it was made from, when, and by which model where one took part."""

    value: T
    content: str
    at: datetime
    model: str = ""

    @property
    def made_from(self) -> str:
        """What decides the value: the state of the store and the model."""
        return _made_from(self.content, self.model)


def _made_from(content: str, model: str) -> str:
    return f"{content} {model}" if model else content


class NotMadeError(LookupError):
    """Nothing is finished yet: the service has started just now."""


class Kept:
    """The last finished versions; filled by one thread, read by many."""

    def __init__(self) -> None:
        self._made: dict[str, Made[object]] = {}
        self._filled = threading.Condition()

    def put(self, name: str, made: Made[object]) -> None:
        """Take in a version of the "coverage", the "suggestions" or the "families"."""
        with self._filled:
            self._made[name] = made
            self._filled.notify_all()

    def contents(self) -> dict[str, str]:
        """Return name to what its version was made from."""
        return {name: made.made_from for name, made in self._made.items()}

    def made(self, name: str) -> Made[object] | None:
        """Return the version of a name, None where none is finished."""
        return self._made.get(name)

    def newer(self, contents: dict[str, str]) -> dict[str, Made[object]]:
        """Return the versions, but the families, that were made from anything else than ``contents``."""
        return {
            name: made
            for name, made in list(self._made.items())
            if name != FAMILIES and contents.get(name) != made.made_from
        }

    def coverage(self, view: View) -> Made[list[Row]]:
        """Return the rows of a view. Raises NotMadeError."""
        made = self._get("coverage")
        rows: dict[bool, list[Row]] = made.value  # type: ignore[assignment]
        return Made(rows[view.as_published], made.content, made.at)

    def suggester(self) -> Suggester | None:
        """Return what suggests queries; None where it was never made: nobody waits for that."""
        made = self.made("suggestions")
        return made.value if made else None  # type: ignore[return-value]

    def families(self) -> Made[Families]:
        """Return the families. Raises NotMadeError."""
        return self._get(FAMILIES)  # type: ignore[return-value]

    def _get(self, name: str) -> Made[object]:
        with self._filled:
            if not self._filled.wait_for(lambda: name in self._made, _PATIENCE):
                raise NotMadeError(name)
            return self._made[name]


class Fetched(Kept):
    """What another process keeps: families are fetched when they are asked for, since they are large and few ask."""

    def __init__(self, fetch: Callable[[], Made[object] | None]) -> None:
        """``fetch`` returns the families that the other process has, None where it has none or does not answer."""
        super().__init__()
        self._fetch = fetch
        self._fetching = threading.Lock()
        self._newest = ""

    def announce(self, contents: dict[str, str]) -> None:
        """Say what the versions of the other process were made from."""
        self._newest = contents.get(FAMILIES, self._newest)

    def contents(self) -> dict[str, str]:
        """Return name to what the version was made from which a request would get now."""
        return super().contents() | ({FAMILIES: self._newest} if self._newest else {})

    def families(self) -> Made[Families]:
        """Return the families, fetched where there are newer ones. Raises NotMadeError."""
        with self._fetching:
            have = self.made(FAMILIES)
            if self._newest != (have.made_from if have else "") and (newer := self._fetch()):
                self.put(FAMILIES, newer)
        return super().families()


class Maker:
    """A thread that makes the overviews of a workspace anew after each change."""

    def __init__(self, space: Workspace, kept: Kept) -> None:
        self._space, self._kept = space, kept
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="overviews", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """End; what is being made has ``seconds``, then it is left: nothing is lost with it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                is_new = self.refresh()
                pause = max(PAUSE, _REST * (time.monotonic() - began)) if is_new else PAUSE
            except Exception:
                if not self._stop.is_set():
                    _LOG.exception("overviews cannot be made; tried again in %d seconds", _AFTER_FAILURE)
                pause = _AFTER_FAILURE
            self._stop.wait(pause)

    def refresh(self) -> bool:
        """Make what is of an older state than the store, or by another model than the one in use; tell whether anything was."""
        content, have = self._space.store.content, self._kept.contents()
        matcher = self._space.matcher_version
        if have.get("coverage") != content:
            rows = {published: coverage(self._space.store, View(published)) for published in (False, True)}
            self._kept.put("coverage", Made(rows, content, datetime.now(UTC)))
        if have.get("suggestions") != content:
            names = [name for group in self._space.groups for name in (group.name_vi, group.name_en)]
            self._kept.put("suggestions", Made(suggester_of(self._space.store, names), content, datetime.now(UTC)))
        if have.get(FAMILIES) == _made_from(content, matcher):
            return False
        # Read after ``content`` and ``matcher``: should these change meanwhile, they count as old, never as new.
        families = self._space.families
        self._kept.put(FAMILIES, Made(families, content, datetime.now(UTC), matcher))
        return True
