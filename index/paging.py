"""Pages of a ranking, by cursors that say nothing to who holds them and stay good while the index changes.

A cursor names the last hit that was seen and its score: the next page begins after it, or, should it be gone, after its
place. It belongs to one query and filter.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Sequence

from corpus.store import Filter

_FORM = struct.Struct(">8sdQ")


class CursorError(ValueError):
    """A cursor that is none, or of another search; the message says so."""


def _search(text: str, only: Filter) -> bytes:
    return hashlib.sha256(repr((text, only)).encode("utf-8", "surrogatepass")).digest()[:8]


def cursor_after(key: int, score: float, text: str, only: Filter) -> str:
    """Return the cursor of what comes after the hit ``key`` in the ranking of ``text`` under ``only``."""
    return base64.urlsafe_b64encode(_FORM.pack(_search(text, only), score, key)).decode().rstrip("=")


def start_of(cursor: str, ranking: Sequence[tuple[int, float]], text: str, only: Filter) -> int:
    """Return where in ``ranking``, (key, score) by falling score and then key, the page of ``cursor`` begins.

    Raises CursorError.
    """
    try:
        search, score, key = _FORM.unpack(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (binascii.Error, ValueError, struct.error) as error:
        raise CursorError("not a cursor; expected one that an answer to this search gave as next_cursor") from error
    if search != _search(text, only):
        raise CursorError("a cursor of another search; query and filters must be those it was given for")
    for place, (found, _) in enumerate(ranking, 1):
        if found == key:
            return place
    return sum((-s, k) < (-score, key) for k, s in ranking)
