"""What a caller may ask to be changed: admit it or refuse it, then let the life cycles decide.

Every command runs in the writer's transaction, in a savepoint of its own. It returns what the
caller wants to know, and the caller hears of it after the commit. Refusals are `Refused`.
"""

from batchyard.engine.commands.job_schedules import (
    create_job_schedule,
    delete_job_schedule,
    disable_job_schedule,
    enable_job_schedule,
    terminate_job_schedule,
    update_job_schedule,
)
from batchyard.engine.commands.jobs import (
    create_job,
    delete_job,
    disable_job,
    enable_job,
    terminate_job,
    update_job,
)
from batchyard.engine.commands.pools import (
    create_pool,
    delete_pool,
    reboot_node,
    remove_nodes,
    resize_pool,
    update_pool,
)
from batchyard.engine.commands.tasks import (
    add_task,
    add_tasks,
    delete_task,
    reactivate_task,
    terminate_task,
    update_task,
)

__all__ = [
    "add_task",
    "add_tasks",
    "create_job",
    "create_job_schedule",
    "create_pool",
    "delete_job",
    "delete_job_schedule",
    "delete_pool",
    "delete_task",
    "disable_job",
    "disable_job_schedule",
    "enable_job",
    "enable_job_schedule",
    "reactivate_task",
    "reboot_node",
    "remove_nodes",
    "resize_pool",
    "terminate_job",
    "terminate_job_schedule",
    "terminate_task",
    "update_job",
    "update_job_schedule",
    "update_pool",
    "update_task",
]
