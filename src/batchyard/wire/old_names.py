"""What older api-versions call the task slots of a pool, wherever a pool stands in the JSON.

`path` leads to the pool: nowhere for a pool itself, and down to an auto pool from a job.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from batchyard.wire.versions import ApiVersion

_OLD_NAMES: Final[Mapping[str, str]] = {"taskSlotsPerNode": "maxTasksPerNode"}

#: The auto pool of a job.
JOB: Final = ("poolInfo", "autoPoolSpecification", "pool")
#: The auto pool of a job schedule.
SCHEDULE: Final = ("jobSpecification", *JOB)


def modernised(body: bytes, version: ApiVersion, path: Sequence[str] = ()) -> bytes:
    """Return a request with the names of today."""
    if version.has_task_slots:
        return body
    try:
        request = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body
    if path:
        name, *rest = path
        if name in request:
            request[name] = msgspec.Raw(modernised(bytes(request[name]), version, rest))
    else:
        for name, old_name in _OLD_NAMES.items():
            if old_name in request:
                request[name] = request.pop(old_name)
    return msgspec.json.encode(request)


def in_words_of(
    version: ApiVersion, items: Sequence[object], path: Sequence[str] = ()
) -> Sequence[object]:
    """Return the JSON of items with the names of an api-version."""
    if version.has_task_slots:
        return items
    return [_with_old_names(item, path) for item in msgspec.to_builtins(items)]


def _with_old_names(item: Mapping[str, Any], path: Sequence[str]) -> Mapping[str, Any]:
    if not path:
        return {_OLD_NAMES.get(name, name): value for name, value in item.items()}
    name, *rest = path
    if name not in item:
        return item
    return {**item, name: _with_old_names(item[name], rest)}
