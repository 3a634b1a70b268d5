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
SEEDS = range(80)


#: What has to happen in the worlds of `SEEDS`, and in how many of them at least.
HAPPENS = {
    **{fault.name: 30 for fault in fields(Faults)},
    "outage_rate": 12,
    "node lost": 30,
    "life over with processes": 30,
    "task failed": 60,
    "task timedout": 18,
    "task stopped": 30,
    "task queued on its node": 30,
    "recall": 12,
    "recalled in time": 9,
    "recalled too late": 3,
    "start exited": 24,
    "start failed": 9,
    "preparation exited": 42,
    "preparation failed": 18,
    "preparation stopped": 2,
    "release exited": 15,
    "release failed": 15,
    "manager started": 24,
    "manager restarted": 9,
    "terminate a task": 30,
    "delete a task": 30,
    "terminate a job": 60,
    "delete a job": 30,
    "change a priority": 30,
    "change retries": 30,
    "reboot, requeue": 6,
    "reboot, terminate": 6,
    "reboot, taskcompletion": 6,
    "remove, requeue": 3,
    "remove, terminate": 3,
    "remove, taskcompletion": 2,
    "resize, requeue": 6,
    "resize, terminate": 6,
    "resize, taskcompletion": 6,
    "dependent task completed": 48,
    "dependent task active": 48,
    "job completed, AllTasksComplete": 9,
    "job completed, MaxWallClockTimeExpiry": 9,
    "job completed, TaskFailed": 9,
    "job disabled, None": 3,
    "disable, requeue": 15,
    "disable, terminate": 15,
    "disable, wait": 12,
    "enable": 24,
    "change a pool": 7,
    "change a strict priority": 30,
    "reactivate": 18,
}


@cache
def live(seed: int) -> Counter[str]:
    return World(seed).run().tally


@pytest.mark.parametrize("seeds", [SEEDS[start : start + 20] for start in range(0, 80, 20)])
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
