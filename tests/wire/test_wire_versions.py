import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import versions


@pytest.mark.parametrize("text", versions.KNOWN)
def test_every_known_version_is_served_without_a_warning(text):
    assert versions.parse(text).warning is None


@pytest.mark.parametrize("text", ["2026-10-01", "2027-01-01.31.0"])
def test_a_version_newer_than_all_is_served_with_a_warning(text):
    warning = versions.parse(text).warning
    assert warning is not None
    assert warning.startswith("299 - ")
    assert text in warning


@pytest.mark.parametrize(
    "text",
    [
        "2018-12-01.8.0",
        "2015-12-01.2.2",
        "2022-01-02.15.0",
        "2025-06-01.1.0",
        "latest",
        "",
        "2026-10-01\r\nx: y",
        "9" * 1000,
    ],
)
def test_an_older_or_unknown_or_malformed_version_is_refused(text):
    with pytest.raises(Refused) as caught:
        versions.parse(text)
    assert caught.value.code is ErrorCode.UNSUPPORTED_REQUEST_VERSION
    assert versions.NEWEST in caught.value.values["Reason"]


def test_a_missing_version_is_refused_by_name():
    with pytest.raises(Refused) as caught:
        versions.parse(None)
    assert caught.value.code is ErrorCode.MISSING_REQUIRED_QUERY_PARAMETER
    assert caught.value.values["QueryParameterName"] == "api-version"


def test_task_slots_came_with_the_version_of_september_2020():
    assert not versions.parse("2020-03-01.11.0").has_task_slots
    assert versions.parse("2020-09-01.12.0").has_task_slots
