"""Where the message of what is unusual stands in Slack, and what it shows there."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("channel", "ts", "drawn", "refused"):
        op.add_column("anomaly_due", sa.Column(name, sa.String(), nullable=True))


def downgrade() -> None:
    refuse_downgrade()
