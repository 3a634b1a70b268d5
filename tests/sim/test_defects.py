"""The judge finds each of the seeded defects, in a world that chance made."""

from collections.abc import Iterator
from itertools import chain

import pytest

from batchyard.sim.rules import Violation
from batchyard.sim.world import SimulationFailed, World
from tests.sim.defects import DEFECTS, SeededDefect

#: A change of the simulator makes other worlds of the kept seeds; then these are tried as well.
SEARCHED = range(61)


def findings(seeds: Iterator[int]) -> Iterator[str]:
    for seed in seeds:
        try:
            World(seed).run()
        except SimulationFailed as failed:
            if isinstance(failed.error, Violation):
                yield failed.error.rule.name


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_seeded_defect_breaks_its_promise(
    defect: SeededDefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect.make(monkeypatch)
    assert defect.rule.name in findings(chain((defect.seed,), SEARCHED))


@pytest.mark.parametrize("seed", sorted({defect.seed for defect in DEFECTS}))
def test_without_a_defect_the_same_worlds_keep_every_promise(seed: int) -> None:
    World(seed).run()
