"""The rules of single properties that requests have in common.

Every refusal names the property, the value and the cure. `name` is the property's path as on the
wire. Source: 08 L-1 ... L-37, E-3; F-17; J-55.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, NoReturn, TypeVar
from urllib.parse import urlsplit

from batchyard.core import limits
from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.specs import EnvironmentSetting, MetadataItem, ResourceFile, TaskConstraints
from batchyard.core.states import ElevationLevel, NodeOption
from batchyard.wire import model, values
from batchyard.wire.coverage import shorten

Value = TypeVar("Value")

_ID: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{limits.ID_CHARS_MAX}}}", re.ASCII)
_OCTAL: Final = re.compile(r"(?:0o)?(?P<digits>[0-7]{1,5})", re.ASCII)
#: What nearly all URLs look like; it saves taking thousands of them apart.
_PLAIN_URL: Final = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*/[!-~]*", re.ASCII)
#: A URL that a request line can carry as it is.
_URL: Final = re.compile(r"[!-~]+", re.ASCII)
#: Longest resize timeout. Source: ours; no machine of one's own takes longer to come.
_RESIZE_TIMEOUT_MAX: Final = timedelta(days=365)
_PERMISSIONS: Final = 0o777

_DEFAULT_CONSTRAINTS: Final = TaskConstraints()
_DEFAULT_FILE_MODE: Final = 0o770


@contextmanager
def below(place: str) -> Iterator[None]:
    """Have refusals inside name properties by their path below `place`, which ends with a dot."""
    try:
        yield
    except Refused as refused:
        if "PropertyName" not in refused.values:
            raise
        values = {**refused.values, "PropertyName": place + refused.values["PropertyName"]}
        raise Refused(refused.code, **values) from None


def required(value: Value | None, name: str) -> Value:
    """Return `value`.

    Raises:
        Refused: ``MissingRequiredProperty`` when it is absent.
    """
    if value is None:
        raise Refused(
            ErrorCode.MISSING_REQUIRED_PROPERTY,
            PropertyName=name,
            Reason=f"give {name}",
        )
    return value


def text(value: str, name: str) -> str:
    """Return `value`, which may become an argument, a variable or a file name."""
    if "\0" in value:
        raise Refused.of_property(name, shorten(value), "remove the NUL character")
    return value


def command_line(value: str | None, name: str) -> str:
    """Return a command line; there is no container whose own command an empty one could mean."""
    line = text(required(value, name), name)
    if not line or line.isspace():
        raise Refused.of_property(name, line, "give the program to run and its arguments")
    return line


def identifier(value: str | None, name: str) -> str:
    """Return an id. Source: L-1."""
    wanted = required(value, name)
    if _ID.fullmatch(wanted) is None:
        raise Refused.of_property(
            name,
            shorten(wanted),
            f"use 1 to {limits.ID_CHARS_MAX} letters, digits, hyphens and underscores",
        )
    return wanted


def display_name(value: str | None, name: str = "displayName") -> str | None:
    """Return a display name. Source: L-2."""
    if value is not None and len(text(value, name)) > limits.DISPLAY_NAME_CHARS_MAX:
        raise Refused.of_property(
            name,
            shorten(value),
            f"use at most {limits.DISPLAY_NAME_CHARS_MAX} characters",
        )
    return value


def number(value: int, name: str, least: int, most: int) -> int:
    """Return `value` when it lies within its bounds."""
    if not least <= value <= most:
        raise Refused.of_property(name, value, f"give a number from {least} to {most}")
    return value


def retry_count(value: int, name: str) -> int:
    """Return a retry count: -1 for no limit. Source: L-16."""
    if value < limits.RETRY_COUNT_UNLIMITED:
        raise Refused.of_property(
            name, value, f"give {limits.RETRY_COUNT_UNLIMITED} for no limit, 0 or more"
        )
    return value


def duration(value: str, name: str) -> timedelta | None:
    """Return a time span, None for no limit.

    What lasts longer than our calendar means no limit too: its end could not even be written down.
    """
    try:
        span = values.read_duration(value)
    except ValueError as error:
        raise Refused.of_property(name, shorten(value), str(error)) from None
    return None if span is not None and span >= limits.TIME_SPAN_MAX else span


def environment(
    settings: Sequence[model.EnvironmentSetting] | None, name: str
) -> tuple[EnvironmentSetting, ...]:
    """Return environment settings; an absent value is the empty string. Source: F-17."""
    if not settings:
        return ()
    found = []
    for index, setting in enumerate(settings):
        variable, value = setting.name, setting.value or ""
        # One test for all faults: there are many settings, and nearly always none has any.
        if not variable or "=" in variable or "\0" in variable or "\0" in value:
            _refuse_setting(setting, f"{name}[{index}]")
        found.append(EnvironmentSetting(variable, value))
    return tuple(found)


def _refuse_setting(setting: model.EnvironmentSetting, place: str) -> NoReturn:
    variable = text(required(setting.name, f"{place}.name"), f"{place}.name")
    text(setting.value or "", f"{place}.value")
    raise Refused.of_property(
        f"{place}.name", shorten(variable), "give a name without an equals sign"
    )


def metadata(items: Sequence[model.BatchMetadataItem] | None) -> tuple[MetadataItem, ...] | None:
    """Return metadata items. Source: J-55.

    Raises:
        Refused: ``EmptyMetadataKey``.
    """
    if not items:
        return None
    found = []
    for index, item in enumerate(items):
        place = f"metadata[{index}]"
        name = text(required(item.name, f"{place}.name"), f"{place}.name")
        if not name:
            raise Refused(
                ErrorCode.EMPTY_METADATA_KEY,
                PropertyName=f"{place}.name",
                PropertyValue="",
                Reason="give every metadata item a name",
            )
        value = text(required(item.value, f"{place}.value"), f"{place}.value")
        found.append(MetadataItem(name, value))
    return tuple(found)


def constraints(given: model.BatchTaskConstraints | None, name: str) -> TaskConstraints:
    """Return the constraints of a task with their defaults. Source: T-24, L-18."""
    if given is None:
        return _DEFAULT_CONSTRAINTS
    retries = given.max_task_retry_count
    if retries is not None:
        retry_count(retries, f"{name}.maxTaskRetryCount")
    return TaskConstraints(
        max_wall_clock_time=wall_clock_time(given.max_wall_clock_time, f"{name}.maxWallClockTime"),
        max_task_retry_count=retries,
        retention_time=retention_time(given.retention_time, f"{name}.retentionTime"),
    )


def wall_clock_time(given: str | None, name: str) -> timedelta | None:
    """Return how long something may run, None for no limit."""
    return None if given is None else duration(given, name)


def retention_time(given: str | None, name: str) -> timedelta | None:
    """Return how long files are kept, None for ever. Source: F-9."""
    return limits.RETENTION_TIME_DEFAULT if given is None else duration(given, name)


def resize_timeout(given: str | None) -> timedelta:
    """Return how long a resize may take. Source: L-12, P-4."""
    if given is None:
        return limits.RESIZE_TIMEOUT_DEFAULT
    span = duration(given, "resizeTimeout")
    if span is None or not limits.RESIZE_TIMEOUT_MIN <= span <= _RESIZE_TIMEOUT_MAX:
        least = values.write_duration(limits.RESIZE_TIMEOUT_MIN)
        most = values.write_duration(_RESIZE_TIMEOUT_MAX)
        raise Refused.of_property(
            "resizeTimeout", shorten(given), f"give a span from {least} to {most}"
        )
    return span


def node_option(given: str | None, name: str) -> NodeOption:
    """Return what becomes of the tasks of a node. Source: P-17, P-38.

    Raises:
        Refused: ``InvalidPropertyValue`` for ``retaineddata``, which is not built.
    """
    if given is None:
        return NodeOption.REQUEUE
    if given == model.BatchNodeDeallocationOption.RETAINEDDATA:
        options = ", ".join(NodeOption)
        raise Refused.of_property(name, given, f"not supported yet; give one of {options}")
    return NodeOption(given)


def resource_files(
    files: Sequence[model.ResourceFile] | None, name: str
) -> tuple[ResourceFile, ...]:
    """Return the files to fetch before a command runs. Source: T-41 ... T-43."""
    if not files:
        return ()
    return tuple(_resource_file(file, f"{name}[{index}]") for index, file in enumerate(files))


def _resource_file(file: model.ResourceFile, place: str) -> ResourceFile:
    url = text(required(file.http_url, f"{place}.httpUrl"), f"{place}.httpUrl")
    if not _is_http_url(url):
        raise Refused.of_property(
            f"{place}.httpUrl",
            shorten(url),
            "give an absolute http or https URL, with spaces and the like percent-encoded",
        )
    path = text(required(file.file_path, f"{place}.filePath"), f"{place}.filePath")
    parts = path.split("/")
    if parts[0] == "" or parts[-1] in ("", ".") or ".." in parts:
        raise Refused.of_property(
            f"{place}.filePath",
            shorten(path),
            "give the name of a file below the working directory: relative, and without ..",
        )
    return ResourceFile(url, path, _file_mode(file.file_mode, f"{place}.fileMode"))


def _is_http_url(url: str) -> bool:
    if _PLAIN_URL.fullmatch(url) is not None:
        return True
    if _URL.fullmatch(url) is None:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _file_mode(given: str | None, name: str) -> int:
    if given is None:
        return _DEFAULT_FILE_MODE
    match = _OCTAL.fullmatch(given)
    mode = None if match is None else int(match["digits"], 8)
    if mode is None or mode > _PERMISSIONS:
        raise Refused.of_property(name, shorten(given), "give an octal number such as 0770")
    return mode


def elevation_level(identity: model.UserIdentity | None) -> ElevationLevel:
    """Return whether a task runs as administrator; not unless it says so. Source: T-38, T-39."""
    if identity is None or identity.auto_user is None:
        return ElevationLevel.NON_ADMIN
    level = identity.auto_user.elevation_level
    return ElevationLevel.ADMIN if level is model.ElevationLevel.ADMIN else ElevationLevel.NON_ADMIN
