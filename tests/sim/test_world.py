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
    "node lost": 52,
    "life over with processes": 50,
    "task failed": 100,
    "task timedout": 30,
    "task stopped": 68,
    "task queued on its node": 50,
    "recall": 20,
    "recalled in time": 15,
    "recalled too late": 5,
    "start exited": 40,
    "start failed": 15,
    "preparation exited": 70,
    "preparation failed": 30,
    "preparation stopped": 4,
    "release exited": 25,
    "release failed": 25,
    "manager started": 74,
    "manager restarted": 48,
    "terminate a task": 50,
    "delete a task": 58,
    "terminate a job": 100,
    "delete a job": 50,
    "change a priority": 52,
    "change retries": 50,
    "reboot, requeue": 10,
    "reboot, terminate": 16,
    "reboot, taskcompletion": 10,
    "remove, requeue": 6,
    "remove, terminate": 6,
    "remove, taskcompletion": 6,
    "resize, requeue": 10,
    "resize, terminate": 10,
    "resize, taskcompletion": 14,
    "dependent task completed": 66,
    "dependent task active": 76,
    "job completed, AllTasksComplete": 28,
    "job completed, MaxWallClockTimeExpiry": 24,
    "job completed, TaskFailed": 14,
    "job disabled, None": 14,
    "disable, requeue": 26,
    "disable, terminate": 34,
    "disable, wait": 22,
    "enable": 54,
    "change a pool": 10,
    "change a strict priority": 48,
    "reactivate": 22,
    "create a job schedule": 60,
    "job made by a schedule": 60,
    "disable a job schedule": 18,
    "enable a job schedule": 8,
    "terminate a job schedule": 20,
    "delete a job schedule": 14,
    "terminate a job by force": 28,
    "delete a job by force": 26,
    "job completed, JMComplete": 52,
    "subtask coordinated": 16,
    "subtask failed": 4,
    "subtask stopped": 16,
    "primary exited": 12,
    "primary failed": 8,
    "job completed, TerminateJobSchedule": 14,
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
