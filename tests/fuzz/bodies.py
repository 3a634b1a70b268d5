"""Bodies of requests, from nearly right to hopeless, made from the definitions of the messages."""

import copy
import json
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from batchyard.wire import model, properties
from tests.api.bench import pool_body

DURATIONS = [
    "PT1M",
    "P7D",
    "P",
    "PT0S",
    "-PT1S",
    "PT15M0.0000001S",
    "P10675199DT2H48M5.4775807S",
    "P9999999D",
    "P999999999999Y",
]
TEXTS = [
    "",
    " ",
    "a",
    "pool",
    "job",
    "task",
    "TASK",
    "x" * 65,
    "x" * 40_000,
    "jobpreparation",
    "../up",
    "/abs",
    "wd/a.txt",
    "nul\0nul",
    "\ud800",
    "ümläut 🙂",
    "a=b",
    "%2e%2e",
    *DURATIONS,
    "2025-01-01T00:00:00Z",
    "http://h/x",
    "https://h:99999/x",
    "http://[::1",
    "ftp://h/x",
    "0770",
    "99999",
    "taskcompletion",
    "retaineddata",
    "admin",
    "Standard_D0_v3",
    "Standard_D9999_v3",
]
NUMBERS = [-(2**70), -(2**31), -1001, -2, -1, 0, 1, 2, 5, 101, 10_001, 2**31 - 1, 2**31, 2**64]

texts = st.sampled_from(TEXTS) | st.text(max_size=20)
numbers = st.sampled_from(NUMBERS) | st.integers()
leaves = st.none() | st.booleans() | numbers | st.floats() | texts
junk = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)

RESOURCE_FILE = {"httpUrl": "http://127.0.0.1:9/x", "filePath": "a/b", "fileMode": "0644"}
COMMAND = {
    "commandLine": "true",
    "resourceFiles": [RESOURCE_FILE],
    "environmentSettings": [{"name": "A", "value": "1"}],
    "userIdentity": {"autoUser": {"scope": "pool", "elevationLevel": "admin"}},
}
CONSTRAINTS = {"maxWallClockTime": "PT1H", "retentionTime": "PT1H", "maxTaskRetryCount": 2}
OPTIONS = {"jobAction": "disable", "dependencyAction": "satisfy"}
EXIT_CONDITIONS = {
    "exitCodes": [{"code": 1, "exitOptions": OPTIONS}],
    "exitCodeRanges": [{"start": 2, "end": 5, "exitOptions": OPTIONS}],
    "preProcessingError": OPTIONS,
    "default": OPTIONS,
}
TASK = COMMAND | {
    "id": "task",
    "constraints": CONSTRAINTS,
    "requiredSlots": 1,
    "exitConditions": EXIT_CONDITIONS,
    "dependsOn": {"taskIds": ["a"], "taskIdRanges": [{"start": 1, "end": 3}]},
}
START_TASK = COMMAND | {"maxTaskRetryCount": 1, "waitForSuccess": False}
METADATA = [{"name": "a", "value": "b"}]
MANAGER = COMMAND | {
    "id": "manager",
    "constraints": CONSTRAINTS,
    "requiredSlots": 1,
    "killJobOnCompletion": False,
    "runExclusive": False,
    "allowLowPriorityNode": True,
    "authenticationTokenSettings": {"access": ["job"]},
}
JOB: dict[str, Any] = {
    "id": "job",
    "priority": 5,
    "poolInfo": {"poolId": "pool"},
    "jobManagerTask": MANAGER,
    "allowTaskPreemption": True,
    "maxParallelTasks": 3,
    "constraints": {"maxTaskRetryCount": 1, "maxWallClockTime": "PT1H"},
    "jobPreparationTask": COMMAND | {"constraints": CONSTRAINTS, "waitForSuccess": False},
    "jobReleaseTask": COMMAND | {"maxWallClockTime": "PT5M", "retentionTime": "PT1H"},
    "metadata": METADATA,
    "usesTaskDependencies": True,
    "onAllTasksComplete": "noaction",
    "onTaskFailure": "performexitoptionsjobaction",
}
AUTO_POOL = {
    "autoPoolSpecification": {
        "autoPoolIdPrefix": "auto",
        "poolLifetimeOption": "job",
        "keepAlive": False,
        "pool": {name: value for name, value in pool_body().items() if name != "id"},
    }
}
JOB_SPECIFICATION = {name: value for name, value in JOB.items() if name != "id"}
SCHEDULE = {
    "schedule": {
        "doNotRunUntil": "2025-03-04T00:00:00Z",
        "doNotRunAfter": "2031-03-04T00:00:00Z",
        "startWindow": "PT10M",
        "recurrenceInterval": "PT1H",
    },
    "jobSpecification": JOB_SPECIFICATION,
    "metadata": METADATA,
}
JOB_CHANGE = {name: JOB[name] for name in ("priority", "poolInfo", "constraints", "metadata")}

