"""Describe a paragraph found by how it answers a query: what both legs say, and which words, figures and places agree."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from corpus.store import StoredParagraph
from index.query import Query
from nlp.accents import Restorer
from nlp.fold import fold, has_diacritics, words

# What each column says; the last five are the same for all candidates of a query and tell whether it has an answer at all.
NAMES = (
    "lexical", "dense", "cosine", "words", "pairs", "added", "heading", "figures", "number", "place", "elsewhere",
    "year", "assignment", "preamble", "first_lexical", "first_dense", "foreign_lexical", "foreign_dense", "feedback",
    "best_cosine", "best_words", "best_pairs", "spread", "length",
)  # fmt: skip
# Rocchio's feedback (Rocchio 1971) takes the first few candidates for relevant.
FEEDBACK = 5
_SHARPNESS = 4.0
# A year named in the query: it stands in the text or a heading, the document is issued in it, its period has it.
_NAMED, _ISSUED, _COVERED = 1.0, 0.5, 0.25
# Texts whose words are kept, each in a kilobyte or two.
_REMEMBERED = 8192
Table = NDArray[np.float64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Scores:
    """What the legs gave the candidates: key to BM25 and to cosine; a key may lack either."""

    lexical: Mapping[int, float]
    dense: Mapping[int, float]


class Describer:
    """Makes the features of candidates; weighs words by how rare they are in the indexed text."""

    def __init__(self, restorer: Restorer) -> None:
        self._restorer = restorer

    def describe(self, query: Query, found: Sequence[StoredParagraph], scores: Scores, vectors: Vectors) -> Table:
        """Return the features of ``found``, shape (len(found), len(NAMES)).

        ``found`` is ordered by a first ranking; ``vectors`` (len(found), dimension) are its embeddings.
        """
        top = max(scores.lexical.values(), default=1.0) or 1.0
        floor, peak = min(scores.dense.values(), default=0.0), max(scores.dense.values(), default=1.0)
        spread = (peak - floor) or 1.0
        accented = has_diacritics(query.asked)
        # The year is a wish of its own, and no word of the subject.
        asked = words(_without(query.year, query.asked))
        weights = {word: self._weight(word) for word in asked}
        needs = _shares((f" {word} ", weight) for word, weight in weights.items())
        pairs = _shares((f" {a} {b} ", weights[a] + weights[b]) for a, b in dict.fromkeys(pairwise(asked)))
        plain_pairs = [(fold(pair), weight) for pair, weight in pairs]
        added = [{f" {a} {b} " for a, b in pairwise(words(fold(extra)))} for extra in query.words.expansions]
        foreign = float(query.translated is not None)
        heads: dict[tuple[str, ...], float] = {}
        rows = []
        for paragraph in found:
            spelled = _spelled(paragraph.corrected or paragraph.text, accented)
            plain = _spelled(paragraph.text, False) if added else spelled
            place = (*paragraph.heading_path, paragraph.title or "")
            if place not in heads:
                heads[place] = _share(plain_pairs, _spelled(" ".join(place), False))
            lexical, cosine = scores.lexical.get(paragraph.key, 0.0), scores.dense.get(paragraph.key, floor)
            here = _in_place(query.province, paragraph)
            covered = _share(needs, spelled)
            rows.append(
                (
                    lexical / top,
                    (cosine - floor) / spread,
                    cosine,
                    covered,
                    _share(pairs, spelled) if pairs else covered,
                    max((sum(pair in plain for pair in some) / len(some) for some in added if some), default=0.0),
                    heads[place],
                    _figures(query.figures, paragraph.text),
                    _number(query.numbers, paragraph),
                    float(here),
                    float(query.province is not None and not here),
                    # Many paragraphs have the year and nothing of the subject.
                    covered * _year(query.year, paragraph),
                    float(paragraph.kind == "assignment"),
                    float(paragraph.kind == "preamble"),
                    float(lexical == top),
                    float(cosine == peak),
                    foreign * lexical / top,
                    foreign * (cosine - floor) / spread,
                )
            )
        own = np.array(rows, np.float64).reshape(len(found), len(NAMES) - 6)
        best = np.tile(
            [peak, *own[:, 3:5].max(axis=0, initial=0), peak - floor, math.log(1 + len(asked))], (len(found), 1)
        )
        return np.column_stack([own, _feedback(own[:, 0] + own[:, 1], vectors), best])

    def _weight(self, word: str) -> float:
        spelled = [word] if has_diacritics(word) else self._restorer.spellings(word)
        count = sum(map(self._restorer.count, spelled))
        return math.log(1 + (self._restorer.total + 1) / (10 + count))


@lru_cache(maxsize=_REMEMBERED)
def _spelled(text: str, accented: bool) -> str:
    """Return the words of ``text`` with a space on both sides of each: words side by side stand in it as they are."""
    return f" {' '.join(words(text if accented else fold(text)))} "


def _shares(weighted: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return what is sought with its share of all weights."""
    items = list(weighted)
    total = sum(weight for _, weight in items) or 1.0
    return [(sought, weight / total) for sought, weight in items]


