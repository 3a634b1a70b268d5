"""Recorded and published traffic, which lies beside the repository and not in it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).parents[3] / "shared"
API = SHARED / "reference" / "api"
RECORDINGS = SHARED / "clients" / "recordings"

needs_shared = pytest.mark.skipif(
    not RECORDINGS.exists(), reason="the recordings beside the repository are absent"
)


def exchanges(name: str) -> Iterator[dict[str, Any]]:
    """Yield the requests of a file with their answers."""
    with (RECORDINGS / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
