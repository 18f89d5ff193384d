"""Keep documents, paragraphs, tags, targets and vectors in one database, the truth that indexes are built from.

SQLite in WAL mode by default; any SQLAlchemy URL works. One transaction a document: it is in whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy import event

from corpus.schema import HEAD, documents, embeddings, paragraphs, state, tags, targets
from corpus.types import Document, Tag, Target

Vectors = NDArray[np.float32]
Outcome = Literal["added", "updated", "unchanged"]
# SQLite takes at most 32,766 bound values in a statement; a chunk stays well below in every query here.
_CHUNK = 5_000


class ParagraphIdTakenError(ValueError):
    """A paragraph's id is in use by another document; the message names both."""


@dataclass(frozen=True)
class Analysis:
    """What the models say of one paragraph."""

    tags: Sequence[Tag]
    targets: Sequence[Target]
    vector: Vectors


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
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Filter:
    """Which paragraphs to look at; None leaves a field open. A province matches as published or as of today."""

    province: str | None = None
    year: int | None = None
    task_group: str | None = None
    kind: str | None = None
    document_id: str | None = None

    @property
    def is_open(self) -> bool:
        """True when everything passes."""
        return self == Filter()


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


class Store:
    """The database behind a URL; migrated to the newest schema when opened."""

    def __init__(self, url: str) -> None:
        address = sa.make_url(url)
        if address.get_backend_name() == "sqlite" and address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = sa.create_engine(url)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _configure_sqlite)
        self._migrate()

    def _migrate(self) -> None:
        with self.engine.begin() as connection:
            if _version(connection) == HEAD:
                return
            # Imported here: a database at HEAD, the usual case, does not need it.
            from alembic import command
            from alembic.config import Config

            config = Config()
            config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        """Release every connection."""
        self.engine.dispose()

    @property
    def content(self) -> str:
        """The identity of what is stored now: changes with every change of content."""
        with self.engine.connect() as connection:
            store_id, revision = connection.execute(sa.select(state.c.store_id, state.c.revision)).one()
        return f"{store_id}:{revision}"

    @contextmanager
    def _changing(self) -> Iterator[sa.Connection]:
        with self.engine.begin() as connection:
            # First of all: takes SQLite's write lock, so that what is read next stays true until the end.
            connection.execute(sa.update(state).values(revision=state.c.revision + 1))
            yield connection

    def outcome_of(self, document: Document) -> Outcome:
        """Tell what adding ``document`` would do."""
        with self.engine.connect() as connection:
            known = connection.scalar(sa.select(documents.c.sha256).where(documents.c.id == document.id))
        if known is None:
            return "added"
        return "unchanged" if known == document.sha256 else "updated"

    def source_with(self, sha256: str) -> str | None:
        """Return the name of the file these bytes came in from, or None when they are new."""
        with self.engine.connect() as connection:
            return connection.scalar(sa.select(documents.c.source).where(documents.c.sha256 == sha256).limit(1))

    def add(self, document: Document, analyses: Sequence[Analysis], embedder_id: str) -> None:
        """Store ``document`` with one analysis a paragraph, replacing an earlier version of the same id.

        Raises ParagraphIdTakenError where a paragraph's id belongs to another document; nothing is changed then.
        """
        with self._changing() as connection:
            connection.execute(sa.delete(documents).where(documents.c.id == document.id))
            self._check_ids(connection, document)
            connection.execute(sa.insert(documents).values(_document_row(document)))
            for start in range(0, len(document.paragraphs), _CHUNK):
                chunk = slice(start, start + _CHUNK)
                _insert_paragraphs(connection, document, chunk, analyses[chunk], embedder_id)

    def _check_ids(self, connection: sa.Connection, document: Document) -> None:
        ids = [paragraph.id for paragraph in document.paragraphs]
        for start in range(0, len(ids), _CHUNK):
            columns = (paragraphs.c.id, paragraphs.c.document_id)
            taken = connection.execute(
                sa.select(*columns).where(paragraphs.c.id.in_(ids[start : start + _CHUNK]))
            ).first()
            if taken:
                raise ParagraphIdTakenError(
                    f"paragraph id {taken.id!r} is already used by document {taken.document_id!r}"
                )
        if len(set(ids)) < len(ids):
            twice = next(i for i in ids if ids.count(i) > 1)
            raise ParagraphIdTakenError(f"paragraph id {twice!r} stands twice in document {document.id!r}")

    def delete(self, document_id: str) -> bool:
        """Remove a document with all that hangs on it; tell whether it was there."""
        with self._changing() as connection:
            return connection.execute(sa.delete(documents).where(documents.c.id == document_id)).rowcount > 0

    def documents(self, province: str | None = None) -> list[StoredDocument]:
        """Return the stored documents by province and date, of one province (then or today) if given."""
        count = sa.select(sa.func.count()).where(paragraphs.c.document_id == documents.c.id).scalar_subquery()
        query = sa.select(documents, count.label("paragraphs")).order_by(
            documents.c.province, documents.c.year, documents.c.id
        )
        if province is not None:
            query = query.where(_in_province(province))
        with self.engine.connect() as connection:
            return [_stored_document(row) for row in connection.execute(query)]

    def document(self, document_id: str) -> StoredDocument | None:
        """Return one document, or None."""
        return next((document for document in self.documents() if document.id == document_id), None)

    def paragraphs(self, only: Filter | None = None) -> list[StoredParagraph]:
        """Return the paragraphs that pass, in document order."""
        query = _paragraph_query(only or Filter()).order_by(paragraphs.c.document_id, paragraphs.c.ordinal)
        with self.engine.connect() as connection:
            return self._with_groups(connection, connection.execute(query).all())

    def paragraphs_by_key(self, keys: Sequence[int]) -> dict[int, StoredParagraph]:
        """Return key to paragraph for the ``keys`` that exist."""
        found: dict[int, StoredParagraph] = {}
        with self.engine.connect() as connection:
            for start in range(0, len(keys), _CHUNK):
                query = _paragraph_query(Filter()).where(paragraphs.c.key.in_(list(keys[start : start + _CHUNK])))
                found |= {p.key: p for p in self._with_groups(connection, connection.execute(query).all())}
        return found

    def paragraph(self, paragraph_id: str) -> StoredParagraph | None:
        """Return one paragraph, or None."""
        query = _paragraph_query(Filter()).where(paragraphs.c.id == paragraph_id)
        with self.engine.connect() as connection:
            found = self._with_groups(connection, connection.execute(query).all())
        return found[0] if found else None

    def keys(self, only: Filter) -> NDArray[np.int64]:
        """Return the keys of the paragraphs that pass."""
        query = _paragraph_query(only).with_only_columns(paragraphs.c.key)
        with self.engine.connect() as connection:
            return np.fromiter(connection.scalars(query), np.int64)

    def tags_of(self, key: int) -> list[Tag]:
        """Return all tags of a paragraph."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(tags).where(tags.c.paragraph_key == key).order_by(tags.c.task_group))
            return [Tag(r.task_group, r.probability, r.assigned, r.source, r.model_id) for r in rows]

    def targets_of(self, key: int) -> list[Target]:
        """Return the targets of a paragraph, in order."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                sa.select(targets).where(targets.c.paragraph_key == key).order_by(targets.c.ordinal)
            )
            return [
                Target(r.indicator, r.comparator, tuple(r.values), r.unit, r.deadline, r.scope, (r.start, r.end))
                for r in map(_Row, rows)
            ]

    def vectors(self, embedder_id: str) -> tuple[NDArray[np.int64], Vectors]:
        """Return the keys and vectors of all paragraphs embedded by ``embedder_id``, in key order."""
        columns = sa.select(embeddings.c.paragraph_key, embeddings.c.vector)
        query = columns.where(embeddings.c.embedder_id == embedder_id).order_by(embeddings.c.paragraph_key)
        with self.engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        keys = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        return keys, np.frombuffer(b"".join(row[1] for row in rows), np.float32).reshape(len(rows), -1)

    def without_vectors(self, embedder_id: str) -> list[tuple[int, str]]:
        """Return (key, text) of the paragraphs that ``embedder_id`` has not embedded."""
        done = sa.select(embeddings.c.paragraph_key).where(embeddings.c.embedder_id == embedder_id)
        query = (
            sa.select(paragraphs.c.key, paragraphs.c.text)
            .where(paragraphs.c.key.not_in(done))
            .order_by(paragraphs.c.key)
        )
        with self.engine.connect() as connection:
            return [(key, text) for key, text in connection.execute(query)]

    def add_vectors(self, embedder_id: str, keys: Sequence[int], vectors: Vectors) -> None:
        """Add another embedder's vectors of paragraphs already stored; the content counts as unchanged."""
        rows = [
            {"paragraph_key": int(key), "embedder_id": embedder_id, "vector": vector.tobytes()}
            for key, vector in zip(keys, vectors, strict=True)
        ]
        with self.engine.begin() as connection:
            connection.execute(sa.insert(embeddings), rows)

    def coverage(self) -> dict[str, dict[str, int]]:
        """Return province to task group to number of assigned paragraphs; the key "" counts all paragraphs."""
        place = sa.func.coalesce(documents.c.province, "")
        joined = paragraphs.join(documents)
        totals = sa.select(place, sa.func.count()).select_from(joined).group_by(place).order_by(place)
        grouped = (
            sa.select(place, tags.c.task_group, sa.func.count())
            .select_from(joined.join(tags, tags.c.paragraph_key == paragraphs.c.key))
            .where(tags.c.assigned)
            .group_by(place, tags.c.task_group)
        )
        table: dict[str, dict[str, int]] = {}
        with self.engine.connect() as connection:
            for province, count in connection.execute(totals):
                table[province] = {"": count}
            for province, group, count in connection.execute(grouped):
                table[province][group] = count
        return table

    def years(self) -> dict[str, list[int]]:
        """Return document id to the years it counts for: that of issue and those of its period."""
        columns = (documents.c.id, documents.c.year, documents.c.period_start, documents.c.period_end)
        counted = {}
        with self.engine.connect() as connection:
            for name, year, start, end in connection.execute(sa.select(*columns)):
                period = range(start, end + 1) if start is not None else ()
                counted[name] = sorted({*period, *((year,) if year is not None else ())})
        return counted

    def provinces(self) -> list[str]:
        """Return the provinces that have documents, as published, in alphabetical order of their Vietnamese names."""
        query = sa.select(documents.c.province).where(documents.c.province.is_not(None)).distinct()
        with self.engine.connect() as connection:
            return sorted(connection.scalars(query))

    def _with_groups(self, connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[StoredParagraph]:
        assigned: dict[int, list[str]] = {}
        keys = [row.key for row in rows]
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            query = sa.select(tags.c.paragraph_key, tags.c.task_group).where(
                tags.c.assigned, tags.c.paragraph_key.in_(chunk)
            )
            for key, group in connection.execute(query.order_by(tags.c.task_group)):
                assigned.setdefault(key, []).append(group)
        return [
            StoredParagraph(
                **{**row._mapping, "heading_path": tuple(row.heading_path), "groups": tuple(assigned.get(row.key, ()))}
            )
            for row in rows
        ]


class _Row:
    """A row by attribute; plain rows already have a method called ``values``."""

    def __init__(self, row: sa.Row[Any]) -> None:
        self.__dict__.update(zip(row._fields, row, strict=True))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("select version_num from alembic_version"))
    return version


