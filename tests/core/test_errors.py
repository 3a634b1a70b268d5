"""Refusals carry what a caller needs."""

from batchyard.core.errors import ErrorCode, Refused


def test_a_refusal_reads_as_its_code() -> None:
    assert str(Refused(ErrorCode.JOB_NOT_FOUND)) == "JobNotFound"


def test_the_refusal_of_a_property_names_it_its_value_and_the_cure() -> None:
    refused = Refused.of_property("priority", 1001, "at most 1000")
    assert refused.code is ErrorCode.INVALID_PROPERTY_VALUE
    assert refused.values == {
        "PropertyName": "priority",
        "PropertyValue": "1001",
        "Reason": "at most 1000",
    }
