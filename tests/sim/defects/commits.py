"""Mistakes to make: commits, and the wake-ups that follow them."""

from contextlib import contextmanager
from typing import Any, Final

from batchyard.core import node
from batchyard.core.effects import Step, WakePlacement
from batchyard.engine import engine
from batchyard.engine.engine import Engine
from batchyard.sim import rules
from batchyard.store.store import MemoryStore
from tests.sim.defects.defect import Patch, SeededDefect, change


def _commit_lost(patch: Patch) -> None:
    original = MemoryStore.transaction

    @contextmanager
    def transaction(store: MemoryStore) -> Any:
        try:
            with original(store) as real:
                yield real
        except Exception:  # noqa: BLE001  # That is the defect.
            pass

    patch.setattr(MemoryStore, "transaction", transaction)


def _start_looks_at_nothing(patch: Patch) -> None:
    patch.setattr(Engine, "start", lambda _engine: None)


def _wake_up_forgotten(patch: Patch) -> None:
    def freed(original: Any, *arguments: Any) -> Any:
        result = original(*arguments)
        effects = [effect for effect in result.effects if not isinstance(effect, WakePlacement)]
        return Step(result.entity, tuple(effects))

    change(patch, node, "_freed", freed)


def _nodes_never_let_go(patch: Patch) -> None:
    def note_fleet(original: Any, transaction: Any, this: Any) -> None:
        original(transaction, this)
        this.release.clear()

    change(patch, engine, "_note_fleet", note_fleet)


def _orders_before_commit(patch: Patch) -> None:
    def run_loops(original: Any, of: Any, *arguments: Any) -> None:
        original(of, *arguments)
        this = arguments[-1]
        for key, node_orders in this.to_send.items():
            of._fleet.send(key, node_orders)
        this.to_send.clear()

    change(patch, Engine, "_run_loops", run_loops)


DEFECTS: Final = (
    SeededDefect("A commit that failed counts as done.", _commit_lost, rules.KEPT),
    SeededDefect(
        "A service that starts does not look for what is to be done.",
        _start_looks_at_nothing,
        rules.PEACE_LEAVES_NOTHING,
    ),
    SeededDefect("Free slots wake nobody.", _wake_up_forgotten, rules.PEACE_LEAVES_NOTHING),
    SeededDefect(
        "Nodes that leave are never let go.", _nodes_never_let_go, rules.PEACE_FREES_NODES
    ),
    SeededDefect("Orders leave before the commit.", _orders_before_commit, rules.ONE_START),
)
