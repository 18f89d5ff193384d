"""Keep documents, paragraphs, tags, targets and vectors in one database, the truth that indexes are built from.

SQLite by default, or PostgreSQL (``corpus.engine``). One transaction a document: it is in whole or not at all.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from corpus.changelog import Mark, logged, mark_of, touch_documents
from corpus.codec import analysis_form, analysis_from, document_form, document_from
from corpus.engine import hold_migrations, insert_new, open_engine
from corpus.schema import HEAD, documents, embeddings, paragraphs, tags, targets, versions
from corpus.standbys import Standbys
from corpus.stored import (
    Analysis,
    Archived,
    Filter,
    ProvinceAs,
    StoredDocument,
    StoredParagraph,
    Vectors,
    Version,
    document_row,
    in_province,
    insert_paragraphs,
    paragraph_query,
    stored_document,
    stored_paragraph,
    tag_of,
    target_of,
    whole_document,
)
from corpus.types import Document, Tag, Target

__all__ = [
    "Analysis",
    "Filter",
    "ParagraphIdTakenError",
    "ProvinceAs",
    "Store",
    "StoredDocument",
    "StoredParagraph",
    "Version",
]
Outcome = Literal["added", "updated", "unchanged"]
# SQLite takes at most 32,766 bound values in a statement; a chunk stays well below in every query here.
_CHUNK = 5_000
# Made once: every search asks them, and making a statement costs more than running it.
_KEYS: sa.BindParameter[Any] = sa.bindparam("keys", expanding=True)
_BY_KEY = paragraph_query(Filter()).where(paragraphs.c.key.in_(_KEYS))
_GROUPS = (
    sa.select(tags.c.paragraph_key, tags.c.task_group)
    .where(tags.c.assigned, tags.c.paragraph_key.in_(_KEYS))
    .order_by(tags.c.task_group)
)


class ParagraphIdTakenError(ValueError):
    """A paragraph's id is in use by another document; the message names both."""