def _share(weighted: Sequence[tuple[str, float]], spelled: str) -> float:
    return sum([weight for sought, weight in weighted if sought in spelled])


def _feedback(scores: Table, vectors: Vectors) -> Table:
    """Return how near each candidate is to the mean of the first few, in standard deviations."""
    if not len(vectors):
        return np.zeros(0)
    first = np.argsort(-scores, kind="stable")[:FEEDBACK]
    weights = np.exp(_SHARPNESS * (scores[first] - scores[first[0]]))
    near: Table = vectors @ (weights @ vectors[first])
    nearness: Table = (near - near.mean()) / (near.std() + 1e-6)
    return nearness


def _figures(figures: Sequence[str], text: str) -> float:
    return sum(_stands(figure, text) for figure in figures) / len(figures) if figures else 0.0


def _stands(figure: str, text: str) -> bool:
    start = text.find(figure)
    while start >= 0:
        end = start + len(figure)
        before, after = text[max(0, start - 2) : start], text[end : end + 2]
        inside = before[-1:].isdigit() or (before[-1:] in ".,/" and before[:1].isdigit())
        if not inside and not after[:1].isdigit() and not (after[:1] in ".,/" and after[1:].isdigit()):
            return True
        start = text.find(figure, end)
    return False


def _number(numbers: Sequence[str], paragraph: StoredParagraph) -> float:
    if not numbers:
        return 0.0
    text = fold(paragraph.text)
    if any(_stands(number, text) for number in numbers):
        return 1.0
    return 0.5 * float(fold(paragraph.number or "") in numbers)


def _without(year: int | None, text: str) -> str:
    """Return ``text`` without ``year``, unless nothing else is in it."""
    without = re.sub(rf"(?i)\b(?:n[ăa]m )?{year}\b", " ", text) if year else text
    return without if without.strip() else text


def _year(year: int | None, paragraph: StoredParagraph) -> float:
    """Return how much ``paragraph`` is of ``year``: by its words and headings, else by its document."""
    if year is None:
        return 0.0
    sought = _year_pattern(year)
    if any(sought.search(text) for text in (paragraph.text, *paragraph.heading_path)):
        return _NAMED
    if paragraph.year == year:
        return _ISSUED
    return _COVERED if paragraph.period and paragraph.period[0] <= year <= paragraph.period[1] else 0.0


@lru_cache(maxsize=64)
def _year_pattern(year: int) -> re.Pattern[str]:
    """Return what finds ``year`` alone, in a period or in a date, but not in an amount or a document's number."""
    return re.compile(rf"(?<![\d.,]){year}(?![\d/]|[.,]\d)")


def _in_place(province: str | None, paragraph: StoredParagraph) -> bool:
    return province is not None and province in (paragraph.province, paragraph.province_today)
