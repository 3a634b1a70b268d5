"""What a command says has to be looked at next."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto

from batchyard.core.keys import JobKey, JobScheduleKey, NodeKey, PoolKey


class Dated(Enum):
    """The loops that look at what has become due."""

    RETENTION = auto()
    JOBS = auto()
    LIFETIME = auto()
    SCHEDULES = auto()


@dataclass(slots=True)
class Wakes:
    """What has to be looked at: hints, all of which a start gives anew."""

    placement: set[PoolKey] = field(default_factory=set)
    resize: set[PoolKey] = field(default_factory=set)
    sweep: set[JobKey] = field(default_factory=set)
    schedule_sweep: set[JobScheduleKey] = field(default_factory=set)
    #: Job schedules that may only seem to be due late: the clock was ahead.
    schedules_ahead: set[JobScheduleKey] = field(default_factory=set)
    fleet: set[NodeKey] = field(default_factory=set)
    #: When loops that look at what has become due have to look next.
    due: dict[Dated, datetime] = field(default_factory=dict)

    def update(self, other: "Wakes") -> None:
        """Add what `other` holds."""
        for loop, time in other.due.items():
            self.is_due(loop, time)
        self.placement |= other.placement
        self.resize |= other.resize
        self.sweep |= other.sweep
        self.schedule_sweep |= other.schedule_sweep
        self.schedules_ahead |= other.schedules_ahead
        self.fleet |= other.fleet

    def is_due(self, loop: Dated, time: datetime) -> None:
        """Have a loop look at `time`, if not earlier anyway."""
        self.due[loop] = min(time, self.due.get(loop, time))