#: A body of each operation that is served, with much in it to go wrong.
RIGHT: dict[str, dict[str, Any]] = {
    "Pools_CreatePool": pool_body(
        startTask=START_TASK,
        metadata=METADATA,
        targetDedicatedNodes=1,
        taskSchedulingPolicy={"nodeFillType": "pack", "jobDefaultOrder": "creationtime"},
    ),
    "Pools_UpdatePool": {"startTask": START_TASK, "metadata": METADATA},
    "Pools_ReplacePoolProperties": {
        "startTask": START_TASK,
        "metadata": METADATA,
        "applicationPackageReferences": [],
        "certificateReferences": [],
    },
    "Pools_ResizePool": {
        "targetDedicatedNodes": 2,
        "targetLowPriorityNodes": 0,
        "resizeTimeout": "PT10M",
        "nodeDeallocationOption": "terminate",
    },
    "Pools_RemoveNodes": {"nodeList": ["a"], "nodeDeallocationOption": "requeue"},
    "Nodes_RebootNode": {"nodeRebootOption": "terminate"},
    "Nodes_ReimageNode": {"nodeReimageOption": "requeue"},
    "Jobs_CreateJob": JOB,
    "JobSchedules_CreateJobSchedule": SCHEDULE
    | {"id": "schedule", "jobSpecification": JOB_SPECIFICATION | {"poolInfo": AUTO_POOL}},
    "JobSchedules_UpdateJobSchedule": SCHEDULE,
    "JobSchedules_ReplaceJobSchedule": SCHEDULE,
    "Jobs_UpdateJob": JOB_CHANGE,
    "Jobs_ReplaceJob": JOB_CHANGE,
    "Jobs_DisableJob": {"disableTasks": "requeue"},
    "Jobs_TerminateJob": {"terminateReason": "enough"},
    "Tasks_CreateTask": TASK,
    "Tasks_CreateTaskCollection": {"value": [TASK, TASK | {"id": "other"}]},
    "Tasks_ReplaceTask": {"constraints": CONSTRAINTS},
}
assert RIGHT.keys() == properties.REQUEST_MODELS.keys(), "every request is fuzzed"


def value_of(kind: Any) -> st.SearchStrategy[Any]:
    """Return JSON values of a property's type, right in kind and mostly wrong in content."""
    options = [option for option in get_args(kind) if option is not type(None)]
    kind = options[0] if options and type(None) in get_args(kind) else kind
    if getattr(kind, "__origin__", None) is list:
        return st.lists(value_of(get_args(kind)[0]), max_size=3)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return objects(kind)
    if isinstance(kind, type) and issubclass(kind, model.WireEnum):
        return st.sampled_from([member.value.upper() for member in kind]) | texts
    simple = {str: texts, bool: st.booleans(), float: st.floats()}
    return simple.get(kind, numbers)


@st.composite
def objects(draw: st.DrawFn, owner: type[msgspec.Struct]) -> dict[str, Any]:
    """Return JSON objects with some of a model's properties."""
    fields = draw(st.lists(st.sampled_from(msgspec.structs.fields(owner)), max_size=4))
    return {field.encode_name: draw(value_of(field.type)) for field in fields}


def like(value: Any) -> st.SearchStrategy[Any]:
    """Return other values of the same kind."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, str) and value.startswith("P"):
        return st.sampled_from(DURATIONS)
    return numbers if isinstance(value, int) else texts if isinstance(value, str) else junk


@st.composite
def mutations(draw: st.DrawFn, right: dict[str, Any], owner: type[msgspec.Struct]) -> Any:
    """Return the right body with something else in one or more places."""
    body = copy.deepcopy(right)
    if "id" in body and draw(st.integers(0, 4)) > (0 if "commandLine" in body else 2):
        body["id"] = f"new-{draw(st.integers(0, 10**6))}"
    for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2, 3]))):
        place: Any = body
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            if draw(st.integers(0, 4)) == 0:
                del place[key]
            elif draw(st.integers(0, 3)) == 0:
                place[key] = draw(junk)
            else:
                place[key] = draw(like(place[key]))
            break
        if isinstance(place, dict) and draw(st.integers(0, 9)) == 0:
            place[draw(texts)] = draw(junk)
    if draw(st.integers(0, 4)) == 0:
        body |= draw(objects(owner))
    return body


HOPELESS = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"id":}',
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b'{"id":"\\ud800"}',
    b'{"id":"\xff"}',
    b'{"id":1e400,"priority":1e400}',
    b'{"id":"a","id":["b"]}',
    b'\xef\xbb\xbf{"id":"a"}',
    '{"id":"a"}'.encode("utf-16"),
    b'{"priority":' + b"9" * 5000 + b"}",
    b'{"metadata":' + b"[" * 5000 + b"]" * 5000 + b"}",
]


def bodies(operation: str) -> st.SearchStrategy[bytes]:
    """Return bodies of an operation as they are sent."""
    owner = properties.REQUEST_MODELS[operation]
    nearly_right = mutations(RIGHT[operation], owner)
    nearly_sent = nearly_right.map(lambda body: json.dumps(body).encode())
    odd = objects(owner) | junk
    odd_sent = odd.map(lambda body: json.dumps(body).encode())
    hopeless = st.sampled_from(HOPELESS) | st.binary(max_size=40)
    choice = st.integers(0, 9)
    return choice.flatmap(lambda n: nearly_sent if n < 7 else odd_sent if n < 9 else hopeless)
