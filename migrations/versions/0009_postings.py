"""Messages that must stand in Slack once, and how far each card's thread tells the log.

Cards that were drawn before are told from now on: their threads do not repeat what happened earlier, and requesters are
not told again of what ended before.
"""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.String(27)
ENDED = "verified diverged failed rehearsed rejected expired superseded stale cancelled vetoed review_due "
ENDED += "reviewed_ok reviewed_bad unsealable"


def upgrade() -> None:
    op.create_table(
        "slack_posting",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("ts", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("key", name="pk_slack_posting"),
    )
    with op.batch_alter_table("card_message") as table:
        table.add_column(sa.Column("told", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE card_message SET told = COALESCE((SELECT MAX(seq) FROM log_entry), 0)")
    told_before = sa.text(
        "INSERT INTO slack_posting (key, owner, until, begun_at, channel, ts) "
        "SELECT 'end ' || id, 'upgrade', changed_at, changed_at, '', '' FROM proposal WHERE state = :state"
    )
    for state in ENDED.split():
        op.execute(told_before.bindparams(state=state))


def downgrade() -> None:
    refuse_downgrade()
