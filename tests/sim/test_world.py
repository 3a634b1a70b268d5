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
    **{fault.name: 15 for fault in fields(Faults)},
    "outage_rate": 9,
    "node lost": 26,
    "life over with processes": 23,
    "task failed": 44,
    "task timedout": 15,
    "task stopped": 34,
    "task queued on its node": 14,
    "recall": 6,
    "recalled in time": 3,
    "recalled too late": 2,
    "start exited": 13,
    "start failed": 3,
    "preparation exited": 26,
    "preparation failed": 10,
    "preparation stopped": 2,
    "release exited": 11,
    "release failed": 10,
    "manager started": 37,
    "manager restarted": 24,
    "terminate a task": 22,
    "delete a task": 29,
    "terminate a job": 46,
    "delete a job": 22,
    "change a priority": 26,
    "change retries": 23,
    "reboot, requeue": 3,
    "reboot, terminate": 8,
    "reboot, taskcompletion": 3,
    "remove, requeue": 3,
    "remove, terminate": 3,
    "remove, taskcompletion": 3,
    "resize, requeue": 5,
    "resize, terminate": 5,
    "resize, taskcompletion": 7,
    "dependent task completed": 33,
    "dependent task active": 38,
    "job completed, AllTasksComplete": 14,
    "job completed, MaxWallClockTimeExpiry": 12,
    "job completed, TaskFailed": 7,
    "job disabled, None": 7,
    "disable, requeue": 13,
    "disable, terminate": 17,
    "disable, wait": 11,
    "enable": 27,
    "change a pool": 5,
    "change a strict priority": 24,
    "reactivate": 11,
    "create a job schedule": 30,
    "job made by a schedule": 30,
    "disable a job schedule": 9,
    "enable a job schedule": 4,
    "terminate a job schedule": 10,
    "delete a job schedule": 7,
    "terminate a job by force": 14,
    "delete a job by force": 13,
    "job completed, JMComplete": 26,
    "subtask coordinated": 8,
    "subtask failed": 2,
    "subtask stopped": 8,
    "primary exited": 6,
    "primary failed": 4,
    "job completed, TerminateJobSchedule": 7,
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
