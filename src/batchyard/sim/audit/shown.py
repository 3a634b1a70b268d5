"""What the service shows to callers, in the judge's own words."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTask:
    """A task as the service shows it; words as on the wire."""

    job: str
    task: str
    state: str
    result: str | None
    exit_code: int | None
    retry_count: int
    requeue_count: int
    creation_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    #: CPU time; where a task is completed already, its last run may be yet to tell of its own.
    used_microseconds: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCounts:
    """Task counts of a job as the service shows them."""

    active: int
    running: int
    succeeded: int
    failed: int
    active_slots: int
    running_slots: int
    succeeded_slots: int
    failed_slots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownJob:
    """A job as the service shows it, with its pool and the CPU time of its tasks.

    `reason` is that of its end.
    """

    job: str
    state: str
    counts: ShownCounts
    reason: str | None = None
    creation_time: datetime | None = None
    pool: str = ""
    used_microseconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSchedule:
    """A job schedule as the service shows it."""

    schedule: str
    state: str
    creation_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownNode:
    """A node as the service shows it."""

    node: str
    pool: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPool:
    """A pool as the service shows it; `has_errors` of its last resize."""

    pool: str
    allocation_state: str
    target_nodes: int
    has_errors: bool
    state: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything that the service shows, all of it at one instant `time`."""

    time: datetime
    tasks: tuple[ShownTask, ...]
    jobs: tuple[ShownJob, ...]
    nodes: tuple[ShownNode, ...] = ()
    pools: tuple[ShownPool, ...] = ()
    schedules: tuple[ShownSchedule, ...] = ()
