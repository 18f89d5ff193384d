"""Record what people say of a paragraph's tags, and put new tags of a model beside theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from corpus.changelog import touch_keys
from corpus.schema import corrections as table
from corpus.schema import documents, paragraphs, tags
from corpus.store import Store
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
