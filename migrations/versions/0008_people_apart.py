"""People apart: names and accounts under each person's own key, keys that are destroyed once, legal holds.

What older versions of the people hold in clear is set apart by `approvals/apart.py` in the same transaction, after the
tables are there.
"""

import secrets

import sqlalchemy as sa
from alembic import op

from migrations import refuse_downgrade

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.String(27)


def upgrade() -> None:
    with op.batch_alter_table("person_key") as table:
        table.alter_column("key", existing_type=sa.LargeBinary(), nullable=True)
        table.add_column(sa.Column("name_key", sa.LargeBinary(), nullable=True))
        table.add_column(sa.Column("erased_at", TIME, nullable=True))
    _name_keys()
    op.create_index("ix_person_key_erased_at", "person_key", ["erased_at"])
    op.create_table(
        "person_record",
        sa.Column("ref", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("kept_at", TIME, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("cipher", sa.LargeBinary(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("ref", name="pk_person_record"),
    )
    op.create_index("ix_person_record_person", "person_record", ["person"])
    for table_name in ("policy_version", "policy_candidate"):
        op.add_column(table_name, sa.Column("apart", sa.String(), nullable=True))
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("reason_ref", sa.String(), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("lifted_by", sa.String(), nullable=True),
        sa.Column("lifted_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_legal_hold"),
    )
    op.create_index("ix_legal_hold_person", "legal_hold", ["person"])


def _name_keys() -> None:
    """A second key for everybody who has the first; chance is the program's, since no server must have the means."""
    keys = sa.table("person_key", sa.column("person", sa.String), sa.column("name_key", sa.LargeBinary))
    connection = op.get_bind()
    for person in connection.execute(sa.select(keys.c.person)).scalars().all():
        made = sa.update(keys).where(keys.c.person == person).values(name_key=secrets.token_bytes(32))
        connection.execute(made)


def downgrade() -> None:
    refuse_downgrade()
