"""What the store gives back, and how documents become rows and rows become documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from corpus.provinces import provinces_of
from corpus.schema import documents, embeddings, paragraphs, tags, targets
from corpus.types import Document, Evidence, Metadata, Paragraph, Skipped, Tag, Target

Vectors = NDArray[np.float32]
Archived = Literal["replaced", "deleted"]
# By which of its names a document is of a province: either, that as published, or that since July 2025.
ProvinceAs = Literal["either", "published", "today"]


@dataclass(frozen=True)
class Analysis:
    """What the models say of one paragraph; ``corrected`` is the text they read where that is not the published one."""

    tags: Sequence[Tag]
    targets: Sequence[Target]
    vector: Vectors
    corrected: str | None = None


@dataclass(frozen=True)
class StoredParagraph:
    """A paragraph as stored, with its document's facts and its assigned task groups."""

    key: int
    id: str
    document_id: str
    ordinal: int
    text: str
    kind: str
    heading_path: tuple[str, ...]
    is_heading: bool
    province: str | None
    province_today: str | None
    year: int | None
    number: str | None
    title: str | None
    page: int | None = None
    agencies: tuple[str, ...] = ()
    corrected: str | None = None
    groups: tuple[str, ...] = ()
    period: tuple[int, int] | None = None


@dataclass(frozen=True)
class Filter:
    """Which paragraphs to look at; None leaves a field open. A province matches as ``province_as`` says.

    A year matches the plans issued in it and those whose period it lies in; ``type`` is that of the document; ``region``
    that of the province as published (``corpus.provinces``).
    """

    province: str | None = None
    year: int | None = None
    task_group: str | None = None
    kind: str | None = None
    document_id: str | None = None
    type: str | None = None
    region: str | None = None
    has_target: bool | None = None
    province_as: ProvinceAs = "either"

    @property
    def is_open(self) -> bool:
        """True when everything passes."""
        return self == Filter(province_as=self.province_as)


@dataclass(frozen=True)
class StoredDocument:
    """A document's row with its number of paragraphs."""

    id: str
    source: str
    number: str | None
    type: str | None
    title: str | None
    province: str | None
    province_today: str | None
    issuing_body: str | None
    signer: str | None
    date_issued: date | None
    year: int | None
    based_on: tuple[str, ...]
    paragraphs: int
    sha256: str = field(repr=False, default="")
    period: tuple[int, int] | None = None
    notes: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Version:
    """An earlier state of a document, kept when it was replaced or deleted; ``number`` counts from 1."""

    document_id: str
    number: int
    source: str
    sha256: str
    paragraphs: int
    added_at: datetime
    archived_at: datetime
    reason: Archived


def document_row(document: Document) -> dict[str, Any]:
    """Return the row of a document."""
    about = document.metadata
    return {
        "id": document.id,
        "source": document.source,
        "sha256": document.sha256,
        "number": about.number,
        "type": about.type,
        "title": about.title,
        "province": about.province,
        "province_today": about.province_today,
        "issuing_body": about.issuing_body,
        "signer": about.signer,
        "date_issued": about.date_issued,
        "year": about.year,
        "based_on": list(about.based_on),
        "period_start": about.period[0] if about.period else None,
        "period_end": about.period[1] if about.period else None,
        "skipped": [{"text": s.text, "reason": s.reason, "line": s.line} for s in document.skipped],
        "text": document.text,
        "notes": list(document.notes),
        "page_title": about.page_title,
        "evidence": {name: asdict(evidence) for name, evidence in about.evidence.items()},
        "conflicts": list(about.conflicts),
        "added_at": datetime.now(UTC),
    }


def insert_paragraphs(
    connection: sa.Connection, document: Document, chunk: slice, analyses: Sequence[Analysis], embedder_id: str
) -> None:
    """Insert the paragraphs ``chunk`` of a document with their analyses."""
    members = document.paragraphs[chunk]
    if not members:
        return
    rows = [
        {
            "id": p.id,
            "document_id": document.id,
            "ordinal": p.ordinal,
            "text": p.text,
            "kind": p.kind,
            "heading_path": list(p.heading_path),
            "is_heading": p.is_heading,
            "start": p.start,
            "end": p.end,
            "page": p.page,
            "agencies": list(p.agencies),
            "corrected": analysis.corrected,
        }
        for p, analysis in zip(members, analyses, strict=True)
    ]
    given = sa.insert(paragraphs).returning(paragraphs.c.key, sort_by_parameter_order=True)
    keyed = list(zip(connection.scalars(given, rows), analyses, strict=True))
    tag_rows = [
        {"paragraph_key": k, "task_group": t.task_group, "probability": t.probability, "assigned": t.assigned,
         "source": t.source, "model_id": t.model_id}
        for k, analysis in keyed for t in analysis.tags
    ]  # fmt: skip
    target_rows = [
        {"paragraph_key": k, "ordinal": n, "indicator": t.indicator, "comparator": t.comparator, "values": list(t.values),
         "unit": t.unit, "deadline": t.deadline, "scope": t.scope, "start": t.span[0], "end": t.span[1]}
        for k, analysis in keyed for n, t in enumerate(analysis.targets, 1)
    ]  # fmt: skip
    vector_rows = [
        {"paragraph_key": k, "embedder_id": embedder_id, "vector": analysis.vector.astype(np.float32).tobytes()}
        for k, analysis in keyed
    ]
    for table, inserted in ((tags, tag_rows), (targets, target_rows), (embeddings, vector_rows)):
        if inserted:
            connection.execute(sa.insert(table), inserted)


