"""Bringing a database to the newest schema with Alembic. Imported only when there is need."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

_MIGRATIONS: Final = Path(__file__).parent / "migrations"


def configuration() -> Config:
    """Return Alembic's configuration for our migrations."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config


def upgrade(connection: Connection) -> bool:
    """Bring the schema to its newest revision; return False if it has a revision unknown here."""
    config = configuration()
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None:
        revisions = ScriptDirectory.from_config(config).walk_revisions()
        if current not in {script.revision for script in revisions}:
            return False
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True
