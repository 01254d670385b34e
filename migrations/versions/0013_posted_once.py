"""Reminders, alarms of an unsigned log and checkpoints in a channel are messages that stand once, like every other.

What was said already stays said: its slot of a timer becomes the row of its message, without a place.
"""

from alembic import op

from migrations import refuse_downgrade

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO slack_posting (key, owner, until, begun_at, channel, ts) "
        "SELECT CASE name WHEN 'remind' THEN 'reminder ' ELSE 'unsigned ' END || slot, taken_by, taken_at, taken_at, "
        "'', '' FROM timer_slot WHERE name IN ('remind', 'unsigned')"
    )
    op.execute("DELETE FROM timer_slot WHERE name IN ('remind', 'unsigned', 'witness')")


def downgrade() -> None:
    refuse_downgrade()
