"""Simulated worlds keep every promise, whatever happens to them."""

from collections import Counter
from dataclasses import fields
from functools import cache

import pytest
from click.testing import CliRunner

from batchyard.sim.__main__ import main
from batchyard.sim.faults import Faults
from batchyard.sim.world import World

#: `make sim` lives through more.
SEEDS = range(200)


#: What has to happen in the worlds of `SEEDS`, and in how many of them at least.
HAPPENS = {
    **{fault.name: 30 for fault in fields(Faults)},
    "node lost": 50,
    "life over with processes": 50,
    "task failed": 100,
    "task timedout": 30,
    "task stopped": 50,
    "task queued on its node": 50,
    "recall": 20,
    "recalled in time": 15,
    "recalled too late": 5,
    "start exited": 40,
    "start failed": 15,
    "preparation exited": 70,
    "preparation failed": 30,
    "preparation stopped": 3,
    "release exited": 25,
    "release failed": 25,
    "manager started": 40,
    "manager restarted": 15,
    "terminate a task": 50,
    "delete a task": 50,
    "terminate a job": 100,
    "delete a job": 50,
    "change a priority": 50,
    "change retries": 50,
    "reboot, requeue": 10,
    "reboot, terminate": 10,
    "reboot, taskcompletion": 10,
    "remove, requeue": 5,
    "remove, terminate": 5,
    "remove, taskcompletion": 4,
    "resize, requeue": 10,
    "resize, terminate": 10,
    "resize, taskcompletion": 10,
}


@cache
def live(seed: int) -> Counter[str]:
    return World(seed).run().tally


@pytest.mark.parametrize("seeds", [SEEDS[start : start + 20] for start in range(0, 200, 20)])
def test_no_promise_is_broken_and_everything_ends(seeds: range) -> None:
    """The judge looks all the while; that everything ends it says after the faults have."""
    for seed in seeds:
        live(seed)


def test_everything_that_may_go_wrong_does_in_many_of_the_worlds() -> None:
    """A world in which it never does proves nothing about it."""
    worlds = Counter(what for seed in SEEDS for what in live(seed))

    rare = {what: worlds[what] for what, least in HAPPENS.items() if worlds[what] < least}
    assert not rare


def test_one_seed_is_one_history() -> None:
    """Without this the seed in a failure report would be worth nothing."""
    first, second = World(7).run(), World(7).run()

    assert first.history == second.history
    assert len(first.history) > 50


def test_a_seed_can_be_replayed_with_its_whole_history() -> None:
    result = CliRunner().invoke(main, ["--seed", "7", "--verbose"])

    assert result.exit_code == 0
    assert "create a pool" in result.output
    assert result.output.splitlines()[-1].endswith("no promise broken")


def test_many_seeds_end_with_a_summary() -> None:
    result = CliRunner().invoke(main, ["--seeds", "3-5", "--jobs", "1"])

    assert result.exit_code == 0
    assert "3 seeds, " in result.output
    assert result.output.splitlines()[-1].endswith("0 broke a promise")
