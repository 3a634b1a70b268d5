"""What clients of a simulated world ask for, drawn from its seed, until they are answered."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.model import (
    JobChange,
    JobPreparationSpec,
    JobReleaseSpec,
    JobSpec,
    Node,
    NodeFillType,
    NodeOption,
    PoolSpec,
    Resize,
    StartTaskSpec,
    TaskConstraints,
    TaskSpec,
)
from batchyard.engine import commands
from batchyard.sim.auditor import Preparation
from batchyard.sim.fleet import node_name
from batchyard.sim.happenings import Event, Fault
from batchyard.sim.service import NO_ANSWER, SimulatedService, call
from batchyard.sim.surroundings import POOL, Surroundings, command_line
from batchyard.store.store import MemoryStore

ACCOUNT: Final = "account"

#: Refusals that tell a client which asks again that its first request was carried out.
_DONE_BEFORE: Final = frozenset({ErrorCode.POOL_EXISTS, ErrorCode.JOB_EXISTS})


@dataclass(frozen=True, slots=True)
class _Work:
    """What the tasks of a job are like, and how many come at a time."""

    seconds_min: float
    seconds_max: float
    tasks_max: int


#: Some or large ones; tasks so short that they queue on nodes; more long ones than a pool takes.
_SOME: Final = _Work(0.0, 3.0, 8)
_SHORT: Final = _Work(0.005, 0.04, 30)
_LONG: Final = _Work(1.0, 2.0, 24)
_WORKS: Final = (_SOME, _Work(0.0, 15.0, 5), _SHORT, _LONG)

#: A job of a high priority. Its tasks fill the pool, or come just when short ones of others queue.
_URGENT: Final = "urgent"
_SUDDEN: Final = _Work(0.0, 3.0, 8)
_HURRIES_MAX: Final = 3


class Clients:
    """Everybody who has work for the service."""

    def __init__(
        self, world: Surroundings, service: SimulatedService, store: MemoryStore, seconds: float
    ) -> None:
        self._world = world
        self._service = service
        self._store = store
        self._seconds = seconds
        self._tasks: list[tuple[str, str]] = []
        self._jobs: list[str] = []
        self._works: dict[str, _Work] = {}
        self._hurries = 0
        self._slots = world.random.choice((1, 2, 4))

    def begin(self) -> None:
        """Plan what is asked for, and when."""
        random = self._world.random
        self._create_pool()
        self._world.watch(Event.QUEUE, self._hurry)
        for number in range(random.randint(1, 3)):
            self._later(0.3, partial(self._create_job, f"j{number}"))
        if random.random() < 0.5:
            self._later(0.1, partial(self._create_job, _URGENT))
        for action, most in (
            (self._terminate_task, 3),
            (self._delete_task, 2),
            (self._terminate_job, 3),
            (self._delete_job, 1),
            (self._change_priority, 2),
            (self._change_retries, 2),
            (self._reboot, random.choice((0, 3))),
            (self._remove_node, random.choice((0, 2))),
            (self._resize, random.choice((0, 2))),
        ):
            for _ in range(random.randint(0, most)):
                self._later(1.0, action)

    def _later(self, share: float, action: Callable[[], None]) -> None:
        seconds = self._world.random.uniform(0.0, share * self._seconds)
        self._world.timeline.after(seconds, action)

    def _request(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: object,
        event: Event | None = None,
        asked: Callable[[], None] = lambda: None,
        accepted: Callable[[object], None] = lambda _answer: None,
    ) -> None:
        """Ask, and ask again until there is an answer; `event` is what a success is."""
        world = self._world
        world.timeline.note(f"a client asks: {name}")
        again = partial(
            self._request, name, function, *arguments, event=event, asked=asked, accepted=accepted
        )
        asked()

        def answered(answer: object) -> None:
            is_lost = answer is not NO_ANSWER and world.chance(world.faults.lost_answer)
            if is_lost:
                world.happened(Fault.LOST_ANSWER)
            if is_lost or answer is NO_ANSWER:
                world.timeline.note(f"no answer: {name}")
                world.timeline.after(world.random.uniform(0.1, 3.0), again)
            elif isinstance(answer, Refused) and answer.code not in _DONE_BEFORE:
                world.timeline.note(f"refused: {name}: {answer.code}")
                world.happened(Event.REFUSAL)
            else:
                if event is not None:
                    world.happened(event)
                accepted(answer)

        self._service.submit(call(function, ACCOUNT, *arguments), answered)

    # Pools and nodes.

    def _create_pool(self) -> None:
        random = self._world.random
        start_task = None
        if random.random() < 0.3:
            codes = random.choice(((0,), (0, 0, 1)))
            start_task = StartTaskSpec(
                command_line=command_line(random.uniform(0.1, 2.0), *codes),
                max_task_retry_count=random.choice((0, 3)),
                wait_for_success=random.random() < 0.7,
            )
            self._world.waits_for_start_task = start_task.wait_for_success
        spec = PoolSpec(
            id=POOL,
            vm_size="standard_d2_v3",
            target_dedicated_nodes=random.randint(1, 3),
            task_slots_per_node=self._slots,
            node_fill_type=random.choice(list(NodeFillType)),
            start_task=start_task,
        )
        self._request("create the pool", commands.create_pool, spec)

    def _a_node(self) -> Node | None:
        nodes = self._store.reads.list_nodes(ACCOUNT, POOL, 0, 100).items if self._is_pool() else ()
        if not nodes:
            return None
        return self._world.random.choice([view.node for view in nodes])

    def _is_pool(self) -> bool:
        return bool(self._store.reads.list_pools(ACCOUNT, 0, 1).items)

    def _option(self) -> NodeOption:
        options: tuple[NodeOption, ...] = (NodeOption.REQUEUE, *NodeOption)
        return self._world.random.choice(options)

    def _take_away(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: object,
        option: NodeOption,
        event: str,
        nodes: list[str] | None,
    ) -> None:
        ends_tasks = option is NodeOption.TERMINATE
        self._request(
            f"{name} with {option}",
            function,
            POOL,
            *arguments,
            event=Event[f"{event}_{option.name.replace('_', '')}"],
            asked=lambda: self._world.auditor.asked_away(POOL, nodes, ends_tasks=ends_tasks),
        )

    def _reboot(self) -> None:
        node, option = self._a_node(), self._option()
        if node is not None:
            name = node_name(node.key)
            self._take_away(
                f"reboot {name}",
                commands.reboot_node,
                node.id,
                option,
                option=option,
                event="REBOOT",
                nodes=[name],
            )

    def _remove_node(self) -> None:
        node, option = self._a_node(), self._option()
        if node is not None:
            name = node_name(node.key)
            self._take_away(
                f"remove {name}",
                commands.remove_nodes,
                [node.id],
                timedelta(minutes=15),
                option,
                option=option,
                event="REMOVE",
                nodes=None,  # Until the pool has its new size, it may let others go as well.
            )

    def _resize(self) -> None:
        option = self._option()
        resize = Resize(target_dedicated_nodes=self._world.random.randint(0, 4), option=option)
        self._take_away(
            f"resize to {resize.target_dedicated_nodes}",
            commands.resize_pool,
            resize,
            option=option,
            event="RESIZE",
            nodes=None,
        )

    # Jobs.

    def _create_job(self, job: str) -> None:
        random = self._world.random
        preparation, release = None, None
        if random.random() < (0.6 if job != _URGENT else 0.2):
            preparation = JobPreparationSpec(
                id="prep",
                command_line=command_line(random.uniform(0.1, 3.0), *random.choice(((0,), (0, 1)))),
                max_task_retry_count=random.choice((0, 2)),
                wait_for_success=random.random() < 0.8,
                rerun_on_node_reboot_after_success=random.random() < 0.5,
            )
            if random.random() < 0.8:
                release = JobReleaseSpec(
                    id="rel", command_line=command_line(random.uniform(0.1, 3.0), 0, 1)
                )
        work = random.choice(_WORKS if job != _URGENT else (_SUDDEN, _LONG))
        self._works[job] = work
        spec = JobSpec(
            id=job,
            pool_id=POOL,
            priority=random.choice((0, 0, 5)) if job != _URGENT else 9,
            preparation=preparation,
            release=release,
        )
        self._world.auditor.asked_job(
            job,
            pool=POOL,
            preparation=None
            if preparation is None
            else Preparation(
                waits=preparation.wait_for_success,
                reruns=preparation.rerun_on_node_reboot_after_success,
            ),
            release=release is not None,
            priority=spec.priority,
            is_long=work.seconds_min >= 1.0,
        )
        self._request(
            f"create {job}", commands.create_job, spec, accepted=lambda _view: self._has_job(job)
        )

    def _has_job(self, job: str) -> None:
        self._world.auditor.accepted_job(job)
        self._jobs.append(job)
        if self._works[job] is _SUDDEN:
            return  # Its tasks come when others queue.
        for number in range(self._world.random.randint(1, 4)):
            self._later(0.5, partial(self._add_tasks, job, f"t{number}"))

    def _add_tasks(self, job: str, prefix: str) -> None:
        random = self._world.random
        work = self._works[job]
        count = random.randint(1, work.tasks_max)
        specs = [self._a_task(work, f"{prefix}-{number}") for number in range(count)]
        for spec in specs:
            self._world.auditor.asked_task(
                job, spec.id, slots=spec.required_slots, retries=spec.max_task_retry_count or 0
            )

        def accepted(results: object) -> None:
            assert isinstance(results, list)
            for result in results:
                code = None if result.refused is None else result.refused.code
                if code in (None, ErrorCode.TASK_EXISTS):
                    self._world.auditor.accepted_task(job, result.task_id)
                    self._tasks.append((job, result.task_id))

        self._request(
            f"add {len(specs)} tasks {prefix} to {job}",
            commands.add_tasks,
            job,
            specs,
            accepted=accepted,
        )

    def _hurry(self) -> None:
        """Ask for urgent tasks just when others queue."""
        random = self._world.random
        is_sudden = _URGENT in self._jobs and self._works[_URGENT] is _SUDDEN
        if is_sudden and self._hurries < _HURRIES_MAX and random.random() < 0.2:
            self._hurries += 1
            name = f"now{self._hurries}"
            self._world.timeline.after(
                random.uniform(0.0, 0.02), partial(self._add_tasks, _URGENT, name)
            )

    def _a_task(self, work: _Work, name: str) -> TaskSpec:
        random = self._world.random
        seconds = random.uniform(work.seconds_min, work.seconds_max)
        failures = random.choice((0, 0, 0, 1, 2))
        limit = random.choice((None, None, None, 5.0)) if seconds > 5.0 else None
        return TaskSpec(
            id=name,
            command_line=command_line(seconds, *[7] * failures, random.choice((0, 0, 0, 3))),
            required_slots=random.randint(1, self._slots),
            max_task_retry_count=random.choice((0, 1, 2, 3)),
            max_wall_clock_time=None if limit is None else timedelta(seconds=limit),
        )

    def _terminate_job(self) -> None:
        if self._jobs:
            job = self._world.random.choice(self._jobs)
            self._world.auditor.asked_end(job)
            self._request(
                f"terminate {job}",
                commands.terminate_job,
                job,
                None,
                event=Event.TERMINATED_JOB,
                accepted=lambda _view: self._world.auditor.ended(job),
            )

    def _delete_job(self) -> None:
        if self._jobs:
            job = self._world.random.choice(self._jobs)
            self._world.auditor.asked_deletion(job)
            self._request(
                f"delete {job}",
                commands.delete_job,
                job,
                event=Event.DELETED_JOB,
                accepted=lambda _none: self._world.auditor.deleted(job),
            )

    def _change_priority(self) -> None:
        if self._jobs:
            job = self._world.random.choice(self._jobs)
            priority = self._world.random.randint(-5, 5)
            change = JobChange(priority=priority)
            self._world.auditor.asked_priority(job, priority)
            self._request(
                f"give {job} the priority {priority}",
                commands.update_job,
                job,
                change,
                event=Event.UPDATED_JOB,
            )

    # Tasks.

    def _terminate_task(self) -> None:
        if self._tasks:
            job, task = self._world.random.choice(self._tasks)
            self._world.auditor.asked_end(job, task)
            self._request(
                f"terminate {job}/{task}",
                commands.terminate_task,
                job,
                task,
                event=Event.TERMINATED_TASK,
            )

    def _delete_task(self) -> None:
        if self._tasks:
            job, task = self._world.random.choice(self._tasks)
            self._world.auditor.asked_deletion(job, task)
            self._request(
                f"delete {job}/{task}",
                commands.delete_task,
                job,
                task,
                event=Event.DELETED_TASK,
                accepted=lambda _none: self._world.auditor.deleted(job, task),
            )

    def _change_retries(self) -> None:
        if self._tasks:
            job, task = self._world.random.choice(self._tasks)
            retries = self._world.random.randint(0, 3)
            self._world.auditor.asked_retries(job, task, retries)
            constraints = TaskConstraints(max_task_retry_count=retries)
            self._request(
                f"give {job}/{task} {retries} retries",
                commands.update_task,
                job,
                task,
                constraints,
                event=Event.UPDATED_TASK,
            )
