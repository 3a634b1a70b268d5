"""Simulated worlds keep every promise, whatever happens to them."""

import pytest
from click.testing import CliRunner

from batchyard.sim.__main__ import main
from batchyard.sim.world import World

#: `make sim` lives through more.
SEEDS = range(200)


@pytest.mark.parametrize("seeds", [SEEDS[start : start + 20] for start in range(0, 200, 20)])
def test_no_promise_is_broken_and_everything_ends(seeds: range) -> None:
    """The judge looks all the while; that everything ends it says after the faults have."""
    for seed in seeds:
        World(seed).run()


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
