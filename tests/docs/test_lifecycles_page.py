"""The page of the life cycles says what the core does."""

import importlib
import pkgutil

from batchyard import core
from tools import write_lifecycles


def test_the_page_of_the_life_cycles_is_up_to_date():
    written = write_lifecycles.PAGE.read_text()

    assert written == write_lifecycles.page(), "run: python tools/write_lifecycles.py"


def test_every_life_cycle_of_the_core_is_on_the_page():
    names = [info.name for info in pkgutil.iter_modules(core.__path__)]
    modules = [importlib.import_module(f"batchyard.core.{name}") for name in names]
    cycles = {module.__name__ for module in modules if hasattr(module, "MOVES")}

    assert cycles == {module.__name__ for module in write_lifecycles.MACHINES.values()}


def test_a_diagram_shows_each_change_of_state_once_and_no_standing_still():
    moves = [
        write_lifecycles.Move("a", "Go", ("b",)),
        write_lifecycles.Move("a", "Run", ("a", "b")),
        write_lifecycles.Move("b", "End", ("gone",)),
    ]

    lines = write_lifecycles.diagram(moves).splitlines()[2:]

    assert [line.strip() for line in lines] == ["a --> b: Go, Run", "b --> [*]: End"]
