"""Governance: break-glass, claims as rows, the kill switch, delegations, groups, timers, advice, candidates."""

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIME = sa.String(27)
MONEY = sa.String(64)


def upgrade() -> None:
    op.add_column("draft", sa.Column("authority", sa.String(), nullable=False, server_default="vote"))
    op.add_column("draft", sa.Column("incident", sa.String(), nullable=True))
    op.add_column("proposal", sa.Column("authority", sa.String(), nullable=False, server_default="vote"))
    for name in ("outcome", "class_name", "scope", "account", "currency"):
        op.add_column("proposal", sa.Column(name, sa.String(), nullable=True))
    op.add_column("proposal", sa.Column("amount", MONEY, nullable=True))
    op.create_index("ix_proposal_scope", "proposal", ["scope"])
    op.add_column("policy_version", sa.Column("token", sa.String(), nullable=True))
    op.create_index("uq_policy_version_token", "policy_version", ["token"], unique=True)
    _policy_candidate()
    _claim_record()
    _kill_switch()
    _delegation()
    _readings()


def _policy_candidate() -> None:
    op.create_table(
        "policy_candidate",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_policy_candidate"),
    )


def _claim_record() -> None:
    op.create_table(
        "claim_record",
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("worker", sa.String(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("claimed_at", TIME, nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("amount", MONEY, nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["proposal"], ["proposal.id"], name="fk_claim_record_proposal_proposal"),
        sa.PrimaryKeyConstraint("proposal", name="pk_claim_record"),
        sa.UniqueConstraint("nonce", name="uq_claim_record_nonce"),
    )
    op.create_index("ix_claim_record_claimed_at", "claim_record", ["claimed_at"])


def _kill_switch() -> None:
    op.create_table(
        "kill_switch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("engaged", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("reason_ref", sa.String(), nullable=True),
        sa.Column("token", sa.String(), nullable=True),
        sa.Column("turned_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kill_switch"),
        sa.UniqueConstraint("token", name="uq_kill_switch_token"),
    )
    op.create_index("ix_kill_switch_scope", "kill_switch", ["scope"])


def _delegation() -> None:
    op.create_table(
        "delegation",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("giver", sa.String(), nullable=False),
        sa.Column("receiver", sa.String(), nullable=False),
        sa.Column("roles", sa.String(), nullable=False),
        sa.Column("starts_at", TIME, nullable=False),
        sa.Column("ends_at", TIME, nullable=False),
        sa.Column("granted_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_delegation"),
    )
    op.create_index("ix_delegation_giver", "delegation", ["giver"])
    op.create_index("ix_delegation_receiver", "delegation", ["receiver"])


def _readings() -> None:
    op.create_table(
        "directory_reading",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("read_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_directory_reading"),
    )
    op.create_table(
        "timer_slot",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("slot", sa.String(), nullable=False),
        sa.Column("taken_by", sa.String(), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("name", "slot", name="pk_timer_slot"),
    )
    op.create_table(
        "advice",
        sa.Column("proposal", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("advised_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("proposal", name="pk_advice"),
    )


def downgrade() -> None:
    refuse_downgrade()