def in_province(name: str, named: ProvinceAs = "either") -> sa.ColumnElement[bool]:
    """Return the condition that a document is of a province, by its name then, today, or either."""
    then, today = documents.c.province == name, documents.c.province_today == name
    return {"either": sa.or_(then, today), "published": then, "today": today}[named]


def paragraph_query(only: Filter) -> sa.Select[Any]:
    """Return the query of the paragraphs that pass."""
    query = sa.select(
        paragraphs.c.key, paragraphs.c.id, paragraphs.c.document_id, paragraphs.c.ordinal, paragraphs.c.text,
        paragraphs.c.kind, paragraphs.c.heading_path, paragraphs.c.is_heading, documents.c.province,
        documents.c.province_today, documents.c.year, documents.c.number, documents.c.title, paragraphs.c.page,
        paragraphs.c.agencies, paragraphs.c.corrected, documents.c.period_start, documents.c.period_end,
    ).join_from(paragraphs, documents)  # fmt: skip
    if only.province is not None:
        query = query.where(in_province(only.province, only.province_as))
    if only.year is not None:
        # A plan for a period counts for each of its years.
        in_period = sa.and_(documents.c.period_start <= only.year, only.year <= documents.c.period_end)
        query = query.where(sa.or_(documents.c.year == only.year, in_period))
    if only.task_group is not None:
        assigned = sa.select(tags.c.paragraph_key).where(tags.c.task_group == only.task_group, tags.c.assigned)
        query = query.where(paragraphs.c.key.in_(assigned))
    if only.kind is not None:
        query = query.where(paragraphs.c.kind == only.kind)
    if only.document_id is not None:
        query = query.where(paragraphs.c.document_id == only.document_id)
    if only.type is not None:
        query = query.where(documents.c.type == only.type)
    if only.region is not None:
        query = query.where(documents.c.province.in_(provinces_of(only.region)))
    if only.has_target is not None:
        measured = paragraphs.c.key.in_(sa.select(targets.c.paragraph_key))
        query = query.where(measured if only.has_target else sa.not_(measured))
    return query


def stored_paragraph(row: sa.Row[Any], groups: Sequence[str]) -> StoredParagraph:
    """Return a paragraph of its row by ``paragraph_query``, whose columns come in the order of the fields."""
    (key, id_, document_id, ordinal, text, kind, path, is_heading, province, today, year, number, title, page, agencies,
     corrected, start, end) = tuple(row)  # fmt: skip
    return StoredParagraph(
        key, id_, document_id, ordinal, text, kind, tuple(path), is_heading, province, today, year, number, title, page,
        tuple(agencies), corrected, tuple(groups), (start, end) if start is not None else None,
    )  # fmt: skip


def stored_document(row: sa.Row[Any]) -> StoredDocument:
    """Return a document of its row, which has the number of its paragraphs as well."""
    return StoredDocument(
        id=row.id, source=row.source, number=row.number, type=row.type, title=row.title, province=row.province,
        province_today=row.province_today, issuing_body=row.issuing_body, signer=row.signer,
        date_issued=row.date_issued, year=row.year, based_on=tuple(row.based_on), paragraphs=row.paragraphs,
        sha256=row.sha256, period=(row.period_start, row.period_end) if row.period_start is not None else None,
        notes=tuple(row.notes), conflicts=tuple(row.conflicts),
    )  # fmt: skip


def tag_of(row: sa.Row[Any]) -> Tag:
    """Return a tag of its row."""
    return Tag(row.task_group, row.probability, row.assigned, row.source, row.model_id)


def target_of(row: sa.Row[Any]) -> Target:
    """Return a target of its row."""
    # Plain rows already have a method called ``values``.
    r = row._mapping
    span = (r["start"], r["end"])
    return Target(r["indicator"], r["comparator"], tuple(r["values"]), r["unit"], r["deadline"], r["scope"], span)


def whole_document(row: sa.Row[Any], members: Sequence[sa.Row[Any]]) -> Document:
    """Return the document that was stored, of its row and those of its paragraphs in order."""
    evidence = {name: Evidence(**fields) for name, fields in row.evidence.items()}
    metadata = Metadata(
        number=row.number, type=row.type, title=row.title, province=row.province, province_today=row.province_today,
        issuing_body=row.issuing_body, signer=row.signer, date_issued=row.date_issued, based_on=tuple(row.based_on),
        period=(row.period_start, row.period_end) if row.period_start is not None else None,
        page_title=row.page_title, evidence=evidence, conflicts=tuple(row.conflicts),
    )  # fmt: skip
    parts = tuple(
        Paragraph(
            m.id,
            m.ordinal,
            m.text,
            m.kind,
            tuple(m.heading_path),
            m.is_heading,
            m.start,
            m.end,
            m.page,
            tuple(m.agencies),
        )
        for m in members
    )
    skipped = tuple(Skipped(**line) for line in row.skipped)
    return Document(row.id, row.source, row.sha256, metadata, parts, skipped, row.text, tuple(row.notes))
