"""Watch a folder: bring in what is there, then what appears or changes, once it is whole."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISREG
from threading import Event
from time import monotonic
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from corpus.files import UnreadableError
from corpus.store import ParagraphIdTakenError, Store
from corpus.types import Document
from service.errors import NothingUsableError, UsageError
from service.ingest import FileReport, Progress, store_document
from service.preparing import documents_in
from service.workspace import Workspace

_PASSING_STARTS = (".", "~", "README")
_PASSING_ENDS = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", ".swp", "~")
# Seconds between looks at the whole folder when no change is announced: network folders announce none.
_LOOK_ANYWAY = 60.0
# Seconds after which the index is built although files keep arriving.
_LONGEST_BURST = 60.0


class _Stamp(NamedTuple):
    """When a file was changed and how large it is: the same for as long as nobody writes to it."""

    changed_ns: int
    size: int


class _Taken(NamedTuple):
    """A file that was brought in, or tried: its stamp and the SHA-256 of its bytes then."""

    stamp: _Stamp
    sha256: str


def watch(
    folder: Path,
    workspace: Workspace,
    tell: Progress | None = None,
    *,
    stop: Event | None = None,
    settle: float = 2.0,
) -> Iterator[FileReport]:
    """Bring every file in ``folder`` and below into the store, those of now and those to come; yield a report each.

    A file is taken when its size and time of change have stayed the same for ``settle`` seconds, and again only when
    they change: one that cannot be used costs one report. Of files at rest together the newest is taken first, and
    where an older one holds the same document, the newer stays ("duplicate"); so a second run changes nothing.
    Files whose bytes the store knows are not parsed ("unchanged", or "duplicate" under another name); a ``.jsonl`` is,
    as the store knows its documents and not its bytes. Names that are hidden or temporary (.x, ~x, x~, .part, .tmp,
    .crdownload and the like), READMEs, and KEHOACH_HOME are passed over, links to folders are not followed.
    Deleting or renaming a file changes nothing in the store.

    The index is built once a burst: when documents were added and no file is on its way, at the latest after a minute
    of files arriving. ``tell`` gets (paragraphs done, in all, document).

    Ends when ``stop`` is set (after the file in hand, with the index built) or on KeyboardInterrupt (at once: the
    file in hand is not stored, and the index is built when it is next needed).

    Raises UsageError where ``folder`` is none, NothingUsableError where it cannot be watched, ModelError before any
    file is read; errors of the database as they are.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder")
    stop = stop or Event()
    arrivals = _Arrivals(folder, settle, workspace.settings.home)
    tell = tell or (lambda done, total, name: None)
    added_at: float | None = None
    try:
        _ = workspace.tagger  # A model that cannot be used is not the fault of a file.
        for has_changed in _wake_ups(folder, stop, settle):
            for path in arrivals.at_rest(look=has_changed):
                for report in _take(path, arrivals, workspace, tell):
                    if report.outcome in ("added", "updated"):
                        added_at = added_at or monotonic()
                    yield report
                if stop.is_set():
                    break
            if added_at and (not arrivals.are_more or monotonic() - added_at > _LONGEST_BURST):
                workspace.build_index()
                added_at = None
        if added_at:
            workspace.build_index()
    except KeyboardInterrupt:
        return


def _wake_ups(folder: Path, stop: Event, settle: float) -> Iterator[bool]:
    """Yield at every change in ``folder`` (True) and a few times within ``settle`` seconds (False), until ``stop``."""
    # Imported here: nothing else needs it.
    from watchfiles import watch as changes_in

    tick = min(max(int(settle * 250), 50), 1_000)
    try:
        # Every change wakes, also that of a name passed over: otherwise a long download would hold up the rest.
        for changes in changes_in(
            folder,
            watch_filter=None,
            stop_event=stop,
            rust_timeout=tick,
            yield_on_timeout=True,
            ignore_permission_denied=True,
        ):
            if stop.is_set():
                return
            yield bool(changes)
    except (OSError, RuntimeError) as error:
        raise NothingUsableError(
            f"{folder} cannot be watched: {error}; WATCHFILES_FORCE_POLLING=1 looks for changes without the system's help"
        ) from error


