"""Write ``docs/coverage.md``: what of the Azure Batch REST API is supported.

Usage: ``python tools/write_coverage.py``
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from batchyard.api import conditions
from batchyard.wire import filters, properties, values, versions
from batchyard.wire.operations import OPERATIONS, Operation
from batchyard.wire.properties import Fate, Support

TARGET: Final = Path(__file__).parents[1] / "docs" / "coverage.md"

_HEAD: Final = """# What is supported

<!-- Written by tools/write_coverage.py from the tables of batchyard.wire. Do not edit. -->

What batchyard cannot do yet it refuses: an operation with the status 501 and the code
`NotImplemented`, a property with 400 and `UnsupportedProperty`, a query parameter or header with a
code of its own. Nothing that has a meaning is passed over in silence.

Served are the api-versions from {oldest} to {newest}. A newer one is served as
{newest}, with a `Warning` header.
"""

_CONDITIONS: Final = {
    frozenset[str](): "",
    frozenset({"if-modified-since", "if-unmodified-since"}): "dates",
    frozenset(conditions.HEADERS): "ETags, dates",
}

_PROPERTIES: Final = """
## Properties of requests

A property is *honoured*; or *echoed*: stored and given back, since it means nothing on one's own
machines; or *refused*, unless its value says the same as leaving it out; or *fixed*: refused by
updates, here as in Azure, because only the creation decides it. What stands below an echoed, a
refused or a fixed property shares its fate.
"""

_FILTERS: Final = (
    ("pools", filters.POOLS),
    ("nodes", filters.NODES),
    ("jobs", filters.JOBS),
    ("tasks", filters.TASKS),
    ("status of preparation and release", filters.JOB_NODES),
    ("node counts", filters.NODE_COUNTS),
    ("supported images", filters.SUPPORTED_IMAGES),
    ("files", filters.FILES),
)


def page() -> str:
    """Return the whole page."""
    parts = [
        _HEAD.format(oldest=versions.KNOWN[0], newest=versions.NEWEST),
        _operations(),
        _filters(),
        _PROPERTIES,
    ]
    parts += [_model(owner.__name__, rows) for owner, rows in properties.PROPERTIES.items()]
    return "\n".join(parts)


def _operations() -> str:
    built = sum(operation.is_built for operation in OPERATIONS)
    lines = [
        f"## Operations: {built} of {len(OPERATIONS)}",
        "",
        "| operation | request | supported | conditions | query |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [_operation(operation) for operation in OPERATIONS]
    lines += [
        "",
        "Every operation takes `api-version` and `timeOut`; the latter has no effect, since an",
        "answer comes as soon as what it says is on disk. `$expand=stats` shows",
        "[what was counted](explanation/statistics.md) of jobs and tasks; of pools it is refused,",
        "unless `$select` leaves the statistics out.",
        "",
    ]
    return "\n".join(lines)


def _filters() -> str:
    lines = [
        "## Filters",
        "",
        "`$filter` knows `and`, `or`, `not` and parentheses. For node counts and files it is one",
        "condition only.",
        "",
        "| list | property | |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {name} | `{wire}` | {', '.join(known.uses)} |"
        for name, table in _FILTERS
        for wire, known in table.items()
    ]
    return "\n".join([*lines, ""])


def _operation(operation: Operation) -> str:
    supported = "yes" if operation.is_built else "not yet"
    taken = _CONDITIONS[operation.conditions]
    query = ", ".join(f"`{name}`" for name in sorted(operation.query - {"$skiptoken"}))
    return (
        f"| {operation.name} | `{operation.method} {operation.path}` | {supported} "
        f"| {taken} | {query} |"
    )


def _model(name: str, rows: Mapping[str, Support]) -> str:
    lines = [
        f"### {name}",
        "",
        "| property | | |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{wire}` | {support.fate} | {_note(support)} |" for wire, support in rows.items()]
    return "\n".join([*lines, ""])


def _note(support: Support) -> str:
    if support.fate is not Fate.REFUSED or support.default is None:
        return support.note
    if support.default == values.UNLIMITED:
        return f"unless without limit; {support.note}"
    default = support.default
    if not isinstance(default, str):
        default = msgspec.json.encode(default).decode()
    return f"unless `{default}`; {support.note}"


def main() -> int:
    """Write the page."""
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
