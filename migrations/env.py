"""What Alembic runs: on the connection that `app/migrate.py` hands in, inside the transaction that it opened."""

from alembic import context

from app.migrate import CONNECTION, configure_arguments, restore_triggers

connection = context.config.attributes.get(CONNECTION)
if connection is None:
    raise SystemExit("Run `spendgate db upgrade`; migrations run only on the database that it opens.")
context.configure(connection=connection, **configure_arguments())
context.run_migrations()
restore_triggers(connection)
