"""Files of tasks and nodes: entries to JSON and to headers. Source: 06 F-19 ... F-23."""

from typing import Final
from urllib.parse import quote

from batchyard.link.messages import FileEntry
from batchyard.wire import links, model, values

_TEXT: Final = "text/plain"
_BYTES: Final = "application/octet-stream"


def content_type(name: str) -> str:
    """Return the media type of a file (F-23)."""
    return _TEXT if name.lower().endswith(".txt") else _BYTES


def write_file(entry: FileEntry, owner_url: str) -> model.BatchNodeFile:
    """Return an item of a list of files; a directory has no properties (F-20, F-21)."""
    properties = None
    if not entry.is_directory:
        properties = model.FileProperties(
            last_modified=values.write_instant(entry.modified_time),
            content_length=str(entry.size_bytes),
            content_type=content_type(entry.name),
            file_mode=f"0o{entry.mode:o}",
        )
    return model.BatchNodeFile(
        name=entry.name,
        url=links.file(owner_url, entry.name),
        is_directory=entry.is_directory,
        properties=properties,
    )


def headers(entry: FileEntry, url: str) -> dict[str, str]:
    """Return the headers of a file's content and properties, without its length (F-23)."""
    return {
        "Content-Type": _BYTES if entry.is_directory else content_type(entry.name),
        "Last-Modified": values.write_http_date(entry.modified_time),
        "ocp-batch-file-isdirectory": str(entry.is_directory),
        "ocp-batch-file-mode": f"0o{entry.mode:o}",
        "ocp-batch-file-url": quote(url, safe=""),
    }
