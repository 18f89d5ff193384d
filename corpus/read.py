"""Read a file into normalised text: plain text, Markdown and HTML pages; ready paragraphs from JSON lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.markup import MarkupError, html_text, markdown_text, without_comments
from corpus.tables import join_cells
from nlp.normalize import normalize

SUFFIXES = (".txt", ".md", ".markdown", ".html", ".htm")
READY_SUFFIXES = (".jsonl", ".ndjson")
MAX_BYTES = 32 * 1024 * 1024
MAX_READY_BYTES = 1024 * 1024 * 1024
MAX_ROW_CHARACTERS = 1_000_000
ACCEPTED = f"accepted are {', '.join(SUFFIXES)} and {', '.join(READY_SUFFIXES)}"

_MAGIC = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP, DOCX or XLSX archive"),
    (b"\xd0\xcf\x11\xe0", "an old Word or Excel file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x7fELF", "a program"),
    (b"\x1f\x8b", "a gzip archive"),
)


class UnreadableError(ValueError):
    """A file cannot be used; the message says why and what would be accepted, without the file's name."""


@dataclass(frozen=True)
class Source:
    """A file's normalised text and the SHA-256 of its bytes."""

    name: str
    text: str
    sha256: str


@dataclass(frozen=True)
class ReadyParagraph:
    """A row of a ``.jsonl`` file of paragraphs cut elsewhere; ``id`` and ``doc`` are kept as they are."""

    id: str
    doc: str
    text: str
    province: str | None = None
    heading_path: tuple[str, ...] = ()
    kind: str | None = None
    year: int | None = None


def read(path: Path) -> Source:
    """Return the text of one document file.

    Raises UnreadableError for what is missing, empty, too large, binary, of another kind or in an unknown encoding.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UnreadableError(f"files of kind {path.suffix or '(no suffix)'!r} are not read; {ACCEPTED}")
    return read_bytes(_load(path, MAX_BYTES), path.name)


def read_bytes(data: bytes, name: str) -> Source:
    """Return the text of a document given as bytes; ``name`` decides how it is read. Raises as ``read`` does."""
    text = decode(data)
    suffix = Path(name).suffix.lower()
    if suffix in (".html", ".htm"):
        try:
            text = html_text(text)
        except MarkupError as error:
            raise UnreadableError(f"it is not a readable HTML page: {error}") from error
    elif suffix in (".md", ".markdown"):
        text = markdown_text(text)
    else:
        text = join_cells(without_comments(text))
    text = normalize(text)
    if not any(c.isalpha() for c in text):
        raise UnreadableError("no words in it")
    return Source(name, text, hashlib.sha256(data).hexdigest())


def read_ready(path: Path) -> Iterator[ReadyParagraph]:
    """Yield the ready paragraphs of a JSON-lines file.

    Raises UnreadableError that names the line and what it needs.
    """
    size = path.stat().st_size
    if size > MAX_READY_BYTES:
        raise UnreadableError(f"{size:,} bytes, more than the limit of {MAX_READY_BYTES:,}; split the file")
    rows = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                rows += 1
                yield _ready(line, number)
    if not rows:
        raise UnreadableError("it is empty")


def _ready(line: bytes, number: int) -> ReadyParagraph:
    need = 'a row is {"id": ..., "text": ...} with optional doc, province, year, kind and heading_path'
    try:
        row: Any = json.loads(line.decode("utf-8-sig"))
    except ValueError as error:
        raise UnreadableError(f"line {number} is not JSON ({error}); {need}") from error
    if not isinstance(row, dict) or not isinstance(row.get("id"), str | int) or not isinstance(row.get("text"), str):
        raise UnreadableError(f"line {number} has no id or no text; {need}")
    if len(row["text"]) > MAX_ROW_CHARACTERS:
        raise UnreadableError(
            f"line {number}: the text has over {MAX_ROW_CHARACTERS:,} characters; cut it into paragraphs"
        )
    heading_path, year = row.get("heading_path") or [], row.get("year")
    if not isinstance(heading_path, list) or not (year is None or isinstance(year, int)):
        raise UnreadableError(f"line {number}: heading_path is a list and year a whole number; {need}")
    return ReadyParagraph(
        id=str(row["id"]),
        doc=str(row.get("doc") or row["id"]),
        text=" ".join(normalize(row["text"]).split()),
        province=row.get("province") or None,
        heading_path=tuple(map(str, heading_path)),
        kind=row.get("kind"),
        year=year,
    )


def _load(path: Path, limit: int) -> bytes:
    try:
        size = path.stat().st_size
        if size > limit:
            raise UnreadableError(f"{size:,} bytes, more than the limit of {limit:,}; split the document")
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"cannot be opened: {error.strerror or error}") from error


def decode(data: bytes) -> str:
    """Return ``data`` as text: UTF-8, UTF-16 with a byte-order mark, or windows-1258 that reads as Vietnamese.

    Raises UnreadableError for empty, binary or otherwise encoded bytes.
    """
    if not data.strip():
        raise UnreadableError("it is empty")
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise UnreadableError(f"it is {what}, not text; {ACCEPTED}")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise UnreadableError(f"it starts as UTF-16 but breaks at byte {error.start}") from error
    if b"\x00" in data:
        raise UnreadableError(f"it is binary, not text; {ACCEPTED}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _decode_windows(data, error.start)


def _decode_windows(data: bytes, broken_at: int) -> str:
    # windows-1258 decodes almost any bytes, so what comes out has to look Vietnamese.
    text = normalize(data.decode("cp1258", errors="replace"))
    letters = [c for c in text if c.isalpha()]
    vietnamese = sum("\u1ea0" <= c <= "\u1ef9" or c in "ăâđêôơưĂÂĐÊÔƠƯ" for c in letters)
    plain = sum(c.isascii() for c in letters)
    if "\ufffd" not in text and letters and vietnamese > 0.03 * len(letters) and plain > 0.5 * len(letters):
        return text
    place = f"UTF-8 breaks at byte {broken_at}"
    raise UnreadableError(
        f"unknown encoding: {place}; accepted are UTF-8, UTF-16 with a byte-order mark and windows-1258"
    )
