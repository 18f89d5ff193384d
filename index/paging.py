"""Pages of a ranking, by cursors that say nothing to who holds them and stay good while the index changes.

A cursor names the last hit that was seen, its score and how many came up to it: the next page begins after it, or, should it
be gone, after where it was. It belongs to one query and filter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from corpus.store import Filter

_FORM = struct.Struct(">8sdQI")


class CursorError(ValueError):
    """A cursor that is none, or of another search; the message says so."""


@dataclass(frozen=True)
class Seen:
    """The last hit that was seen, and how many had been seen with it."""

    key: int
    score: float
    count: int


def _search(text: str, only: Filter) -> bytes:
    return hashlib.sha256(repr((text, only)).encode("utf-8", "surrogatepass")).digest()[:8]


def cursor_after(seen: Seen, text: str, only: Filter) -> str:
    """Return the cursor of what comes after ``seen`` in the ranking of ``text`` under ``only``."""
    return (
        base64.urlsafe_b64encode(_FORM.pack(_search(text, only), seen.score, seen.key, seen.count)).decode().rstrip("=")
    )


def seen_by(cursor: str, text: str, only: Filter) -> Seen:
    """Return what had been seen when ``cursor`` was given. Raises CursorError."""
    try:
        search, score, key, count = _FORM.unpack(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        )
    except (binascii.Error, ValueError, struct.error) as error:
        raise CursorError("not a cursor; expected one that an answer to this search gave as next_cursor") from error
    if search != _search(text, only):
        raise CursorError("a cursor of another search; query and filters must be those it was given for")
    return Seen(key, score, count)


def start_of(seen: Seen, ranking: Sequence[tuple[int, float]]) -> int:
    """Return where in ``ranking``, (key, score) by falling score and then key, the page after ``seen`` begins."""
    for place, (found, _) in enumerate(ranking, 1):
        if found == seen.key:
            return place
    return sum((-s, k) < (-seen.score, seen.key) for k, s in ranking)
