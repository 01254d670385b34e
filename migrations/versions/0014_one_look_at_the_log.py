"""The entry of a move is found by its proposal and version, and the rail that asks for it asks once.

The rail itself is made anew by every upgrade, like all of them.
"""

from alembic import op

from migrations import refuse_downgrade

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_log_entry_move", "log_entry", ["proposal", "proposal_version"])
    op.drop_index("ix_log_entry_proposal", table_name="log_entry")


def downgrade() -> None:
    refuse_downgrade()
