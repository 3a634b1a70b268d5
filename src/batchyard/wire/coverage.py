"""What is done with every property of every request: the one table.

A property is *honoured*; or *echoed*: stored and given back, since it means nothing on one's own
machines; or *refused*, because it is not built yet and passing over it in silence would be a lie.
The check of requests, the page ``docs/coverage.md`` and the tests come from this table. What stands
below an echoed or a refused property shares its fate and has no row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, get_args

import msgspec
from msgspec import Struct

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import model, values

#: Characters of a value that an error repeats. Source: ours.
VALUE_CHARS_MAX: Final = 100


class Fate(StrEnum):
    """What happens to a property."""

    HONOURED = "honoured"
    ECHOED = "echoed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Support:
    """What happens to one property.

    `note` says of an echoed property why it means nothing here, and of a refused one what to do.
    `default` is the value of a refused property that says the same as leaving it out.
    """

    fate: Fate
    note: str = ""
    default: object = None
    is_duration: bool = False


def _echoed(note: str) -> Support:
    return Support(Fate.ECHOED, note)


def _refused(note: str, default: object = None) -> Support:
    return Support(Fate.REFUSED, note, default)


def _refused_duration(note: str, default: str) -> Support:
    return Support(Fate.REFUSED, note, default, is_duration=True)


_YES: Final = Support(Fate.HONOURED)
_LATER: Final = "leave it out for now"
_MACHINERY: Final = "the machinery of Azure's virtual machines; these are your own machines"
_IMAGE: Final = "a node runs what its machine has installed"
_COPY: Final = "let the command line fetch or store its files for now"
_NO_CONTAINERS: Final = "let the command line start the container for now"

#: Model, then property, as on the wire.
PROPERTIES: Final[Mapping[type[Struct], Mapping[str, Support]]] = {
    model.BatchPoolCreateOptions: {
        "id": _YES,
        "displayName": _YES,
        "vmSize": Support(Fate.HONOURED, "the number of cores in its name bounds the task slots"),
        "virtualMachineConfiguration": _YES,
        "resizeTimeout": _YES,
        "targetDedicatedNodes": _YES,
        "targetLowPriorityNodes": _YES,
        "enableAutoScale": _refused("set the target numbers of nodes instead", default=False),
        "autoScaleFormula": _refused("set the target numbers of nodes instead"),
        "autoScaleEvaluationInterval": _refused("set the target numbers of nodes instead"),
        "enableInterNodeCommunication": _refused(_LATER, default=False),
        "networkConfiguration": _refused(_LATER),
        "startTask": _refused("use a job preparation task for now"),
        "applicationPackageReferences": _refused("install the programs on the machines for now"),
        "taskSlotsPerNode": _YES,
        "taskSchedulingPolicy": _YES,
        "userAccounts": _refused("tasks run as the automatic users for now"),
        "metadata": _YES,
        "mountConfiguration": _refused("mount the file systems on the machines for now"),
        "upgradePolicy": _refused(_LATER),
        "applicationLicenses": _refused(_LATER),
        "certificateReferences": _refused("certificates have been retired; leave it out"),
        "cloudServiceConfiguration": _refused("give virtualMachineConfiguration instead"),
        "resourceTags": _echoed("there are no Azure resources to tag"),
        "targetNodeCommunicationMode": _echoed("nodes always connect in the one way there is"),
    },
    model.BatchTaskSchedulingPolicy: {
        "jobDefaultOrder": _refused(_LATER, default=model.BatchJobDefaultOrder.NONE),
        "nodeFillType": _YES,
    },
    model.VirtualMachineConfiguration: {
        "imageReference": Support(Fate.HONOURED, "tells Windows from Linux; nothing is installed"),
        "nodeAgentSKUId": Support(Fate.HONOURED, "tells Windows from Linux"),
        "windowsConfiguration": _echoed(_MACHINERY),
        "dataDisks": _refused("mount the disks on the machines for now"),
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
    model.BatchJobCreateOptions: {
        "id": _YES,
        "displayName": _YES,
        "usesTaskDependencies": _refused(_LATER, default=False),
        "priority": _YES,
        "allowTaskPreemption": _refused(_LATER, default=False),
        "maxParallelTasks": _refused(_LATER, default=-1),
        "constraints": _YES,
        "jobManagerTask": _refused("add the tasks from a client for now"),
        "jobPreparationTask": _YES,
        "jobReleaseTask": _YES,
        "commonEnvironmentSettings": _YES,
        "poolInfo": _YES,
        "onAllTasksComplete": _refused(
            "terminate the job by a request for now",
            default=model.BatchAllTasksCompleteMode.NOACTION,
        ),
        "onTaskFailure": _refused(_LATER, default=model.BatchTaskFailureMode.NOACTION),
        "networkConfiguration": _refused(_LATER),
        "metadata": _YES,
    },
    model.BatchJobConstraints: {
        "maxWallClockTime": _refused_duration(
            "limit the tasks, or terminate the job by a request", default=values.UNLIMITED
        ),
        "maxTaskRetryCount": _YES,
    },
    model.BatchPoolInfo: {
        "poolId": _YES,
        "autoPoolSpecification": _refused("create the pool first and give poolId"),
    },
    model.BatchJobPreparationTask: {
        "id": _YES,
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _refused(_COPY),
        "environmentSettings": _YES,
        "constraints": _YES,
        "waitForSuccess": _refused(_LATER, default=True),
        "userIdentity": _YES,
        "rerunOnNodeRebootAfterSuccess": _refused(_LATER, default=True),
    },
    model.BatchJobReleaseTask: {
        "id": _YES,
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _refused(_COPY),
        "environmentSettings": _YES,
        "maxWallClockTime": _YES,
        "retentionTime": _refused_duration(_LATER, default="P7D"),
        "userIdentity": _YES,
    },
    model.BatchTaskConstraints: {
        "maxWallClockTime": _YES,
        "retentionTime": _refused_duration(_LATER, default="P7D"),
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
        "exitConditions": _refused(_LATER),
        "commandLine": _YES,
        "containerSettings": _refused(_NO_CONTAINERS),
        "resourceFiles": _refused(_COPY),
        "outputFiles": _refused(_COPY),
        "environmentSettings": _YES,
        "affinityInfo": _YES,
        "constraints": _YES,
        "requiredSlots": _YES,
        "userIdentity": _YES,
        "multiInstanceSettings": _refused(_LATER),
        "dependsOn": _refused("add the task when the others are completed"),
        "applicationPackageReferences": _refused("install the programs on the machines for now"),
        "authenticationTokenSettings": _refused("hand the account's key to the task yourself"),
    },
    model.BatchTaskGroup: {"value": _YES},
    model.BatchJobTerminateOptions: {"terminateReason": _YES},
}

#: The bodies that the operations take which are built.
REQUEST_MODELS: Final[Mapping[str, type[Struct]]] = {
    "Pools_CreatePool": model.BatchPoolCreateOptions,
    "Jobs_CreateJob": model.BatchJobCreateOptions,
    "Jobs_TerminateJob": model.BatchJobTerminateOptions,
    "Tasks_CreateTask": model.BatchTaskCreateOptions,
    "Tasks_CreateTaskCollection": model.BatchTaskGroup,
}


@dataclass(frozen=True, slots=True)
class Nested:
    """A property whose value is a model, or a list of them."""

    attribute: str
    wire_name: str
    model: type[Struct]
    is_list: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to look at in a value of one model; made once."""

    refused: tuple[tuple[str, str, Support], ...]
    nested: tuple[Nested, ...]


