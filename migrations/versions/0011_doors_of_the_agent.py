"""When tokens were used, for a monthly budget; and access tokens, with which a person's own assistant may ask."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.String(27)


def upgrade() -> None:
    op.add_column("token_use", sa.Column("at", TIME, nullable=True))
    op.create_index("ix_token_use_at", "token_use", ["at"])
    op.create_table(
        "access_token",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("may_propose", sa.Boolean(), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_access_token"),
    )
    op.create_index("ix_access_token_digest", "access_token", ["digest"], unique=True)
    op.create_index("ix_access_token_person", "access_token", ["person"])


def downgrade() -> None:
    refuse_downgrade()
