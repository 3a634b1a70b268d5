from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import coverage, model, properties
from batchyard.wire.properties import Fate
from tools import write_coverage

REFUSED = [
    (owner, name)
    for owner, rows in properties.PROPERTIES.items()
    for name, support in rows.items()
    if support.fate is Fate.REFUSED
]


def sample(kind: Any) -> Any:
    """Return JSON of a type that is neither empty nor a default."""
    kind = get_args(kind)[0] if type(None) in get_args(kind) else kind
    if isinstance(kind, type) and issubclass(kind, model.WireEnum):
        return list(kind)[-1].value
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        field = next(iter(msgspec.structs.fields(kind)))
        return {field.encode_name: sample(field.type)}
    if getattr(kind, "__origin__", None) is list:
        return [sample(get_args(kind)[0])]
    return {str: "PT1S", bool: True}.get(kind, 7)


def request_with(owner: type[msgspec.Struct], name: str) -> msgspec.Struct:
    field = next(f for f in msgspec.structs.fields(owner) if f.encode_name == name)
    value = sample(field.type)
    if value == properties.PROPERTIES[owner][name].default:
        value = not value if isinstance(value, bool) else model.AutoUserScope.TASK
    return msgspec.convert({name: value}, owner)


def test_every_property_of_every_request_has_a_row_and_every_row_a_property():
    todo, seen = list(properties.REQUEST_MODELS.values()), set[type[msgspec.Struct]]()
    while todo:
        owner = todo.pop()
        if owner in seen:
            continue
        seen.add(owner)
        names = {field.encode_name for field in msgspec.structs.fields(owner)}
        assert properties.PROPERTIES[owner].keys() == names, owner.__name__
        todo += [
            nested.model
            for nested in coverage.nested_models(owner)
            if properties.PROPERTIES[owner][nested.wire_name].fate is Fate.HONOURED
        ]
    assert seen == properties.PROPERTIES.keys()


def test_what_is_not_honoured_says_why_or_what_to_do():
    for rows in properties.PROPERTIES.values():
        for name, support in rows.items():
            assert support.note or support.fate is Fate.HONOURED, name


@pytest.mark.parametrize(("owner", "name"), REFUSED)
def test_a_property_that_is_not_built_is_refused_with_its_name_and_a_cure(owner, name):
    with pytest.raises(Refused) as caught:
        coverage.check(request_with(owner, name))
    assert caught.value.code is ErrorCode.UNSUPPORTED_PROPERTY
    assert caught.value.values["PropertyName"] == name
    assert caught.value.values["Reason"].startswith("not supported yet; ")


@pytest.mark.parametrize(
    ("owner", "name"),
    [row for row in REFUSED if properties.PROPERTIES[row[0]][row[1]].default is not None],
)
def test_the_documented_default_of_such_a_property_is_accepted(owner, name):
    default = properties.PROPERTIES[owner][name].default
    coverage.check(msgspec.convert({name: default}, owner))


def test_an_equal_duration_in_other_words_is_still_the_default():
    longest = "P10675199DT02H48M05.47758S"
    coverage.check(model.BatchJobConstraints(max_wall_clock_time=longest))


FIXED = [
    (owner, name)
    for owner, rows in properties.PROPERTIES.items()
    for name, support in rows.items()
    if support.fate is Fate.FIXED
]


@pytest.mark.parametrize(("owner", "name"), FIXED)
def test_a_property_that_an_update_cannot_change_is_refused_with_its_name(owner, name):
    with pytest.raises(Refused) as caught:
        coverage.check(request_with(owner, name))
    assert caught.value.code is ErrorCode.UNSUPPORTED_PROPERTY
    assert caught.value.values["PropertyName"] == name
    assert caught.value.values["Reason"].startswith("it cannot be changed")


@pytest.mark.parametrize(
    "empty",
    [
        {"outputFiles": []},
        {"applicationPackageReferences": []},
        {"authenticationTokenSettings": {"access": []}},
        {"dependsOn": {"taskIds": [], "taskIdRanges": []}},
        {"containerSettings": None},
    ],
)
def test_an_empty_list_or_object_counts_as_absent(empty):
    coverage.check(msgspec.convert(empty, model.BatchTaskCreateOptions))


def test_a_property_deep_inside_is_named_by_its_path():
    job = model.BatchJobCreateOptions(
        job_preparation_task=model.BatchJobPreparationTask(
            resource_files=[model.ResourceFile(), model.ResourceFile(blob_prefix="a")]
        )
    )
    with pytest.raises(Refused) as caught:
        coverage.check(job)
    name = "jobPreparationTask.resourceFiles[1].blobPrefix"
    assert caught.value.values["PropertyName"] == name
    assert caught.value.values["PropertyValue"] == "a"


def test_a_long_value_is_shortened():
    assert len(coverage.shorten("x" * 10_000)) == coverage.VALUE_CHARS_MAX


def test_the_coverage_page_is_fresh():
    page = Path(write_coverage.TARGET)
    assert page.read_text(encoding="utf-8") == write_coverage.page(), (
        "run python tools/write_coverage.py"
    )
