"""The store port of the engine on SQL databases (SQLAlchemy Core tables, Alembic migrations)."""
