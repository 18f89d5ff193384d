"""Read paragraphs that were cut elsewhere, a JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.files import UnreadableError
from nlp.normalize import normalize

READY_SUFFIXES = (".jsonl", ".ndjson")
MAX_READY_BYTES = 1024 * 1024 * 1024
MAX_ROW_CHARACTERS = 1_000_000


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
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"line {number} is not JSON ({error}); {need}") from error
    if not isinstance(row, dict) or not isinstance(row.get("id"), str | int) or not isinstance(row.get("text"), str):
        raise UnreadableError(f"line {number} has no id or no text; {need}")
    if len(row["text"]) > MAX_ROW_CHARACTERS:
        raise UnreadableError(
            f"line {number}: the text has over {MAX_ROW_CHARACTERS:,} characters; cut it into paragraphs"
        )
    heading_path, year = row.get("heading_path") or [], row.get("year")
    if not isinstance(heading_path, list) or not (year is None or (isinstance(year, int) and 1000 <= year <= 9999)):
        raise UnreadableError(f"line {number}: heading_path is a list and year a number such as 2021; {need}")
    return ReadyParagraph(
        id=str(row["id"]),
        doc=str(row.get("doc") or row["id"]),
        text=" ".join(normalize(row["text"]).split()),
        province=row.get("province") or None,
        heading_path=tuple(map(str, heading_path)),
        kind=row.get("kind"),
        year=year,
    )
