"""Suggest what may be meant while a query is typed: headings, numbers, provinces, task groups, terms of the field and of the plans.

Whatever stands in the list is found from the beginning of any of its words. Diacritics that were typed have to agree, tones
only once they are typed: "nê" finds "nền", "ne" finds all of them.
"""

from __future__ import annotations

import heapq
import math
import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import sqlalchemy as sa

from corpus.schema import documents, paragraphs
from corpus.store import Store
from nlp.abbreviations import glossary
from nlp.fold import fold, word_spans
from nlp.normalize import normalize

Kind = Literal["heading", "number", "province", "task_group", "term"]

_MOST_CHARACTERS = 80
_TONES = {ord(mark): None for mark in "\u0300\u0301\u0303\u0309\u0323"}
# What a kind counts beside how often it occurs, in natural logarithms: a name is what is meant by its first letters.
_BONUS: dict[Kind, float] = {"province": 6.0, "task_group": 6.0, "term": 0.0, "heading": 1.0, "number": 0.0}
_AT_THE_START = 3.0
# Terms of the corpus: so many syllables (the longest tell only what is cut off), in so many paragraphs at least, and how
# many terms and headings are kept.
_LENGTHS = (2, 3, 4, 5)
_LEAST = 3
_MOST_TERMS = 3_000
_MOST_HEADINGS = 3_000
# A shorter term that stands in a longer one this often is no term of its own.
_CONTAINED = 0.7
_PIECE = re.compile(r"[^\W\d_]+(?:[ ][^\W\d_]+)*")
_NUMBERING = re.compile(r"^\s*(?:[IVXLC]+|\d+|[a-zđ])(?:\.\d+)*[.)]\s*")
_BINDING = frozenset(
    "và của các cho với đến trong trên là có được theo về tại những một khi này đó từ cùng như bằng để nhằm phải sẽ do bị hoặc ở ra vào".split()
)
# Paragraphs read at a time, and at most.
_CHUNK = 2_000
_MOST_PARAGRAPHS = 50_000


@dataclass(frozen=True)
class Suggestion:
    """What may be meant and where it comes from."""

    text: str
    kind: Kind


class Suggester:
    """Finds suggestions by what they or any of their words begin with; safe to share between threads."""

    def __init__(self, weighted: Mapping[Suggestion, float]) -> None:
        """``weighted`` tells how often each occurs."""
        self._suggestions = list(weighted)
        self._weights = [_BONUS[item.kind] + math.log(1 + times) for item, times in weighted.items()]
        places = []
        for number, item in enumerate(self._suggestions):
            plain = fold(item.text)
            places += [(plain[start:], start, number) for start, _ in word_spans(plain)]
        self._places = sorted(places)

    def __len__(self) -> int:
        return len(self._suggestions)

    def suggest(self, typed: str, limit: int = 8) -> list[Suggestion]:
        """Return at most ``limit`` suggestions for what was ``typed`` so far, likeliest first; none for no letter."""
        sought = " ".join(normalize(typed).split()).lower()[:_MOST_CHARACTERS]
        plain = fold(sought)
        if not plain:
            return []
        begin, end = (bisect_left(self._places, (bound,)) for bound in (plain, plain + "\U0010ffff"))
        best: dict[int, float] = {}
        for _, start, number in islice(self._places, begin, end):
            if _agrees(sought, self._suggestions[number].text[start : start + len(sought)].lower()):
                weight = self._weights[number] + (_AT_THE_START if start == 0 else 0.0)
                best[number] = max(weight, best.get(number, weight))
        found = heapq.nlargest(2 * limit, best, key=lambda number: (best[number], -len(self._suggestions[number].text)))
        # The same words may be a heading and a term.
        kept: dict[str, Suggestion] = {}
        for number in found:
            kept.setdefault(fold(self._suggestions[number].text), self._suggestions[number])
        return list(kept.values())[:limit]


def _agrees(typed: str, written: str) -> bool:
    """Tell whether the diacritics typed so far may become those that are written; both are lower-case and fold alike."""
    return all(
        a == b or a == fold(a) or (a == _toneless(a) and a == _toneless(b)) for a, b in zip(typed, written, strict=True)
    )


def _toneless(letter: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", letter).translate(_TONES))


def suggester_of(store: Store, task_groups: Iterable[str]) -> Suggester:
    """Return the suggester of what the store holds now, with the names of the task groups."""
    weighted: Counter[Suggestion] = Counter()
    weighted.update(Suggestion(name, "task_group") for name in task_groups)
    headings: Counter[str] = Counter()
    terms: Counter[tuple[str, ...]] = Counter()
    with store.engine.connect() as connection:
        counted = sa.select(documents.c.province, documents.c.province_today, documents.c.number)
        for province, today, number in connection.execute(counted):
            weighted.update(Suggestion(name, "province") for name in {province, today} if name)
            if number:
                weighted[Suggestion(number, "number")] += 1
        words = sa.func.coalesce(paragraphs.c.corrected, paragraphs.c.text)
        query = sa.select(words, paragraphs.c.is_heading).order_by(paragraphs.c.key.desc()).limit(_MOST_PARAGRAPHS)
        for text, is_heading in connection.execute(query.execution_options(yield_per=_CHUNK)):
            if is_heading:
                heading = _NUMBERING.sub("", text).strip(" .:;")
                if 3 < len(heading) <= _MOST_CHARACTERS:
                    headings[heading.capitalize() if heading.isupper() else heading] += 1
            else:
                terms.update(set(_terms(text)))
    for heading, times in headings.most_common(_MOST_HEADINGS):
        weighted[Suggestion(heading, "heading")] += times
    for term, times in _own(terms):
        weighted[Suggestion(" ".join(term), "term")] += times
    for pair in glossary().items():
        weighted.update(Suggestion(text, "term") for text in pair)
    return Suggester(weighted)


def _terms(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the runs of syllables that may be terms: within a clause, and neither beginning nor ending with a word that binds."""
    for piece in _PIECE.findall(text.lower()):
        syllables = piece.split(" ")
        for length in _LENGTHS:
            for start in range(len(syllables) - length + 1):
                run = tuple(syllables[start : start + length])
                if run[0] not in _BINDING and run[-1] not in _BINDING:
                    yield run


def _own(terms: Counter[tuple[str, ...]]) -> list[tuple[tuple[str, ...], int]]:
    """Return the most frequent terms with their counts, without those that hardly occur outside longer ones."""
    frequent = {term: times for term, times in terms.items() if times >= _LEAST}
    within: dict[Sequence[str], int] = {}
    for term, times in frequent.items():
        for part in (term[1:], term[:-1]):
            within[part] = max(times, within.get(part, 0))
    shorter = ((term, times) for term, times in frequent.items() if len(term) < _LENGTHS[-1])
    kept = [(term, times) for term, times in shorter if within.get(term, 0) < _CONTAINED * times]
    # Longer ones say more.
    return heapq.nlargest(_MOST_TERMS, kept, key=lambda pair: (pair[1] * len(pair[0]), pair[0]))
