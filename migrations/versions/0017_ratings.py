"""What people thought of answers."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_rating",
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("reason_ref", sa.String(), nullable=True),
        sa.Column("rated_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("turn", "person", name="pk_answer_rating"),
    )
    op.create_index("ix_answer_rating_rated_at", "answer_rating", ["rated_at"])


def downgrade() -> None:
    refuse_downgrade()
