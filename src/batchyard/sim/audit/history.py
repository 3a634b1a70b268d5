"""What the auditor knows of the past: everything that was asked, and everything that ran."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from batchyard.sim.audit.shown import ShownTask
from batchyard.sim.rules import Rule, Violation

TASK: Final = "task"
PREPARATION: Final = "preparation"
RELEASE: Final = "release"
START: Final = "start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What was asked of a job preparation task (J-69, J-70)."""

    waits: bool = True
    reruns: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """What was asked of a job manager task (J-58, J-60, J-61).

    `outranks` if its job may have a higher priority than others: it may then displace their tasks.
    """

    task: str
    is_exclusive: bool
    ends_job: bool
    outranks: bool


@dataclass(slots=True, eq=False)
class Life:
    """A node from one boot to the next."""

    node: str
    pool: str
    slots: int
    waits_for_start_task: bool
    is_started: bool = False
    is_over: bool = False
    is_given_up: bool = False

    @property
    def keeps(self) -> bool:
        """Whether the service learns, sooner or later, what happened here."""
        return not (self.is_over or self.is_given_up)

    def __str__(self) -> str:
        return self.node


@dataclass(slots=True, eq=False)
class Run:
    """One process, from its start to its end. `exit_code` is None when it did not exit.

    One that is `let_go` no longer counts for its task: it may have been displaced.

    `used_microseconds` is the CPU time that it has really used; of one that runs it is unknown yet.
    """

    name: str
    kind: str
    job: str
    task: str
    life: Life
    is_over: bool = False
    is_killed: bool = False
    is_let_go: bool = False
    exit_code: int | None = None
    used_microseconds: int = 0

    def __str__(self) -> str:
        return f"{self.name} on {self.life}"


@dataclass(slots=True, eq=False)
class Task:
    """What is known of a task."""

    slots: int
    retries_max: int
    asked_count: int
    is_accepted: bool = False
    is_end_asked: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    runs: list[Run] = field(default_factory=list)
    completed: ShownTask | None = None

    def exits(self) -> Iterator[int]:
        """Return the exit codes of its runs that exited."""
        return (run.exit_code for run in self.runs if run.exit_code is not None)


@dataclass(slots=True, eq=False)
class Job:
    """What is known of a job; `runs` are those of its preparation and release tasks."""

    name: str
    pool: str
    preparation: Preparation | None
    has_release: bool
    strict_priority: int | None
    #: Whether its auto pool outlives it; None if it has none.
    keeps_pool: bool | None = None
    is_accepted: bool = False
    is_end_asked: bool = False
    is_ended: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    #: A client does not want to wait for what its nodes have left to do.
    is_force_asked: bool = False
    is_end_forced: bool = False
    is_deletion_forced: bool = False
    tasks: dict[str, Task] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    def runs_on(self, node: str, kind: str) -> list[Run]:
        """Return its preparation or release runs on a node."""
        return [run for run in self.runs if run.life.node == node and run.kind == kind]


@dataclass(slots=True)
class History:
    """Everything of it; the auditor writes, its judges read."""

    jobs: dict[str, Job] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    alive: dict[str, Run] = field(default_factory=dict)
    managers: dict[str, Manager] = field(default_factory=dict)
    #: Jobs whose tasks may be displaced.
    displaceable: set[str] = field(default_factory=set)
    #: How many nodes of each pool users took away so far.
    given_up: dict[str, int] = field(default_factory=dict)
    is_calm: bool = False
    look_time: datetime | None = None

    def let_go(self, job: Job) -> None:
        """Let the tasks of a job be displaced from now on."""
        self.displaceable.add(job.name)
        for task in job.tasks.values():
            for run in task.runs:
                run.is_let_go = True

    def tasks_alive_on(self, life: Life) -> Iterator[tuple[Run, Task]]:
        """Return what runs of tasks in this life."""
        for run in self.alive.values():
            if run.kind == TASK and run.life is life:
                yield run, self.jobs[run.job].tasks[run.task]


def names(runs: Iterable[Run]) -> str:
    """Return runs as words of a report."""
    return ", ".join(str(run) for run in runs)


def require(condition: bool, rule: Rule, facts: str) -> None:  # noqa: FBT001
    """Raise the violation of a rule, with its facts, unless the condition holds."""
    if not condition:
        raise Violation(rule, facts)
