"""What people said of tags."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "corrections",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("paragraph_id", sa.String, nullable=False, index=True),
        sa.Column("document_id", sa.String, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("before", "after")),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
