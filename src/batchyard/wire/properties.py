"""What is done with every property of every request: the one table.

A property is *honoured*; or *echoed*: stored and given back, since it means nothing on one's own
machines; or *refused*, because it is not built yet and passing over it in silence would be a lie;
or *fixed*: an update cannot change it, here as in Azure.
The check of requests, the page ``docs/coverage.md`` and the tests come from this table. What stands
below an echoed or a refused property shares its fate and has no row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import Struct

from batchyard.wire import model


class Fate(StrEnum):
    """What happens to a property."""

    HONOURED = "honoured"
    ECHOED = "echoed"
    REFUSED = "refused"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class Support:
    """What happens to one property.

    `note` says of an echoed property why it means nothing here, of a refused one what to do, and of
    a fixed one when it was decided.
    `default` is the value of a refused property that says the same as leaving it out.
    """

    fate: Fate
    note: str = ""
    default: object = None


def _echoed(note: str) -> Support:
    return Support(Fate.ECHOED, note)


def _refused(note: str, default: object = None) -> Support:
    return Support(Fate.REFUSED, note, default)


def _fixed(note: str) -> Support:
    return Support(Fate.FIXED, note)


def _only(
    owner: type[Struct], supports: Mapping[str, Support], rest: Support
) -> Mapping[str, Support]:
    """Return the rows of a model all of whose other properties have the fate `rest`."""
    names = [field.encode_name for field in msgspec.structs.fields(owner)]
    return {name: supports.get(name, rest) for name in names}


_YES: Final = Support(Fate.HONOURED)
_PREEMPTION: Final = Support(
    Fate.HONOURED, "tasks of several nodes neither make room nor have it made for them"
)
_LATER: Final = "leave it out for now"
_MACHINERY: Final = "the machinery of Azure's virtual machines; these are your own machines"
_IMAGE: Final = "a node runs what its machine has installed"
_COPY: Final = "let the command line store its files for now"
_BY_URL: Final = "give the httpUrl of each file for now"
_INSTALL: Final = "install the programs on the machines for now"
_NO_CONTAINERS: Final = "let the command line start the container for now"

#: What a pool is made of, by a request of its own or for a job.
_POOL: Final[Mapping[str, Support]] = {
    "displayName": _YES,
    "vmSize": Support(Fate.HONOURED, "the number of cores in its name bounds the task slots"),
    "virtualMachineConfiguration": _YES,
    "resizeTimeout": _YES,
    "targetDedicatedNodes": _YES,
    "targetLowPriorityNodes": _YES,
    "enableAutoScale": _refused("set the target numbers of nodes instead", default=False),
    "autoScaleFormula": _refused("set the target numbers of nodes instead"),
    "autoScaleEvaluationInterval": _refused("set the target numbers of nodes instead"),
    "enableInterNodeCommunication": _YES,
    "networkConfiguration": _echoed("nodes use the network of their machine"),
    "startTask": _YES,
    "applicationPackageReferences": _refused(_INSTALL),
    "taskSlotsPerNode": _YES,
    "taskSchedulingPolicy": _YES,
    "userAccounts": _echoed(
        "no account is made on a node, and no task may name one yet; passwords are not kept"
    ),
    "metadata": _YES,
    "mountConfiguration": _refused("mount the file systems on the machines for now"),
    "upgradePolicy": _refused(_LATER),
    "applicationLicenses": _refused(_LATER),
    "certificateReferences": _refused("certificates have been retired; leave it out"),
    "cloudServiceConfiguration": _refused("give virtualMachineConfiguration instead"),
    "resourceTags": _echoed("there are no Azure resources to tag"),
    "targetNodeCommunicationMode": _echoed("nodes always connect in the one way there is"),
}

#: What jobs and the jobs of a schedule are made from.
_JOB: Final[Mapping[str, Support]] = {
    "displayName": _YES,
    "usesTaskDependencies": _YES,
    "priority": _YES,
    "allowTaskPreemption": _PREEMPTION,
    "maxParallelTasks": _YES,
    "constraints": _YES,
    "jobManagerTask": _YES,
    "jobPreparationTask": _YES,
    "jobReleaseTask": _YES,
    "commonEnvironmentSettings": _YES,
    "poolInfo": _YES,
    "onAllTasksComplete": _YES,
    "onTaskFailure": _YES,
    "networkConfiguration": _refused(_LATER),
    "metadata": _YES,
}

#: Model, then property, as on the wire.
PROPERTIES: Final[Mapping[type[Struct], Mapping[str, Support]]] = {
    model.BatchPoolCreateOptions: {"id": _YES, **_POOL},
    model.BatchPoolSpecification: _POOL,
    model.BatchTaskSchedulingPolicy: {
        "jobDefaultOrder": _YES,
        "nodeFillType": _YES,
    },
    model.VirtualMachineConfiguration: {
        "imageReference": Support(Fate.HONOURED, "tells Windows from Linux; nothing is installed"),
        "nodeAgentSKUId": Support(Fate.HONOURED, "tells Windows from Linux"),
        "windowsConfiguration": _echoed(_MACHINERY),
        "dataDisks": _echoed("nodes have the disks of their machine"),
        "licenseType": _echoed(_MACHINERY),
        "containerConfiguration": _refused(_NO_CONTAINERS),
        "diskEncryptionConfiguration": _echoed(_MACHINERY),
        "nodePlacementConfiguration": _echoed(_MACHINERY),
        "extensions": _refused("install the extensions on the machines for now"),
        "osDisk": _echoed(_MACHINERY),
        "securityProfile": _echoed(_MACHINERY),
        "serviceArtifactReference": _echoed(_MACHINERY),
    },
    model.BatchVmImageReference: {
        "publisher": _YES,
        "offer": _YES,
        "sku": _echoed(_IMAGE),
        "version": _echoed(_IMAGE),
        "virtualMachineImageId": _echoed(_IMAGE),
        "exactVersion": _echoed(_IMAGE),
        "sharedGalleryImageId": _echoed(_IMAGE),
        "communityGalleryImageId": _echoed(_IMAGE),
    },
    model.BatchJobCreateOptions: {"id": _YES, **_JOB},
    model.BatchJobSpecification: _JOB,
    model.BatchJobScheduleCreateOptions: {
        "id": _YES,
        "displayName": _YES,
        "schedule": _YES,
        "jobSpecification": _YES,
        "metadata": _YES,
    },
    model.BatchJobScheduleConfiguration: {
        "doNotRunUntil": _YES,
        "doNotRunAfter": _YES,
        "startWindow": _YES,
        "recurrenceInterval": _YES,
    },
    model.BatchJobConstraints: {
        "maxWallClockTime": _YES,
        "maxTaskRetryCount": _YES,
    },
    model.BatchPoolInfo: {
        "poolId": _YES,
        "autoPoolSpecification": _YES,
    },
    model.BatchAutoPoolSpecification: {
        "autoPoolIdPrefix": _YES,
        "poolLifetimeOption": _YES,
        "keepAlive": _YES,
        "pool": _YES,
    },
    model.BatchJobManagerTask: {
        "id": _YES,
        "displayName": _YES,
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _YES,
        "outputFiles": _refused(_COPY),
        "environmentSettings": _YES,
        "constraints": _YES,
        "requiredSlots": _YES,
        "killJobOnCompletion": _YES,
        "userIdentity": _YES,
        "runExclusive": _YES,
        "applicationPackageReferences": _refused(_INSTALL),
        "allowLowPriorityNode": _YES,
        "authenticationTokenSettings": _YES,
    },
    model.AuthenticationTokenSettings: {
        "access": Support(Fate.HONOURED, "`job`, which every job manager task has anyway"),
    },
    model.BatchJobPreparationTask: {
        "id": _YES,
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _YES,
        "environmentSettings": _YES,
        "constraints": _YES,
        "waitForSuccess": _YES,
        "userIdentity": _YES,
        "rerunOnNodeRebootAfterSuccess": _YES,
    },
    model.BatchJobReleaseTask: {
        "id": _YES,
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _YES,
        "environmentSettings": _YES,
        "maxWallClockTime": _YES,
        "retentionTime": _YES,
        "userIdentity": _YES,
    },
    model.MultiInstanceSettings: {
        "numberOfInstances": _YES,
        "coordinationCommandLine": _YES,
        "commonResourceFiles": _YES,
    },
    model.BatchTaskConstraints: {
        "maxWallClockTime": _YES,
        "retentionTime": _YES,
        "maxTaskRetryCount": _YES,
    },
    model.UserIdentity: {
        "username": _refused("use autoUser for now"),
        "autoUser": _YES,
    },
    model.AutoUserSpecification: {
        "scope": _refused("the users of a node are those of the pool", model.AutoUserScope.POOL),
        "elevationLevel": _YES,
    },
    model.EnvironmentSetting: {"name": _YES, "value": _YES},
    model.BatchMetadataItem: {"name": _YES, "value": _YES},
    model.BatchAffinityInfo: {"affinityId": _YES},
    model.BatchTaskCreateOptions: {
        "id": _YES,
        "displayName": _YES,
        "exitConditions": _YES,
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _YES,
        "outputFiles": _refused(_COPY),
        "environmentSettings": _YES,
        "affinityInfo": _YES,
        "constraints": _YES,
        "requiredSlots": _YES,
        "userIdentity": _YES,
        "multiInstanceSettings": _YES,
        "dependsOn": _YES,
        "applicationPackageReferences": _refused(_INSTALL),
        "authenticationTokenSettings": _YES,
    },
    model.BatchTaskGroup: {"value": _YES},
    model.BatchJobDisableOptions: {"disableTasks": _YES},
    model.BatchJobTerminateOptions: {"terminateReason": _YES},
    model.BatchStartTask: {
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _YES,
        "environmentSettings": _YES,
        "userIdentity": _YES,
        "maxTaskRetryCount": _YES,
        "waitForSuccess": _YES,
    },
    model.ExitConditions: {
        "exitCodes": _YES,
        "exitCodeRanges": _YES,
        "preProcessingError": _YES,
        "fileUploadError": Support(Fate.ECHOED, "nothing uploads files yet"),
        "default": _YES,
    },
    model.ExitCodeMapping: {"code": _YES, "exitOptions": _YES},
    model.ExitCodeRangeMapping: {"start": _YES, "end": _YES, "exitOptions": _YES},
    model.ExitOptions: {"jobAction": _YES, "dependencyAction": _YES},
    model.BatchTaskDependencies: {"taskIds": _YES, "taskIdRanges": _YES},
    model.BatchTaskIdRange: {"start": _YES, "end": _YES},
    model.ResourceFile: {
        "autoStorageContainerName": _refused(_BY_URL),
        "storageContainerUrl": _refused(_BY_URL),
        "httpUrl": _YES,
        "blobPrefix": _refused(_BY_URL),
        "filePath": _YES,
        "fileMode": _YES,
        "identityReference": _refused("give a URL that needs no identity for now"),
    },
    model.BatchPoolUpdateOptions: _only(
        model.BatchPoolUpdateOptions,
        {
            "startTask": _YES,
            "metadata": _YES,
            "applicationPackageReferences": _refused(_INSTALL),
            "certificateReferences": _refused("certificates have been retired; leave it out"),
        },
        _refused("create another pool with it for now"),
    ),
    model.BatchPoolReplaceOptions: {
        "startTask": _YES,
        "applicationPackageReferences": _refused(_INSTALL),
        "metadata": _YES,
        "certificateReferences": _refused("certificates have been retired; leave it out"),
        "targetNodeCommunicationMode": _refused("create another pool with it for now"),
    },
    model.BatchPoolResizeOptions: {
        "targetDedicatedNodes": _YES,
        "targetLowPriorityNodes": _YES,
        "resizeTimeout": _YES,
        "nodeDeallocationOption": Support(Fate.HONOURED, "except `retaineddata`"),
    },
    model.BatchNodeRemoveOptions: {
        "nodeList": _YES,
        "resizeTimeout": _YES,
        "nodeDeallocationOption": Support(Fate.HONOURED, "except `retaineddata`"),
    },
    model.BatchNodeRebootOptions: {
        "nodeRebootOption": Support(Fate.HONOURED, "except `retaineddata`"),
    },
    model.BatchNodeReimageOptions: {
        "nodeReimageOption": Support(
            Fate.HONOURED, "reimaging itself is refused, as in Azure for pools of virtual machines"
        ),
    },
    model.BatchJobUpdateOptions: {
        "priority": _YES,
        "allowTaskPreemption": _PREEMPTION,
        "maxParallelTasks": _YES,
        "constraints": _YES,
        "poolInfo": _YES,
        "onAllTasksComplete": _YES,
        "metadata": _YES,
        "networkConfiguration": _refused(_LATER),
    },
    model.BatchJob: _only(
        model.BatchJob,
        {
            "priority": _YES,
            "allowTaskPreemption": _PREEMPTION,
            "maxParallelTasks": _YES,
            "constraints": _YES,
            "poolInfo": _YES,
            "onAllTasksComplete": _YES,
            "metadata": _YES,
        },
        _fixed("decided when the job was created, or by the service"),
    ),
    model.BatchJobScheduleUpdateOptions: {
        "schedule": _YES,
        "jobSpecification": _YES,
        "metadata": _YES,
    },
    model.BatchJobSchedule: _only(
        model.BatchJobSchedule,
        {"schedule": _YES, "jobSpecification": _YES, "metadata": _YES},
        _fixed("decided when the job schedule was created, or by the service"),
    ),
    model.BatchTask: _only(
        model.BatchTask,
        {"constraints": _YES},
        _fixed("decided when the task was added, or by the service"),
    ),
}

#: The bodies that the operations take which are built.
REQUEST_MODELS: Final[Mapping[str, type[Struct]]] = {
    "Pools_CreatePool": model.BatchPoolCreateOptions,
    "Jobs_CreateJob": model.BatchJobCreateOptions,
    "Pools_UpdatePool": model.BatchPoolUpdateOptions,
    "Pools_ReplacePoolProperties": model.BatchPoolReplaceOptions,
    "Pools_ResizePool": model.BatchPoolResizeOptions,
    "Pools_RemoveNodes": model.BatchNodeRemoveOptions,
    "Nodes_RebootNode": model.BatchNodeRebootOptions,
    "Nodes_ReimageNode": model.BatchNodeReimageOptions,
    "Jobs_UpdateJob": model.BatchJobUpdateOptions,
    "Jobs_ReplaceJob": model.BatchJob,
    "Jobs_DisableJob": model.BatchJobDisableOptions,
    "Jobs_TerminateJob": model.BatchJobTerminateOptions,
    "JobSchedules_CreateJobSchedule": model.BatchJobScheduleCreateOptions,
    "JobSchedules_UpdateJobSchedule": model.BatchJobScheduleUpdateOptions,
    "JobSchedules_ReplaceJobSchedule": model.BatchJobSchedule,
    "Tasks_CreateTask": model.BatchTaskCreateOptions,
    "Tasks_CreateTaskCollection": model.BatchTaskGroup,
    "Tasks_ReplaceTask": model.BatchTask,
}
