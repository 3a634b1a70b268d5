"""The engine's transaction on SQL: all of its statements, on one connection."""

from collections.abc import Iterator
from contextlib import contextmanager

from batchyard.store.statements.additions import AdditionStatements
from batchyard.store.statements.directories import DirectoryStatements
from batchyard.store.statements.due import DueStatements
from batchyard.store.statements.entities import EntityStatements
from batchyard.store.statements.placing import PlacingStatements
from batchyard.store.statements.relations import RelationStatements
from batchyard.store.statements.specs import SpecStatements
from batchyard.store.waiting import SqlWaits


class SqlTransaction(
    EntityStatements,
    AdditionStatements,
    SpecStatements,
    RelationStatements,
    PlacingStatements,
    DirectoryStatements,
    DueStatements,
):
    """See `batchyard.engine.ports.Transaction`."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo the writes inside if it raises."""
        self._execute("SAVEPOINT command")
        try:
            yield
        except BaseException:
            self._execute("ROLLBACK TO command")
            self._execute("RELEASE command")
            raise
        self._execute("RELEASE command")

    @property
    def waits(self) -> SqlWaits:
        """The questions that only the answer to "why does it wait" asks."""
        return SqlWaits(self._connection)
