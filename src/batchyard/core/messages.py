"""Every event as a frozen value.

An *event* happened to, or is asked of, the one entity that its `key` names. Imperatives are asked
for (`StopExecution`), pasts happened (`TaskStarted`). What follows from one stands in `effects`.
"""

from batchyard.core.job_events import JobEvent, JobNodeEvent, JobScheduleEvent
from batchyard.core.pool_events import NodeEvent, PoolEvent
from batchyard.core.task_events import ExecutionEvent, GangEvent, TaskEvent

Event = (
    TaskEvent
    | ExecutionEvent
    | GangEvent
    | JobNodeEvent
    | NodeEvent
    | PoolEvent
    | JobEvent
    | JobScheduleEvent
)
