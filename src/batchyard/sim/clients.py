"""What clients of a simulated world ask for, drawn from its seed, until they are answered."""

from collections.abc import Callable
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
from batchyard.sim.audit.history import Preparation
from batchyard.sim.service import NO_ANSWER, SimulatedService, call
from batchyard.sim.surroundings import POOL, Surroundings, command_line
from batchyard.store.store import MemoryStore

ACCOUNT: Final = "account"

#: Refusals that tell a client which asks again that its first request was carried out.
_DONE_BEFORE: Final = frozenset({ErrorCode.POOL_EXISTS, ErrorCode.JOB_EXISTS})


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
        #: Jobs of many tasks, most of which are so short that they queue on nodes.
        self._bursts: set[str] = set()
        self._rushes = 0
        self._slots = world.random.choice((1, 2, 4))

    def begin(self) -> None:
        """Plan what is asked for, and when."""
        random = self._world.random
        self._create_pool()
        for number in range(random.randint(1, 3)):
            self._later(0.3, partial(self._create_job, f"j{number}"))
        for action, most in (
            (self._terminate_task, 3),
            (self._delete_task, 2),
            (self._terminate_job, 3),
            (self._delete_job, 1),
            (self._change_priority, 2),
            (self._change_retries, 2),
            (self._reboot, random.choice((0, 2))),
            (self._remove_node, random.choice((0, 1))),
            (self._resize, random.choice((0, 2))),
        ):
            for _ in range(random.randint(0, most)):
                self._later(1.0, action)

    def _later(self, share: float, action: Callable[[], None]) -> None:
        seconds = self._world.random.uniform(0.0, share * self._seconds)
        self._world.timeline.after(seconds, action)

    def _request(
        self,
        what: str,
        which: str,
        function: Callable[..., Any],
        *arguments: object,
        accepted: Callable[[object], None] = lambda _answer: None,
    ) -> None:
        """Ask, and ask again until there is an answer."""
        world = self._world
        name = f"{what}: {which}"
        world.timeline.note(f"a client asks to {name}")
        again = partial(self._request, what, which, function, *arguments, accepted=accepted)

        def answered(answer: object) -> None:
            if answer is NO_ANSWER or world.strikes("lost_answer"):
                world.timeline.note(f"no answer: {name}")
                world.timeline.after(world.random.uniform(0.1, 3.0), again)
            elif isinstance(answer, Refused) and answer.code not in _DONE_BEFORE:
                world.timeline.note(f"refused: {name}: {answer.code}")
            else:
                world.tally[what] += 1
                accepted(answer)

        self._service.submit(call(function, ACCOUNT, *arguments), answered)

    def come_again(self) -> None:
        """Ask for more once there are no faults: first what is less important."""
        for job, priority, seconds in (("low", -9, 0.0), ("high", 9, 3.0)):
            spec = JobSpec(id=job, pool_id=POOL, priority=priority)
            self._world.auditor.asked_job(job, pool=POOL, strict_priority=priority)
            self._world.timeline.after(seconds, partial(self._ask_for_job, spec, self._add_seconds))
        for job in list(self._jobs):
            if self._world.random.random() < 0.5:
                seconds = self._world.random.uniform(0.0, 30.0)
                self._world.timeline.after(seconds, partial(self._end_job, job))

    def _add_seconds(self, job: str) -> None:
        """Add tasks of a second: too long to queue on nodes."""
        specs = [
            TaskSpec(id=f"s-{number}", command_line=command_line(1.0, 0), max_task_retry_count=0)
            for number in range(12)
        ]
        self._ask_for_tasks(job, "seconds", specs)

    def _rush(self) -> None:
        """Have something that is more important than all that queues on nodes."""
        self._rushes += 1
        spec = JobSpec(id=f"rush-{self._rushes}", pool_id=POOL, priority=100)
        self._world.auditor.asked_job(spec.id, pool=POOL)
        self._ask_for_job(spec, self._add_rush)

    def _add_rush(self, job: str) -> None:
        self._jobs.append(job)
        self._add_tasks(job, "r")

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
        self._request("create a pool", POOL, commands.create_pool, spec)

    def _a_node(self) -> Node | None:
        nodes = self._store.reads.list_nodes(ACCOUNT, POOL, 0, 100).items if self._is_pool() else ()
        if not nodes:
            return None
        return self._world.random.choice([view.node for view in nodes])

    def _is_pool(self) -> bool:
        return bool(self._store.reads.list_pools(ACCOUNT, 0, 1).items)

    def _option(self) -> NodeOption:
        option = self._world.random.choice(list(NodeOption))
        if option is NodeOption.TERMINATE:
            self._service.cloud.ends_tasks = True
        return option

    def _reboot(self) -> None:
        node = self._a_node()
        if node is not None:
            self._service.cloud.reboots.add(node.key)
            option = self._option()
            self._request(f"reboot, {option}", node.id, commands.reboot_node, POOL, node.id, option)

    def _remove_node(self) -> None:
        node = self._a_node()
        if node is not None:
            timeout = timedelta(minutes=15)
            option = self._option()
            self._request(
                f"remove, {option}",
                node.id,
                commands.remove_nodes,
                POOL,
                [node.id],
                timeout,
                option,
            )

    def _resize(self) -> None:
        nodes = self._world.random.randint(0, 4)
        option = self._option()
        resize = Resize(target_dedicated_nodes=nodes, option=option)
        self._request(f"resize, {option}", f"{nodes} nodes", commands.resize_pool, POOL, resize)

    # Jobs.

    def _create_job(self, job: str) -> None:
        random = self._world.random
        if random.random() < 0.3:
            self._bursts.add(job)
        preparation, release = None, None
        if random.random() < 0.6:
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
        spec = JobSpec(
            id=job,
            pool_id=POOL,
            priority=random.choice((0, 0, 5)),
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
        )
        self._ask_for_job(spec, self._has_job)

    def _ask_for_job(self, spec: JobSpec, then: Callable[[str], None]) -> None:
        def accepted(_view: object) -> None:
            self._world.auditor.accepted_job(spec.id)
            then(spec.id)

        self._request("create a job", spec.id, commands.create_job, spec, accepted=accepted)

    def _has_job(self, job: str) -> None:
        self._jobs.append(job)
        for number in range(self._world.random.randint(1, 3)):
            self._later(0.5, partial(self._add_tasks, job, f"t{number}"))

    def _add_tasks(self, job: str, prefix: str) -> None:
        random = self._world.random
        is_burst = job in self._bursts
        count = random.randint(20, 40) if is_burst else random.randint(1, 5)
        specs = [self._a_task(job, f"{prefix}-{number}") for number in range(count)]
        self._ask_for_tasks(job, prefix, specs)
        if is_burst:
            self._world.timeline.after(random.uniform(0.0, 1.0), self._rush)

    def _ask_for_tasks(self, job: str, prefix: str, specs: list[TaskSpec]) -> None:
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
            "add tasks",
            f"{len(specs)} {prefix} to {job}",
            commands.add_tasks,
            job,
            specs,
            accepted=accepted,
        )

    def _a_task(self, job: str, name: str) -> TaskSpec:
        random = self._world.random
        if job in self._bursts:
            # A long one now and then: what queues behind it can be recalled.
            seconds = 2.0 if random.random() < 0.03 else 0.01
            return TaskSpec(id=name, command_line=command_line(seconds, 0), max_task_retry_count=1)
        seconds = random.choice((0.01, 1.0, random.uniform(0.0, 8.0), random.uniform(8.0, 30.0)))
        failures = random.choice((0, 0, 0, 1, 2))
        limit = random.choice((None, None, None, 5.0))
        return TaskSpec(
            id=name,
            command_line=command_line(seconds, *[7] * failures, random.choice((0, 0, 0, 3))),
            required_slots=random.randint(1, self._slots),
            max_task_retry_count=random.choice((0, 1, 2, 3)),
            max_wall_clock_time=None if limit is None else timedelta(seconds=limit),
        )

    def _terminate_job(self) -> None:
        if self._jobs:
            self._end_job(self._world.random.choice(self._jobs))

    def _end_job(self, job: str) -> None:
        self._world.auditor.asked_end(job)
        self._request(
            "terminate a job",
            job,
            commands.terminate_job,
            job,
            None,
            accepted=lambda _view: self._world.auditor.ended(job),
        )

    def _delete_job(self) -> None:
        if self._jobs:
            job = self._world.random.choice(self._jobs)
            self._world.auditor.asked_deletion(job)
            self._request(
                "delete a job",
                job,
                commands.delete_job,
                job,
                accepted=lambda _none: self._world.auditor.deleted(job),
            )

    def _change_priority(self) -> None:
        if self._jobs:
            job = self._world.random.choice(self._jobs)
            change = JobChange(priority=self._world.random.randint(-5, 5))
            self._request("change a priority", job, commands.update_job, job, change)

    # Tasks.

    def _terminate_task(self) -> None:
        if self._tasks:
            job, task = self._world.random.choice(self._tasks)
            self._world.auditor.asked_end(job, task)
            self._request("terminate a task", f"{job}/{task}", commands.terminate_task, job, task)

    def _delete_task(self) -> None:
        if self._tasks:
            job, task = self._world.random.choice(self._tasks)
            self._world.auditor.asked_deletion(job, task)
            self._request(
                "delete a task",
                f"{job}/{task}",
                commands.delete_task,
                job,
                task,
                accepted=lambda _none: self._world.auditor.deleted(job, task),
            )

    def _change_retries(self) -> None:
        if self._tasks:
            job, task = self._world.random.choice(self._tasks)
            retries = self._world.random.randint(0, 3)
            self._world.auditor.asked_retries(job, task, retries)
            constraints = TaskConstraints(max_task_retry_count=retries)
            self._request(
                "change retries", f"{job}/{task}", commands.update_task, job, task, constraints
            )
