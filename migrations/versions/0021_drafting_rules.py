"""For which rules of savings a scan drafts, in whose name; and which proposal it drafted for an event."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drafting_rule",
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("rule", "number", name="pk_drafting_rule"),
    )
    op.add_column("anomaly", sa.Column("proposal", sa.String(), nullable=True))


def downgrade() -> None:
    refuse_downgrade()
