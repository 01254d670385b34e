"""Unusual spend: the events, what people said of them, and the messages that are due."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TIME = sa.String(27)
TEXTS = ("kind", "state", "started", "last_day", "actual", "expected", "excess", "told_excess")


def upgrade() -> None:
    op.create_table(
        "anomaly",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        *(sa.Column(name, sa.String(), nullable=False) for name in TEXTS),
        sa.Column("found_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_anomaly"),
    )
    op.create_index("ix_anomaly_series", "anomaly", ["series"])
    op.create_index("ix_anomaly_state", "anomaly", ["state"])
    op.create_table(
        "anomaly_mark",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("anomaly", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("first_day", sa.String(), nullable=True),
        sa.Column("until_day", sa.String(), nullable=True),
        sa.Column("excess", sa.String(), nullable=False),
        sa.Column("reason_ref", sa.String(), nullable=False),
        sa.Column("marked_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_anomaly_mark"),
    )
    op.create_index("ix_anomaly_mark_anomaly", "anomaly_mark", ["anomaly"])
    op.create_table(
        "anomaly_due",
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("anomalies", sa.String(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("posted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("slot", "owner", name="pk_anomaly_due"),
    )


def downgrade() -> None:
    refuse_downgrade()
