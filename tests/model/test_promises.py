"""Hypothesis drives a service through any order of requests, reports, losses and restarts.

The model is a plain account of what was promised; it shares no code with what it judges.
"""

import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from batchyard.core.errors import Refused
from batchyard.core.keys import NodeKey
from batchyard.core.states import EndCause, NodeOption
from batchyard.engine import commands
from batchyard.engine.fleet_ports import NodeLost, NodeUp
from batchyard.engine.waited import WAITING
from batchyard.engine.why import why_job, why_task
from batchyard.link import messages
from tests.engine.world import ACCOUNT, World

SLOTS = 3


class PlayedNode:
    """What a faithful agent knows: executions that wait or run here, and its log's tail."""

    def __init__(self, key: NodeKey) -> None:
        self.key = key
        self.epoch = 1
        self.read = 0
        self.running: dict[str, bool] = {}
        self.assignments: dict[str, messages.Assignment] = {}


class Promises(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="promises-"))
        self.world = World(self.folder)
        self.world.pool(nodes=2, slots=SLOTS)
        self.nodes = {NodeKey(key): PlayedNode(NodeKey(key)) for key in (1, 2)}
        self.jobs: dict[str, str] = {}
        self.tasks: dict[tuple[str, str], int] = {}
        self.starts: set[tuple[NodeKey, int, str]] = set()

    def teardown(self) -> None:
        self.world.store.close()
        shutil.rmtree(self.folder)

    # What clients do.

    @rule(job=st.sampled_from(["j1", "j2", "j3"]), prepared=st.booleans())
    def create_job(self, job: str, prepared: bool) -> None:
        try:
            self.world.job(job, preparation=prepared, release=prepared, max_task_retry_count=1)
        except Refused:
            assert job in self.jobs
            return
        assert job not in self.jobs
        self.jobs[job] = "active"

    @rule(
        job=st.sampled_from(["j1", "j2", "j3"]),
        names=st.lists(st.sampled_from("abcdef"), max_size=4),
        slots=st.integers(1, SLOTS),
    )
    def add_tasks(self, job: str, names: list[str], slots: int) -> None:
        if job not in self.jobs:
            return
        for result in self.world.tasks(*names, job_id=job, required_slots=slots):
            key = (job, result.task_id)
            accepted = self.jobs[job] == "active" and key not in self.tasks
            assert (result.refused is None) == accepted, (key, result.refused)
            if accepted:
                self.tasks[key] = slots

    @rule(job=st.sampled_from(["j1", "j2", "j3"]))
    def terminate_job(self, job: str) -> None:
        if self.jobs.get(job) == "active":
            self.world.do(commands.terminate_job, ACCOUNT, job, None)
            self.jobs[job] = "ending"

    @rule(job=st.sampled_from(["j1", "j2", "j3"]))
    def delete_job(self, job: str) -> None:
        if self.jobs.get(job) in ("active", "ending"):
            self.world.do(commands.delete_job, ACCOUNT, job)
            self.jobs[job] = "deleting"

    @rule(data=st.data())
    def delete_task(self, data: st.DataObject) -> None:
        kept = [key for key in sorted(self.tasks) if self.jobs[key[0]] != "deleting"]
        if kept:
            job, task = data.draw(st.sampled_from(kept))
            self.world.do(commands.delete_task, ACCOUNT, job, task)
            del self.tasks[job, task]

    # What nodes do.

    @rule(key=st.sampled_from([1, 2]), data=st.data())
    def work(self, key: int, data: st.DataObject) -> None:
        node = self.nodes[NodeKey(key)]
        self.listen(node)
        if not node.running:
            return
        name = data.draw(st.sampled_from(sorted(node.running)))
        if not node.running[name]:
            if self.may_start(node, name):
                self.start(node, name)
        else:
            del node.running[name]
            code = data.draw(st.sampled_from([0, 0, 1]))
            self.tell(node, self.world.ended(name, code))

    def may_start(self, node: PlayedNode, name: str) -> bool:
        """A task that waits for a preparation starts once that is over; the gate is the agent's."""
        return node.assignments[name].wait_for not in node.running

    def start(self, node: PlayedNode, name: str) -> None:
        assert (node.key, node.epoch, name) not in self.starts, "started twice"
        self.starts.add((node.key, node.epoch, name))
        node.running[name] = True
        self.tell(node, self.world.started(name))

    @rule(key=st.sampled_from([1, 2]))
    def agent_restarts(self, key: int) -> None:
        """What waited is forgotten, what runs goes on, what was told is told again."""
        node = self.nodes[NodeKey(key)]
        self.listen(node)
        node.running = {name: runs for name, runs in node.running.items() if runs}
        self.meet(node)

    @rule(key=st.sampled_from([1, 2]))
    def node_dies(self, key: int) -> None:
        node = self.nodes[NodeKey(key)]
        self.world.tell(NodeLost(node.key, node.epoch))
        self.live_again(node)

    def live_again(self, node: PlayedNode) -> None:
        node.epoch += 1
        node.running.clear()
        node.read = len(self.world.fleet.orders.get(node.key, []))
        self.world._numbers[node.key] = 0
        self.world.tell(NodeUp(node.key, node.epoch))
        self.meet(node)

    @rule(key=st.sampled_from([1, 2]), option=st.sampled_from(list(NodeOption)))
    def reboot(self, key: int, option: NodeOption) -> None:
        """At once, or when its tasks are over; then the next life begins."""
        node = self.nodes[NodeKey(key)]
        self.listen(node)
        (name,) = [one.id for one in self.world.nodes() if one.key == node.key]
        self.world.do(commands.reboot_node, ACCOUNT, "pool", name, option)
        self.follow_reboots()

    def follow_reboots(self) -> None:
        for one in self.world.nodes():
            node = self.nodes[one.key]
            if one.state == "rebooting":
                assert one.epoch == node.epoch + 1
                self.live_again(node)

    @rule(data=st.data())
    def terminate_task(self, data: st.DataObject) -> None:
        kept = [key for key in sorted(self.tasks) if self.jobs[key[0]] != "deleting"]
        if kept:
            job, task = data.draw(st.sampled_from(kept))
            completed = self.world.task(task, job).state == "completed"
            try:
                self.world.do(commands.terminate_task, ACCOUNT, job, task)
                was_refused = False
            except Refused:
                was_refused = True
            assert was_refused == completed
            assert self.world.task(task, job).state == "completed"

    @rule()
    def server_restarts(self) -> None:
        self.listen_all()
        self.world.restart()
        for node in self.nodes.values():
            node.read = 0
            self.world.tell(NodeUp(node.key, node.epoch))
            self.meet(node)

    def meet(self, node: PlayedNode) -> None:
        node.read = len(self.world.fleet.orders.get(node.key, []))
        self.world.join(node.key, node.epoch, known=list(node.running))

    def listen_all(self) -> None:
        """Take all orders; what one node answers may be an order for another."""
        while any(self._has_orders(node) for node in self.nodes.values()):
            for node in self.nodes.values():
                self.listen(node)

    def _has_orders(self, node: PlayedNode) -> bool:
        return node.read < len(self.world.fleet.orders.get(node.key, []))

    def listen(self, node: PlayedNode) -> None:
        """Take the orders that came; what is to stop ends at once."""
        while True:
            orders = self.world.fleet.orders.get(node.key, [])
            if node.read >= len(orders):
                return
            order = orders[node.read]
            node.read += 1
            if isinstance(order, messages.Assign):
                for assignment in order.executions:
                    node.running.setdefault(assignment.execution_id, False)
                    node.assignments[assignment.execution_id] = assignment
            elif isinstance(order, messages.Stop):
                for name in order.execution_ids:
                    if node.running.pop(name, False):
                        self.tell(node, self.world.ended(name, -15, EndCause.STOPPED))
                    else:
                        self.tell(node, self.world.never_started(name))
            elif isinstance(order, messages.Recall):
                for name in order.execution_ids:
                    if node.running.get(name) is False:
                        del node.running[name]
                        self.tell(node, self.world.never_started(name))
            else:
                self.tell(node, messages.DirectoryRemoved(order.removal))

    def tell(self, node: PlayedNode, report: messages.Report) -> None:
        self.world.report(report, node=node.key, epoch=node.epoch)
        self.follow_reboots()

    # What is promised.

    @invariant()
    def slots_are_never_exceeded(self) -> None:
        for node in self.nodes.values():
            given = sum(node.assignments[name].slots for name in node.running)
            assert given <= SLOTS, node.running

    @invariant()
    def what_was_accepted_is_kept_and_counted(self) -> None:
        for job, state in self.jobs.items():
            if state == "deleting":
                continue
            reads = self.world.store.reads
            found = reads.list_tasks(ACCOUNT, job, 0, 1000).items
            names = {view.spec.id for view in found}
            assert names == {task for of, task in self.tasks if of == job}
            counts = reads.task_counts(ACCOUNT, job)
            states = [str(view.task.state) for view in found]
            assert counts.active == states.count("active")
            assert counts.running == states.count("running") + states.count("preparing")
            assert counts.succeeded + counts.failed == states.count("completed")

    @invariant()
    def jobs_that_are_gone_are_forgotten(self) -> None:
        for job in [job for job, state in self.jobs.items() if state == "deleting"]:
            try:
                self.world.job_now(job)
            except Refused:
                del self.jobs[job]
                self.tasks = {key: slots for key, slots in self.tasks.items() if key[0] != job}

    @invariant()
    def whatever_waits_has_a_reason_that_is_not_its_turn(self) -> None:
        """Nothing waits for placement itself, and the tasks of a job are counted as they are."""
        reads, held = self.world.store.reads, self.world.engine.held
        for job, state in self.jobs.items():
            if state == "deleting":
                continue
            codes: Counter[str] = Counter()
            with reads.look() as transaction:
                for view in reads.list_tasks(ACCOUNT, job, 0, 1000).items:
                    found = why_task(transaction, ACCOUNT, job, view.spec.id, held)
                    assert (found.reason is not None) == (view.task.state in WAITING), found
                    ends = [one.until for one in found.history]
                    assert all(ends[:-1]), found
                    if found.reason is not None:
                        assert found.reason.code != "PlacementDue", found
                        assert found.history[-1].code == found.reason.code, found
                        assert ends[-1] is None, found
                        codes[found.reason.code] += 1
                groups = why_job(transaction, ACCOUNT, job, held).groups
            assert {str(group.reason.code): group.count for group in groups} == codes

    @rule()
    def in_peace_everything_ends(self) -> None:
        """Nothing waits that could run, and nothing ends that should not."""
        for _ in range(400):
            self.listen_all()
            busy = [node for node in self.nodes.values() if node.running]
            if not busy:
                break
            for node in busy:
                self._finish_one(node)
        else:
            raise AssertionError("it does not come to rest")
        for job, state in list(self.jobs.items()):
            if state == "deleting":
                continue
            now = self.world.job_now(job)
            assert now.state == ("active" if state == "active" else "completed"), now
            for view in self.world.store.reads.list_tasks(ACCOUNT, job, 0, 1000).items:
                if state == "active":
                    assert view.task.state == "completed", view
        for node in self.world.nodes():
            assert (node.slots_used, str(node.state)) == (0, "idle"), node

    def _finish_one(self, node: PlayedNode) -> None:
        for name, runs in sorted(node.running.items()):
            if runs or self.may_start(node, name):
                if not runs:
                    self.start(node, name)
                del node.running[name]
                self.tell(node, self.world.ended(name, 0))
                return


Promises.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestPromises: Any = Promises.TestCase
