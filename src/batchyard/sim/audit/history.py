"""What the auditor knows of the past: everything that was asked, and everything that ran."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from batchyard.sim.audit.shown import ShownTask
from batchyard.sim.audit.terms import DISABLE, Needs, Preparation, Reactions, Terms
from batchyard.sim.rules import Rule, Violation

TASK: Final = "task"
PREPARATION: Final = "preparation"
RELEASE: Final = "release"
START: Final = "start"
SUBTASK: Final = "subtask"

#: What takes the slots of its task on a node.
OF_TASKS: Final = frozenset({TASK, SUBTASK})


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

    `attempt` is of an instance of a multi-instance task, and of its application.

    One that is `let_go` no longer counts for its task: a client asked for its end, or it may have
    been displaced.
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
    attempt: str = ""
    is_coordinated: bool = False

    def __str__(self) -> str:
        return f"{self.name} on {self.life}"


@dataclass(slots=True, eq=False)
class Task:
    """What is known of a task. `retries_min` are the fewest that were ever asked for."""

    slots: int
    retries_max: int
    retries_min: int
    needs: Needs
    reactions: Reactions
    #: How often nodes had been taken away, and its job disabled by clients, when it was asked for.
    taken_before: int
    is_accepted: bool = False
    is_end_asked: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    #: Of a multi-instance task: those of its application, and instances that failed.
    runs: list[Run] = field(default_factory=list)
    #: How many instances it has, 0 if it is no multi-instance task, and all that ran.
    instances: int = 0
    parts: list[Run] = field(default_factory=list)
    completed: ShownTask | None = None
    #: Reactivations: how many were asked for, how many of these wait for their answer, and how many
    #: runs there were before the one that was accepted.
    reactivations: int = 0
    reactivations_open: int = 0
    runs_before: int | None = None
    #: What it depends on and has been shown to be satisfied by.
    satisfied_by: set[str] = field(default_factory=set)

    @property
    def counted(self) -> list[Run]:
        """Its runs that the service learns of and that were not let go."""
        return [run for run in self.runs if run.life.keeps and not run.is_let_go]

    @property
    def ends_max(self) -> int:
        """How often it may have ended: with a run, or by request without one."""
        return len(self.runs) + (1 + self.reactivations if self.is_end_asked else 0)

    @property
    def starts(self) -> int:
        """How often it has started, several instances together once."""
        return len({one.attempt for one in self.parts}) if self.instances else len(self.runs)

    def exits(self) -> Iterator[int]:
        """Return the exit codes of its runs that exited."""
        return (run.exit_code for run in self.runs if run.exit_code is not None)


@dataclass(slots=True, eq=False)
class Job:
    """What is known of a job; `runs` are those of its preparation and release tasks."""

    name: str
    #: Its pool; two of them while a client asks for another one.
    pools: set[str]
    preparation: Preparation | None
    has_release: bool
    strict_priority: int | None
    terms: Terms
    #: Whether its auto pool outlives it; None if it has none.
    keeps_pool: bool | None = None
    is_accepted: bool = False
    is_end_asked: bool = False
    is_ended: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    #: How often it was asked to be disabled, with its tasks put back.
    disables: int = 0
    #: How often it was asked to be enabled, and how many of these requests wait for their answer.
    enables: int = 0
    enables_open: int = 0
    #: Whether a task of it may disable it, and so let go what runs.
    may_disable_itself: bool = False
    #: Whether it was disabled with its tasks put back or ended, which nodes may not know of yet.
    is_taking_back: bool = False
    #: A client does not want to wait for what its nodes have left to do.
    is_force_asked: bool = False
    is_end_forced: bool = False
    is_deletion_forced: bool = False
    tasks: dict[str, Task] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)

    @property
    def lets_go(self) -> bool:
        """Whether what starts of it may be on its way out already."""
        return self.may_disable_itself or self.is_taking_back

    def runs_on(self, node: str, kind: str) -> list[Run]:
        """Return its preparation or release runs on a node."""
        return [run for run in self.runs if run.life.node == node and run.kind == kind]


@dataclass(slots=True, eq=False)
class Schedule:
    """What is known of a job schedule: when it makes jobs, and of which kind."""

    pool: str
    terms: Terms
    keeps_pool: bool | None
    start: datetime | None
    interval: timedelta | None
    window: timedelta | None
    end: datetime | None
    is_accepted: bool = False
    is_end_asked: bool = False
    is_ended: bool = False
    is_deletion_asked: bool = False
    is_deleted: bool = False
    #: Whether it is disabled, how often it was, and how many requests to enable it wait for their
    #: answer.
    is_disabled: bool = False
    disables: int = 0
    is_force_asked: bool = False
    enables_open: int = 0


@dataclass(slots=True)
class History:
    """Everything of it; the auditor writes, its judges read."""

    jobs: dict[str, Job] = field(default_factory=dict)
    schedules: dict[str, Schedule] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    alive: dict[str, Run] = field(default_factory=dict)
    managers: dict[str, Manager] = field(default_factory=dict)
    #: Jobs whose tasks may be displaced.
    displaceable: set[str] = field(default_factory=set)
    #: Jobs whose managers may be waiting to run again.
    restarted: set[str] = field(default_factory=set)
    #: How many nodes users took away so far.
    given_up: int = 0
    is_calm: bool = False
    look_time: datetime | None = None

    def jobs_of(self, schedule: str) -> list[Job]:
        """Return the jobs of a schedule that are known."""
        return [job for job in self.jobs.values() if schedule_of(job.name) == schedule]

    def adopt(self, name: str) -> Job | None:
        """Return a job, of which nothing may be known but that its schedule was asked for."""
        schedule = self.schedules.get(schedule_of(name) or "")
        if name not in self.jobs and schedule is not None:
            self.jobs[name] = Job(
                name=name,
                pools={schedule.pool} - {""},
                preparation=None,
                has_release=False,
                strict_priority=None,
                terms=schedule.terms,
                keeps_pool=schedule.keeps_pool,
                is_end_asked=schedule.is_end_asked,
                is_deletion_asked=schedule.is_deletion_asked,
                is_force_asked=schedule.is_force_asked,
            )
        return self.jobs.get(name)

    def taken_by_clients(self, job: Job) -> int:
        """Return how often clients took nodes from a job, or disabled it."""
        return self.given_up + job.disables

    def disabled_by_tasks(self, job: Job) -> int:
        """Return how often tasks of a job may have disabled it.

        One that has ended does so when the service learns of it, which may be much later.
        """
        return sum(
            task.ends_max
            for task in job.tasks.values()
            if job.terms.acts_on_failure and DISABLE in task.reactions.job_actions
        )

    def is_displaceable(self, job: Job) -> bool:
        """Return whether tasks of a job may be displaced, by managers that waited before it too."""
        return job.name in self.displaceable or any(
            self.managers[name].outranks and self.jobs[name].pools & job.pools
            for name in self.restarted
        )

    def let_go(self, job: Job) -> None:
        """Let the tasks of a job be displaced from now on."""
        self.displaceable.add(job.name)
        for task in job.tasks.values():
            for run in (*task.runs, *task.parts):
                run.is_let_go = True

    def tasks_alive_on(self, life: Life) -> Iterator[tuple[Run, Task]]:
        """Return what runs of tasks in this life."""
        for run in self.alive.values():
            if run.kind in OF_TASKS and run.life is life:
                yield run, self.jobs[run.job].tasks[run.task]


def schedule_of(job: str) -> str | None:
    """Return the schedule that has made a job of this name (SC-15), if one has."""
    schedule, is_made, _ = job.rpartition(":job-")
    return schedule if is_made else None


def names(runs: Iterable[Run]) -> str:
    """Return runs as words of a report."""
    return ", ".join(str(run) for run in runs)


def require(condition: bool, rule: Rule, facts: str) -> None:  # noqa: FBT001
    """Raise the violation of a rule, with its facts, unless the condition holds."""
    if not condition:
        raise Violation(rule, facts)
