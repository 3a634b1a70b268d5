"""Mistakes to make: what nodes tell, and what they do."""

from typing import Any, Final
from zlib import crc32

from msgspec.structs import replace

from batchyard.agent.logic import AgentLogic
from batchyard.agent.schedule import Schedule
from batchyard.core import node
from batchyard.core.pool_events import NodeDied
from batchyard.engine import news
from batchyard.engine.fleet_ports import NodeLost
from batchyard.sim import rules
from tests.sim.defects.defect import Patch, SeededDefect, change


def _no_fencing(patch: Patch) -> None:
    def is_stale(original: Any, present: Any, event: Any) -> bool:
        return not isinstance(event, NodeDied) and original(present, event)

    def joined(original: Any, cascade: Any, key: Any, welcome: Any) -> None:
        present = cascade.nodes.get(key)
        epoch = welcome.epoch if present is None else present.epoch
        original(cascade, key, replace(welcome, epoch=epoch))

    change(patch, node, "is_stale", is_stale)
    change(patch, news, "_joined", joined)


def _report_lost(patch: Patch) -> None:
    def ended(original: Any, cascade: Any, report: Any) -> Any:
        is_lost = crc32(report.execution_id.encode()) % 5 == 0
        return [] if is_lost else original(cascade, report)

    change(patch, news, "_ended", ended)


def _loss_unnoticed(patch: Patch) -> None:
    def take(original: Any, cascade: Any, event: Any) -> Any:
        return 0 if isinstance(event, NodeLost) else original(cascade, event)

    change(patch, news, "take", take)


def _repeat_starts_again(patch: Patch) -> None:
    def assign(_original: Any, logic: Any, assignments: Any) -> None:
        logic._schedule.add(assignments)
        logic._start_next()

    change(patch, AgentLogic, "_assign", assign)


def _welcome_names_nothing(patch: Patch) -> None:
    def greet(original: Any, *arguments: Any) -> Any:
        return replace(original(*arguments), known=[])

    change(patch, AgentLogic, "greet", greet)


def _recall_ignored(patch: Patch) -> None:
    patch.setattr(Schedule, "remove", lambda _schedule, _execution_id: True)


def _queue_kept(patch: Patch) -> None:
    patch.setattr(AgentLogic, "_look_at_queue", lambda _logic, _starts: None)


DEFECTS: Final = (
    SeededDefect("News of a former life of a node count.", _no_fencing, rules.NODES_LIVE),
    SeededDefect("A report is acknowledged and dropped.", _report_lost, rules.SUCCESS_ENDS),
    SeededDefect("The loss of a node is passed over.", _loss_unnoticed, rules.PEACE_LEAVES_NOTHING),
    SeededDefect("A repeated order starts a task again.", _repeat_starts_again, rules.ONE_START),
    SeededDefect("A node does not say what it runs.", _welcome_names_nothing, rules.ONE_PLACE),
    SeededDefect("A node gives back a task and runs it.", _recall_ignored, rules.SUCCESS_ENDS),
    SeededDefect("A node keeps what queues behind a long task.", _queue_kept, rules.IDLENESS),
)
