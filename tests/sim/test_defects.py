"""The judge finds each defect that is planted into the real code, by the promise that it breaks."""

import logging

import pytest

from batchyard.sim.world import SimulationFailed, World
from tests.sim.defects import DEFECTS, Defect

#: Where a defect is looked for when the world of its seed shows it no longer.
SEEDS = range(60)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.sentence)
def test_a_planted_defect_is_found(
    defect: Defect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)  # A defect has the service log a lot.
    defect.plant(monkeypatch)
    assert any(finds(defect, seed) for seed in (defect.seed, *SEEDS)), "no seed shows it"


def finds(defect: Defect, seed: int) -> bool:
    """Return whether the world of this seed breaks the promise of the defect first."""
    try:
        World(seed).run()
    except SimulationFailed as failed:
        return failed.error.rule is defect.rule
    return False
