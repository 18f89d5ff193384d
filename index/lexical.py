"""Search by words: BM25 over unigrams and bigrams with and without diacritics, in an embedded tantivy index.

Robertson & Zaragoza 2009 (BM25). Text is cut into grams here and stored space-separated, so tantivy only splits at spaces
and the same cut serves both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tantivy

from corpus.feed import Entry
from corpus.provinces import region_of
from corpus.store import Filter
from nlp.fold import fold, grams, has_diacritics, words

# A match with the typed diacritics counts fully; one without them is kept, for text that lost its own.
EXACT_WEIGHT = 1.0
FOLDED_WEIGHT = 0.6
RESTORED_WEIGHT = 0.4
CONTEXT_WEIGHT = 0.3
EXPANSION_WEIGHT = 0.5
_MAX_TERMS = 160
# Words of the longest grams.
_GRAM = 2
# Bytes of postings held before a segment is written.
_BUILD_MEMORY = 256_000_000
_UPDATE_MEMORY = 32_000_000


@dataclass(frozen=True)
class Words:
    """The words of a query: typed, with diacritics restored, added by expansion, phrases required, and those excluded."""

    typed: str
    restored: str = ""
    expansions: Sequence[str] = ()
    required: Sequence[str] = ()
    excluded: Sequence[str] = ()


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", indexed=True, fast=True)
    for name in ("exact", "folded", "context"):
        builder.add_text_field(name, tokenizer_name="whitespace", index_option="freq")
    builder.add_text_field("facet", tokenizer_name="raw", index_option="basic")
    return builder.build()


def _facets(entry: Entry) -> list[str]:
    paragraph = entry.paragraph
    facets = [f"either:{place}" for place in {paragraph.province, paragraph.province_today} if place]
    facets += [f"group:{group}" for group in paragraph.groups] + [f"year:{year}" for year in entry.years]
    facets += [f"kind:{paragraph.kind}", f"document:{paragraph.document_id}", f"target:{entry.has_target}"]
    optional = (
        ("published", paragraph.province), ("today", paragraph.province_today), ("type", entry.type),
        ("region", region_of(paragraph.province)),
    )  # fmt: skip
    return facets + [f"{name}:{value}" for name, value in optional if value]


def fields_of(entry: Entry) -> dict[str, list[str]]:
    """Return field to the grams that stand in it: the text as spelt and folded, and what stands around it, folded."""
    paragraph = entry.paragraph
    syllables = words(paragraph.corrected or paragraph.text)
    place = " ".join((*paragraph.heading_path, paragraph.province or "", paragraph.number or "", paragraph.title or ""))
    return {
        "exact": grams(syllables),
        "folded": grams([fold(syllable) for syllable in syllables]),
        "context": grams(words(fold(place))),
    }


def weighted_terms(query: Words) -> dict[tuple[str, str], float]:
    """Return (field, gram) to its weight for all that ``query`` looks for."""
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
    return dict([(term, weight) for term, weight in weighted.items() if weight > 0][:_MAX_TERMS])


def required_terms(query: Words) -> list[str]:
    """Return the grams of the folded text that a paragraph must have for ``query``."""
    found: list[str] = []
    for phrase in query.required:
        cut = words(fold(phrase))
        found += grams(cut)[len(cut) :] or cut
    return found


def excluded_terms(query: Words) -> list[tuple[str, str]]:
    """Return the (field, gram) that no paragraph may have for ``query``; diacritics count where a phrase has any.

    Of phrases of more than two words there is none: grams do not tell that words follow one another further than that.
    """
    found = []
    for phrase in query.excluded:
        field = "exact" if has_diacritics(phrase) else "folded"
        cut = words(phrase if field == "exact" else fold(phrase))
        if 0 < len(cut) <= _GRAM:
            found.append((field, grams(cut)[-1]))
    return list(dict.fromkeys(found))


def _row(entry: Entry) -> tantivy.Document:
    row = tantivy.Document()
    row.add_unsigned("key", entry.paragraph.key)
    for field, found in fields_of(entry).items():
        row.add_text(field, " ".join(found))
    for facet in _facets(entry):
        row.add_text("facet", facet)
    return row


class LexicalIndex:
    """A snapshot of an index, opened for searching; many threads may search it at once."""

    def __init__(self, folder: Path) -> None:
        index = tantivy.Index.open(str(folder))
        # The snapshot: what is committed later is seen by an index opened later.
        self._searcher = index.searcher()
        self._schema = index.schema

    @staticmethod
    def build(folder: Path, entries: Iterable[Entry]) -> None:
        """Index ``entries`` into the empty ``folder``."""
        folder.mkdir(parents=True)
        writer = tantivy.Index(_schema(), path=str(folder)).writer(heap_size=_BUILD_MEMORY, num_threads=1)
        for entry in entries:
            writer.add_document(_row(entry))
        writer.commit()
        writer.wait_merging_threads()

    @staticmethod
    def update(folder: Path, keys: Sequence[int], entries: Iterable[Entry]) -> None:
        """Replace whatever ``folder`` has of ``keys`` by ``entries`` in one commit; one process at a time.

        Doing it twice gives the same, so a process that was killed half-way loses nothing.
        """
        index = tantivy.Index.open(str(folder))
        writer = index.writer(heap_size=_UPDATE_MEMORY, num_threads=1)
        # Deleting by term never matches an unsigned field: tantivy-py 0.27 takes every number for a signed one.
        writer.delete_documents_by_query(tantivy.Query.term_set_query(index.schema, "key", list(keys)))
        for entry in entries:
            writer.add_document(_row(entry))
        writer.commit()
        writer.wait_merging_threads()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def search(self, query: Words, limit: int, only: Filter) -> list[tuple[int, float]]:
        """Return (key, BM25 score) of at most ``limit`` paragraphs that match a word of ``query`` and pass ``only``.

        None has what ``excluded_terms`` names.
        """
        weighted = weighted_terms(query)
        if not weighted:
            return []
        should = [
            tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, gram, "freq"), weight)
            for (field, gram), weight in weighted.items()
        ]
        matching = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in should])
        clauses = [(tantivy.Occur.Must, matching)]
        required = [("folded", gram) for gram in required_terms(query)]
        clauses += [(tantivy.Occur.Must, term) for term in self._terms(required)]
        clauses += [(tantivy.Occur.MustNot, term) for term in self._terms(excluded_terms(query))]
        for facet in _filter_facets(only):
            term = tantivy.Query.term_query(self._schema, "facet", facet, "basic")
            clauses.append((tantivy.Occur.Must, tantivy.Query.const_score_query(term, 0.0)))
        return self._found(tantivy.Query.boolean_query(clauses), limit)

    def holding(self, terms: Iterable[tuple[str, str]]) -> list[int]:
        """Return the keys of all paragraphs that have any of the (field, gram) ``terms``."""
        any_of = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in self._terms(terms)])
        return [key for key, _ in self._found(tantivy.Query.const_score_query(any_of, 1.0), max(len(self), 1))]

    def _terms(self, terms: Iterable[tuple[str, str]]) -> list[tantivy.Query]:
        return [tantivy.Query.term_query(self._schema, field, gram, "freq") for field, gram in terms]

    def _found(self, query: tantivy.Query, limit: int) -> list[tuple[int, float]]:
        found = self._searcher.search(query, limit, count=False)
        keys = self._searcher.fast_field_values("key", [address for _, address in found.hits])
        return [(int(key or 0), float(score)) for key, (score, _) in zip(keys, found.hits, strict=True)]


def _filter_facets(only: Filter) -> list[str]:
    named = (
        (only.province_as, only.province), ("year", only.year), ("group", only.task_group), ("kind", only.kind),
        ("document", only.document_id), ("type", only.type), ("region", only.region), ("target", only.has_target),
    )  # fmt: skip
    return [f"{name}:{value}" for name, value in named if value is not None]
