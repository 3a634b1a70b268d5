"""How the entities of the core lie in rows."""

from functools import cache
from typing import Any, Final

from batchyard.core.model import Execution, Gang, Job, JobNode, JobSchedule, Node, Pool, Task
from batchyard.store.values import Codec

POOLS: Final = Codec(Pool)
NODES: Final = Codec(Node)
JOBS: Final = Codec(Job)
TASKS: Final = Codec(Task)
JOB_NODES: Final = Codec(JobNode)
JOB_SCHEDULES: Final = Codec(JobSchedule)
EXECUTIONS: Final = Codec(Execution)
GANGS: Final = Codec(Gang)

#: State of a node's row that stays for the tasks that ran there.
GONE: Final = "gone"


@cache
def select_list(codec: Codec[Any], prefix: str = "") -> str:
    """Return the columns of an entity for a select."""
    return ", ".join(prefix + name for name in codec.columns)
