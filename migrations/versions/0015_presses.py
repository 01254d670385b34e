"""Presses on cards, stored before Slack is told that they arrived."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "slack_press",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("choice", sa.String(), nullable=False),
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=True),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("reason_ref", sa.String(), nullable=True),
        sa.Column("pressed_at", TIME, nullable=False),
        sa.Column("judged_at", TIME, nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("telling_until", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_slack_press"),
        sa.UniqueConstraint("key", name="uq_slack_press_key"),
    )
    for name, where in (("waiting", "judged_at IS NULL"), ("untold", "note IS NOT NULL")):
        condition = sa.text(where)
        index = f"ix_slack_press_{name}"
        op.create_index(index, "slack_press", ["id"], sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    refuse_downgrade()
