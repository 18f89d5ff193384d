"""How much each caller may still ask: one table for all processes of a `kehoach serve`.

The generic cell rate algorithm (ITU-T I.371): a caller has one number, the moment at which what it asked so far would be
due at the steady rate, and may be ahead of that by no more than the burst. Callers are found by a keyed hash in a table of
fixed size; where its places are taken, the one silent the longest is forgotten.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A caller's hash and its moment in seconds of the system's monotonic clock, which all processes share.
_ENTRY = struct.Struct("<Qd")
_ENTRIES = 16_384
# Places next to one another that a caller may have.
_WAYS = 8
_KEY_BYTES = 16
_SIZE = _KEY_BYTES + _ENTRIES * _ENTRY.size


def create_table(file: Path) -> None:
    """Write an empty table for other processes to open."""
    file.write_bytes(secrets.token_bytes(_KEY_BYTES) + bytes(_SIZE - _KEY_BYTES))


class Rates:
    """The table in a file, or, without one, of this object alone."""

    def __init__(self, rate: float, file: Path | None = None) -> None:
        """``rate`` is requests a second; ten seconds' worth may come at once. Raises OSError where the file is missing."""
        self._interval = 1 / rate
        self._ahead = (max(1.0, 10 * rate) - 1) * self._interval
        self._file = file.open("r+b") if file else None
        self._table = mmap.mmap(self._file.fileno() if self._file else -1, _SIZE)
        if not self._file:
            self._table[:_KEY_BYTES] = secrets.token_bytes(_KEY_BYTES)
        self._key = self._table[:_KEY_BYTES]

    def take(self, caller: str, now: float) -> float:
        """Count a request of ``caller`` at ``now``; return 0, or, without counting it, how many seconds too early it is."""
        digest = hashlib.blake2b(caller.encode(errors="surrogatepass"), digest_size=8, key=self._key).digest()
        name = int.from_bytes(digest, "little") or 1
        with self._locked():
            offset, due = self._place(name)
            if (wait := due - self._ahead - now) > 0:
                return wait
            _ENTRY.pack_into(self._table, offset, name, max(due, now) + self._interval)
        return 0.0

    def _place(self, name: int) -> tuple[int, float]:
        """Return where ``name`` stands, or is to stand, and its moment."""
        first = name % (_ENTRIES - _WAYS + 1)
        offsets = [_KEY_BYTES + (first + way) * _ENTRY.size for way in range(_WAYS)]
        entries = [(*_ENTRY.unpack_from(self._table, offset), offset) for offset in offsets]
        for known, due, offset in entries:
            if known == name:
                return offset, due
        # Free places have the moment 0.
        return min((due, offset) for _, due, offset in entries)[1], 0.0

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
