"""Keys, jobs, saved searches with their deliveries, the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def _needed(kind: sa.String, *names: str) -> "list[sa.Column[str]]":
    return [sa.Column(name, kind, nullable=False) for name in names]


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String, primary_key=True),
        *_needed(sa.String(), "name", "scope"),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        *(sa.Column(name, moment) for name in ("last_used_at", "revoked_at")),
    )
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("idempotency_key", sa.String),
        sa.Column("request_hash", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("cancelled_at", moment),
        sa.UniqueConstraint("by", "idempotency_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "job_items",
        sa.Column("job_id", sa.String, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("reports", sa.JSON, nullable=False),
        sa.Column("finished_at", moment),
        sa.Index("job_items_by_state", "state", "job_id", "ordinal"),
    )
    op.create_table(
        "saved_searches",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        *(sa.Column(name, sa.String) for name in ("task_group", "province")),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("webhook", sa.Text),
        sa.Column("secret", sa.String),
        sa.Column("looked_at", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "deliveries",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("search_id", sa.String, sa.ForeignKey("saved_searches.id", ondelete="CASCADE"), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", moment, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Index("deliveries_due", "state", "next_at"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", moment, nullable=False),
        *_needed(sa.String(), "actor", "action"),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("request_id", sa.String, nullable=False),
        sa.Column("status", sa.Integer),
        sqlite_autoincrement=True,
    )
