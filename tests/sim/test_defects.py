"""The judge finds each of the seeded defects, in a world that chance made."""

from itertools import chain

import pytest

from batchyard.sim.world import World
from tests.sim.defects import DEFECTS, findings
from tests.sim.defects.defect import SeededDefect
from tests.sim.defects.seeds import SEEDS

#: A change of the simulator makes other worlds of the kept seeds; then these are tried as well.
SEARCHED = range(61)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_each_seeded_defect_breaks_its_promise(
    defect: SeededDefect, monkeypatch: pytest.MonkeyPatch
) -> None:
    defect.make(monkeypatch)
    kept = SEEDS.get(defect.name, 0)
    assert defect.rule.name in (rule for _, rule in findings(chain((kept,), SEARCHED)))


@pytest.mark.parametrize("seed", sorted(set(SEEDS.values())))
def test_without_a_defect_the_same_worlds_keep_every_promise(seed: int) -> None:
    World(seed).run()
