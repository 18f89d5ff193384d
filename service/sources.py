"""Where documents come from: files, folders, standard input, addresses; lists of them."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from corpus.files import UnreadableError
from corpus.store import Store
from service.errors import UsageError
from service.fetching import fetch
from service.preparing import STDIN, Work, works_in
from service.settings import Settings

# Files fetched at a time, and ahead of their turn; kept low out of courtesy to the servers.
_FETCHED_AHEAD = 4


@dataclass(frozen=True)
class Address:
    """An http(s) address of a file."""

    url: str

    def __str__(self) -> str:
        return self.url


Source = Path | Address
Load = Callable[[], Iterable[Work]]


def read_list(file: Path) -> list[Source]:
    """Return the paths and addresses that ``file`` names, one a line; empty lines are passed over.

    Raises UsageError where it cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--list {file}: cannot be read as UTF-8 text, a path or address a line: {error}") from error
    named = [line.strip() for line in lines]
    return [Address(name) if name.lower().startswith(("http://", "https://")) else Path(name) for name in named if name]


def files_of(sources: Iterable[Source]) -> list[Source]:
    """Return ``sources`` with every folder replaced by its files, in order of their names; an empty one stays."""
    return [file for source in sources for file in _files(source)]


def _files(source: Source) -> list[Source]:
    if isinstance(source, Address) or not source.is_dir():
        return [source]
    return [*sorted(p for p in source.rglob("*") if p.is_file() and not p.name.startswith((".", "README")))] or [source]


class Newer:
    """Tells which later file of a run holds the version that replaced given bytes.

    Without it, a run over two versions of a document would, given again, bring back the older and then the newer one.
    """

    def __init__(self, files: Sequence[Source], store: Store) -> None:
        self._files = files
        self._replaced = store.replaced() if len(files) > 1 else {}

    @cached_property
    def _last(self) -> dict[str, int]:
        """SHA-256 to the place of the last file that has it; addresses are not looked at."""
        found = {}
        for place, file in enumerate(self._files):
            if isinstance(file, Path) and file != STDIN:
                with suppress(OSError), file.open("rb") as opened:
                    found[hashlib.file_digest(opened, "sha256").hexdigest()] = place
        return found

    def than(self, sha256: str, place: int) -> tuple[str, Source] | None:
        """Return the document that replaced these bytes, and the file after ``place`` that holds it; None where none does."""
        if sha256 not in self._replaced:
            return None
        document_id, now = self._replaced[sha256]
        found = self._last.get(now, -1)
        return (document_id, self._files[found]) if found > place else None


def each(files: Iterable[Source], settings: Settings) -> Iterator[tuple[Source, Load]]:
    """Yield every one of ``files`` with what loads it, in order; addresses are fetched ahead.

    What loads it raises UnreadableError.
    """
    waiting: deque[tuple[Source, Load]] = deque()
    with ThreadPoolExecutor(_FETCHED_AHEAD, "fetch") as pool:
        try:
            for source in files:
                if isinstance(source, Address):
                    future = pool.submit(_fetched, source, settings)
                    waiting.append((source, partial(_result, future)))
                else:
                    waiting.append((source, partial(_works, source)))
                if len(waiting) > _FETCHED_AHEAD:
                    yield waiting.popleft()
            yield from waiting
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _works(path: Path) -> Iterator[Work]:
    if path != STDIN and path.is_dir():
        raise UnreadableError("the folder has no files")
    try:
        yield from works_in(path)
    except OSError as error:
        raise UnreadableError(f"cannot be opened: {error.strerror or error}") from error


def _fetched(address: Address, settings: Settings) -> list[Work]:
    name, body = fetch(address.url, settings.fetch_hosts, settings.max_upload)
    with body:
        return [Work.of_bytes(body.read(), address.url, name)]


def _result(future: Future[list[Work]]) -> list[Work]:
    return future.result()
