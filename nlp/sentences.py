"""Split a paragraph into sentences and clauses by spans, respecting numbers, legal numbering and abbreviations."""

from __future__ import annotations

import re

Span = tuple[int, int]

_STOP = re.compile(r"[.!?…]+[\"”’)]*(?=\s|$)|(?<=[a-zà-ỹ])\.(?=[A-ZĐÀ-Ỹ][a-zà-ỹ])|\n+")
_CLAUSE_STOP = re.compile(r"[;:](?=\s|$)")
# What stands before a full stop that ends nothing: numbering ("1.", "2.1.", "a.", "II."), initials and short titles.
_OPEN = re.compile(
    r"(?:^|[\s(])(?:\d{1,2}(?:\.\d{1,2}){0,3}|[a-zđA-ZĐ]|[IVX]+|"
    r"TP|Tp|TX|TT|ThS|TS|PGS|GS|KS|BS|St|No|Mr|Mrs|Dr|tr|v\.v)$"
)


def sentences(text: str) -> list[Span]:
    """Return the (start, end) spans of the sentences of ``text``, trimmed, in order."""
    return _spans(text, _sentence_ends(text))


def clauses(text: str) -> list[Span]:
    """Return the (start, end) spans of the clauses of ``text``: sentences cut again at ``;``, ``:`` and line ends."""
    return _spans(text, sorted({*_sentence_ends(text), *(m.end() for m in _CLAUSE_STOP.finditer(text))}))


def _sentence_ends(text: str) -> list[int]:
    return [
        stop.end()
        for stop in _STOP.finditer(text)
        if stop.group() != "." or not _OPEN.search(text, max(0, stop.start() - 12), stop.start())
    ]


def _spans(text: str, ends: list[int]) -> list[Span]:
    found = []
    start = 0
    for end in [*ends, len(text)]:
        piece = text[start:end]
        if any(c.isalnum() for c in piece):
            left = start + len(piece) - len(piece.lstrip())
            found.append((left, start + len(piece.rstrip())))
        start = max(start, end)
    return found
