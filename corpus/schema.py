"""The tables of the store. Migrations in ``corpus/migrations`` bring an older database to this shape.

On PostgreSQL every text column has the collation "C", so that it sorts as SQLite does: by code point.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)  # fmt: skip

# The newest migration; a database at another one is migrated when it is opened.
HEAD = "0006"

schema = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone it was given, PostgreSQL answers in that of the session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:  # noqa: ARG002
        """Return what the database gave, as UTC."""
        return value and (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC))


documents = Table(
    "documents",
    schema,
    Column("id", String, primary_key=True),
    Column("source", String, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("number", String),
    Column("type", String),
    Column("title", Text),
    Column("province", String, index=True),
    Column("province_today", String, index=True),
    Column("issuing_body", String),
    Column("signer", String),
    Column("date_issued", Date),
    Column("year", Integer, index=True),
    Column("based_on", JSON, nullable=False),
    Column("period_start", Integer),
    Column("period_end", Integer),
    Column("skipped", JSON, nullable=False),
    Column("text", Text, nullable=False),
    Column("notes", JSON, nullable=False),
    Column("page_title", Text),
    Column("evidence", JSON, nullable=False),
    Column("conflicts", JSON, nullable=False),
    Column("added_at", Moment, nullable=False),
)

paragraphs = Table(
    "paragraphs",
    schema,
    Column("key", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("document_id", ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String, nullable=False),
    Column("heading_path", JSON, nullable=False),
    Column("is_heading", Boolean, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    # For search and tagging, where scanning spoilt diacritics; null where nothing had to be corrected.
    Column("corrected", Text),
    Column("agencies", JSON, nullable=False),
    Index("paragraphs_in_order", "document_id", "ordinal"),
    # A key is never given out twice: vectors and index entries of a deleted paragraph must not be taken for another's.
    sqlite_autoincrement=True,
)

tags = Table(
    "tags",
    schema,
    Column("paragraph_key", ForeignKey("paragraphs.key", ondelete="CASCADE"), primary_key=True),
    Column("task_group", String, primary_key=True),
    Column("probability", Float, nullable=False),
    Column("assigned", Boolean, nullable=False),
    Column("source", String, nullable=False),
    Column("model_id", String, nullable=False),
    Index("tags_by_group", "task_group", "assigned"),
)

targets = Table(
    "targets",
    schema,
    Column("paragraph_key", ForeignKey("paragraphs.key", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("indicator", Text, nullable=False),
    Column("comparator", String, nullable=False),
    Column("values", JSON, nullable=False),
    Column("unit", String, nullable=False),
    Column("deadline", String),
    Column("scope", Text),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
)

embeddings = Table(
    "embeddings",
    schema,
    Column("paragraph_key", ForeignKey("paragraphs.key", ondelete="CASCADE"), primary_key=True),
    Column("embedder_id", String, primary_key=True),
    Column("vector", LargeBinary, nullable=False),
)

# What people said of tags; ``before`` and ``after`` are lists of task groups. Outlives the paragraph: it is what training learns.
corrections = Table(
    "corrections",
    schema,
    Column("number", Integer, primary_key=True),
    Column("paragraph_id", String, nullable=False, index=True),
    Column("document_id", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("before", JSON, nullable=False),
    Column("after", JSON, nullable=False),
    Column("by", String, nullable=False),
    Column("note", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    sqlite_autoincrement=True,
)

# What was replaced or deleted: ``content`` is gzipped JSON of the document, its tags and its targets.
versions = Table(
    "versions",
    schema,
    Column("document_id", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("paragraphs", Integer, nullable=False),
    Column("added_at", Moment, nullable=False),
    Column("archived_at", Moment, nullable=False),
    Column("reason", String, nullable=False),
    Column("content", LargeBinary, nullable=False),
)

# The revision that last touched each paragraph ever stored, also of one that is gone. No foreign key: it outlives them.
changes = Table(
    "changes",
    schema,
    Column("paragraph_key", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, nullable=False, index=True),
)

# Who may write (or read) over HTTP. ``hash`` is the SHA-256 of a random key that is shown once and kept nowhere.
api_keys = Table(
    "api_keys",
    schema,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
)

# Imports that go on after their request was answered, and after the process that took it died.
jobs = Table(
    "jobs",
    schema,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("by", String, nullable=False),
    # What the caller sent to make a repeated request harmless, and the SHA-256 of what came with it.
    Column("idempotency_key", String),
    Column("request_hash", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("cancelled_at", Moment),
    UniqueConstraint("by", "idempotency_key"),
    sqlite_autoincrement=True,
)

# One file or address of a job. ``reports`` holds what became of each document in it.
job_items = Table(
    "job_items",
    schema,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("url", Text),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reports", JSON, nullable=False),
    Column("finished_at", Moment),
    # The spool folder that has its file, null where there is none; who has it in hand, and until when unless they say so again.
    Column("spool", String),
    Column("taken_by", String),
    Column("taken_until", Moment),
    Index("job_items_by_state", "state", "job_id", "ordinal"),
)

# What someone wants to hear of: a query by meaning, a task group, a province, or several of them.
saved_searches = Table(
    "saved_searches",
    schema,
    Column("number", Integer, primary_key=True),
    Column("id", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("query", Text, nullable=False),
    Column("task_group", String),
    Column("province", String),
    Column("by", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    # Where new matches are posted to, with what they are signed, and the last paragraph that was looked at for it.
    Column("webhook", Text),
    Column("secret", String),
    Column("looked_at", Integer, nullable=False),
    sqlite_autoincrement=True,
)

# What is to be posted to a webhook until it was taken, or given up.
deliveries = Table(
    "deliveries",
    schema,
    Column("number", Integer, primary_key=True),
    Column("search_id", ForeignKey("saved_searches.id", ondelete="CASCADE"), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("answer", Text, nullable=False),
    Index("deliveries_due", "state", "next_at"),
    sqlite_autoincrement=True,
)

# Every write over HTTP and every command about keys and backups; ``status`` is null where it was interrupted.
audit = Table(
    "audit",
    schema,
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("actor", String, nullable=False),
    Column("action", String, nullable=False),
    Column("target", Text, nullable=False),
    Column("request_id", String, nullable=False),
    Column("status", Integer),
    sqlite_autoincrement=True,
)

# One row: the identity of this database, a counter that every change of content raises, and its value at the last
# change that did not say which paragraphs it touched.
state = Table(
    "state",
    schema,
    Column("id", Integer, primary_key=True),
    Column("store_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("unlogged", Integer, nullable=False),
)
