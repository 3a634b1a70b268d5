"""Write docs/lifecycles.md, the life cycles as tables and diagrams, from the core's own tables.

``python tools/write_lifecycles.py`` writes the page anew; a test fails when that was forgotten.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from batchyard.core import execution, job, job_node, job_schedule, multi_instance, node, pool, task

PAGE = Path(__file__).parents[1] / "docs" / "lifecycles.md"

#: What a page's reader calls them, in the order in which they come into being.
MACHINES: Mapping[str, ModuleType] = {
    "Pool": pool,
    "Node": node,
    "Job schedule": job_schedule,
    "Job": job,
    "Job on a node": job_node,
    "Task": task,
    "Execution": execution,
    "Gang of a multi-instance task": multi_instance,
}

HEAD = """\
# Life cycles

<!-- Written by tools/write_lifecycles.py from the tables of batchyard.core. Do not edit. -->

Each thing that the service keeps has a small state machine. These are all moves that there are:
what is not listed here is refused, or ignored where it is late news of something that is over.
*gone* means that the thing does not exist any more. The diagrams leave out the moves that change no
state.
"""


@dataclass(frozen=True, slots=True)
class Move:
    """One row of a machine's table."""

    state: str
    event: str
    targets: tuple[str, ...]


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(_section(name, module) for name, module in MACHINES.items())])


def moves_of(module: ModuleType) -> list[Move]:
    """Return the table of a life-cycle module in its own order."""
    return [
        Move(_name(state), event.__name__, tuple(sorted(_name(target) for target in targets)))
        for (state, event), targets in module.MOVES.items()
    ]


def diagram(moves: list[Move]) -> str:
    """Return the moves that change the state as a Mermaid state diagram."""
    events: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        for target in move.targets:
            if target != move.state:
                events.setdefault((move.state, target), []).append(move.event)
    lines = [
        f"    {_identifier(state)} --> {_identifier(target)}: {', '.join(names)}"
        for (state, target), names in events.items()
    ]
    return "\n".join(["stateDiagram-v2", "    direction LR", *lines])


def _section(name: str, module: ModuleType) -> str:
    moves = moves_of(module)
    rows = [f"| {move.state} | `{move.event}` | {' or '.join(move.targets)} |" for move in moves]
    summary = (inspect.getdoc(module) or "").partition("\n")[0]
    return "\n".join(
        [
            f"## {name}",
            "",
            summary,
            "",
            "```mermaid",
            diagram(moves),
            "```",
            "",
            "| state | event | state after |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def _name(state: StrEnum | tuple[StrEnum, ...] | None) -> str:
    if state is None:
        return "gone"
    # A machine that moves two states at once has both of them in its name.
    return "/".join(part.value for part in (state if isinstance(state, tuple) else (state,)))


def _identifier(name: str) -> str:
    return "[*]" if name == "gone" else name.replace("/", "_")


if __name__ == "__main__":
    PAGE.write_text(page())
