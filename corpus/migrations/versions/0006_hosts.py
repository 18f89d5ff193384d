"""Imports over several hosts; on PostgreSQL, texts sorted as SQLite sorts them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


_TABLES = (
    "documents", "paragraphs", "tags", "targets", "embeddings", "corrections", "versions", "api_keys", "jobs", "job_items",
    "saved_searches", "deliveries", "audit", "state",
)  # fmt: skip


def upgrade() -> None:
    for column in (
        sa.Column("spool", sa.String),
        sa.Column("taken_by", sa.String),
        sa.Column("taken_until", sa.DateTime(timezone=True)),
    ):
        op.add_column("job_items", column)
    if op.get_bind().dialect.name != "postgresql":
        return
    found = sa.inspect(op.get_bind())
    for table in _TABLES:
        for text in (column for column in found.get_columns(table) if isinstance(column["type"], sa.String)):
            kind = text["type"].compile(dialect=op.get_bind().dialect)
            op.execute(f'alter table "{table}" alter column "{text["name"]}" type {kind} collate "C"')
