"""A storm of blows against server, agents, supervisors and whole nodes, drawn from one seed."""

import signal
import time
from random import Random
from typing import Final

from tests import processes
from tests.chaos import blows
from tests.chaos.blows import KINDS, Node
from tests.chaos.site import Site

#: Blows of a round; each may bring another one while its victim is away.
BLOWS: Final = 6

#: Bounds of the pause before a blow: what ends meanwhile, or this time if that takes longer.
_ENDS: Final = (1, 40)
_PAUSE_SECONDS: Final = (0.2, 1.0)


class Storm:
    """Strikes a site with the blows of one kind."""

    def __init__(self, site: Site, kind: str, random: Random) -> None:
        self.blows = 0
        self._site = site
        self._kind = kind
        self._random = random

    def rage(self) -> None:
        """Strike as often as a round has blows."""
        for _ in range(BLOWS):
            self._pause()
            self._strike(self._random.choice(KINDS[self._kind]))

    def _pause(self) -> None:
        self._site.wait(self._random.randint(*_ENDS), self._random.uniform(*_PAUSE_SECONDS))

    def _strike(self, blow: str, *, is_alone: bool = True) -> None:
        self.blows += 1
        match blow:
            case "kill server":
                self._kill_server()
            case "stop server":
                with blows.stopped([processes.process(self._site.server.process.pid)]):
                    self._meanwhile(is_alone)
            case _:
                node = self._random.choice(self._site.nodes())
                self._strike_node(blow, node, is_alone)

    def _kill_server(self) -> None:
        self._site.server.end(signal.SIGKILL)
        self._meanwhile(True)
        begin = time.monotonic()
        self._site.up_again()
        self._site.watch.recovered(time.monotonic() - begin)

    def _strike_node(self, blow: str, node: Node, is_alone: bool) -> None:
        match blow:
            case "kill agent":
                self._site.watch.struck(node.id, node.epoch)
                blows.kill(node.agents)
            case "kill supervisor":
                self._site.lose([node])
                blows.kill(node.supervisors)
            case "kill node":
                self._site.lose([node])
                self._kill_node(node)
            case "stop agent":
                with blows.stopped(node.agents):
                    self._meanwhile(is_alone)
                self._site.watch.struck(node.id, node.epoch)
            case "stop supervisor":
                with blows.stopped(node.supervisors):
                    self._meanwhile(is_alone)
                self._site.watch.struck(node.id, node.epoch)

    def _kill_node(self, node: Node) -> None:
        """Kill all of a node in any order; the supervisor is to tell no end of what was killed."""
        with blows.stopped(node.supervisors):
            victims = [*node.agents, *node.supervisors, *node.tasks()]
            self._random.shuffle(victims)
            blows.kill(victims)

    def _meanwhile(self, is_alone: bool) -> None:
        """Let time go by while a victim is away, and perhaps strike another one."""
        others = [blow for blow in KINDS[self._kind] if not blow.endswith("server")]
        if is_alone and others and self._random.random() < 0.5:
            self._strike(self._random.choice(others), is_alone=False)
        if self._random.random() < 0.7:
            self._pause()
