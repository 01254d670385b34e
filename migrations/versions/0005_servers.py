"""Who wrote an entry, as the database saw it; and on PostgreSQL the function that tells the time."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A view beside the entry, outside what is hashed: SQLite knows no writers and leaves it empty.
    op.add_column("log_entry", sa.Column("writer", sa.String(), nullable=True))
    if op.get_context().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION spendgate.spendgate_now() RETURNS timestamptz LANGUAGE sql VOLATILE"
            " AS 'SELECT clock_timestamp()'"
        )


def downgrade() -> None:
    refuse_downgrade()
