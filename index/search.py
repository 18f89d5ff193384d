"""Search paragraphs: words and meaning, filtered inside both legs, ranked by probability, with a snippet and a reason."""

from __future__ import annotations

import time
from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from itertools import zip_longest

import numpy as np

from corpus.store import Filter, Store, StoredParagraph
from index.columns import Facets
from index.engine import Found, Meaning, Snapshot
from index.features import Describer, Scores, Table, Vectors
from index.fuse import fuse
from index.operators import allows
from index.paging import Seen, cursor_after, seen_by, start_of
from index.query import Query, understand
from index.rank import Ranking, shipped
from index.snippet import Snippet, sentence_snippet, snippet
from models.embedder import Embedder
from nlp.abbreviations import abbreviations
from nlp.accents import Restorer
from nlp.fold import fold, has_diacritics
from nlp.sentences import sentences
from nlp.spelling import Speller

# Legs that found a paragraph, with its rank and score in each.
Places = dict[str, tuple[int, float]]
# So many hits of each leg make the first ranking, and at most so many are asked of one, for pages far down.
DEPTH = 100
MAX_DEPTH = 10_000
# So much deeper a leg is asked where what it found has what the query excludes.
_DEEPER = 4
# Below all scores of the first ranking.
_LEAST = 1e-6
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

    ``facets`` count all paragraphs of the ranking that the hits are a page of, which is the longer the further down that is;
    ``next_cursor`` is None on the last page.
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
        seen = seen_by(cursor, text, only) if cursor else None
        # With one more, that says whether there is another page.
        depth = (seen.count if seen else 0) + limit + 1
        found = self.candidates(text, only, max(DEPTH, min(depth, MAX_DEPTH)))
        ranking = self._ranked(found)
        # A quoted phrase that stands in the text is an answer in itself.
        if cut > 0 and self._embedder.id == self._ranking.embedder and not found.query.phrases:
            ranking = [hit for hit in ranking if hit[1] >= cut] if ranking and ranking[0][1] >= NOTHING else []
        if grouped:
            ranking = self._grouped(ranking)
        start = start_of(seen, ranking) if seen else 0
        page = ranking[start : start + limit]
        paragraphs = {paragraph.key: paragraph for paragraph in found.paragraphs}
        paragraphs |= self._store.paragraphs_by_key([key for key, _ in page if key not in paragraphs])
        places = _places(found.legs, {key for key, _ in page})
        hits = [self._hit(found, paragraphs[key], score, places[key]) for key, score in page if key in paragraphs]
        counted = self._index.facets(self._store, [key for key, _ in ranking])
        following = start + limit < len(ranking)
        rest = cursor_after(Seen(*page[-1], start + limit), text, only) if following else None
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

    def candidates(self, text: str, only: Filter, depth: int = DEPTH) -> Candidates:
        """Return the at least ``depth`` best that the legs find for ``text``, where so many are, and the head's features."""
        query = understand(text, self._speller)
        meaning = cache(partial(self._meaning, query))
        legs = self._legs(query, meaning, only, depth) if query.meanings else {}
        first = _first(legs)
        by_key = self._store.paragraphs_by_key([key for key, _ in first[:CANDIDATES]])
        first = [scored for scored in first[:CANDIDATES] if scored[0] in by_key] + first[CANDIDATES:]
        paragraphs = [by_key[key] for key, _ in first[:CANDIDATES] if key in by_key]
        # Of the same depth for any page, as the ranking was fitted with.
        heads = {leg: hits[:DEPTH] for leg, hits in legs.items()}
        lexical = {**dict(heads.get("lexical_named", ())), **dict(heads.get("lexical", ()))}
        dense = {**dict(heads.get("dense_named", ())), **dict(heads.get("dense", ()))}
        vectors = self._index.vectors_of(self._store, [paragraph.key for paragraph in paragraphs])
        features = self._describer.describe(query, paragraphs, Scores(lexical, dense), vectors)
        return Candidates(query, meaning(), legs, first, paragraphs, features)

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

    def _legs(self, query: Query, meaning: Meaning, only: Filter, depth: int) -> dict[str, Found]:
        if query.phrases:
            return self._phrase_legs(query, meaning(), only, depth)
        filters = {"": only}
        # A province named in the query is a wish, not a filter: its paragraphs are ranked once more on their own.
        if query.province and only.province is None:
            filters["_named"] = replace(only, province=query.province)
        asked = depth
        while True:
            found = self._index.legs(self._store, query.words, meaning, asked, list(filters.values()))
            legs: dict[str, Found] = {}
            for name, (lexical, dense) in zip(filters, found, strict=True):
                legs |= {f"lexical{name}": lexical, f"dense{name}": dense}
            kept = self._allowed(query, legs) if query.excluded else legs
            # The index leaves out all but long phrases; of these, what is left may be too few.
            is_whole = all(len(kept[leg]) >= depth or len(hits) < asked for leg, hits in legs.items())
            if is_whole or asked >= MAX_DEPTH:
                return {leg: hits[:depth] for leg, hits in kept.items() if hits}
            asked = min(asked * _DEEPER, MAX_DEPTH)

    def _allowed(self, query: Query, legs: dict[str, Found]) -> dict[str, Found]:
        """Return of ``legs`` what the query allows, by the text itself."""
        keys = {key for hits in legs.values() for key, _ in hits}
        paragraphs = self._store.paragraphs_by_key(sorted(keys))
        allowed = {key for key, paragraph in paragraphs.items() if allows(query, paragraph)}
        return {leg: [hit for hit in hits if hit[0] in allowed] for leg, hits in legs.items()}

    def _phrase_legs(self, query: Query, vector: Vectors, only: Filter, depth: int) -> dict[str, Found]:
        """Search only among the paragraphs that have every quoted phrase word for word."""
        words = replace(query.words, required=query.phrases)
        lexical = self._index.by_words(self._store, words, max(PHRASE_DEPTH, depth), only)
        holding = self._allowed(query, {"lexical": lexical})["lexical"]
        keys = [key for key, _ in holding[:DEPTH]]
        near = (self._index.vectors_of(self._store, keys) @ vector).tolist()
        dense = sorted(zip(keys, near, strict=True), key=lambda scored: -scored[1])
        return {"lexical": holding[:depth], "dense": dense} if holding else {}

    def _meaning(self, query: Query) -> Vectors:
        """Return the unit vector between the query's meanings: as typed, and in the words of plans."""
        mean = self._embedder.embed_queries(query.meanings or ("",)).mean(axis=0)
        vector: Vectors = (mean / (np.linalg.norm(mean) or 1.0)).astype(np.float32)
        return vector

    def _hit(self, found: Candidates, paragraph: StoredParagraph, score: float, places: Places) -> Hit:
        ranks = {leg: rank for leg, (rank, _) in places.items()}
        scores = {leg: round(value, 4) for leg, (_, value) in places.items()}
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


