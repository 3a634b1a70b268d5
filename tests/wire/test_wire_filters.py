from datetime import UTC, datetime

import pytest

from batchyard.core import limits
from batchyard.engine.filters import (
    AllOf,
    AnyOf,
    Comparison,
    Filter,
    Not,
    Operator,
    StartsWith,
)
from batchyard.wire import filters, images, model

NEW_YEAR = datetime(2025, 1, 1, tzinfo=UTC)


def refusal(text: str, table: filters.Table = filters.JOBS) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the text is looked at
        filters.read(text, table)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("state eq 'Active'", Comparison("state", Operator.EQ, "Active")),
        ("  state\tne 'x' ", Comparison("state", Operator.NE, "x")),
        ("id ge 'it''s'", Comparison("id", Operator.GE, "it's")),
        ("id eq ''", Comparison("id", Operator.EQ, "")),
        ("startswith(id,'a')", StartsWith("id", "a")),
        ("startswith( executionInfo/poolId , 'a' )", StartsWith("execution_info.pool_id", "a")),
        (
            "creationTime gt DateTime'2025-01-01T01:00:00+01:00'",
            Comparison("creation_time", Operator.GT, NEW_YEAR),
        ),
        (
            "lastModified le datetime'Wed, 01 Jan 2025 00:00:00 GMT'",
            Comparison("last_modified", Operator.LE, NEW_YEAR),
        ),
        ("(((id eq 'a')))", Comparison("id", Operator.EQ, "a")),
        ("not(id eq 'a')", Not(Comparison("id", Operator.EQ, "a"))),
        (
            "id eq 'a' or id eq 'b' and state eq 'c'",
            AnyOf(
                (
                    Comparison("id", Operator.EQ, "a"),
                    AllOf(
                        (
                            Comparison("id", Operator.EQ, "b"),
                            Comparison("state", Operator.EQ, "c"),
                        )
                    ),
                )
            ),
        ),
        (
            "(id eq 'a' or id eq 'b') and not startswith(id,'c')",
            AllOf(
                (
                    AnyOf((Comparison("id", Operator.EQ, "a"), Comparison("id", Operator.EQ, "b"))),
                    Not(StartsWith("id", "c")),
                )
            ),
        ),
    ],
)
def test_a_filter_means_what_it_says(text: str, expected: Filter):
    assert filters.read(text, filters.JOBS) == expected


def test_numbers_and_truths_are_read():
    found = filters.read("executionInfo/exitCode lt -9", filters.TASKS)
    assert found == Comparison("execution_info.exit_code", Operator.LT, -9)
    found = filters.read("enableAutoScale eq False", filters.POOLS)
    assert found == Comparison("enable_auto_scale", Operator.EQ, value=False)


def test_tasks_know_their_last_change_by_two_names():
    for name in ("lastModified", "lastModifiedTime"):
        found = filters.read(f"{name} ge DateTime'2025-01-01T00:00:00Z'", filters.TASKS)
        assert found == Comparison("last_modified", Operator.GE, NEW_YEAR)


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("priority eq 1", "but by id, state, "),
        ("State eq 'active'", "but by id, state, "),
        ("state gt 'active'", "but eq, ne"),
        ("startswith(state,'a')", "but eq, ne"),
        ("id eq 5", "compare id with a text in single quotes"),
        ("state eq true", "compare state with a text"),
        ("creationTime gt '2025-01-01T00:00:00Z'", "DateTime'2025-01-31T08:00:00Z'"),
        ("creationTime gt DateTime'soon'", "DateTime'2025-01-31T08:00:00Z'"),
        ("creationTime gt DateTime'0001-01-01T00:00:00+14:00'", "DateTime'2025"),
        ("state eq", "cannot be understood at its end"),
        ("state eq 'a' and", "cannot be understood at its end"),
        ("state eq 'a", "cannot be understood at character 10"),
        ("state equals 'a'", "cannot be understood at character 7"),
        ("state eq 'a' id eq 'b'", "cannot be understood at character 14"),
        ("(state eq 'a'", "cannot be understood at its end"),
        ("endswith(id,'a')", "cannot be understood at character"),
        ("x" * (limits.FILTER_CHARS_MAX + 1), "at most 4096 characters"),
        ("not " * 50 + "id eq 'a'", "at most 32 levels"),
        ("🙂", "cannot be understood at character 1"),
    ],
)
def test_what_is_no_filter_of_the_list_is_refused_with_the_cure(text: str, cure: str):
    assert cure in refusal(text)


@pytest.mark.parametrize("number", ["2147483648", "-2147483649", "1.5", "99999999999999999999"])
def test_a_number_that_no_property_has_is_refused(number: str):
    assert "32 bits" in refusal(f"executionInfo/exitCode eq {number}", filters.TASKS)


def test_a_name_that_starts_like_a_keyword_is_a_name():
    assert "no filter by order" in refusal("order eq 1")
    assert "no filter by notes" in refusal("notes eq 1")


def test_many_alternatives_stay_flat():
    found = filters.read(" or ".join(["id eq 'a'"] * 250), filters.JOBS)
    assert isinstance(found, AnyOf)
    assert len(found.parts) == 250


def test_images_are_filtered_without_regard_to_case():
    def names(text: str) -> set[str]:
        found = images.select(filters.read(text, filters.SUPPORTED_IMAGES))
        return {image.node_agent_sku_id or "" for image in found}

    assert names("osType eq 'Windows'") == {"batch.node.windows amd64"}
    both = "not (osType ne 'linux') and nodeAgentSKUId eq 'BATCH.NODE.EL 9'"
    assert names(both) == {"batch.node.el 9"}
    either = "nodeAgentSKUId eq 'batch.node.el 9' or osType eq 'windows'"
    assert names(either) == {"batch.node.el 9", "batch.node.windows amd64"}
    assert names("verificationType ne 'verified'") == set()
    assert images.select(None) is images.SUPPORTED_IMAGES
    assert model.OSType.LINUX in {image.os_type for image in images.SUPPORTED_IMAGES}
