from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchyard.wire import values

SPANS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000_000))
INSTANTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT15M", timedelta(minutes=15)),
        ("P7D", timedelta(days=7)),
        ("P", timedelta(0)),
        ("P0D", timedelta(0)),
        ("PT0S", timedelta(0)),
        ("PT01H00M00S", timedelta(hours=1)),
        ("P1DT02H00M03.5S", timedelta(days=1, hours=2, seconds=3.5)),
        ("PT05M00S", timedelta(minutes=5)),
        ("PT1.5S", timedelta(seconds=1.5)),
        ("P2W", timedelta(days=14)),
        ("P3Y6M4DT12H30M5S", timedelta(days=1279, hours=12, minutes=30, seconds=5)),
        ("PT0.1234567S", timedelta(microseconds=123456)),
    ],
)
def test_a_duration_of_any_client_is_understood(text, span):
    assert values.read_duration(text) == span


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("PT01H00M00S", "PT1H"),
        ("P3Y6M4DT12H30M5S", "P1279DT12H30M5S"),
        ("PT90M", "PT1H30M"),
        ("PT86400S", "P1D"),
        ("P", "PT0S"),
        ("PT0.50S", "PT0.5S"),
    ],
)
def test_a_duration_goes_out_normalised(text, normalised):
    assert values.write_duration(values.read_duration(text)) == normalised


@pytest.mark.parametrize(
    "text",
    [
        "",
        "PT",
        "P1DT",
        "00:15:00",
        "15",
        "-PT5M",
        "PT-5M",
        "P1H",
        "PT1D",
        "pt5m",
        "PT1,5M",
        "PT5M\n",
    ],
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="ISO 8601"):
        values.read_duration(text)


@pytest.mark.parametrize(
    "text",
    [values.UNLIMITED, "P10675199DT2H48M5.4775808S", "P99999999D", "P999999999999Y"],
)
def test_the_greatest_span_and_beyond_means_no_limit(text):
    assert values.read_duration(text) is None


def test_no_limit_goes_out_as_the_greatest_span():
    assert values.write_duration(None) == values.UNLIMITED


@given(SPANS)
def test_a_duration_comes_back_as_it_went_out(span):
    assert values.read_duration(values.write_duration(span)) == span


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC), "2025-01-02T03:04:05Z"),
        (datetime(2025, 1, 2, 3, 4, 5, 678, tzinfo=UTC), "2025-01-02T03:04:05.000678Z"),
        (datetime(2025, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC), "2025-01-02T03:04:05.5Z"),
        (
            datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=1))),
            "2025-01-02T02:04:05Z",
        ),
    ],
)
def test_an_instant_goes_out_in_utc_without_trailing_zeros(instant, text):
    assert values.write_instant(instant) == text


def test_an_instant_with_seven_digits_is_understood():
    assert values.read_instant("2016-09-06T07:02:44.7589958Z") == datetime(
        2016, 9, 6, 7, 2, 44, 758995, tzinfo=UTC
    )


def test_an_instant_with_an_offset_becomes_utc():
    assert values.read_instant("2025-01-02T03:04:05+01:00").hour == 2


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-02",
        "2025-01-02T03:04:05",
        "2025-02-30T00:00:00Z",
        "2025-01-02 03:04:05Z",
        "now",
        "0001-01-01T00:00:00+10:00",
    ],
)
def test_what_is_no_instant_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        values.read_instant(text)


@given(INSTANTS)
def test_an_instant_comes_back_as_it_went_out(instant):
    assert values.read_instant(values.write_instant(instant)) == instant


@given(st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_an_http_date_comes_back_to_the_second(instant):
    whole = instant.replace(microsecond=0)
    assert values.read_http_date(values.write_http_date(instant)) == whole


@pytest.mark.parametrize("text", ["", "yesterday", "2025-01-02T03:04:05Z", "Tue, 99 Mar 2025"])
def test_what_is_no_http_date_is_refused(text):
    with pytest.raises(ValueError, match="RFC 1123"):
        values.read_http_date(text)
