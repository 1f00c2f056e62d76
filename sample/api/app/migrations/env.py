"""Alembic's entry point. Only `app.migrate` uses it, with the connection that holds the lock."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
