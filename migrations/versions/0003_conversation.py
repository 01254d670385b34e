"""The front door: deliveries, conversations, messages, turns, answers, cards, signs of life."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _said()
    _turns()
    _shown()


def _said() -> None:
    op.create_table(
        "slack_delivery",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("received_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_slack_delivery"),
    )
    op.create_table(
        "conversation",
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("surface", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("thread_ts", sa.String(), nullable=False),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("thread", name="pk_conversation"),
        sa.UniqueConstraint(
            "surface", "team", "channel", "thread_ts", name="uq_conversation_surface_team_channel_thread_ts"
        ),
    )
    op.create_table(
        "message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("text_ref", sa.String(), nullable=False),
        sa.Column("said_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
    )
    op.create_index("ix_message_thread", "message", ["thread"])


def _turns() -> None:
    op.create_table(
        "wakeup",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.String(27), nullable=False),
        sa.Column("done_at", sa.String(27), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_wakeup"),
    )
    op.create_index("ix_wakeup_thread", "wakeup", ["thread"])
    op.create_table(
        "woken",
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("proposal", name="pk_woken"),
    )
    op.create_table(
        "lease",
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("until", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("thread", name="pk_lease"),
    )
    op.create_table(
        "turn_step",
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("turn", name="pk_turn_step"),
    )
    op.create_index("ix_turn_step_thread", "turn_step", ["thread"])
    op.create_table(
        "answer",
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("answered_at", sa.String(27), nullable=False),
        sa.Column("posted_at", sa.String(27), nullable=True),
        sa.Column("refused", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("turn", name="pk_answer"),
    )
    op.create_index("ix_answer_thread", "answer", ["thread"])
    op.create_table(
        "token_use",
        sa.Column("turn", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("input_tokens", sa.Integer(), nullable=False),
        sa.Column("output_tokens", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("turn", name="pk_token_use"),
    )


def _shown() -> None:
    op.create_table(
        "card_message",
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("ts", sa.String(), nullable=False),
        sa.Column("drawn_version", sa.Integer(), nullable=False),
        sa.Column("hinted", sa.Boolean(), nullable=False),
        sa.Column("drawn_at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("proposal", name="pk_card_message"),
    )
    op.create_table(
        "process_seen",
        sa.Column("process", sa.String(), nullable=False),
        sa.Column("at", sa.String(27), nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_process_seen"),
    )
