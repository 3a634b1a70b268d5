"""A yard for each test."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.yard import Yard


@pytest.fixture
def yard() -> Iterator[Yard]:
    """A yard; nothing of it may run on after the test."""
    with tempfile.TemporaryDirectory(prefix="batchyard-e2e-") as name:
        folder = Path(name)
        # Searchable by the accounts that tasks run as.
        folder.chmod(0o755)
        made = Yard(folder)
        try:
            yield made
        finally:
            left = made.clear()
        assert left == []
