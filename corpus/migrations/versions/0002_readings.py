"""What reading finds beside the paragraphs, and the versions of documents."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for column in (
        sa.Column("text", sa.Text, nullable=False, server_default=""),
        sa.Column("notes", sa.JSON, nullable=False, server_default="[]"),
        sa.Column("page_title", sa.Text),
        sa.Column("evidence", sa.JSON, nullable=False, server_default="{}"),
        sa.Column("conflicts", sa.JSON, nullable=False, server_default="[]"),
    ):
        op.add_column("documents", column)
    op.add_column("paragraphs", sa.Column("page", sa.Integer))
    op.add_column("paragraphs", sa.Column("corrected", sa.Text))
    op.add_column("paragraphs", sa.Column("agencies", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "versions",
        sa.Column("document_id", sa.String, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.String, nullable=False) for name in ("source", "sha256")),
        sa.Column("paragraphs", sa.Integer, nullable=False),
        *(sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in ("added_at", "archived_at")),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
