"""What is new and fits a search, by meaning or by task group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from corpus.schema import documents, embeddings, paragraphs
from corpus.store import Filter, StoredDocument, StoredParagraph
from service.workspace import Workspace

# How far above the store's usual similarity to a query a paragraph must lie, in robust standard deviations: a fixed similarity
# would mean something else for every query. Chosen on half of the judged queries (results/feeds.md).
CUT_OFF = 2.75
_SAMPLE = 2_000
# Similarities of e5 lie within a tenth of each other; where they hardly differ at all nothing is unusual.
_LEAST_DEVIATION = 0.005
_PASSAGES = 5
_DOCUMENTS_A_ROUND = 50
_MOST_DOCUMENTS = 500
_NEWEST_FIRST = (documents.c.added_at.desc(), documents.c.id)


@dataclass(frozen=True)
class News:
    """A document with paragraphs that fit: when it was stored, the best of them, how many there are."""

    document: StoredDocument
    added_at: datetime
    passages: tuple[StoredParagraph, ...]
    count: int


def news(space: Workspace, query: str, only: Filter, limit: int = 20, since: datetime | None = None) -> list[News]:
    """Return the documents that have paragraphs near ``query`` which pass ``only``, newest first, at most ``limit``.

    Of those stored after ``since`` it returns all. Without a query all that pass fit. The newest 500 documents are looked at.
    """
    newest = sa.select(documents.c.id, documents.c.added_at).order_by(*_NEWEST_FIRST).limit(_MOST_DOCUMENTS)
    found: list[News] = []
    for item in _matches(space, query, only, newest, paragraphs.c.key > 0):
        if len(found) >= limit and (since is None or item.added_at <= since):
            break
        found.append(item)
    return found


def news_between(space: Workspace, query: str, only: Filter, after: int, last: int) -> Iterator[News]:
    """Yield every document that fits as in ``news`` by a paragraph whose key is over ``after`` and at most ``last``, newest first."""
    inside = (paragraphs.c.key > after) & (paragraphs.c.key <= last)
    brought = sa.select(documents.c.id, documents.c.added_at).order_by(*_NEWEST_FIRST)
    return _matches(
        space, query, only, brought.where(documents.c.id.in_(sa.select(paragraphs.c.document_id).where(inside))), inside
    )


def _matches(
    space: Workspace, query: str, only: Filter, listed: sa.Select[Any], inside: sa.ColumnElement[bool]
) -> Iterator[News]:
    """Yield those of the documents ``listed`` that fit by a paragraph ``inside``, in their order, read a round at a time."""
    near = _Nearness(space, query) if query else None
    allowed = None if only.is_open else space.store.keys(only)
    with space.store.reading() as connection:
        rows = connection.execute(listed).all()
    for start in range(0, len(rows), _DOCUMENTS_A_ROUND):
        part = rows[start : start + _DOCUMENTS_A_ROUND]
        fitting = _fitting(space, [row.id for row in part], inside, allowed, near)
        best = space.store.paragraphs_by_key([key for keys in fitting.values() for key in keys[:_PASSAGES]])
        for document_id, added_at in part:
            document = space.store.document(document_id) if document_id in fitting else None
            if document is None:
                continue
            keys = fitting[document_id]
            yield News(document, added_at, tuple(best[key] for key in keys[:_PASSAGES] if key in best), len(keys))


def nearness(similarities: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far ``similarities`` lie above the ``usual`` ones, in robust standard deviations.

    Median and median absolute deviation, because in a small store what is sought may be a good part of all.
    """
    middle = np.median(usual)
    deviation = max(1.4826 * float(np.median(np.abs(usual - middle))), _LEAST_DEVIATION)
    far: NDArray[np.float32] = (similarities - middle) / np.float32(deviation)
    return far


class _Nearness:
    """Tells how unusually near to a query vectors are."""

    def __init__(self, space: Workspace, query: str) -> None:
        # The searcher restores diacritics and translates; what it understood is what is embedded.
        self._vector = space.searcher.meaning(query)
        self.embedder_id = space.embedder.id
        with space.store.reading() as connection:
            count = connection.scalar(sa.select(sa.func.count()).select_from(paragraphs)) or 0
            sample = sa.select(embeddings.c.vector).where(
                embeddings.c.embedder_id == self.embedder_id,
                embeddings.c.paragraph_key % max(1, count // _SAMPLE) == 0,
            )
            vectors = connection.scalars(sample).all()
        self._usual = _matrix(vectors) @ self._vector if vectors else np.zeros(1, np.float32)

    def of(self, vectors: Sequence[bytes]) -> NDArray[np.float32]:
        """Return the nearness of each vector."""
        return nearness(_matrix(vectors) @ self._vector, self._usual)


def _fitting(
    space: Workspace,
    ids: Sequence[str],
    inside: sa.ColumnElement[bool],
    allowed: NDArray[np.int64] | None,
    near: _Nearness | None,
) -> dict[str, list[int]]:
    """Return document id to the keys of its paragraphs that fit, best first, or in order where there is no query."""
    query = sa.select(paragraphs.c.key, paragraphs.c.document_id).where(
        paragraphs.c.document_id.in_(ids),
        inside,
        paragraphs.c.is_heading.is_(False),
        paragraphs.c.kind != "boilerplate",
    )
    if near:
        joined = embeddings.c.paragraph_key == paragraphs.c.key
        query = query.add_columns(embeddings.c.vector).join(
            embeddings, joined & (embeddings.c.embedder_id == near.embedder_id)
        )
    with space.store.reading() as connection:
        rows = connection.execute(query.order_by(paragraphs.c.key)).all()
    if allowed is not None:
        passing = set(allowed.tolist())
        rows = [row for row in rows if row.key in passing]
    if near and rows:
        distances = near.of([row.vector for row in rows])
        rows = [rows[place] for place in np.argsort(-distances, kind="stable") if distances[place] >= CUT_OFF]
    fitting: dict[str, list[int]] = {}
    for row in rows:
        fitting.setdefault(row.document_id, []).append(row.key)
    return fitting


def _matrix(vectors: Sequence[bytes]) -> NDArray[np.float32]:
    return np.frombuffer(b"".join(vectors), np.float32).reshape(len(vectors), -1)
