"""Describe paragraphs to the tagger: their clauses, and three views of each (words, letters, meaning with cues).

Words, letters and cues are those of each clause because a paragraph that names four topics dilutes each of them; meaning is that of
the paragraph, read once: read by clause it takes twice as long and tags no better (results/tagging.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from corpus.taxonomy import TaskGroup
from models.adapted import AdaptedEmbedder, Logits
from models.embedder import Embedder, Vectors
from nlp.fold import fold
from nlp.segment import segment
from nlp.sentences import clauses

VIEWS = ("words", "letters", "meaning")
MAX_CLAUSES = 48
_SHORTEST_CLAUSE = 4


@dataclass(frozen=True)
class Units:
    """The units of some paragraphs: each one's clauses and, where there are several, the whole as well.

    ``texts`` and ``segmented`` have a row a unit; ``owner`` is the paragraph of each and ``whole`` the row that stands for a
    paragraph as a whole. ``vectors`` are those of the paragraphs, (paragraphs, dimension), and ``logits`` what the adapter says of
    them, (paragraphs, groups), where there is one.
    """

    texts: list[str]
    segmented: list[str]
    vectors: Vectors
    owner: NDArray[np.int64]
    whole: NDArray[np.int64]
    logits: Logits | None = None

    def of(self, paragraphs: NDArray[np.int64]) -> Units:
        """Return the units of the given paragraphs only, renumbered in the given order."""
        place = np.full(len(self.whole), -1, np.int64)
        place[paragraphs] = np.arange(len(paragraphs))
        rows = np.flatnonzero(place[self.owner] >= 0)
        new_row = np.full(len(self.owner), -1, np.int64)
        new_row[rows] = np.arange(len(rows))
        return Units(
            [self.texts[r] for r in rows], [self.segmented[r] for r in rows], self.vectors[paragraphs],
            place[self.owner[rows]], new_row[self.whole[paragraphs]],
            None if self.logits is None else self.logits[paragraphs],
        )  # fmt: skip


def clause_texts(text: str) -> list[str]:
    """Return the clauses of ``text``, very short ones joined to the clause before."""
    parts: list[str] = []
    for start, end in clauses(text)[:MAX_CLAUSES]:
        part = " ".join(text[start:end].split())
        if parts and len(part.split()) < _SHORTEST_CLAUSE:
            parts[-1] += f" {part}"
        else:
            parts.append(part)
    return parts or [whole_text(text)]


def whole_text(text: str) -> str:
    """Return what is read of a paragraph as a whole."""
    return " ".join(text.split())


def units(texts: Sequence[str], embedder: Embedder) -> Units:
    """Cut, segment and embed ``texts``. Their vectors are passage vectors, those an index keeps."""
    rows: list[str] = []
    segmented: list[str] = []
    owner: list[int] = []
    whole: list[int] = []
    known: dict[str, str] = {}
    for number, text in enumerate(texts):
        parts = clause_texts(text)
        for part in parts:
            if part not in known:
                known[part] = " ".join(segment(part))
        cut = [known[part] for part in parts]
        rows += parts
        segmented += cut
        if len(parts) > 1:
            rows.append(whole_text(text))
            segmented.append(" ".join(cut))
        owner += [number] * (len(rows) - len(owner))
        whole.append(len(rows) - 1)
    # The same paragraph often stands in many plans: each wording is embedded once.
    place: dict[str, int] = {}
    rank = [place.setdefault(whole_text(text), len(place)) for text in texts]
    logits = None
    if isinstance(embedder, AdaptedEmbedder):
        vectors, said = embedder.read_passages(list(place))
        logits = said[rank]
    else:
        vectors = embedder.embed_passages(list(place))
    return Units(rows, segmented, vectors[rank], np.array(owner, np.int64), np.array(whole, np.int64), logits)


class Cues:
    """Matches of the taxonomy's cues and counter-cues, a column a pattern."""

    def __init__(self, groups: Sequence[TaskGroup]) -> None:
        self._patterns = [re.compile(p) for group in groups for p in (*group.cues, *group.counter_cues)]
        self._columns: list[tuple[range, range]] = []
        start = 0
        for group in groups:
            middle = start + len(group.cues)
            end = middle + len(group.counter_cues)
            self._columns.append((range(start, middle), range(middle, end)))
            start = end

    def matches(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return 1 where a pattern is found, shape (texts, patterns)."""
        folded = [fold(text) for text in texts]
        rows = [[1.0 if pattern.search(text) else 0.0 for pattern in self._patterns] for text in folded]
        return np.array(rows, np.float32).reshape(len(texts), len(self._patterns))

    def counts(self, matches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the number of cues and of counter-cues by group, shape (texts, groups, 2)."""
        pairs = [[matches[:, list(cues)].sum(1), matches[:, list(counter)].sum(1)] for cues, counter in self._columns]
        return np.array(pairs, np.float32).reshape(len(self._columns), 2, -1).transpose(2, 0, 1)


def word_vectorizer() -> TfidfVectorizer:
    """Return the vectoriser of segmented words; texts come cut at spaces, so nothing of ours is persisted with it."""
    return TfidfVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, max_features=30_000, sublinear_tf=True, dtype=np.float32
    )


def letter_vectorizer() -> TfidfVectorizer:
    """Return the vectoriser of letter sequences of folded text, which survives OCR errors and missing diacritics."""
    return TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), min_df=4, max_features=30_000, sublinear_tf=True, dtype=np.float32
    )


def views(
    units: Units, words: TfidfVectorizer, letters: TfidfVectorizer, matches: NDArray[np.float32]
) -> dict[str, Any]:
    """Return the feature matrix of every view, a row a unit."""
    return {
        "words": sp.csr_matrix(words.transform(units.segmented)),
        "letters": sp.csr_matrix(letters.transform([fold(text) for text in units.texts])),
        # Unit vectors have small coordinates beside 0/1 cues; the factor lets one penalty serve both.
        "meaning": np.hstack([4.0 * units.vectors[units.owner], matches]).astype(np.float32),
    }
