"""What clients asked of jobs and tasks, in the judge's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

TERMINATE: Final = "terminate"
DISABLE: Final = "disable"
SATISFY: Final = "satisfy"
BLOCK: Final = "block"
NONE: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What was asked of a job preparation task (J-69, J-70)."""

    waits: bool = True
    reruns: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a job does by itself: when it ends, whether tasks act on it, how many run at once."""

    ends_with_tasks: bool = False
    acts_on_failure: bool = False
    seconds_max: float | None = None
    parallel_max: int | None = None

    @property
    def may_end(self) -> bool:
        """Whether the job may end although no client asks for it."""
        return self.ends_with_tasks or self.acts_on_failure or self.seconds_max is not None


@dataclass(frozen=True, slots=True)
class Reaction:
    """What follows one way in which a task ends; None where nothing was said."""

    job_action: str | None = None
    dependency_action: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """The exit conditions of a task (T-26); ranges are inclusive.

    An end is told by the exit code of a process that exited by itself, and None for any other.
    """

    codes: Mapping[int, Reaction] = field(default_factory=dict)
    ranges: tuple[tuple[int, int, Reaction], ...] = ()
    default: Reaction = Reaction()

    def job_action(self, exit_code: int | None) -> str:
        """Return what becomes of the job: it is terminated unless the end was a success (T-31)."""
        usual = NONE if exit_code == 0 else TERMINATE
        return self._given(exit_code).job_action or usual

    @property
    def job_actions(self) -> frozenset[str]:
        """All job actions that are given for any end."""
        every = [*self.codes.values(), *(given for _, _, given in self.ranges), self.default]
        return frozenset(given.job_action for given in every if given.job_action)

    def satisfies(self, exit_code: int | None) -> bool:
        """Return whether those that wait for the task may run."""
        usual = SATISFY if exit_code == 0 else BLOCK
        return (self._given(exit_code).dependency_action or usual) == SATISFY

    def _given(self, exit_code: int | None) -> Reaction:
        if exit_code is not None and exit_code in self.codes:
            return self.codes[exit_code]
        for first, last, given in self.ranges:
            if exit_code is not None and first <= exit_code <= last:
                return given
        return Reaction() if exit_code == 0 else self.default


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Which tasks of its job a task depends on: by id, and by inclusive ranges of numbers."""

    ids: frozenset[str] = frozenset()
    ranges: tuple[tuple[int, int], ...] = ()

    @property
    def are_any(self) -> bool:
        """Whether the task depends on anything."""
        return bool(self.ids or self.ranges)

    def numbers(self) -> frozenset[int]:
        """Return the numbers of the ranges."""
        return frozenset(n for first, last in self.ranges for n in range(first, last + 1))
