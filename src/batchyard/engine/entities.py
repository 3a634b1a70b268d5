"""Entities of one command: read in sets, changed in memory, written once."""

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Entity = TypeVar("Entity")


class Entities(Generic[Key, Entity]):
    """Entities of one kind, as they were read and as they are now."""

    def __init__(self, load: Callable[[Iterable[Key]], dict[Key, Entity]]) -> None:
        self._load = load
        self._before: dict[Key, Entity | None] = {}
        self._now: dict[Key, Entity | None] = {}

    def read(self, keys: Iterable[Key]) -> None:
        """Read in one statement those of `keys` that were not read yet."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._now]
        if missing:
            found = self._load(missing)
            for key in missing:
                self._before[key] = self._now[key] = found.get(key)

    def get(self, key: Key) -> Entity | None:
        """Return an entity as it is now; None if it is not there."""
        if key not in self._now:
            self.read((key,))
        return self._now[key]

    def put(self, key: Key, entity: Entity | None) -> None:
        """Let an entity be this from now on; None if it is gone."""
        if key not in self._now:
            self._before[key] = None
        self._now[key] = entity

    def added(self, key: Key, entity: Entity) -> None:
        """Take over an entity that was inserted by other means."""
        self._before[key] = self._now[key] = entity

    def known(self, items: Iterable[tuple[Key, Entity]]) -> None:
        """Take over what was read by other means, where nothing newer is known."""
        for key, entity in items:
            if key not in self._now:
                self._before[key] = self._now[key] = entity

    def take_changes(self) -> list[tuple[Entity | None, Entity | None]]:
        """Return (before, after) of all that changed since the last call."""
        changes = []
        for key, after in self._now.items():
            before = self._before[key]
            if after is not before:
                if before is not None or after is not None:
                    changes.append((before, after))
                self._before[key] = after
        return changes
