"""Run migrations on the connection that the store hands over."""

from alembic import context

from corpus.schema import schema

context.configure(connection=context.config.attributes["connection"], target_metadata=schema, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
