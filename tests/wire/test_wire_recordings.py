"""Recorded and published traffic goes through our structs."""

import csv
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from batchyard.api import routes
from batchyard.core.errors import Refused
from batchyard.wire import model, pools, versions
from batchyard.wire.operations import OPERATIONS
from tests.wire.recordings import API, exchanges, needs_shared

pytestmark = needs_shared

FILES = ["swagger_examples.jsonl", "shapes.jsonl"]

#: Long retired: the name that older api-versions have for task slots, inside of auto pools.
KNOWN_GAPS = {"BatchPool.maxTasksPerNode", "BatchPoolSpecification.maxTasksPerNode"}


def documented_operations() -> dict[str, dict[str, str]]:
    with (API / "operations.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return {
        row["operationId_2024-02-01.19.0"]
        if row["operationId_2025-06-01"] == "-"
        else row["operationId_2025-06-01"]: row
        for row in rows
    }


def matched(name: str) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    """Yield the exchanges of the served api-versions with the row of their operation."""
    rows = documented_operations()
    for exchange in exchanges(name):
        if exchange["api_version"] not in versions.KNOWN:
            continue
        try:
            operation, _ = routes.match(exchange["method"], exchange["path"].partition("?")[0])
        except Refused:
            assert "lifetime" in exchange["path"], exchange["path"]
            continue
        yield exchange, rows[operation.name]


def model_of(row: dict[str, str], role: str) -> type[msgspec.Struct] | None:
    found = getattr(model, row[f"{role}_15"], None) or getattr(model, row[f"{role}_14"], None)
    return found if isinstance(found, type) else None


def unknown_keys(item: dict[str, Any], owner: type[msgspec.Struct]) -> Iterator[str]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(owner)}
    for key, value in item.items():
        if key not in fields:
            yield f"{owner.__name__}.{key}"
            continue
        for option in get_args(fields[key]):
            inner = (get_args(option) or (option,))[0]
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                for part in value if isinstance(value, list) else [value]:
                    yield from unknown_keys(part, inner)


def test_our_table_of_operations_is_the_documented_one():
    documented = {name: (row["verb"], row["path"]) for name, row in documented_operations().items()}
    ours = {operation.name: (operation.method, operation.path) for operation in OPERATIONS}
    assert ours == documented


def test_what_is_built_takes_the_documented_query_and_conditions():
    documented = documented_operations()
    for operation in OPERATIONS:
        if not operation.is_built:
            continue
        row = documented[operation.name]
        query = {name.lower() for name in row["query"].replace("|timeout", "").split(",")}
        query -= {"api-version", "timeout"}
        assert operation.query - {"$skiptoken"} == query, operation.name
        conditions = {
            name.lower()
            for name in row["conditional_and_range_headers"].split(",")
            if name.startswith("If-")
        }
        assert operation.conditions == conditions, operation.name


@pytest.mark.parametrize("name", FILES)
def test_no_documented_property_of_a_request_is_unknown(name):
    checked = 0
    for exchange, row in matched(name):
        request_model, body = model_of(row, "request_model"), exchange["request_body"]
        if request_model is None or not isinstance(body, dict):
            continue
        gaps = {key.rpartition(".")[0] for key in unknown_keys(body, request_model)}
        if exchange["api_version"] < "2020-09" and gaps:
            assert gaps <= {"BatchPoolCreateOptions", "BatchPoolSpecification"}
            continue
        msgspec.convert(body, request_model)
        checked += 1
    assert checked > 50


@pytest.mark.parametrize("name", FILES)
def test_every_answer_of_the_real_service_fits_our_structs(name):
    checked = 0
    for exchange, row in matched(name):
        response_model, body = model_of(row, "response_model"), exchange["response_body"]
        if response_model is None or not isinstance(body, dict) or exchange["status"] >= 300:
            continue
        is_list = "value" in body and "value" not in model_names(response_model)
        for item in body["value"] if is_list else [body]:
            item.pop("odata.metadata", None)
            gaps = set(unknown_keys(item, response_model))
            if exchange["api_version"] < "2020-09":
                gaps = {gap for gap in gaps if not gap.startswith("BatchTaskCountsResult.")}
                gaps -= KNOWN_GAPS
            assert not gaps, exchange["path"]
            checked += 1
    assert checked > 50


def model_names(owner: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(owner)}


def test_a_pool_of_an_old_version_may_name_its_slots_in_the_old_way():
    body = (
        b'{"id":"p","vmSize":"standard_d2_v3","maxTasksPerNode":4,"virtualMachineConfiguration":'
        b'{"nodeAgentSKUId":"batch.node.debian 12","imageReference":'
        b'{"publisher":"debian","offer":"debian-12","sku":"12"}}}'
    )
    old, new = versions.parse("2020-03-01.11.0"), versions.parse(versions.NEWEST)
    assert pools.read_pool(body, old).task_slots_per_node == 4
    with pytest.raises(Refused, match="UnsupportedProperty"):
        pools.read_pool(body, new)
