"""Search by words: BM25 over unigrams and bigrams with and without diacritics, in an embedded tantivy index.

Robertson & Zaragoza 2009 (BM25). Text is cut into grams here and stored space-separated, so tantivy only splits at spaces
and the same cut serves both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tantivy

from corpus.store import Filter, StoredParagraph
from nlp.fold import fold, grams, words

# A match with the typed diacritics counts fully; one without them is kept, for text that lost its own.
EXACT_WEIGHT = 1.0
FOLDED_WEIGHT = 0.6
RESTORED_WEIGHT = 0.4
CONTEXT_WEIGHT = 0.3
EXPANSION_WEIGHT = 0.5
_MAX_TERMS = 160


@dataclass(frozen=True)
class Words:
    """The words of a query for the lexical leg: typed, with diacritics restored, and added by expansion."""

    typed: str
    restored: str = ""
    expansions: Sequence[str] = ()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", stored=True, indexed=True, fast=True)
    for name in ("exact", "folded", "context"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("facet", tokenizer_name="raw", index_option="basic")
    return builder.build()


def _facets(paragraph: StoredParagraph, years: Iterable[int]) -> list[str]:
    places = {place for place in (paragraph.province, paragraph.province_today) if place}
    facets = [f"province:{place}" for place in places] + [f"group:{group}" for group in paragraph.groups]
    facets += [f"year:{year}" for year in years]
    return [*facets, f"kind:{paragraph.kind}", f"document:{paragraph.document_id}"]


def _spaced(text: str) -> str:
    return " ".join(grams(words(text)))


class LexicalIndex:
    """A built index, opened for searching; many threads may search it at once."""

    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index.open(str(folder))
        self._schema = self._index.schema

    @staticmethod
    def build(folder: Path, paragraphs: Iterable[StoredParagraph], years: dict[str, list[int]]) -> None:
        """Index ``paragraphs`` into the empty ``folder``; ``years`` maps a document's id to the years it counts for."""
        folder.mkdir(parents=True)
        index = tantivy.Index(_schema(), path=str(folder))
        writer = index.writer(heap_size=128_000_000, num_threads=1)
        for paragraph in paragraphs:
            exact = _spaced(paragraph.corrected or paragraph.text)
            place = " ".join(
                (*paragraph.heading_path, paragraph.province or "", paragraph.number or "", paragraph.title or "")
            )
            row = tantivy.Document()
            row.add_unsigned("key", paragraph.key)
            row.add_text("exact", exact)
            row.add_text("folded", fold(exact))
            row.add_text("context", fold(_spaced(place)))
            for facet in _facets(paragraph, years.get(paragraph.document_id, ())):
                row.add_text("facet", facet)
            writer.add_document(row)
        writer.commit()
        writer.wait_merging_threads()

    def __len__(self) -> int:
        return int(self._index.searcher().num_docs)

    def search(self, query: Words, limit: int, only: Filter) -> list[tuple[int, float]]:
        """Return (key, BM25 score) of at most ``limit`` paragraphs that match a word of ``query`` and pass ``only``."""
        should = self._terms(query)
        if not should:
            return []
        matching = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in should])
        clauses = [(tantivy.Occur.Must, matching)]
        for facet in _filter_facets(only):
            term = tantivy.Query.term_query(self._schema, "facet", facet, "basic")
            clauses.append((tantivy.Occur.Must, tantivy.Query.const_score_query(term, 0.0)))
        searcher = self._index.searcher()
        found = searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False)
        keys = searcher.fast_field_values("key", [address for _, address in found.hits])
        return [(int(key or 0), float(score)) for key, (score, _) in zip(keys, found.hits, strict=True)]

    def _terms(self, query: Words) -> list[tantivy.Query]:
        weighted: dict[tuple[str, str], float] = {}

        def add(field: str, text: str, weight: float) -> None:
            for gram in grams(words(text)):
                weighted[field, gram] = max(weight, weighted.get((field, gram), 0.0))

        plain = fold(query.typed)
        accented = plain != query.typed.lower()
        add("exact", query.typed, EXACT_WEIGHT if accented else 0.0)
        add("folded", plain, FOLDED_WEIGHT if accented else 1.0)
        add("context", plain, CONTEXT_WEIGHT)
        if query.restored and not accented:
            add("exact", query.restored, RESTORED_WEIGHT)
        for expansion in query.expansions:
            add("folded", fold(expansion), EXPANSION_WEIGHT)
        kept = [(term, weight) for term, weight in weighted.items() if weight > 0][:_MAX_TERMS]
        return [
            tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, gram, "freq"), weight)
            for (field, gram), weight in kept
        ]


def _filter_facets(only: Filter) -> list[str]:
    named = (
        ("province", only.province), ("year", only.year), ("group", only.task_group), ("kind", only.kind),
        ("document", only.document_id),
    )  # fmt: skip
    return [f"{name}:{value}" for name, value in named if value is not None]
