"""Bursts of hours among the events: when their first and last hour began."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("first_hour", "last_hour"):
        op.add_column("anomaly", sa.Column(name, sa.String(), nullable=True))


def downgrade() -> None:
    refuse_downgrade()
