"""Alembic's entry: it runs in the transaction that the store hands over."""

from alembic import context

from batchyard.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
