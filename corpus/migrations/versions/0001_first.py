"""The first tables: documents, paragraphs, tags, targets, embeddings, state."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "documents",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, index=True),
        *(sa.Column(name, sa.String) for name in ("number", "type")),
        sa.Column("title", sa.Text),
        *(sa.Column(name, sa.String, index=True) for name in ("province", "province_today")),
        *(sa.Column(name, sa.String) for name in ("issuing_body", "signer")),
        sa.Column("date_issued", sa.Date),
        sa.Column("year", sa.Integer, index=True),
        sa.Column("based_on", sa.JSON, nullable=False),
        sa.Column("period_start", sa.Integer),
        sa.Column("period_end", sa.Integer),
        sa.Column("skipped", sa.JSON, nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "paragraphs",
        sa.Column("key", sa.Integer, primary_key=True),
        sa.Column("id", sa.String, nullable=False, unique=True),
        sa.Column("document_id", sa.String, sa.ForeignKey("documents.id", ondelete="CASCADE"), nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("heading_path", sa.JSON, nullable=False),
        sa.Column("is_heading", sa.Boolean, nullable=False),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("paragraphs_in_order", "paragraphs", ["document_id", "ordinal"])
    op.create_table(
        "tags",
        sa.Column("paragraph_key", sa.Integer, sa.ForeignKey("paragraphs.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("task_group", sa.String, primary_key=True),
        sa.Column("probability", sa.Float, nullable=False),
        sa.Column("assigned", sa.Boolean, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("model_id", sa.String, nullable=False),
    )
    op.create_index("tags_by_group", "tags", ["task_group", "assigned"])
    op.create_table(
        "targets",
        sa.Column("paragraph_key", sa.Integer, sa.ForeignKey("paragraphs.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("ordinal", sa.Integer, primary_key=True),
        sa.Column("indicator", sa.Text, nullable=False),
        sa.Column("comparator", sa.String, nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("unit", sa.String, nullable=False),
        sa.Column("deadline", sa.String),
        sa.Column("scope", sa.Text),
        sa.Column("start", sa.Integer, nullable=False),
        sa.Column("end", sa.Integer, nullable=False),
    )
    op.create_table(
        "embeddings",
        sa.Column("paragraph_key", sa.Integer, sa.ForeignKey("paragraphs.key", ondelete="CASCADE"), primary_key=True),
        sa.Column("embedder_id", sa.String, primary_key=True),
        sa.Column("vector", sa.LargeBinary, nullable=False),
    )
    state = op.create_table(
        "state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("store_id", sa.String, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
    )
    op.bulk_insert(state, [{"id": 1, "store_id": uuid.uuid4().hex, "revision": 0}])


def downgrade() -> None:
    for name in ("state", "embeddings", "targets", "tags", "paragraphs", "documents"):
        op.drop_table(name)
