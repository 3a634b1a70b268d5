"""Whatever is killed or stopped under load: nothing is lost, and nothing runs twice.

`make chaos` plays more rounds, of every kind.
"""

from random import Random

import pytest

from tests.chaos.blows import KINDS
from tests.chaos.disk import NotToBeHad
from tests.chaos.rounds import POWER, play

#: Another one each time, named by a failure.
SEED = Random().randrange(1_000_000)
ONE_OF_THEM = Random(SEED).choice([kind for kind in KINDS if kind != "mixed"])


@pytest.mark.parametrize("kind", ["mixed", "drawn"])
def test_a_storm_of_blows_loses_nothing_and_doubles_nothing(kind: str) -> None:
    outcome = play(ONE_OF_THEM if kind == "drawn" else kind, SEED)

    assert outcome.failures == [], outcome
    assert outcome.tasks > 0
    assert outcome.blows > 0


def test_the_loss_of_power_loses_nothing_that_was_acknowledged() -> None:
    try:
        outcome = play(POWER, SEED)
    except NotToBeHad as reason:
        pytest.skip(str(reason))

    assert outcome.failures == [], outcome
