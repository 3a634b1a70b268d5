"""Nodes that are started together wait for one another, and not for long."""

import asyncio

from batchyard.fleet.muster import Muster


def test_all_go_on_when_the_last_has_come() -> None:
    async def scene() -> list[bool]:
        muster = Muster(3, seconds_max=60)
        return await asyncio.gather(*(muster.arrive() for _ in range(3)))

    assert asyncio.run(scene()) == [True, True, True]


def test_nobody_waits_for_a_node_that_will_not_come() -> None:
    async def scene() -> bool:
        muster = Muster(2, seconds_max=60)
        arrival = asyncio.create_task(muster.arrive())
        muster.leave()
        return await arrival

    assert asyncio.run(scene())


def test_nobody_waits_long_for_a_slow_one() -> None:
    """T-33: tasks start as soon as single nodes are ready."""

    async def scene() -> bool:
        return await Muster(2, seconds_max=0.01).arrive()

    assert not asyncio.run(scene())


def test_a_node_of_its_own_does_not_wait() -> None:
    async def scene() -> bool:
        return await Muster(1, seconds_max=60).arrive()

    assert asyncio.run(scene())
