"""Tokens are derived: the same everywhere, and of one job only."""

from base64 import b64encode
from datetime import timedelta

from msgspec.structs import replace

from batchyard.engine.tokens import JobTokens
from tests.core.test_job import new

KEY = b64encode(b"a key").decode()


def test_a_token_is_the_same_after_a_restart_and_good_for_its_job() -> None:
    job = new()
    token = JobTokens({"account": KEY}).mint(job)
    again = JobTokens({"account": KEY, "other": KEY})
    assert again.mint(job) == token
    access = again.read(token)
    assert access is not None
    assert access.is_of(job)


def test_a_token_is_not_good_for_another_job_whatever_it_has_in_common() -> None:
    job = new()
    access = JobTokens({"account": KEY}).read(JobTokens({"account": KEY}).mint(job))
    assert access is not None
    later = job.creation_time + timedelta(seconds=1)
    for other in (
        replace(job, key=99),
        replace(job, account="other"),
        replace(job, creation_time=later),
    ):
        assert not access.is_of(other)


def test_the_token_of_an_account_without_a_key_is_never_accepted() -> None:
    """An account may be taken away while its jobs still run."""
    token = JobTokens({}).mint(new())
    assert JobTokens({}).read(token) is None
    assert JobTokens({"account": KEY}).read(token) is None