class _Arrivals:
    """The files of a folder: which wait to come to rest, which were taken.

    Looks at the whole folder rather than follow single changes: a folder moved in announces none of its files.
    """

    def __init__(self, folder: Path, settle: float, home: Path) -> None:
        self._folder, self._settle, self._home = folder, settle, home.resolve()
        self._waiting: dict[Path, tuple[_Stamp, float]] = {}
        self._taken: dict[Path, _Taken] = {}
        self._look_at = 0.0

    @property
    def are_more(self) -> bool:
        """True while a file waits to come to rest or to be taken."""
        return bool(self._waiting)

    def at_rest(self, *, look: bool) -> Iterator[Path]:
        """Yield the files that have come to rest and are not taken as they are, newest first."""
        now = monotonic()
        if not (look or self._waiting or now >= self._look_at):
            return
        self._look_at = now + _LOOK_ANYWAY
        found = dict(self._files())
        self._taken = {path: taken for path, taken in self._taken.items() if path in found}
        before, self._waiting = self._waiting, {}
        for path, stamp in found.items():
            if path not in self._taken or self._taken[path].stamp != stamp:
                then, since = before.get(path, (stamp, now))
                self._waiting[path] = (stamp, since if then == stamp else now)
        ready = [(stamp, path) for path, (stamp, since) in self._waiting.items() if now - since >= self._settle]
        for _, path in sorted(ready, reverse=True):
            yield path

    def _files(self) -> Iterator[tuple[Path, _Stamp]]:
        for name, folders, files in os.walk(self._folder):
            root = Path(name)
            folders[:] = [f for f in folders if not f.startswith(".") and (root / f).resolve() != self._home]
            for file in files:
                if file.startswith(_PASSING_STARTS) or file.lower().endswith(_PASSING_ENDS):
                    continue
                try:
                    status = (root / file).stat()
                except OSError:
                    continue  # Gone since, or a link to nothing.
                if S_ISREG(status.st_mode):
                    yield root / file, _Stamp(status.st_mtime_ns, status.st_size)

    def take(self, path: Path) -> str:
        """Count a waiting file as taken; return the SHA-256 of its bytes. Raises OSError, and counts it all the same."""
        stamp, _ = self._waiting.pop(path)
        self._taken[path] = _Taken(stamp, "")
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._taken[path] = _Taken(stamp, sha256)
        return sha256

    def newer_with(self, sha256: str, path: Path) -> Path | None:
        """Return a file taken before ``path`` and changed after it whose bytes have this SHA-256, or None."""
        mine = self._taken[path].stamp
        return next(
            (p for p, (stamp, sha) in self._taken.items() if sha == sha256 and (stamp, p) > (mine, path)),
            None,
        )


def _take(path: Path, arrivals: _Arrivals, workspace: Workspace, tell: Progress) -> Iterator[FileReport]:
    name = str(path)
    try:
        sha256 = arrivals.take(path)
        if known := workspace.store.with_bytes(sha256):
            is_same = known.source == path.name
            reason = "the same content is stored already" if is_same else f"the same bytes as {known.source}"
            yield FileReport(name, "unchanged" if is_same else "duplicate", known.id, known.paragraphs, reason=reason)
            return
        for document in documents_in(path, workspace):
            if newer := _newer(document, path, arrivals, workspace.store):
                yield FileReport(name, "duplicate", document.id, reason=f"{newer} holds a newer version")
            else:
                yield store_document(document, name, workspace, tell)
    except FileNotFoundError:
        return  # Gone again: there is nothing to report on.
    except (UnreadableError, ParagraphIdTakenError) as error:
        yield FileReport(name, "failed", reason=str(error))
    except OSError as error:
        yield FileReport(name, "failed", reason=f"cannot be opened: {error.strerror or error}")
    except SQLAlchemyError:
        raise
    except Exception as error:  # A file that trips a fault of ours must not end the watch either.
        yield FileReport(name, "failed", reason=f"cannot be used: {type(error).__name__}: {error}")


def _newer(document: Document, path: Path, arrivals: _Arrivals, store: Store) -> Path | None:
    stored = store.document(document.id)
    return arrivals.newer_with(stored.sha256, path) if stored and stored.sha256 != document.sha256 else None
