"""Which paragraphs changed, and when: what derived indexes catch up by."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("paragraph_key", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Integer, nullable=False, index=True),
    )
    # Nothing is known of what came before.
    op.add_column("state", sa.Column("unlogged", sa.Integer, nullable=False, server_default="0"))
    op.execute("update state set unlogged = revision")
