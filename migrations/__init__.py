"""How the database comes to be and changes: Alembic revisions in order. `app/migrate.py` runs them.

`0001` the log and private texts, `0002` the gate; each floor's tables are its own (`audit/`, `approvals/`, `app/`).
After every run the triggers are made anew, since SQLite drops a table's triggers when a migration rebuilds it.
"""
