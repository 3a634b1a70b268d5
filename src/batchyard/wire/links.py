"""Names of resources on the wire: URLs, ETags and directories.

URLs are made from the scheme and host that the request came to: what a client gets, it can ask for
and sign (wire section 7).
"""

import re
from datetime import datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import quote

#: What an address keeps as it is in a path segment; nearly every name is made of nothing else. Jobs
#: of schedules have a colon in their names, and the real service shows it as it is (SC-15).
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~:-]*", re.ASCII)


def segment(name: str) -> str:
    """Return a name as one segment of a path."""
    return name if _PLAIN.fullmatch(name) else quote(name, safe=":")


def pool(base_url: str, pool_id: str) -> str:
    """Return the URL of a pool."""
    return f"{base_url}/pools/{segment(pool_id)}"


def node(base_url: str, pool_id: str, node_id: str) -> str:
    """Return the URL of a compute node."""
    return f"{base_url}/pools/{segment(pool_id)}/nodes/{segment(node_id)}"


def job(base_url: str, job_id: str) -> str:
    """Return the URL of a job."""
    return f"{base_url}/jobs/{segment(job_id)}"


def job_schedule(base_url: str, schedule_id: str) -> str:
    """Return the URL of a job schedule."""
    return f"{base_url}/jobschedules/{segment(schedule_id)}"


def task(base_url: str, job_id: str, task_id: str) -> str:
    """Return the URL of a task."""
    return f"{base_url}/jobs/{segment(job_id)}/tasks/{segment(task_id)}"


def statistics(owner_url: str) -> str:
    """Return the URL of the statistics of a job or task: it is that of the thing itself."""
    return f"{owner_url}?$expand=stats"


def file(owner_url: str, path: str) -> str:
    """Return the URL of a file of a task or node; slashes stay slashes (F-19)."""
    return f"{owner_url}/files/{'/'.join(map(segment, path.split('/')))}"


def metadata(base_url: str, entity: str) -> str:
    """Return the value of ``odata.metadata``; clients pass over it (W-4)."""
    return f"{base_url}/$metadata#{entity}"


def affinity_id(node_id: str) -> str:
    """Return what a task names to run on a node (P-31)."""
    return f"TVM:{node_id}"


def etag(*identity: object) -> str:
    """Return an opaque ETag of the form ``0x8D89006D982EEEF`` (S-5).

    `identity` is all that must agree for two ETags to be equal: the resource, its incarnation and,
    where it has one, its revision.
    """
    digest = blake2b("\n".join(map(str, identity)).encode(), digest_size=8).hexdigest()
    return f"0x8D{digest[:13].upper()}"


def task_etag(key: int, creation_time: datetime, revision: int) -> str:
    """Return the ETag of a task: an update moves it, its changes of state do not (S-4)."""
    return etag("task", key, creation_time.timestamp(), revision)
