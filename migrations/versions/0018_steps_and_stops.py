"""The steps of a turn while it runs, who stopped which turn, and what Slack was last told of a conversation."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("turn_step", sa.Column("steps", sa.JSON(), nullable=True))
    op.create_table(
        "turn_stop",
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("stopped_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("turn", name="pk_turn_stop"),
    )
    op.create_index("ix_turn_stop_thread", "turn_stop", ["thread"])
    op.create_table(
        "slack_session",
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("told_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("thread", name="pk_slack_session"),
    )
    op.create_index("ix_slack_session_status", "slack_session", ["status"])


def downgrade() -> None:
    refuse_downgrade()
