"""Job manager tasks for tests: small programs that ask the service with the token they get."""

import sys
from typing import Any

from azure.batch import models

from tests import batch
from tests.web import Web

#: What every manager has: `call` asks the service about the job, `add` adds a task to it.
_TOOLS = """
import json, os, time, urllib.request

JOB = os.environ["AZ_BATCH_ACCOUNT_URL"].rstrip("/") + "/jobs/" + os.environ["AZ_BATCH_JOB_ID"]

def call(method, path, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(JOB + path + "?api-version=2025-06-01", content, method=method)
    request.add_header("Authorization", "Bearer " + os.environ["AZ_BATCH_AUTHENTICATION_TOKEN"])
    if content:
        request.add_header("Content-Type", "application/json; odata=minimalmetadata")
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None

def add(task_id, command_line):
    call("POST", "/tasks", {"id": task_id, "commandLine": command_line})

def wait_for(*task_ids):
    while any(call("GET", "/tasks/" + name)["state"] != "completed" for name in task_ids):
        time.sleep(0.05)
"""


def program(web: Web, name: str, source: str) -> dict[str, Any]:
    """Return what makes a manager of a program, which is fetched to its node.

    It runs as an administrator: our Python may lie where accounts without rights cannot go.
    """
    web.files[f"/{name}.py"] = (_TOOLS + source).encode()
    return {
        "command_line": f"{sys.executable} manager.py",
        "resource_files": [batch.file(f"{web.url}/{name}.py", "manager.py")],
        "user_identity": models.UserIdentity(
            auto_user=models.AutoUserSpecification(elevation_level=models.ElevationLevel.ADMIN)
        ),
    }


def manager(command_line: str = "true", **options: Any) -> models.BatchJobManagerTask:
    """Return a job manager task."""
    return models.BatchJobManagerTask(id="manager", command_line=command_line, **options)
