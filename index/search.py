"""Search paragraphs: words and meaning, filtered inside both legs, ranked by probability, with a snippet and a reason."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from corpus.store import Filter, Store, StoredParagraph
from index.columns import Facets
from index.engine import Found, Snapshot
from index.features import Describer, Scores, Table, Vectors
from index.fuse import fuse
from index.operators import allows
from index.paging import cursor_after, start_of
from index.query import Query, understand
from index.rank import Ranking, shipped
from index.snippet import Snippet, sentence_snippet, snippet
from models.embedder import Embedder
from nlp.abbreviations import abbreviations
from nlp.accents import Restorer
from nlp.fold import fold, has_diacritics
from nlp.sentences import sentences
from nlp.spelling import Speller

DEPTH = 100
# So many candidates of the first ranking are described and ranked again.
CANDIDATES = 40
# Share of the dense leg in the first ranking.
DENSE_SHARE = 0.48
# Hits less likely to answer the query are left out, unless the caller says otherwise (results/search.md).
CUT = 0.1
# Where the likeliest hit is below this, nothing was found.
NOTHING = 0.3
# The most that a search for a quoted phrase looks through.
PHRASE_DEPTH = 2000
# So many sentences of a hit without any word of the query are compared with it.
MAX_SENTENCES = 6


@dataclass(frozen=True)
class Hit:
    """A paragraph found. ``score`` is the probability that it answers; ``ranks`` and ``scores`` are each leg's own."""

    paragraph: StoredParagraph
    score: float
    snippet: Snippet
    ranks: dict[str, int] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Hits, best first, how the query was understood, and how long it took.

    ``facets`` count all paragraphs of the ranking that the hits are a page of; ``next_cursor`` is None on its last page.
    """

    query: Query
    hits: list[Hit]
    took_ms: float
    embedder_id: str
    facets: Facets
    next_cursor: str | None


@dataclass(frozen=True)
class Candidates:
    """What the legs found for a query: ``first`` is the first ranking, of whose head the features are described."""

    query: Query
    vector: Vectors
    legs: dict[str, Found]
    first: Found
    paragraphs: list[StoredParagraph]
    features: Table


class Searcher:
    """Answers queries over one snapshot of an index; safe to share between threads."""

    def __init__(self, store: Store, index: Snapshot, embedder: Embedder, ranking: Ranking | None = None) -> None:
        self._store = store
        self._index = index
        self._embedder = embedder
        self._ranking = ranking or shipped()
        self._speller = _speller(index.restorer)
        self._describer = Describer(index.restorer)

    def search(
        self,
        text: str,
        limit: int = 10,
        only: Filter | None = None,
        cursor: str | None = None,
        cut: float = CUT,
        *,
        grouped: bool = False,
    ) -> Result:
        """Return at most ``limit`` hits for ``text`` among the paragraphs that pass ``only``, from where ``cursor`` says.

        None is less likely than ``cut``, and with a cut, a query whose best hit is unlikely has no hits at all; cuts need the
        embedder that the ranking was fitted with. ``grouped`` keeps the best hit of each document. Raises CursorError for a
        cursor that this search did not give.
        """
        began = time.perf_counter()
        only = only or Filter()
        found = self.candidates(text, only)
        ranking = self._ranked(found)
        # A quoted phrase that stands in the text is an answer in itself.
        if cut > 0 and self._embedder.id == self._ranking.embedder and not found.query.phrases:
            ranking = [hit for hit in ranking if hit[1] >= cut] if ranking and ranking[0][1] >= NOTHING else []
        if grouped:
            ranking = self._grouped(ranking)
        start = start_of(cursor, ranking, text, only) if cursor else 0
        page = ranking[start : start + limit]
        paragraphs = {paragraph.key: paragraph for paragraph in found.paragraphs}
        paragraphs |= self._store.paragraphs_by_key([key for key, _ in page if key not in paragraphs])
        hits = [self._hit(found, paragraphs[key], score) for key, score in page if key in paragraphs]
        counted = self._index.facets(self._store, [key for key, _ in ranking])
        rest = cursor_after(*page[-1], text, only) if start + limit < len(ranking) else None
        return Result(found.query, hits, 1000 * (time.perf_counter() - began), self._embedder.id, counted, rest)

    def rankings(self, text: str) -> dict[str, Found]:
        """Return every leg's (key, score) for ``text``, best first, and those of the last ranking, for evaluation."""
        found = self.candidates(text, Filter())
        return {**found.legs, "first": found.first, "fused": self._ranked(found)}

    def meaning(self, text: str) -> Vectors:
        """Return the unit vector of ``text`` as it was understood, with all that was added to it, in one piece."""
        words = understand(text, self._speller).words
        vector: Vectors = self._embedder.embed_queries([" ".join((words.restored or words.typed, *words.expansions))])[
            0
        ]
        return vector

    def candidates(self, text: str, only: Filter) -> Candidates:
        """Return what the legs find for ``text``, and the features of the head of it."""
        query = understand(text, self._speller)
        vector = self._meaning(query)
        legs = self._legs(query, vector, only) if query.meanings else {}
        first = fuse(legs, {leg: DENSE_SHARE if leg.startswith("dense") else 1 - DENSE_SHARE for leg in legs})
        checked = first if query.excluded else first[:CANDIDATES]
        by_key = self._store.paragraphs_by_key([key for key, _ in checked])
        allowed = {key for key, paragraph in by_key.items() if allows(query, paragraph)}
        first = [(key, score) for key, score in checked if key in allowed] + first[len(checked) :]
        paragraphs = [by_key[key] for key, _ in first[:CANDIDATES] if key in by_key]
        lexical = {**dict(legs.get("lexical_named", ())), **dict(legs.get("lexical", ()))}
        dense = {**dict(legs.get("dense_named", ())), **dict(legs.get("dense", ()))}
        vectors = self._index.vectors_of(self._store, [paragraph.key for paragraph in paragraphs])
        features = self._describer.describe(query, paragraphs, Scores(lexical, dense), vectors)
        return Candidates(query, vector, legs, first, paragraphs, features)

    def _ranked(self, found: Candidates) -> Found:
        """Return the described candidates by their probability, the others after them in their first order."""
        probabilities = self._ranking.probabilities(found.features).tolist()
        head = sorted(
            zip((paragraph.key for paragraph in found.paragraphs), probabilities, strict=True),
            key=lambda scored: (-scored[1], scored[0]),
        )
        described = {key for key, _ in head}
        tail = [(key, score) for key, score in found.first if key not in described]
        if not head or not tail:
            return head
        # Below the last of the head, as far as its first ranking is below that of its own best.
        scale = head[-1][1] / (max(tail[0][1], 1e-9) * (1 + 1e-6))
        return head + [(key, scale * score) for key, score in tail]

    def _grouped(self, ranking: Found) -> Found:
        paragraphs = self._store.paragraphs_by_key([key for key, _ in ranking])
        best: dict[str, tuple[int, float]] = {}
        for key, score in ranking:
            if key in paragraphs:
                best.setdefault(paragraphs[key].document_id, (key, score))
        return list(best.values())

    def _legs(self, query: Query, vector: Vectors, only: Filter) -> dict[str, Found]:
        if query.phrases:
            return self._phrase_legs(query, vector, only)
        filters = {"": only}
        # A province named in the query is a wish, not a filter: its paragraphs are ranked once more on their own.
        if query.province and only.province is None:
            filters["_named"] = replace(only, province=query.province)
        found = self._index.legs(self._store, query.words, vector, DEPTH, list(filters.values()))
        legs: dict[str, Found] = {}
        for name, (lexical, dense) in zip(filters, found, strict=True):
            legs |= {f"lexical{name}": lexical, f"dense{name}": dense}
        return {leg: hits for leg, hits in legs.items() if hits}

    def _phrase_legs(self, query: Query, vector: Vectors, only: Filter) -> dict[str, Found]:
        """Search only among the paragraphs that have every quoted phrase word for word."""
        words = replace(query.words, required=query.phrases)
        lexical = self._index.by_words(self._store, words, PHRASE_DEPTH, only)
        paragraphs = self._store.paragraphs_by_key([key for key, _ in lexical])
        holding = [(key, score) for key, score in lexical if key in paragraphs and allows(query, paragraphs[key])]
        keys = [key for key, _ in holding[:DEPTH]]
        near = (self._index.vectors_of(self._store, keys) @ vector).tolist()
        dense = sorted(zip(keys, near, strict=True), key=lambda scored: -scored[1])
        return {"lexical": holding[:DEPTH], "dense": dense} if holding else {}

    def _meaning(self, query: Query) -> Vectors:
        """Return the unit vector between the query's meanings: as typed, and in the words of plans."""
        mean = self._embedder.embed_queries(query.meanings or ("",)).mean(axis=0)
        vector: Vectors = (mean / (np.linalg.norm(mean) or 1.0)).astype(np.float32)
        return vector

    def _hit(self, found: Candidates, paragraph: StoredParagraph, score: float) -> Hit:
        ranks, scores = {}, {}
        for leg, hits in found.legs.items():
            for rank, (key, value) in enumerate(hits, 1):
                if key == paragraph.key:
                    ranks[leg], scores[leg] = rank, round(value, 4)
        words = found.query.words
        sought = " ".join((words.typed, *words.expansions))
        # Diacritics that were not typed are guesses, and no reason to leave a word unmarked.
        sought = sought if has_diacritics(words.typed) else fold(sought)
        return Hit(paragraph, round(score, 4), self._snippet(found.vector, paragraph.text, sought), ranks, scores)

    def _snippet(self, vector: Vectors, text: str, sought: str) -> Snippet:
        """Return the part with the words that are sought; where none is there, the sentence nearest in meaning."""
        by_words = snippet(text, sought)
        spans = [] if by_words.words else sentences(text)[:MAX_SENTENCES]
        if len(spans) < 2:
            return by_words
        near = self._embedder.embed_passages([text[a:b] for a, b in spans]) @ vector
        return sentence_snippet(text, spans[int(np.argmax(near))])


@lru_cache(maxsize=4)
def _speller(restorer: Restorer) -> Speller:
    """Return the speller of a restorer, made once: searchers are made for every search."""
    return Speller(restorer, abbreviations())
