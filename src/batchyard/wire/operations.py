"""Every operation of the Azure Batch data plane: where it is, and whether it is built.

The names are those of the definition of 2025-06-01, and of 2024-02-01.19.0 for what only that one
has. The routes of ``api``, the check of the query and the coverage page all come from this table.
"""

from dataclasses import dataclass
from typing import Final

#: What every operation takes besides its own query parameters. Source: W-1, L-35.
COMMON_QUERY: Final = frozenset({"api-version", "timeout"})

_LIST: Final = frozenset({"maxresults", "$filter", "$select", "$expand", "$skiptoken"})
_ONE: Final = frozenset({"$select", "$expand"})
_DATES: Final = frozenset({"if-modified-since", "if-unmodified-since"})
_ALL: Final = _DATES | {"if-match", "if-none-match"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `query` and `conditions` name, in lower case, the query parameters and the conditional headers
    that it takes; they are known for what is built only.
    """

    name: str
    method: str
    path: str
    is_built: bool = False
    query: frozenset[str] = frozenset()
    conditions: frozenset[str] = frozenset()


OPERATIONS: Final = (
    Operation("Applications_ListApplications", "GET", "/applications"),
    Operation("Applications_GetApplication", "GET", "/applications/{applicationId}"),
    Operation("Pools_ListPoolUsageMetrics", "GET", "/poolusagemetrics"),
    Operation("Pools_CreatePool", "POST", "/pools", is_built=True),
    Operation("Pools_ListPools", "GET", "/pools", is_built=True, query=_LIST),
    Operation("Pools_DeletePool", "DELETE", "/pools/{poolId}", is_built=True, conditions=_ALL),
    Operation("Pools_PoolExists", "HEAD", "/pools/{poolId}", is_built=True, conditions=_ALL),
    Operation(
        "Pools_GetPool", "GET", "/pools/{poolId}", is_built=True, query=_ONE, conditions=_ALL
    ),
    Operation("Pools_UpdatePool", "PATCH", "/pools/{poolId}", is_built=True, conditions=_ALL),
    Operation("Pools_DisablePoolAutoScale", "POST", "/pools/{poolId}/disableautoscale"),
    Operation("Pools_EnablePoolAutoScale", "POST", "/pools/{poolId}/enableautoscale"),
    Operation("Pools_EvaluatePoolAutoScale", "POST", "/pools/{poolId}/evaluateautoscale"),
    Operation("Pools_ResizePool", "POST", "/pools/{poolId}/resize", is_built=True, conditions=_ALL),
    Operation("Pools_StopPoolResize", "POST", "/pools/{poolId}/stopresize"),
    Operation(
        "Pools_ReplacePoolProperties", "POST", "/pools/{poolId}/updateproperties", is_built=True
    ),
    Operation(
        "Pools_RemoveNodes", "POST", "/pools/{poolId}/removenodes", is_built=True, conditions=_ALL
    ),
    Operation(
        "Pools_ListSupportedImages",
        "GET",
        "/supportedimages",
        is_built=True,
        query=frozenset({"maxresults", "$filter", "$skiptoken"}),
    ),
    Operation(
        "Pools_ListPoolNodeCounts",
        "GET",
        "/nodecounts",
        is_built=True,
        query=frozenset({"maxresults", "$filter", "$skiptoken"}),
    ),
    Operation(
        "Jobs_DeleteJob",
        "DELETE",
        "/jobs/{jobId}",
        is_built=True,
        query=frozenset({"force"}),
        conditions=_ALL,
    ),
    Operation("Jobs_GetJob", "GET", "/jobs/{jobId}", is_built=True, query=_ONE, conditions=_ALL),
    Operation("Jobs_UpdateJob", "PATCH", "/jobs/{jobId}", is_built=True, conditions=_ALL),
    Operation("Jobs_ReplaceJob", "PUT", "/jobs/{jobId}", is_built=True, conditions=_ALL),
    Operation("Jobs_DisableJob", "POST", "/jobs/{jobId}/disable", is_built=True, conditions=_ALL),
    Operation("Jobs_EnableJob", "POST", "/jobs/{jobId}/enable", is_built=True, conditions=_ALL),
    Operation(
        "Jobs_TerminateJob",
        "POST",
        "/jobs/{jobId}/terminate",
        is_built=True,
        query=frozenset({"force"}),
        conditions=_ALL,
    ),
    Operation("Jobs_CreateJob", "POST", "/jobs", is_built=True),
    Operation("Jobs_ListJobs", "GET", "/jobs", is_built=True, query=_LIST),
    Operation(
        "Jobs_ListJobsFromSchedule",
        "GET",
        "/jobschedules/{jobScheduleId}/jobs",
        is_built=True,
        query=_LIST,
    ),
    Operation(
        "Jobs_ListJobPreparationAndReleaseTaskStatus",
        "GET",
        "/jobs/{jobId}/jobpreparationandreleasetaskstatus",
        is_built=True,
        query=frozenset({"maxresults", "$filter", "$select", "$skiptoken"}),
    ),
    Operation("Jobs_GetJobTaskCounts", "GET", "/jobs/{jobId}/taskcounts", is_built=True),
    Operation(
        "JobSchedules_JobScheduleExists",
        "HEAD",
        "/jobschedules/{jobScheduleId}",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_DeleteJobSchedule",
        "DELETE",
        "/jobschedules/{jobScheduleId}",
        is_built=True,
        query=frozenset({"force"}),
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_GetJobSchedule",
        "GET",
        "/jobschedules/{jobScheduleId}",
        is_built=True,
        query=_ONE,
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_UpdateJobSchedule",
        "PATCH",
        "/jobschedules/{jobScheduleId}",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_ReplaceJobSchedule",
        "PUT",
        "/jobschedules/{jobScheduleId}",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_DisableJobSchedule",
        "POST",
        "/jobschedules/{jobScheduleId}/disable",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_EnableJobSchedule",
        "POST",
        "/jobschedules/{jobScheduleId}/enable",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "JobSchedules_TerminateJobSchedule",
        "POST",
        "/jobschedules/{jobScheduleId}/terminate",
        is_built=True,
        query=frozenset({"force"}),
        conditions=_ALL,
    ),
    Operation("JobSchedules_CreateJobSchedule", "POST", "/jobschedules", is_built=True),
    Operation("JobSchedules_ListJobSchedules", "GET", "/jobschedules", is_built=True, query=_LIST),
    Operation("Tasks_CreateTask", "POST", "/jobs/{jobId}/tasks", is_built=True),
    Operation("Tasks_ListTasks", "GET", "/jobs/{jobId}/tasks", is_built=True, query=_LIST),
    Operation(
        "Tasks_CreateTaskCollection", "POST", "/jobs/{jobId}/addtaskcollection", is_built=True
    ),
    Operation(
        "Tasks_DeleteTask", "DELETE", "/jobs/{jobId}/tasks/{taskId}", is_built=True, conditions=_ALL
    ),
    Operation(
        "Tasks_GetTask",
        "GET",
        "/jobs/{jobId}/tasks/{taskId}",
        is_built=True,
        query=_ONE,
        conditions=_ALL,
    ),
    Operation(
        "Tasks_ReplaceTask", "PUT", "/jobs/{jobId}/tasks/{taskId}", is_built=True, conditions=_ALL
    ),
    Operation(
        "Tasks_ListSubTasks",
        "GET",
        "/jobs/{jobId}/tasks/{taskId}/subtasksinfo",
        is_built=True,
        query=frozenset({"$select"}),
    ),
    Operation(
        "Tasks_TerminateTask",
        "POST",
        "/jobs/{jobId}/tasks/{taskId}/terminate",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "Tasks_ReactivateTask",
        "POST",
        "/jobs/{jobId}/tasks/{taskId}/reactivate",
        is_built=True,
        conditions=_ALL,
    ),
    Operation(
        "Tasks_DeleteTaskFile",
        "DELETE",
        "/jobs/{jobId}/tasks/{taskId}/files/{filePath}",
        is_built=True,
        query=frozenset({"recursive"}),
    ),
    Operation(
        "Tasks_GetTaskFile",
        "GET",
        "/jobs/{jobId}/tasks/{taskId}/files/{filePath}",
        is_built=True,
        conditions=_DATES,
    ),
    Operation(
        "Tasks_GetTaskFileProperties",
        "HEAD",
        "/jobs/{jobId}/tasks/{taskId}/files/{filePath}",
        is_built=True,
        conditions=_DATES,
    ),
    Operation(
        "Tasks_ListTaskFiles",
        "GET",
        "/jobs/{jobId}/tasks/{taskId}/files",
        is_built=True,
        query=frozenset({"maxresults", "$filter", "recursive", "$skiptoken"}),
    ),
    Operation("Nodes_CreateNodeUser", "POST", "/pools/{poolId}/nodes/{nodeId}/users"),
    Operation("Nodes_DeleteNodeUser", "DELETE", "/pools/{poolId}/nodes/{nodeId}/users/{userName}"),
    Operation("Nodes_ReplaceNodeUser", "PUT", "/pools/{poolId}/nodes/{nodeId}/users/{userName}"),
    Operation(
        "Nodes_GetNode",
        "GET",
        "/pools/{poolId}/nodes/{nodeId}",
        is_built=True,
        query=frozenset({"$select"}),
    ),
    Operation("Nodes_RebootNode", "POST", "/pools/{poolId}/nodes/{nodeId}/reboot", is_built=True),
    Operation("Nodes_StartNode", "POST", "/pools/{poolId}/nodes/{nodeId}/start"),
    Operation("Nodes_ReimageNode", "POST", "/pools/{poolId}/nodes/{nodeId}/reimage", is_built=True),
    Operation("Nodes_DeallocateNode", "POST", "/pools/{poolId}/nodes/{nodeId}/deallocate"),
    Operation(
        "Nodes_DisableNodeScheduling", "POST", "/pools/{poolId}/nodes/{nodeId}/disablescheduling"
    ),
    Operation(
        "Nodes_EnableNodeScheduling", "POST", "/pools/{poolId}/nodes/{nodeId}/enablescheduling"
    ),
    Operation(
        "Nodes_GetNodeRemoteLoginSettings",
        "GET",
        "/pools/{poolId}/nodes/{nodeId}/remoteloginsettings",
        is_built=True,
    ),
    Operation(
        "Nodes_UploadNodeLogs", "POST", "/pools/{poolId}/nodes/{nodeId}/uploadbatchservicelogs"
    ),
    Operation(
        "Nodes_ListNodes",
        "GET",
        "/pools/{poolId}/nodes",
        is_built=True,
        query=frozenset({"maxresults", "$filter", "$select", "$skiptoken"}),
    ),
    Operation(
        "Nodes_GetNodeExtension", "GET", "/pools/{poolId}/nodes/{nodeId}/extensions/{extensionName}"
    ),
    Operation("Nodes_ListNodeExtensions", "GET", "/pools/{poolId}/nodes/{nodeId}/extensions"),
    Operation(
        "Nodes_DeleteNodeFile",
        "DELETE",
        "/pools/{poolId}/nodes/{nodeId}/files/{filePath}",
        is_built=True,
        query=frozenset({"recursive"}),
    ),
    Operation(
        "Nodes_GetNodeFile",
        "GET",
        "/pools/{poolId}/nodes/{nodeId}/files/{filePath}",
        is_built=True,
        conditions=_DATES,
    ),
    Operation(
        "Nodes_GetNodeFileProperties",
        "HEAD",
        "/pools/{poolId}/nodes/{nodeId}/files/{filePath}",
        is_built=True,
        conditions=_DATES,
    ),
    Operation(
        "Nodes_ListNodeFiles",
        "GET",
        "/pools/{poolId}/nodes/{nodeId}/files",
        is_built=True,
        query=frozenset({"maxresults", "$filter", "recursive", "$skiptoken"}),
    ),
    Operation("Certificate_Add", "POST", "/certificates"),
    Operation("Certificate_List", "GET", "/certificates"),
    Operation(
        "Certificate_CancelDeletion",
        "POST",
        "/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})/canceldelete",
    ),
    Operation(
        "Certificate_Delete",
        "DELETE",
        "/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})",
    ),
    Operation(
        "Certificate_Get",
        "GET",
        "/certificates(thumbprintAlgorithm={thumbprintAlgorithm},thumbprint={thumbprint})",
    ),
    Operation("ComputeNode_GetRemoteDesktop", "GET", "/pools/{poolId}/nodes/{nodeId}/rdp"),
)