class Store:
    """The database behind a URL; migrated to the newest schema when opened."""

    def __init__(self, url: str, standbys: str = "") -> None:
        """Open ``url``; ``standbys`` is the URL of what may be read in its place (``corpus.standbys``), if anything."""
        self.engine = open_engine(url)
        self._migrate()
        self._standbys = Standbys(standbys, self.engine) if standbys else None
        self._shown = 0

    def _migrate(self) -> None:
        with self.engine.begin() as connection:
            if _version(connection) == HEAD:
                return
            hold_migrations(connection)
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
        if self._standbys:
            self._standbys.close()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Open a connection to read from: inside ``standbys.from_standbys`` perhaps a standby's, else the primary's."""
        if self._standbys is None:
            with self.engine.connect() as connection:
                yield connection
            return
        engine = self._standbys.engine(self._shown)
        try:
            with engine.connect() as connection:
                yield connection
        except sa.exc.SQLAlchemyError as error:
            self._standbys.failed(engine, error)
            raise

    def mark(self) -> Mark:
        """Return where the store stands; standbys that are not as far are not read any more."""
        with self.reading() as connection:
            mark = mark_of(connection)
        self._shown = max(self._shown, mark.revision)
        return mark

    @property
    def content(self) -> str:
        """The identity of what is stored now: changes with every change of content."""
        return str(self.mark())

    @contextmanager
    def changing(self) -> Iterator[sa.Connection]:
        """Open a transaction that changes content; it says by ``corpus.changelog`` which paragraphs it touches."""
        with self.engine.begin() as connection, logged(connection):
            yield connection

    def outcome_of(self, document: Document) -> Outcome:
        """Tell what adding ``document`` would do."""
        with self.reading() as connection:
            known = connection.scalar(sa.select(documents.c.sha256).where(documents.c.id == document.id))
        if known is None:
            return "added"
        return "unchanged" if known == document.sha256 else "updated"

    def with_bytes(self, sha256: str) -> StoredDocument | None:
        """Return a document read from these bytes, or None when they are new."""
        query = _document_query().where(documents.c.sha256 == sha256)
        with self.reading() as connection:
            row = connection.execute(query.order_by(documents.c.id).limit(1)).first()
        return stored_document(row) if row else None

    def replaced(self) -> dict[str, tuple[str, str]]:
        """Return the SHA-256 of each version that was replaced to its document's id and SHA-256 of now."""
        query = sa.select(versions.c.sha256, documents.c.id, documents.c.sha256).where(
            versions.c.document_id == documents.c.id, versions.c.reason == "replaced"
        )
        with self.engine.connect() as connection:
            return {before: (name, now) for before, name, now in connection.execute(query)}

    def add(self, document: Document, analyses: Sequence[Analysis], embedder_id: str) -> None:
        """Store ``document`` with one analysis a paragraph; another version of the same id is kept among its versions.

        Tags that people gave a paragraph stay with the paragraph of the same words. Raises ParagraphIdTakenError where a
        paragraph's id belongs to another document; nothing is changed then.
        """
        with self.changing() as connection:
            given = self._archive(connection, document.id, "replaced", unless=document.sha256)
            touch_documents(connection, document.id)
            connection.execute(sa.delete(documents).where(documents.c.id == document.id))
            self._check_ids(connection, document)
            connection.execute(sa.insert(documents).values(document_row(document)))
            for start in range(0, len(document.paragraphs), _CHUNK):
                chunk = slice(start, start + _CHUNK)
                members = [
                    replace(analysis, tags=_with_given(analysis.tags, given.get(paragraph.text, ())))
                    for paragraph, analysis in zip(document.paragraphs[chunk], analyses[chunk], strict=True)
                ]
                insert_paragraphs(connection, document, chunk, members, embedder_id)
            touch_documents(connection, document.id)

    def _archive(
        self, connection: sa.Connection, document_id: str, reason: Archived, unless: str = ""
    ) -> dict[str, list[Tag]]:
        """Keep what is stored of a document, unless it has the hash given; return its paragraphs' words to people's tags."""
        whole = self._whole(connection, document_id)
        if whole is None:
            return {}
        document, analyses, added_at = whole
        if document.sha256 != unless:
            content = {"document": document_form(document), "analyses": list(map(analysis_form, analyses))}
            last = sa.select(sa.func.max(versions.c.number)).where(versions.c.document_id == document_id)
            connection.execute(
                sa.insert(versions).values(
                    document_id=document_id, number=(connection.scalar(last) or 0) + 1, source=document.source,
                    sha256=document.sha256, paragraphs=len(document.paragraphs), added_at=added_at,
                    archived_at=datetime.now(UTC), reason=reason, content=gzip.compress(json.dumps(content).encode()),
                )
            )  # fmt: skip
        given: dict[str, list[Tag]] = {}
        for paragraph, analysis in zip(document.paragraphs, analyses, strict=True):
            given.setdefault(paragraph.text, []).extend(tag for tag in analysis.tags if tag.source == "person")
        return given

    def _whole(self, connection: sa.Connection, document_id: str) -> tuple[Document, list[Analysis], datetime] | None:
        row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).first()
        if row is None:
            return None
        query = sa.select(paragraphs).where(paragraphs.c.document_id == document_id).order_by(paragraphs.c.ordinal)
        members = connection.execute(query).all()
        keys = [member.key for member in members]
        tagged, measured = self._tags(connection, keys), self._targets(connection, keys)
        none = np.zeros(0, np.float32)
        analyses = [Analysis(tagged.get(m.key, []), measured.get(m.key, []), none, m.corrected) for m in members]
        return whole_document(row, members), analyses, row.added_at

    def whole(self, document_id: str) -> Document | None:
        """Return a document as it was read, with its text and the evidence of its metadata; None where there is none."""
        with self.reading() as connection:
            found = self._whole(connection, document_id)
        return found[0] if found else None

    def analysed(self, document_id: str) -> tuple[Document, list[Analysis]] | None:
        """Return a document as it was read with what the models and people say of it, without vectors, or None."""
        with self.engine.connect() as connection:
            found = self._whole(connection, document_id)
        return found[:2] if found else None

    def versions(self, document_id: str) -> list[Version]:
        """Return the earlier versions of a document, oldest first; also of a deleted one."""
        columns = [column for column in versions.c if column.name != "content"]
        query = sa.select(*columns).where(versions.c.document_id == document_id).order_by(versions.c.number)
        with self.reading() as connection:
            return [Version(**row._mapping) for row in connection.execute(query)]

    def version(self, document_id: str, number: int) -> tuple[Document, list[Analysis]] | None:
        """Return an earlier version with its tags and targets, without vectors; None where there is none."""
        query = sa.select(versions.c.content).where(versions.c.document_id == document_id, versions.c.number == number)
        with self.reading() as connection:
            packed = connection.scalar(query)
        if packed is None:
            return None
        content = json.loads(gzip.decompress(packed))
        return document_from(content["document"]), list(map(analysis_from, content["analyses"]))

    def deleted(self) -> list[Version]:
        """Return the last version of every document that was deleted and not brought back."""
        columns = [column for column in versions.c if column.name != "content"]
        last = versions.alias()
        newest = (
            sa.select(sa.func.max(last.c.number)).where(last.c.document_id == versions.c.document_id).scalar_subquery()
        )
        query = sa.select(*columns).where(
            versions.c.number == newest,
            versions.c.reason == "deleted",
            versions.c.document_id.not_in(sa.select(documents.c.id)),
        )
        with self.reading() as connection:
            return [Version(**row._mapping) for row in connection.execute(query.order_by(versions.c.document_id))]

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
        """Take a document out, keeping it among its versions; tell whether it was there."""
        with self.changing() as connection:
            self._archive(connection, document_id, "deleted")
            touch_documents(connection, document_id)
            return connection.execute(sa.delete(documents).where(documents.c.id == document_id)).rowcount > 0

    def documents(self, province: str | None = None) -> list[StoredDocument]:
        """Return the stored documents by province and date, of one province (then or today) if given."""
        # Said because PostgreSQL would put those without a province last.
        order = (documents.c.province.nulls_first(), documents.c.year.nulls_first(), documents.c.id)
        query = _document_query().order_by(*order)
        if province is not None:
            query = query.where(in_province(province))
        with self.reading() as connection:
            return [stored_document(row) for row in connection.execute(query)]

    def documents_after(self, document_id: str, limit: int, province: str | None = None) -> list[StoredDocument]:
        """Return at most ``limit`` documents whose ids come after ``document_id``, by id, of one province if given."""
        query = _document_query().where(documents.c.id > document_id).order_by(documents.c.id).limit(limit)
        with self.reading() as connection:
            rows = connection.execute(query.where(in_province(province)) if province is not None else query)
            return [stored_document(row) for row in rows]

    def document(self, document_id: str) -> StoredDocument | None:
        """Return one document, or None."""
        with self.reading() as connection:
            row = connection.execute(_document_query().where(documents.c.id == document_id)).first()
        return stored_document(row) if row else None

    def paragraphs(self, only: Filter | None = None) -> list[StoredParagraph]:
        """Return the paragraphs that pass, in document order."""
        query = paragraph_query(only or Filter()).order_by(paragraphs.c.document_id, paragraphs.c.ordinal)
        with self.reading() as connection:
            return self._with_groups(connection, connection.execute(query).all())

    def paragraphs_by_key(self, keys: Sequence[int]) -> dict[int, StoredParagraph]:
        """Return key to paragraph for the ``keys`` that exist."""
        found: dict[int, StoredParagraph] = {}
        if not keys:
            return found
        with self.reading() as connection:
            for start in range(0, len(keys), _CHUNK):
                rows = connection.execute(_BY_KEY, {"keys": list(keys[start : start + _CHUNK])}).all()
                found |= {p.key: p for p in self._with_groups(connection, rows)}
        return found

    def paragraph(self, paragraph_id: str) -> StoredParagraph | None:
        """Return one paragraph, or None."""
        query = paragraph_query(Filter()).where(paragraphs.c.id == paragraph_id)
        with self.reading() as connection:
            found = self._with_groups(connection, connection.execute(query).all())
        return found[0] if found else None

    def keys(self, only: Filter) -> NDArray[np.int64]:
        """Return the keys of the paragraphs that pass, ascending."""
        query = paragraph_query(only).with_only_columns(paragraphs.c.key).order_by(paragraphs.c.key)
        with self.reading() as connection:
            return np.fromiter(connection.scalars(query), np.int64)

    def tags_of(self, key: int) -> list[Tag]:
        """Return all tags of a paragraph."""
        return self.tags_by_key([key]).get(key, [])

    def targets_of(self, key: int) -> list[Target]:
        """Return the targets of a paragraph, in order."""
        return self.targets_by_key([key]).get(key, [])

    def tags_by_key(self, keys: Sequence[int]) -> dict[int, list[Tag]]:
        """Return key to all tags of the paragraphs that have any."""
        with self.reading() as connection:
            return self._tags(connection, keys)

    def targets_by_key(self, keys: Sequence[int]) -> dict[int, list[Target]]:
        """Return key to targets, in order, of the paragraphs that have any."""
        with self.reading() as connection:
            return self._targets(connection, keys)

    def _tags(self, connection: sa.Connection, keys: Sequence[int]) -> dict[int, list[Tag]]:
        found: dict[int, list[Tag]] = {}
        for row in _by_keys(connection, tags, keys, tags.c.task_group):
            found.setdefault(row.paragraph_key, []).append(tag_of(row))
        return found

    def _targets(self, connection: sa.Connection, keys: Sequence[int]) -> dict[int, list[Target]]:
        found: dict[int, list[Target]] = {}
        for row in _by_keys(connection, targets, keys, targets.c.ordinal):
            found.setdefault(row.paragraph_key, []).append(target_of(row))
        return found

    def vectors(self, embedder_id: str) -> tuple[NDArray[np.int64], Vectors]:
        """Return the keys and vectors of all paragraphs embedded by ``embedder_id``, in key order."""
        columns = sa.select(embeddings.c.paragraph_key, embeddings.c.vector)
        query = columns.where(embeddings.c.embedder_id == embedder_id).order_by(embeddings.c.paragraph_key)
        with self.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return np.zeros(0, np.int64), np.zeros((0, 0), np.float32)
        keys = np.fromiter((row[0] for row in rows), np.int64, len(rows))
        return keys, np.frombuffer(b"".join(row[1] for row in rows), np.float32).reshape(len(rows), -1)

    def vectors_of(self, keys: Sequence[int], embedder_id: str) -> dict[int, Vectors]:
        """Return key to vector for the ``keys`` that ``embedder_id`` has embedded."""
        found: dict[int, Vectors] = {}
        with self.reading() as connection:
            for start in range(0, len(keys), _CHUNK):
                query = sa.select(embeddings.c.paragraph_key, embeddings.c.vector).where(
                    embeddings.c.embedder_id == embedder_id,
                    embeddings.c.paragraph_key.in_(list(keys[start : start + _CHUNK])),
                )
                found |= {key: np.frombuffer(vector, np.float32) for key, vector in connection.execute(query)}
        return found

    def without_vectors(self, embedder_id: str) -> list[tuple[int, str]]:
        """Return (key, text, corrected where it was) of the paragraphs that ``embedder_id`` has not embedded."""
        done = sa.select(embeddings.c.paragraph_key).where(embeddings.c.embedder_id == embedder_id)
        words = sa.func.coalesce(paragraphs.c.corrected, paragraphs.c.text)
        query = sa.select(paragraphs.c.key, words).where(paragraphs.c.key.not_in(done)).order_by(paragraphs.c.key)
        with self.reading() as connection:
            return [(key, text) for key, text in connection.execute(query)]

    def add_vectors(self, embedder_id: str, keys: Sequence[int], vectors: Vectors) -> None:
        """Add another embedder's vectors of paragraphs already stored; the content counts as unchanged."""
        rows = [
            {"paragraph_key": int(key), "embedder_id": embedder_id, "vector": vector.tobytes()}
            for key, vector in zip(keys, vectors, strict=True)
        ]
        with self.engine.begin() as connection:
            # Another process may have embedded them meanwhile.
            connection.execute(insert_new(connection, embeddings), rows)

    def years(self) -> dict[str, list[int]]:
        """Return document id to the years it counts for: that of issue and those of its period."""
        columns = (documents.c.id, documents.c.year, documents.c.period_start, documents.c.period_end)
        counted = {}
        with self.reading() as connection:
            for name, year, start, end in connection.execute(sa.select(*columns)):
                period = range(start, end + 1) if start is not None else ()
                counted[name] = sorted({*period, *((year,) if year is not None else ())})
        return counted

    def provinces(self) -> list[str]:
        """Return the provinces that have documents, as published, in alphabetical order of their Vietnamese names."""
        query = sa.select(documents.c.province).where(documents.c.province.is_not(None)).distinct()
        with self.reading() as connection:
            return sorted(connection.scalars(query))

    def _with_groups(self, connection: sa.Connection, rows: Sequence[sa.Row[Any]]) -> list[StoredParagraph]:
        assigned: dict[int, list[str]] = {}
        keys = [row.key for row in rows]
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            for key, group in connection.execute(_GROUPS, {"keys": chunk}):
                assigned.setdefault(key, []).append(group)
        return [stored_paragraph(row, assigned.get(row.key, ())) for row in rows]


def _document_query() -> sa.Select[Any]:
    count = sa.select(sa.func.count()).where(paragraphs.c.document_id == documents.c.id).scalar_subquery()
    columns = [column for column in documents.c if column.name not in ("text", "skipped", "evidence")]
    return sa.select(*columns, count.label("paragraphs"))


def _by_keys(connection: sa.Connection, table: sa.Table, keys: Sequence[int], order: Any) -> Iterator[sa.Row[Any]]:
    for start in range(0, len(keys), _CHUNK):
        chunk = [int(key) for key in keys[start : start + _CHUNK]]
        yield from connection.execute(sa.select(table).where(table.c.paragraph_key.in_(chunk)).order_by(order))


def _with_given(own: Sequence[Tag], given: Sequence[Tag]) -> list[Tag]:
    """Return ``own`` tags, those of task groups that people judged replaced by theirs."""
    judged = {tag.task_group: tag for tag in given}
    return [*(tag for tag in own if tag.task_group not in judged), *judged.values()]


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(sa.text("select version_num from alembic_version"))
    return version
