"""Alembic migrations of the schema, the first one included."""
