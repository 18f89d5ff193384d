"""Say which files are documents, and load them."""

from __future__ import annotations

from pathlib import Path

SUFFIXES = (".txt", ".md", ".markdown", ".html", ".htm", ".pdf", ".docx", ".doc")
MAX_BYTES = 32 * 1024 * 1024
ACCEPTED = f"accepted are {', '.join(SUFFIXES)} and, for paragraphs cut already, .jsonl"


class UnreadableError(ValueError):
    """A file cannot be used; the message says why and what would be accepted, without the file's name."""


def check_kind(name: str) -> None:
    """Raise UnreadableError where the suffix of ``name`` is not an accepted one."""
    if (suffix := Path(name).suffix.lower()) not in SUFFIXES:
        raise UnreadableError(f"files of kind {suffix or '(no suffix)'!r} are not read; {ACCEPTED}")


def load(path: Path) -> bytes:
    """Return the bytes of a file of an accepted kind. Raises UnreadableError before reading one that is too large."""
    check_kind(path.name)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UnreadableError(f"{size:,} bytes, more than the limit of {MAX_BYTES:,}; split the document")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot be opened: {error.strerror or error}") from error
