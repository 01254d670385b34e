"""How the database comes to be and changes: Alembic revisions in order. `app/migrate.py` runs them.

`0001` the log and private texts, `0002` the gate; each floor's tables are its own (`audit/`, `approvals/`, `app/`).
A revision is never taken back: `refuse_downgrade` says why and what to do instead.
After every run the triggers are made anew, since SQLite drops a table's triggers when a migration rebuilds it.
"""

from typing import NoReturn


class NoWayBack(Exception):
    """A database is not taken to an earlier revision."""


def refuse_downgrade() -> NoReturn:
    """What every revision does when it is asked to be taken back: the log and decisions would lose their columns."""
    raise NoWayBack("a log and its decisions are not taken back: restore a backup made before the upgrade")
