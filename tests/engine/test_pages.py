"""Pages of lists give way to the writer."""

from threading import Event

import pytest

from batchyard.core import limits
from batchyard.engine.pages import PageMaker, rest_seconds

PATIENCE_SECONDS = 10.0


class Writer:
    """Works when a test says so."""

    def __init__(self) -> None:
        self.worked_seconds = 0.0

    def work(self, seconds: float) -> str:
        self.worked_seconds += seconds
        return "page"


def test_the_rest_grows_with_the_writers_work_up_to_a_bound() -> None:
    assert rest_seconds(0.0) == 0.0
    assert rest_seconds(0.01) == pytest.approx(0.01 * limits.PAGE_REST_FACTOR)
    assert rest_seconds(60.0) == limits.PAGE_REST_TIME_MAX.total_seconds()


def test_a_page_is_answered_before_the_rest_that_it_causes() -> None:
    writer = Writer()
    pages = PageMaker(lambda: writer.worked_seconds)
    assert pages.submit(writer.work, 60.0).result(PATIENCE_SECONDS) == "page"
    pages.close()


def test_no_page_is_made_while_the_thread_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer()
    pages = PageMaker(lambda: writer.worked_seconds)
    rests: list[float] = []
    monkeypatch.setattr(pages._is_closing, "wait", rests.append)
    pages.submit(writer.work, 60.0).result(PATIENCE_SECONDS)
    pages.submit(writer.work, 0.0).result(PATIENCE_SECONDS)
    most = limits.PAGE_REST_TIME_MAX.total_seconds()
    assert rests[0] == 0.0
    assert 0.0 < rests[1] <= most
    pages.close()


def test_pages_are_made_one_at_a_time() -> None:
    writer = Writer()
    pages = PageMaker(lambda: writer.worked_seconds)
    has_begun, may_end = Event(), Event()

    def first() -> bool:
        has_begun.set()
        return may_end.wait(PATIENCE_SECONDS)

    one = pages.submit(first)
    two = pages.submit(may_end.is_set)
    assert has_begun.wait(PATIENCE_SECONDS)
    assert not two.running()
    may_end.set()
    assert one.result(PATIENCE_SECONDS)
    assert two.result(PATIENCE_SECONDS)
    pages.close()


def test_a_page_that_fails_fails_alone() -> None:
    pages = PageMaker(lambda: 0.0)
    with pytest.raises(ZeroDivisionError):
        pages.submit(divmod, 1, 0).result(PATIENCE_SECONDS)
    assert pages.submit(divmod, 5, 3).result(PATIENCE_SECONDS) == (1, 2)
    pages.close()


def test_the_end_does_not_wait_for_a_rest() -> None:
    writer = Writer()
    pages = PageMaker(lambda: writer.worked_seconds)
    pages.submit(writer.work, 60.0).result(PATIENCE_SECONDS)
    last = pages.submit(writer.work, 0.0)
    pages.close()
    assert last.result(0) == "page"
