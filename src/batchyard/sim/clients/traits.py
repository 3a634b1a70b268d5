"""Draws what jobs do by themselves, and what their tasks depend on and lead to."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from batchyard.core import limits
from batchyard.core.specs import ExitConditions, ExitOptions, TaskDependencies
from batchyard.core.states import DependencyAction, JobAction, OnAllTasksComplete, OnTaskFailure

#: Exit codes that tasks of a world may have.
_CODES = (0, 3, 7)


@dataclass(frozen=True, slots=True)
class Traits:
    """Which of these a world has at all: most mistakes need a few of them, not all."""

    depends: bool
    reacts: bool
    ends_with_tasks: bool
    has_time_limit: bool
    is_limited: bool

    @classmethod
    def swarm(cls, random: Random) -> "Traits":
        """Return a random subset."""
        return cls(*(random.random() < 0.4 for _ in range(5)))

    def of_job(self, random: Random) -> dict[str, Any]:
        """Return what a job of the world has of them, by fields of its spec."""

        def has(trait: bool) -> bool:  # noqa: FBT001
            return trait and random.random() < 0.6

        return {
            "uses_task_dependencies": self.depends,
            "on_task_failure": OnTaskFailure.PERFORM_EXIT_OPTIONS_JOB_ACTION
            if has(self.reacts)
            else OnTaskFailure.NO_ACTION,
            "on_all_tasks_complete": OnAllTasksComplete.TERMINATE_JOB
            if has(self.ends_with_tasks)
            else OnAllTasksComplete.NO_ACTION,
            "max_wall_clock_time": timedelta(seconds=random.uniform(5.0, 90.0))
            if has(self.has_time_limit)
            else None,
            "max_parallel_tasks": random.randint(1, 3)
            if has(self.is_limited)
            else limits.PARALLEL_TASKS_UNLIMITED,
        }


def dependencies(random: Random, name: str, names: list[str]) -> TaskDependencies | None:
    """Return what a task depends on: tasks beside it, before it, after it, or never added."""
    if random.random() < 0.5:
        return None
    others = [other for other in names if other != name]
    ids = random.sample(others, min(len(others), random.randint(0, 2)))
    ranges: tuple[tuple[int, int], ...] = ()
    if random.random() < 0.2:
        first = random.choice((0, 10, 20))
        ranges = ((first, first + random.randint(0, 2)),)
        if name.isdecimal() and first <= int(name) <= ranges[0][1]:
            ranges = ()
    return TaskDependencies(task_ids=tuple(ids), task_id_ranges=ranges)


def exit_conditions(random: Random, *, acts: bool) -> ExitConditions | None:
    """Return what follows the ends of a task; job actions only where the job performs them."""
    if random.random() < 0.5:
        return None

    def options() -> ExitOptions:
        action = random.choice((None, JobAction.NONE, JobAction.DISABLE, JobAction.TERMINATE))
        return ExitOptions(action if acts else None, random.choice((None, *DependencyAction)))

    codes = tuple((code, options()) for code in _CODES if random.random() < 0.3)
    ranges = ((1, 5, options()),) if random.random() < 0.3 else ()
    default = options() if random.random() < 0.5 else None
    return ExitConditions(exit_codes=codes, exit_code_ranges=ranges, default=default)
