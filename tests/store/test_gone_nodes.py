"""How the database finds the nodes of a pool: it looks at none that are gone."""

import re
from pathlib import Path

from batchyard.engine import commands
from tests.engine.world import ACCOUNT, World
from tests.store.test_plans import can_be_explained, plan, statements


def test_nothing_looks_at_the_nodes_of_a_pool_that_are_gone(tmp_path: Path) -> None:
    """A pool that is resized every hour leaves thousands of them, and each keeps its row."""
    world = World(tmp_path)
    with statements(world.store) as seen:
        world.pool(nodes=2)
        world.job()
        world.tasks("one")
        (one,) = world.assigned()
        world.run(one)
        reads = world.store.reads
        (pool,) = reads.list_pools(ACCOUNT, 0, 10).items
        first, _ = reads.list_nodes(ACCOUNT, pool.spec.id, 0, 10, None).items
        reads.get_pool(ACCOUNT, pool.spec.id)
        reads.get_node(ACCOUNT, pool.spec.id, first.node.id)
        reads.node_counts(ACCOUNT, None, 0, 10)
        world.do(commands.delete_pool, ACCOUNT, pool.spec.id)
    explained = [statement for statement in dict.fromkeys(seen) if can_be_explained(statement)]
    steps = [step for statement in explained for step in plan(world.store, statement)]
    found = [step for step in steps if re.match(r"(SEARCH|SCAN) node\b(?!.*PRIMARY KEY)", step)]
    assert set(found) == {
        "SEARCH node USING INDEX ix_node_here (pool=?)",
        "SEARCH node USING INDEX ix_node_here (pool=? AND key>?)",
        # The first one that a pool ever had is the first of one of the indexes.
        "SEARCH node USING INDEX ix_node_gone (pool=?)",
    }
    world.store.close()
