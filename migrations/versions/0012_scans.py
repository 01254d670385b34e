"""Which states of the bill were scanned: a table of its own.

A scan is the agent's, and the timers' table was everybody's: whoever could note a scan there could also take the slot
of the unsigned log's alarm, of a reminder or of an expiry, which then never came.
"""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TIME = sa.String(27)


def upgrade() -> None:
    op.create_table(
        "anomaly_scan",
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("slot", name="pk_anomaly_scan"),
    )
    op.execute(
        "INSERT INTO anomaly_scan (slot, taken_by, taken_at) "
        "SELECT slot, taken_by, taken_at FROM timer_slot WHERE name = 'scan'"
    )
    op.execute("DELETE FROM timer_slot WHERE name = 'scan'")


def downgrade() -> None:
    refuse_downgrade()