def _configure_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for setting in ("journal_mode=wal", "synchronous=normal", "foreign_keys=on", "busy_timeout=10000"):
        cursor.execute(f"pragma {setting}")
    cursor.close()


def _document_row(document: Document) -> dict[str, Any]:
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
        "added_at": datetime.now(UTC),
    }


def _insert_paragraphs(
    connection: sa.Connection, document: Document, chunk: slice, analyses: Sequence[Analysis], embedder_id: str
) -> None:
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
        }
        for p in members
    ]
    connection.execute(sa.insert(paragraphs), rows)
    query = sa.select(paragraphs.c.id, paragraphs.c.key).where(paragraphs.c.id.in_([p.id for p in members]))
    key = {row.id: row.key for row in connection.execute(query)}
    keyed = [(key[p.id], analysis) for p, analysis in zip(members, analyses, strict=True)]
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


def _in_province(name: str) -> sa.ColumnElement[bool]:
    return sa.or_(documents.c.province == name, documents.c.province_today == name)


def _paragraph_query(only: Filter) -> sa.Select[Any]:
    query = sa.select(
        paragraphs.c.key, paragraphs.c.id, paragraphs.c.document_id, paragraphs.c.ordinal, paragraphs.c.text,
        paragraphs.c.kind, paragraphs.c.heading_path, paragraphs.c.is_heading, documents.c.province,
        documents.c.province_today, documents.c.year, documents.c.number, documents.c.title,
    ).join_from(paragraphs, documents)  # fmt: skip
    if only.province is not None:
        query = query.where(_in_province(only.province))
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
    return query


def _stored_document(row: sa.Row[Any]) -> StoredDocument:
    return StoredDocument(
        id=row.id, source=row.source, number=row.number, type=row.type, title=row.title, province=row.province,
        province_today=row.province_today, issuing_body=row.issuing_body, signer=row.signer,
        date_issued=row.date_issued, year=row.year, based_on=tuple(row.based_on), paragraphs=row.paragraphs,
        sha256=row.sha256,
    )  # fmt: skip