def _first(legs: Mapping[str, Found]) -> Found:
    """Return the heads of the legs fused, and below them what the legs found deeper, by its place there.

    So a ranking begins alike however deep the legs went, and pages fit together.
    """
    fused = fuse(
        {leg: hits[:DEPTH] for leg, hits in legs.items()},
        {leg: DENSE_SHARE if leg.startswith("dense") else 1 - DENSE_SHARE for leg in legs},
    )
    known = {key for key, _ in fused}
    rows = zip_longest(*(hits[DEPTH:] for hits in legs.values()))
    deeper = dict.fromkeys(hit[0] for row in rows for hit in row if hit and hit[0] not in known)
    below = [(key, _LEAST * DEPTH / (DEPTH + place)) for place, key in enumerate(deeper, 1)]
    return [(key, max(score, _LEAST)) for key, score in fused] + below


def _places(legs: Mapping[str, Found], keys: Set[int]) -> dict[int, Places]:
    """Return for each of ``keys`` the legs that found it, each with its rank there and its score."""
    places: dict[int, Places] = {key: {} for key in keys}
    for leg, hits in legs.items():
        for rank, (key, value) in enumerate(hits, 1):
            if key in keys:
                places[key][leg] = (rank, value)
    return places


@lru_cache(maxsize=4)
def _speller(restorer: Restorer) -> Speller:
    """Return the speller of a restorer, made once: searchers are made for every search."""
    return Speller(restorer, abbreviations())
