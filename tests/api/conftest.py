"""The service that the tests of the API talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.bench import Bench, running_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with running_bench(tmp_path) as bench:
        yield bench
