"""Simulated worlds keep every promise, whatever happens to them, and everything does."""

from functools import cache

import pytest
from click.testing import CliRunner

from batchyard.sim.__main__ import main
from batchyard.sim.happenings import Event, Fault, Happening, Tally
from batchyard.sim.world import World

#: `make sim` lives through more than these two hundred.
SHARE = 20
SHARES = range(0, 200, SHARE)

#: How often each fault and each event happens in all of them together, at least.
LEAST = 10
LEAST_OF: dict[Happening, int] = {Event.LATE_RECALL: 3}


@cache
def live(first: int) -> Tally:
    """Live through a share of the worlds, and return what happened in it."""
    tally = Tally()
    for seed in range(first, first + SHARE):
        tally += World(seed).run().tally
    return tally


@pytest.mark.parametrize("first", SHARES)
def test_no_promise_is_broken_and_everything_ends(first: int) -> None:
    """The judge looks all the while; that everything ends it says after the faults have."""
    live(first)


@pytest.mark.parametrize("what", [*Fault, *Event])
def test_each_fault_and_each_event_happens_often(what: Happening) -> None:
    """A simulator that never does something proves nothing about it."""
    assert sum(live(first)[what] for first in SHARES) >= LEAST_OF.get(what, LEAST), what.value


def test_one_seed_is_one_history() -> None:
    """Without this the seed in a failure report would be worth nothing."""
    first, second = World(7).run(), World(7).run()

    assert first.history == second.history
    assert len(first.history) > 50


def test_a_seed_can_be_replayed_with_its_whole_history() -> None:
    result = CliRunner().invoke(main, ["--seed", "7", "--verbose"])

    assert result.exit_code == 0
    assert "create the pool" in result.output
    assert result.output.splitlines()[-1].endswith("no promise broken")


def test_many_seeds_end_with_a_summary() -> None:
    result = CliRunner().invoke(main, ["--seeds", "3-5", "--jobs", "1"])

    assert result.exit_code == 0
    assert "3 seeds, " in result.output
    assert result.output.splitlines()[-1].endswith("0 broke a promise")
