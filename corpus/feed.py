"""Hand paragraphs to the indexes: all of them in chunks that fit in memory, or those that changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from corpus.schema import documents, embeddings, paragraphs, tags, targets
from corpus.store import Filter, Store, StoredParagraph
from corpus.stored import paragraph_query

_CHUNK = 5_000
_Condition: TypeAlias = Callable[[sa.ColumnElement[int]], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Entry:
    """A paragraph with what an index holds of it; ``period`` is the document's, ``vector`` None until it is embedded."""

    paragraph: StoredParagraph
    type: str | None
    period: tuple[int, int] | None
    has_target: bool
    vector: NDArray[np.float32] | None

    @property
    def years(self) -> list[int]:
        """The years the paragraph counts for: that of issue and those of the period."""
        period = range(self.period[0], self.period[1] + 1) if self.period else ()
        return sorted({*period, *((self.paragraph.year,) if self.paragraph.year is not None else ())})


def count(store: Store) -> int:
    """Return how many paragraphs are stored."""
    with store.engine.connect() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(paragraphs)) or 0


def all_entries(store: Store, embedder_id: str) -> Iterator[list[Entry]]:
    """Yield all paragraphs by ascending key, in chunks."""
    last = -1
    while True:
        with store.engine.connect() as connection:
            query = sa.select(paragraphs.c.key).where(paragraphs.c.key > last).order_by(paragraphs.c.key).limit(_CHUNK)
            keys = list(connection.scalars(query))
            if not keys:
                return
            first, last = keys[0], keys[-1]
            found = _entries(connection, embedder_id, lambda column, a=first, b=last: column.between(a, b))  # type: ignore[misc]
        # No transaction is left open while the caller works.
        yield found


def entries(store: Store, embedder_id: str, keys: Sequence[int]) -> Iterator[list[Entry]]:
    """Yield those of ``keys`` (ascending) that are stored, in chunks."""
    for start in range(0, len(keys), _CHUNK):
        chunk = [int(key) for key in keys[start : start + _CHUNK]]
        with store.engine.connect() as connection:
            found = _entries(connection, embedder_id, lambda column, some=chunk: column.in_(some))  # type: ignore[misc]
        yield found


def _entries(connection: sa.Connection, embedder_id: str, chosen: _Condition) -> list[Entry]:
    query = paragraph_query(Filter()).add_columns(documents.c.type)
    rows = connection.execute(query.where(chosen(paragraphs.c.key)).order_by(paragraphs.c.key)).all()
    groups: dict[int, list[str]] = {}
    tagged = sa.select(tags.c.paragraph_key, tags.c.task_group).where(tags.c.assigned, chosen(tags.c.paragraph_key))
    for key, group in connection.execute(tagged.order_by(tags.c.task_group)):
        groups.setdefault(key, []).append(group)
    measured = set(connection.scalars(sa.select(targets.c.paragraph_key).where(chosen(targets.c.paragraph_key))))
    embedded = sa.select(embeddings.c.paragraph_key, embeddings.c.vector).where(
        embeddings.c.embedder_id == embedder_id, chosen(embeddings.c.paragraph_key)
    )
    vectors = {key: np.frombuffer(vector, np.float32) for key, vector in connection.execute(embedded)}
    found = []
    for row in rows:
        fields = dict(row._mapping)
        kind, start, end = fields.pop("type"), fields.pop("period_start"), fields.pop("period_end")
        fields |= {"heading_path": tuple(row.heading_path), "agencies": tuple(row.agencies)}
        period = (start, end) if start is not None else None
        paragraph = StoredParagraph(**fields, groups=tuple(groups.get(row.key, ())), period=period)
        found.append(Entry(paragraph, kind, period, row.key in measured, vectors.get(row.key)))
    return found


def without_vectors(store: Store, embedder_id: str, keys: Sequence[int]) -> list[tuple[int, str]]:
    """Return (key, text, corrected where it was) of those of ``keys`` that ``embedder_id`` has not embedded."""
    found: list[tuple[int, str]] = []
    words = sa.func.coalesce(paragraphs.c.corrected, paragraphs.c.text)
    with store.engine.connect() as connection:
        for start in range(0, len(keys), _CHUNK):
            chunk = [int(key) for key in keys[start : start + _CHUNK]]
            done = sa.select(embeddings.c.paragraph_key).where(
                embeddings.c.embedder_id == embedder_id, embeddings.c.paragraph_key.in_(chunk)
            )
            query = sa.select(paragraphs.c.key, words).where(paragraphs.c.key.in_(chunk), paragraphs.c.key.not_in(done))
            query = query.order_by(paragraphs.c.key)
            found += [(key, text) for key, text in connection.execute(query)]
    return found
