"""From a request line to an operation and its handler.

Routing is by the raw path: a name may contain anything, a slash too, when it is percent-encoded
(wire section 1).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.responses import Response

from batchyard.api import files, job_schedules, jobs, nodes, pools, tasks
from batchyard.api.http import Call
from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire.coverage import shorten
from batchyard.wire.operations import OPERATIONS, Operation

Handler = Callable[[Call], Awaitable[Response]]

HANDLERS: Final[Mapping[str, Handler]] = {
    "Pools_CreatePool": pools.create_pool,
    "Pools_ListPools": pools.list_pools,
    "Pools_DeletePool": pools.delete_pool,
    "Pools_PoolExists": pools.pool_exists,
    "Pools_GetPool": pools.get_pool,
    "Pools_UpdatePool": pools.update_pool,
    "Pools_ReplacePoolProperties": pools.replace_pool_properties,
    "Pools_ResizePool": pools.resize_pool,
    "Pools_RemoveNodes": pools.remove_nodes,
    "Pools_ListSupportedImages": pools.list_supported_images,
    "Pools_ListPoolNodeCounts": pools.list_pool_node_counts,
    "Nodes_GetNode": nodes.get_node,
    "Nodes_RebootNode": nodes.reboot_node,
    "Nodes_GetNodeRemoteLoginSettings": nodes.get_node_remote_login_settings,
    "Nodes_ReimageNode": nodes.reimage_node,
    "Nodes_ListNodes": nodes.list_nodes,
    "Nodes_DeleteNodeFile": files.delete_node_file,
    "Nodes_GetNodeFile": files.get_node_file,
    "Nodes_GetNodeFileProperties": files.get_node_file_properties,
    "Nodes_ListNodeFiles": files.list_node_files,
    "Jobs_DeleteJob": jobs.delete_job,
    "Jobs_GetJob": jobs.get_job,
    "Jobs_UpdateJob": jobs.update_job,
    "Jobs_ReplaceJob": jobs.replace_job,
    "Jobs_DisableJob": jobs.disable_job,
    "Jobs_EnableJob": jobs.enable_job,
    "Jobs_TerminateJob": jobs.terminate_job,
    "Jobs_CreateJob": jobs.create_job,
    "Jobs_ListJobs": jobs.list_jobs,
    "Jobs_ListJobPreparationAndReleaseTaskStatus": (
        jobs.list_job_preparation_and_release_task_status
    ),
    "Jobs_GetJobTaskCounts": jobs.get_job_task_counts,
    "Jobs_ListJobsFromSchedule": job_schedules.list_jobs_from_schedule,
    "JobSchedules_JobScheduleExists": job_schedules.job_schedule_exists,
    "JobSchedules_DeleteJobSchedule": job_schedules.delete_job_schedule,
    "JobSchedules_GetJobSchedule": job_schedules.get_job_schedule,
    "JobSchedules_UpdateJobSchedule": job_schedules.update_job_schedule,
    "JobSchedules_ReplaceJobSchedule": job_schedules.replace_job_schedule,
    "JobSchedules_DisableJobSchedule": job_schedules.disable_job_schedule,
    "JobSchedules_EnableJobSchedule": job_schedules.enable_job_schedule,
    "JobSchedules_TerminateJobSchedule": job_schedules.terminate_job_schedule,
    "JobSchedules_CreateJobSchedule": job_schedules.create_job_schedule,
    "JobSchedules_ListJobSchedules": job_schedules.list_job_schedules,
    "Tasks_CreateTask": tasks.create_task,
    "Tasks_ListTasks": tasks.list_tasks,
    "Tasks_CreateTaskCollection": tasks.create_task_collection,
    "Tasks_DeleteTask": tasks.delete_task,
    "Tasks_ReplaceTask": tasks.replace_task,
    "Tasks_TerminateTask": tasks.terminate_task,
    "Tasks_ReactivateTask": tasks.reactivate_task,
    "Tasks_GetTask": tasks.get_task,
    "Tasks_ListSubTasks": tasks.list_subtasks,
    "Tasks_DeleteTaskFile": files.delete_task_file,
    "Tasks_GetTaskFile": files.get_task_file,
    "Tasks_GetTaskFileProperties": files.get_task_file_properties,
    "Tasks_ListTaskFiles": files.list_task_files,
}
assert HANDLERS.keys() == {operation.name for operation in OPERATIONS if operation.is_built}, (
    "every operation that is built has a handler"
)

#: The parameter that takes the rest of the path.
_REST: Final = "filePath"


@dataclass(slots=True)
class _Step:
    """What may follow at one place of a path."""

    operations: dict[str, Operation] = field(default_factory=dict)
    literals: dict[str, "_Step"] = field(default_factory=dict)
    prefixes: dict[str, "_Step"] = field(default_factory=dict)
    parameter: "tuple[str, _Step] | None" = None

    def add(self, segment: str) -> "_Step":
        """Return the step that follows on a segment of a template."""
        if segment.startswith("{"):
            if self.parameter is None:
                self.parameter = (segment.strip("{}"), _Step())
            return self.parameter[1]
        if "{" in segment:
            return self.prefixes.setdefault(segment.partition("(")[0] + "(", _Step())
        return self.literals.setdefault(segment, _Step())

    def follow(self, segment: str) -> "_Step | None":
        """Return the step that follows on a segment of a path that is no parameter."""
        if segment in self.literals:
            return self.literals[segment]
        return next(
            (step for prefix, step in self.prefixes.items() if segment.startswith(prefix)), None
        )


def _tree() -> _Step:
    root = _Step()
    for operation in OPERATIONS:
        step = root
        for segment in operation.path.split("/")[1:]:
            step = step.add(segment)
        step.operations[operation.method] = operation
    return root


_ROOT: Final = _tree()


def match(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation that a request line names, and its decoded path parameters.

    Raises:
        Refused: ``ResourceNotFound``, ``UnsupportedHttpVerb``, ``InvalidUri``.
    """
    step = _ROOT
    params: dict[str, str] = {}
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        following = step.follow(segment)
        if following is None and step.parameter is not None and segment:
            name, following = step.parameter
            if name == _REST:
                params[name] = file_path(segments[index:])
                step = following
                break
            params[name] = decode(segment)
        if following is None:
            raise _not_found()
        step = following
    if not step.operations:
        raise _not_found()
    operation = step.operations.get(method)
    if operation is None:
        raise Refused(
            ErrorCode.UNSUPPORTED_HTTP_VERB,
            Method=shorten(method),
            Reason="use " + ", ".join(sorted(step.operations)),
        )
    return operation, params


def file_path(segments: list[str]) -> str:
    """Return the relative path that the rest of an address names; it never leaves its directory.

    Raises:
        Refused: ``InvalidUri`` (F-30).
    """
    parts = [part for segment in segments for part in decode(segment).split("/") if part]
    if not parts or "." in parts or ".." in parts:
        raise Refused(
            ErrorCode.INVALID_URI, Reason="give a path below the directory, without . and .."
        )
    return "/".join(parts)


def decode(segment: str) -> str:
    """Return the name that one segment of a path stands for.

    Raises:
        Refused: ``InvalidUri``.
    """
    try:
        name = unquote_to_bytes(segment.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Refused(ErrorCode.INVALID_URI, Reason="encode names as UTF-8") from None
    if "\0" in name:
        raise Refused(ErrorCode.INVALID_URI, Reason="names have no NUL character")
    return name


def _not_found() -> Refused:
    return Refused(ErrorCode.RESOURCE_NOT_FOUND, Reason="there is no such address in the API")