def nested_models(owner: type[Struct]) -> Iterator[Nested]:
    """Yield the properties of a model that are models themselves, or lists of them."""
    for field in msgspec.structs.fields(owner):
        for option in get_args(field.type):
            items = get_args(option)
            inner = items[0] if items else option
            if isinstance(inner, type) and issubclass(inner, Struct):
                yield Nested(field.name, field.encode_name, inner, is_list=bool(items))


@cache
def _plan(owner: type[Struct]) -> _Plan:
    rows = PROPERTIES[owner]
    return _Plan(
        refused=tuple(
            (field.name, field.encode_name, rows[field.encode_name])
            for field in msgspec.structs.fields(owner)
            if rows[field.encode_name].fate is Fate.REFUSED
        ),
        nested=tuple(
            nested
            for nested in nested_models(owner)
            if rows[nested.wire_name].fate is Fate.HONOURED
        ),
    )


def check(request: Struct, path: str = "") -> None:
    """Refuse the first property that asks for something that is not built.

    An empty list or object counts as absent, and so does a property's documented default.

    Raises:
        Refused: ``UnsupportedProperty``.
    """
    plan = _plan(type(request))
    for attribute, wire_name, support in plan.refused:
        value = getattr(request, attribute)
        if value is not None and not _is_empty(value) and not _is_default(value, support):
            raise Refused(
                ErrorCode.UNSUPPORTED_PROPERTY,
                PropertyName=path + wire_name,
                PropertyValue=shorten(value),
                Reason=f"not supported yet; {support.note}",
            )
    for nested in plan.nested:
        value = getattr(request, nested.attribute)
        if value is None:
            continue
        if nested.is_list:
            for index, item in enumerate(value):
                check(item, f"{path}{nested.wire_name}[{index}].")
        else:
            check(value, f"{path}{nested.wire_name}.")


def shorten(value: object) -> str:
    """Return a value as an error repeats it."""
    if isinstance(value, str):
        text = value.replace("\0", "\\0")
    else:
        text = msgspec.json.encode(value).decode()
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[: VALUE_CHARS_MAX - 3]}..."


def _is_empty(value: object) -> bool:
    if isinstance(value, Struct):
        parts = (getattr(value, name) for name in value.__struct_fields__)
        return all(part is None or _is_empty(part) for part in parts)
    return isinstance(value, list) and not value


def _is_default(value: object, support: Support) -> bool:
    if support.default is None:
        return False
    if support.is_duration:
        assert isinstance(value, str)
        assert isinstance(support.default, str)
        try:
            return values.read_duration(value) == values.read_duration(support.default)
        except ValueError:
            return False
    return value == support.default
