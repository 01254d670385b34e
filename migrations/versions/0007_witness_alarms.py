"""What witnesses said against the log."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_alarm",
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("witness", sa.String(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("origin", "witness", "what", name="pk_log_alarm"),
    )


def downgrade() -> None:
    refuse_downgrade()
