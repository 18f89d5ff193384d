"""Cut the part of a paragraph that answers a query, and mark its words."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache

from nlp.fold import fold, has_diacritics, word_spans, words
from nlp.sentences import sentences

MAX_CHARACTERS = 280
_STOP = frozenset(
    "và của các cho với đến trong là có được theo về tại những một khi này nay do đó từ cũng như of the and in to".split()
)
_STOP_FOLDED = frozenset(map(fold, _STOP))


@dataclass(frozen=True)
class Snippet:
    """A passage of a paragraph; ``marks`` are (start, end) spans in ``text``, ``words`` how many words matched."""

    text: str
    marks: tuple[tuple[int, int], ...]
    words: int


def snippet(text: str, query: str) -> Snippet:
    """Return the stretch of ``text`` with most of the words of ``query``.

    They are compared as they are spelt where ``query`` has diacritics, and without diacritics where it has none or where
    ``text`` has none of its words so spelt.
    """
    spans, hits = word_spans(text), []
    if has_diacritics(query):
        spelt, wanted = text, _wanted(query)
        hits = [(a, b) for a, b in spans if text[a:b].lower() in wanted]
    if not hits:
        spelt, wanted = fold(text), _wanted(fold(query))
        hits = [(a, b) for a, b in spans if spelt[a:b] in wanted]
    start, end = _window(text, spelt, hits)
    lead, trail = ("… " if start > 0 else ""), (" …" if end < len(text) else "")
    shift = len(lead) - start
    marks = _merge([(a + shift, b + shift) for a, b in hits if start <= a and b <= end], lead + text[start:end])
    return Snippet(lead + text[start:end] + trail, marks, len({spelt[a:b].lower() for a, b in hits}))


@lru_cache(maxsize=64)
def _wanted(query: str) -> Set[str]:
    """Return the words of ``query`` that tell something; all of them where none does."""
    found, stop = set(words(query)), _STOP if has_diacritics(query) else _STOP_FOLDED
    return {word for word in found if len(word) > 1 and word not in stop} or found


def sentence_snippet(text: str, span: tuple[int, int]) -> Snippet:
    """Return the stretch of ``text`` with the sentence at ``span``, which is marked as a whole; no word need match."""
    start, end = (0, len(text)) if len(text) <= MAX_CHARACTERS else _trim(text, span[0])
    lead, trail = ("… " if start > 0 else ""), (" …" if end < len(text) else "")
    shift = len(lead) - start
    return Snippet(lead + text[start:end] + trail, ((span[0] + shift, min(span[1], end) + shift),), 0)


def _window(text: str, spelt: str, hits: list[tuple[int, int]]) -> tuple[int, int]:
    if len(text) <= MAX_CHARACTERS:
        return 0, len(text)
    starts = {a for a, _ in sentences(text)} or {0}
    if not hits:
        return _trim(text, min(starts))
    named = [(a, b, spelt[a:b].lower()) for a, b in hits]

    def distinct(start: int) -> int:
        return len({word for a, b, word in named if start <= a and b <= start + MAX_CHARACTERS})

    # Windows open at a sentence, or a little before a hit where the sentence is too long to reach it.
    options = starts | {max(0, a - 60) for a, _ in hits}
    best = max(options, key=lambda start: (distinct(start), start in starts, -start))
    return _trim(text, best)


def _trim(text: str, start: int) -> tuple[int, int]:
    if start > 0 and not text[start - 1].isspace():
        start = text.find(" ", start) + 1 or start
    end = min(len(text), start + MAX_CHARACTERS)
    if end < len(text) and (space := text.rfind(" ", start, end)) > start:
        end = space
    return start, end


def _merge(marks: list[tuple[int, int]], text: str) -> tuple[tuple[int, int], ...]:
    """Join neighbouring marks into phrases, and drop a lone word that a phrase of the text already has.

    For "năng lượng" the "năng" of "khả năng" would only distract.
    """
    runs: list[list[tuple[int, int]]] = []
    for mark in marks:
        if runs and not text[runs[-1][-1][1] : mark[0]].strip():
            runs[-1].append(mark)
        else:
            runs.append([mark])
    in_phrases = {fold(text[a:b]) for run in runs if len(run) > 1 for a, b in run}
    kept = [run for run in runs if len(run) > 1 or fold(text[slice(*run[0])]) not in in_phrases]
    return tuple((run[0][0], run[-1][1]) for run in kept)
