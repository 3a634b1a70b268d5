"""Resource files as JSON."""

from collections.abc import Sequence

from batchyard.core.specs import ResourceFile
from batchyard.wire import model


def write_resource_files(files: Sequence[ResourceFile]) -> list[model.ResourceFile] | None:
    """Return resource files with the mode that each has (T-43)."""
    if not files:
        return None
    return [
        model.ResourceFile(http_url=file.url, file_path=file.path, file_mode=f"{file.mode:04o}")
        for file in files
    ]
