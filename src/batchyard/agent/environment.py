"""The environment variables of a task.

Nothing of the agent's own environment is in them. Source: 06-files-env.md, F-13 to F-17.
"""

from typing import Final

from batchyard.agent.accounts import own_name
from batchyard.agent.settings import Layout, NodeSettings
from batchyard.agent.strays import NODE_VARIABLE
from batchyard.core.states import ExecutionKind
from batchyard.link.messages import Assignment

#: Where programs of the system are. Source: F-14; T-9.
PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#: AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES: the documented example; nothing is reserved.
RESERVED_DISK_SPACE_BYTES: Final = 1_000_000

SERVICE_PREFIX: Final = "AZ_BATCH_"


def base_environment(
    settings: NodeSettings, layout: Layout, account_name: str, account_url: str
) -> dict[str, str]:
    """Return the variables that all tasks of the node have in common."""
    user = own_name() if settings.task_account is None else settings.task_account.name
    return {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "SHELL": "/bin/sh",
        "USER": user,
        "LOGNAME": user,
        "AZ_BATCH_ACCOUNT_NAME": account_name,
        "AZ_BATCH_ACCOUNT_URL": account_url,
        "AZ_BATCH_POOL_ID": settings.pool_id,
        "AZ_BATCH_NODE_ID": settings.node_id,
        "AZ_BATCH_NODE_IS_DEDICATED": str(settings.is_dedicated).lower(),
        "AZ_BATCH_NODE_ROOT_DIR": str(layout.root),
        "AZ_BATCH_NODE_SHARED_DIR": str(layout.shared),
        "AZ_BATCH_NODE_STARTUP_DIR": str(layout.startup),
        "AZ_BATCH_NODE_MOUNTS_DIR": str(layout.mounts),
        "AZ_BATCH_TASK_RESERVED_EPHEMERAL_DISK_SPACE_BYTES": str(RESERVED_DISK_SPACE_BYTES),
        NODE_VARIABLE: str(layout.home),
    }


def own_environment(assignment: Assignment, layout: Layout, base: dict[str, str]) -> dict[str, str]:
    """Return the variables that one execution has besides, or instead of, those of `base`.

    The user's settings come before ours where they name the same ``AZ_BATCH_*`` variable, so that
    ours win, and after ours otherwise (F-13).
    """
    directory = f"{layout.root}/{assignment.directory}"
    service = {
        "AZ_BATCH_TASK_DIR": directory,
        "AZ_BATCH_TASK_WORKING_DIR": f"{directory}/wd",
        "AZ_BATCH_CERTIFICATES_DIR": f"{directory}/certs",
    }
    if assignment.kind in (ExecutionKind.PRIMARY, ExecutionKind.SUBTASK):
        service["AZ_BATCH_TASK_SHARED_DIR"] = directory
    if assignment.kind is not ExecutionKind.START:
        service["AZ_BATCH_JOB_ID"] = assignment.job_id
        service["AZ_BATCH_TASK_ID"] = assignment.task_id
    if assignment.authentication_token is not None:
        service["AZ_BATCH_AUTHENTICATION_TOKEN"] = assignment.authentication_token
    if assignment.preparation_directory and assignment.kind is not ExecutionKind.PREPARATION:
        preparation = f"{layout.root}/{assignment.preparation_directory}"
        service["AZ_BATCH_JOB_PREP_DIR"] = preparation
        service["AZ_BATCH_JOB_PREP_WORKING_DIR"] = f"{preparation}/wd"
    own = {"HOME": f"{directory}/wd"}
    if assignment.is_elevated:
        own["USER"] = own["LOGNAME"] = own_name()
    own.update(
        (name, value)
        for name, value in assignment.environment.items()
        if name != NODE_VARIABLE and not (name.startswith(SERVICE_PREFIX) and name in base)
    )
    own.update(service)
    return own
