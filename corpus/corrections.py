"""Record what people say of a paragraph's tags, and put new tags of a model beside theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from corpus.changelog import touch_keys
from corpus.schema import corrections as table
from corpus.schema import documents, embeddings, paragraphs, tags
from corpus.store import Store
from corpus.stored import Filter, paragraph_query
from corpus.types import Tag


class UnknownParagraphError(LookupError):
    """There is no paragraph of that id."""


@dataclass(frozen=True)
class Correction:
    """One judgement: which task groups a paragraph had and which it has by the word of a person."""

    number: int
    paragraph_id: str
    document_id: str
    text: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    by: str
    note: str
    made_at: datetime


def correct(
    store: Store, paragraph_id: str, after: Sequence[str], known: Sequence[str], by: str, note: str = ""
) -> Correction:
    """Give a paragraph exactly the task groups ``after``, of those ``known``, by the word of ``by``.

    All its tags count as a person's from then on: models leave them alone. Raises UnknownParagraphError.
    """
    with store.changing() as connection:
        query = sa.select(paragraphs.c.key, paragraphs.c.document_id, paragraphs.c.text)
        row = connection.execute(query.where(paragraphs.c.id == paragraph_id)).first()
        if row is None:
            raise UnknownParagraphError(paragraph_id)
        had = sa.select(tags.c.task_group).where(tags.c.paragraph_key == row.key, tags.c.assigned)
        before = sorted(connection.scalars(had))
        connection.execute(sa.delete(tags).where(tags.c.paragraph_key == row.key))
        given = [
            {"paragraph_key": row.key, "task_group": group, "probability": float(group in after), "assigned": group in after,
             "source": "person", "model_id": by}
            for group in known
        ]  # fmt: skip
        connection.execute(sa.insert(tags), given)
        touch_keys(connection, [row.key])
        values = {
            "paragraph_id": paragraph_id, "document_id": row.document_id, "text": row.text, "before": before,
            "after": sorted(after), "by": by, "note": note, "made_at": datetime.now(UTC),
        }  # fmt: skip
        number = connection.execute(sa.insert(table).values(values)).inserted_primary_key
    return _correction({**values, "number": number[0] if number else 0})


def corrections(store: Store, after: int = 0, limit: int | None = None) -> list[Correction]:
    """Return at most ``limit`` corrections (None: all) with numbers over ``after``, oldest first."""
    query = sa.select(table).where(table.c.number > after).order_by(table.c.number).limit(limit)
    with store.engine.connect() as connection:
        return [_correction(dict(row._mapping)) for row in connection.execute(query)]


def judged(store: Store, only: Filter) -> list[int]:
    """Return the keys of the paragraphs with words of their own that pass and that a person has judged, ascending."""
    query = sa.select(tags.c.paragraph_key).where(tags.c.source == "person", tags.c.paragraph_key.in_(_worded(only)))
    with store.reading() as connection:
        return list(connection.scalars(query.distinct().order_by(tags.c.paragraph_key)))


def last_corrected(store: Store, limit: int) -> list[int]:
    """Return the keys of at most ``limit`` paragraphs that people corrected, the last ones, of those that are in the store."""
    last = sa.func.max(table.c.number)
    query = sa.select(paragraphs.c.key).join(table, table.c.paragraph_id == paragraphs.c.id).group_by(paragraphs.c.key)
    with store.reading() as connection:
        return list(connection.scalars(query.order_by(last.desc()).limit(limit)))


def most_unsure(
    store: Store, edges: Mapping[str, tuple[float, float, float]], only: Filter, embedder_id: str, limit: int
) -> list[int]:
    """Return the keys of at most ``limit`` paragraphs that models are the least sure of, the least sure first.

    ``edges`` has for each task group the lower edge of its unsure band, its threshold and the upper edge. Doubt falls from 1 at
    the threshold to 0 at the edges; the largest of a paragraph's groups counts. Only paragraphs count that pass, have words of
    their own, were embedded by ``embedder_id`` and judged by nobody.
    """
    doubts = []
    for group, (low, threshold, high) in edges.items():
        p, of_group = tags.c.probability, tags.c.task_group == group
        if low < threshold:
            doubts.append((of_group & (p > low) & (p < threshold), (p - low) / (threshold - low)))
        if threshold < high:
            doubts.append((of_group & (p >= threshold) & (p < high), (high - p) / (high - threshold)))
    if not doubts:
        return []
    doubt = sa.func.max(sa.case(*doubts, else_=0.0))
    by_people = sa.select(tags.c.paragraph_key).where(tags.c.source == "person")
    embedded = (embeddings.c.paragraph_key == tags.c.paragraph_key) & (embeddings.c.embedder_id == embedder_id)
    query = (
        sa.select(tags.c.paragraph_key)
        .where(sa.or_(*(condition for condition, _ in doubts)), tags.c.paragraph_key.in_(_worded(only)))
        .where(tags.c.paragraph_key.not_in(by_people), sa.exists().where(embedded))
        .group_by(tags.c.paragraph_key)
        .order_by(doubt.desc(), tags.c.paragraph_key)
        .limit(limit)
    )
    with store.reading() as connection:
        return list(connection.scalars(query))


def _worded(only: Filter) -> sa.Select[Any]:
    passing = paragraph_query(only).with_only_columns(paragraphs.c.key)
    return passing.where(paragraphs.c.is_heading.is_(False), paragraphs.c.kind != "boilerplate")


def replace_model_tags(store: Store, new: Mapping[int, Sequence[Tag]]) -> None:
    """Put the tags of a model in place of earlier ones of a model, by paragraph key, in one transaction; people's stay."""
    with store.changing() as connection:
        judged = set(connection.scalars(sa.select(tags.c.paragraph_key).where(tags.c.source == "person").distinct()))
        keys = [key for key in new if key not in judged]
        for start in range(0, len(keys), 5_000):
            connection.execute(sa.delete(tags).where(tags.c.paragraph_key.in_(keys[start : start + 5_000])))
        rows = [
            {"paragraph_key": key, "task_group": t.task_group, "probability": t.probability, "assigned": t.assigned,
             "source": t.source, "model_id": t.model_id}
            for key in keys for t in new[key]
        ]  # fmt: skip
        if rows:
            connection.execute(sa.insert(tags), rows)
        touch_keys(connection, keys)


def outdated(store: Store, model_id: str) -> list[str]:
    """Return the ids of the documents that have tags of another model than this."""
    query = (
        sa.select(documents.c.id)
        .join(paragraphs, paragraphs.c.document_id == documents.c.id)
        .join(tags, tags.c.paragraph_key == paragraphs.c.key)
        .where(tags.c.source == "model", tags.c.model_id != model_id)
        .distinct()
        .order_by(documents.c.id)
    )
    with store.engine.connect() as connection:
        return list(connection.scalars(query))


def is_outdated(store: Store, document_id: str, model_id: str) -> bool:
    """Tell whether another model than this tagged any paragraph of the document that no person has judged."""
    judged = sa.select(tags.c.paragraph_key).where(tags.c.source == "person")
    query = (
        sa.select(tags.c.paragraph_key)
        .join(paragraphs, tags.c.paragraph_key == paragraphs.c.key)
        .where(paragraphs.c.document_id == document_id, tags.c.model_id != model_id, tags.c.source == "model")
        .where(tags.c.paragraph_key.not_in(judged))
        .limit(1)
    )
    with store.engine.connect() as connection:
        return connection.scalar(query) is not None


def _correction(values: dict[str, Any]) -> Correction:
    return Correction(**{**values, "before": tuple(values["before"]), "after": tuple(values["after"])})
