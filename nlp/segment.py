"""Segment Vietnamese into words ("sản_xuất", "bền_vững") with underthesea, safely under threads."""

from __future__ import annotations

import threading
from collections.abc import Callable

# Longer input is cut here: no paragraph comes near, and the time of the segmenter grows with it.
MAX_CHARACTERS = 20_000


class _Segmenter:
    """underthesea loads its model on the first call, and fails when several threads make that call together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokenize: Callable[..., str] | None = None

    def __call__(self, text: str) -> str:
        if self._tokenize is None:
            with self._lock:
                if self._tokenize is None:
                    from underthesea import word_tokenize

                    word_tokenize("khởi động", format="text")
                    self._tokenize = word_tokenize
        return self._tokenize(text, format="text")


# One for the process, made at import: threads must share its lock from the first call on.
_segmenter = _Segmenter()


def segment(text: str) -> list[str]:
    """Return the lower-cased words of ``text``, syllables joined by ``_``; punctuation is left out.

    underthesea rewrites some spellings (hoà becomes hòa), so the words have no offsets into ``text``.
    """
    text = " ".join(text[:MAX_CHARACTERS].replace("_", " ").split())
    if not text:
        return []
    return [word for word in _segmenter(text).lower().split() if any(c.isalnum() for c in word)]
