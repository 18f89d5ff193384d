"""Read the JSON-lines files that batch commands take, with errors that name the file, the line and the form."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from service.errors import NothingUsableError, UsageError


def read_rows(path: Path, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the objects of a JSON-lines file, or of standard input for ``-``; each has the string ``fields``.

    An ``id`` may be a number. Raises UsageError where the file is missing, NothingUsableError naming a broken line.
    """
    form = "{" + ", ".join(f'"{name}": ...' for name in fields) + "}"
    try:
        data = sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be opened: {error.strerror}; expected a file of lines {form}") from error
    rows = []
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            rows.append(_row(line, fields, f"{path}, line {number}", form))
    if not rows:
        raise NothingUsableError(f"{path}: it is empty; expected lines {form}")
    return rows


def _row(line: bytes, fields: tuple[str, ...], place: str, form: str) -> dict[str, Any]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except ValueError as error:
        raise NothingUsableError(f"{place}: not JSON in UTF-8 ({error}); expected {form}") from error
    if isinstance(row, dict) and isinstance(row.get("id"), int):
        row["id"] = str(row["id"])
    lacking = [name for name in fields if not isinstance(row, dict) or not isinstance(row.get(name), str)]
    if lacking:
        raise NothingUsableError(f"{place}: {', '.join(lacking)} missing or not a string; expected {form}")
    return dict(row)
