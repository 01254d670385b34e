"""In which workspaces the Slack app is installed, with their encrypted tokens, and which installations came back."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slack_installation",
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("bot_user", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("refresh_token", sa.String(), nullable=True),
        sa.Column("ends_at", sa.String(27), nullable=True),
        sa.Column("installed_at", sa.String(27), nullable=False),
        sa.Column("renewing_by", sa.String(), nullable=True),
        sa.Column("renewing_until", sa.String(27), nullable=True),
        sa.Column("refused", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("team", name="pk_slack_installation"),
    )
    op.create_table(
        "slack_install_state",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("used_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_slack_install_state"),
    )


def downgrade() -> None:
    refuse_downgrade()
