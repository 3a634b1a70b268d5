"""What a seeded defect is: one place of the real code that is changed, and what it breaks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from batchyard.sim.rules import Rule

Patch = pytest.MonkeyPatch


@dataclass(frozen=True, slots=True)
class SeededDefect:
    """One mistake, how to make it, and the promise that it breaks in a world."""

    sentence: str
    make: Callable[[Patch], None]
    rule: Rule

    @property
    def name(self) -> str:
        return self.make.__name__.strip("_").replace("_", "-")


def change(patch: Patch, owner: Any, name: str, changed: Callable[..., Any]) -> None:
    """Have `changed` called instead of a function, with that function and its arguments."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *arguments: changed(original, *arguments))
