"""Weigh the grams of a paragraph by BM25, for an engine that keeps their weights.

Robertson & Zaragoza 2009, with the parameters of tantivy, so that both engines rank alike. A weight here is the part that
depends on the paragraph alone; how rare a gram is belongs to the query.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b

_K1, _B = 1.2, 0.75
# No weight reaches it.
MOST = _K1 + 1
# Places of a sparse vector; pgvector's limit.
PLACES = 1_000_000_000

Fields = Mapping[str, Sequence[str]]
# Field to the mean number of grams in it.
Means = Mapping[str, float]


@lru_cache(maxsize=1_000_000)
def term_of(field: str, gram: str) -> int:
    """Return the number of a gram in a field: 64 bits, signed."""
    return int.from_bytes(blake2b(f"{field} {gram}".encode("utf-8", "replace"), digest_size=8).digest(), signed=True)


def place_of(term: int) -> int:
    """Return the place, from 0, of a term in a sparse vector.

    Two terms may share one; that a paragraph has one that shares with another of a query happens once in a hundred thousand.
    """
    return term % PLACES


def means_of(paragraphs: Iterable[Fields]) -> dict[str, float]:
    """Return the mean lengths of the fields; 1 where there is nothing to measure."""
    totals: Counter[str] = Counter()
    count = 0
    for fields in paragraphs:
        totals.update({field: len(grams) for field, grams in fields.items()})
        count += 1
    return {field: max(1.0, total / count) for field, total in totals.items()}


def weights(fields: Fields, means: Means) -> dict[int, float]:
    """Return term to weight, between 0 and MOST, for all grams of a paragraph."""
    found: dict[int, float] = {}
    for field, grams in fields.items():
        norm = _K1 * (1 - _B + _B * len(grams) / means.get(field, 1.0))
        for gram, count in Counter(grams).items():
            found[term_of(field, gram)] = count * (_K1 + 1) / (count + norm)
    return found
