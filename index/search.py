"""Search paragraphs: words and meaning, filtered inside both legs, fused, with a snippet and a reason for every hit."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from corpus.stages import stage
from corpus.store import Filter, Store, StoredParagraph
from index.columns import Facets, facets
from index.fuse import fuse
from index.generation import Generation
from index.paging import cursor_after, start_of
from index.query import Query, understand
from index.snippet import Snippet, snippet
from models.embedder import Embedder

DEPTH = 100
# Share of the dense leg, chosen on the project's own judged queries and XQuAD-vi (results/search.md). A translation finds
# the right meaning more often than the right words.
DENSE_SHARE = 0.48
DENSE_SHARE_TRANSLATED = 0.6


@dataclass(frozen=True)
class Hit:
    """A paragraph found. ``score`` is 1 for the first of every leg; ``ranks`` and ``scores`` are each leg's own."""

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


class Searcher:
    """Answers queries over one generation of the indexes; safe to share between threads."""

    def __init__(self, store: Store, generation: Generation, embedder: Embedder) -> None:
        self._store = store
        self._generation = generation
        self._embedder = embedder

    def search(self, text: str, limit: int = 10, only: Filter | None = None, cursor: str | None = None) -> Result:
        """Return at most ``limit`` hits for ``text`` among the paragraphs that pass ``only``, from where ``cursor`` says.

        Raises CursorError for a cursor that this search did not give.
        """
        began = time.perf_counter()
        only = only or Filter()
        query = understand(text, self._generation.restorer)
        legs = self._legs(query, max(DEPTH, limit), only) if query.typed else {}
        ranking = fuse(legs, _weights(query))
        start = start_of(cursor, ranking, text, only) if cursor else 0
        page = ranking[start : start + limit]
        paragraphs = self._store.paragraphs_by_key([key for key, _ in page])
        hits = [self._hit(query, paragraphs[key], score, legs) for key, score in page if key in paragraphs]
        counted = facets(self._generation.columns_of([key for key, _ in ranking]), self._generation.names)
        rest = cursor_after(*page[-1], text, only) if start + limit < len(ranking) else None
        return Result(query, hits, 1000 * (time.perf_counter() - began), self._embedder.id, counted, rest)

    def rankings(self, text: str, depth: int = DEPTH) -> dict[str, list[int]]:
        """Return every leg's keys for ``text``, best first, and those of their fusion, for evaluation."""
        query = understand(text, self._generation.restorer)
        legs = self._legs(query, depth, Filter())
        return {leg: [key for key, _ in found] for leg, found in {**legs, "fused": fuse(legs, _weights(query))}.items()}

    def _legs(self, query: Query, depth: int, only: Filter) -> dict[str, list[tuple[int, float]]]:
        vector = self._embedder.embed_queries([query.meaning])[0]
        allowed = self._generation.select(only, self._store)
        with stage("search_lexical"):
            lexical = self._generation.lexical.search(query.words, depth, only)
        with stage("search_dense"):
            dense = self._generation.vectors.search(vector, depth, allowed)
        legs = {"lexical": lexical, "dense": dense}
        # A province named in the query is a wish, not a filter: its paragraphs are ranked once more on their own.
        if query.province and only.province is None:
            named = replace(only, province=query.province)
            of_province = self._generation.select(named, self._store)
            if of_province:
                legs["lexical_named"] = self._generation.lexical.search(query.words, depth, named)
                legs["dense_named"] = self._generation.vectors.search(vector, depth, of_province)
        return {leg: found for leg, found in legs.items() if found}

    def _hit(
        self, query: Query, paragraph: StoredParagraph, score: float, legs: dict[str, list[tuple[int, float]]]
    ) -> Hit:
        ranks, scores = {}, {}
        for leg, found in legs.items():
            for rank, (key, value) in enumerate(found, 1):
                if key == paragraph.key:
                    ranks[leg], scores[leg] = rank, round(value, 4)
        sought = " ".join((query.words.typed, *query.words.expansions))
        return Hit(paragraph, round(score, 4), snippet(paragraph.text, sought), ranks, scores)


def _weights(query: Query) -> dict[str, float]:
    dense = DENSE_SHARE_TRANSLATED if query.translated else DENSE_SHARE
    return {"lexical": 1 - dense, "dense": dense, "lexical_named": 1 - dense, "dense_named": dense}
