import csv
from datetime import UTC, datetime

import msgspec
import pytest

from batchyard.core.errors import ErrorCode, Refused
from batchyard.wire import errors
from tests.wire.recordings import API, needs_shared

NOW = datetime(2025, 3, 4, 10, 20, 30, 123456, tzinfo=UTC)


def test_an_error_body_has_the_shape_that_clients_read():
    refused = Refused(ErrorCode.JOB_NOT_FOUND, Reason="look elsewhere")
    body = msgspec.to_builtins(errors.render(refused, request_id="some-id", now=NOW))
    assert body == {
        "code": "JobNotFound",
        "message": {
            "lang": "en-US",
            "value": "The specified job does not exist.\n"
            "RequestId:some-id\nTime:2025-03-04T10:20:30.123456Z",
        },
        "values": [{"key": "Reason", "value": "look elsewhere"}],
    }


def test_an_error_without_detail_has_no_values():
    body = msgspec.to_builtins(
        errors.render(Refused(ErrorCode.POOL_EXISTS), request_id="", now=NOW)
    )
    assert "values" not in body


@pytest.mark.parametrize("code", ErrorCode)
def test_every_code_has_a_status_and_a_first_line(code):
    assert 400 <= errors.status(code) < 600
    first_line = errors.render(Refused(code), request_id="", now=NOW).message
    assert first_line is not None
    assert first_line.value is not None
    assert first_line.value.partition("\n")[0].endswith(".")


@needs_shared
def test_every_status_is_the_documented_one():
    with (API / "errors.tsv").open(encoding="utf-8") as lines:
        documented = {row["code"]: row for row in csv.DictReader(lines, delimiter="\t")}
    for code in ErrorCode:
        if code in documented and documented[code]["source"] == "D" and code != "ConditionNotMet":
            assert str(errors.status(code).value) == documented[code]["http_status"], code
