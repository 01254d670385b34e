"""The log and the private texts."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_entry",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("prev", sa.String(64), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("proposal", sa.String(), nullable=True),
        sa.Column("proposal_version", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.String(27), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_log_entry"),
        sa.UniqueConstraint("hash", name="uq_log_entry_hash"),
        sa.UniqueConstraint("prev", name="uq_log_entry_prev"),
    )
    op.create_index("ix_log_entry_proposal", "log_entry", ["proposal", "seq"])
    op.create_index("ix_log_entry_event", "log_entry", ["event", "seq"])
    op.create_table(
        "person_key",
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("person", name="pk_person_key"),
    )
    op.create_table(
        "private_text",
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kept_at", sa.String(27), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("cipher", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("ref", name="pk_private_text"),
    )
    op.create_index("ix_private_text_person", "private_text", ["person"])


def downgrade() -> None:
    refuse_downgrade()
