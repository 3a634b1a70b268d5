"""One command's work: events, what follows from them, and the entities that they change.

A cascade reads the entities that its events name, lets their life cycles decide, follows the
effects at once and in order, and writes every changed entity once at its end. Consequences come
before anything that was waiting: when an execution is over, its task, its node and its job know it
before the next event is looked at.

Events for an entity that is gone are dropped: late news of what was deleted.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any, Final, get_args

from batchyard.core import (
    execution,
    job,
    job_node,
    job_schedule,
    limits,
    multi_instance,
    node,
    pool,
    task,
    times,
)
from batchyard.core.effects import (
    CountNodes,
    DismissNode,
    Effect,
    GiveBackTasks,
    KeepDirectory,
    LoseExecutions,
    OpenExecution,
    RecallQueue,
    WakeFleet,
    WakeJobs,
    WakePlacement,
    WakeResize,
    WakeRetention,
    WakeSchedules,
    WakeScheduleSweep,
    WakeSweep,
)
from batchyard.core.errors import Defect
from batchyard.core.job_events import (
    JobEvent,
    JobNodeEvent,
    JobOutOfTasks,
    JobScheduleEvent,
    NodeLeft,
    NodeRestarted,
)
from batchyard.core.keys import ExecutionId, JobKey, JobScheduleKey, NodeKey, PoolKey, TaskKey
from batchyard.core.messages import Event
from batchyard.core.model import Execution, Gang, Job, JobNode, JobSchedule, Node, Pool, Task
from batchyard.core.pool_events import NodeEvent, NodesCounted, PoolEvent
from batchyard.core.states import (
    ExecutionKind,
    ExecutionState,
    JobState,
    NodeOption,
    NodeState,
    TaskState,
)
from batchyard.core.task_events import (
    ExecutionEvent,
    ExecutionLost,
    GangEvent,
    RecallExecution,
    RequeueTask,
    StopExecution,
    TaskEvent,
    TaskGivenBack,
    TerminateAttempt,
)
from batchyard.engine.directories import task_directory
from batchyard.engine.entities import Entities
from batchyard.engine.hints import Hints
from batchyard.engine.ports import Changes, Transaction
from batchyard.engine.reasons import Noted
from batchyard.engine.tokens import JobTokens
from batchyard.engine.wakes import Dated, Wakes
from batchyard.link import messages


class Cascade:
    """The work of one command in a transaction. `now` is the same for all of it."""

    def __init__(
        self, transaction: Transaction, now: datetime, hints: Hints, tokens: JobTokens
    ) -> None:
        self.transaction: Final = transaction
        self.tokens: Final = tokens
        self.now: Final = now
        self.hints: Final = hints
        #: Jobs that changed, or of which tasks wait that did not.
        self.ready: Final[set[JobKey]] = set()
        self.pools: Final[Entities[PoolKey, Pool]] = Entities(transaction.pools)
        self.nodes: Final[Entities[NodeKey, Node]] = Entities(transaction.nodes)
        self.jobs: Final[Entities[JobKey, Job]] = Entities(transaction.jobs)
        self.job_schedules: Final[Entities[JobScheduleKey, JobSchedule]] = Entities(
            transaction.job_schedules
        )
        self.tasks: Final[Entities[TaskKey, Task]] = Entities(transaction.tasks)
        self.job_nodes: Final[Entities[tuple[JobKey, NodeKey], JobNode]] = Entities(
            transaction.job_nodes
        )
        self.executions: Final[Entities[ExecutionId, Execution]] = Entities(transaction.executions)
        self.gangs: Final[Entities[TaskKey, Gang]] = Entities(transaction.gangs)
        self.wakes: Final = Wakes()
        self.noted: Final = Noted()
        self.assigned: Final[list[Execution]] = []
        self.stopped: Final[list[Execution]] = []
        self.recalled: Final[list[Execution]] = []
        self.strays: Final[list[tuple[NodeKey, str]]] = []
        self.removals: Final[list[tuple[NodeKey, messages.RemoveDirectory]]] = []
        self._counts_due: set[PoolKey] = set()
        #: Jobs of which tasks were completed or deleted, or left a node.
        self._closed: set[JobKey] = set()
        #: Jobs of which runs that had to end are over: their tasks may run again.
        self._rid: set[JobKey] = set()
        #: Tasks by job whose dependents may count them off; the store knows which were.
        self._satisfying: dict[JobKey, list[TaskKey]] = {}

    def run(self, events: Iterable[Effect]) -> None:
        """Deliver `events` in order, each with everything that follows from it.

        Raises:
            Refused: A life cycle refuses one of them.
            Defect: They caused more than `limits.CASCADE_EVENTS_MAX` others.
        """
        pending: deque[Effect] = deque(events)
        seen = 0
        while pending:
            seen += 1
            if seen > limits.CASCADE_EVENTS_MAX:
                raise Defect(f"one command caused more than {seen - 1} events: {pending[0]}")
            effects = self._deliver(pending.popleft())
            pending.extendleft(reversed(effects))

    def finish(self) -> None:
        """Count nodes and open tasks where they changed, and write everything."""
        self.flush()
        while self._counts_due or self._closed:
            due, self._counts_due = self._counts_due, set()
            self.run([self._count_nodes(pool_key) for pool_key in sorted(due)])
            closed, self._closed = self._closed, set()
            self._look_at_jobs(closed)
            self.flush()

    def _look_at_jobs(self, closed: set[JobKey]) -> None:
        """Tell jobs of which something is over if it was the last thing that they wait for."""
        self.jobs.read(closed)
        jobs = [job for job in map(self.jobs.get, sorted(closed)) if job is not None]
        for one in jobs:
            if one.uses_task_dependencies:
                self._satisfy(one)
            if one.max_parallel_tasks != limits.PARALLEL_TASKS_UNLIMITED:
                self.ready.add(one.key)  # It may start another one.
            if one.key in self._rid:
                self.ready.add(one.key)
                if one.pool is not None:
                    self.run([WakePlacement(one.pool)])
        self._satisfying.clear()
        self._rid.clear()
        self.run(WakeSweep(job.key) for job in jobs if job.state is JobState.DISABLING)
        asked = {job.key for job in jobs if job.ends_with_tasks}
        if asked:
            out_of_tasks = asked - self.transaction.jobs_with_open_tasks(asked)
            self.run(JobOutOfTasks(key=key) for key in sorted(out_of_tasks))

    def flush(self) -> None:
        """Write what changed, so that a question to the store sees it."""
        changes = Changes(
            pools=self.pools.take_changes(),
            nodes=self.nodes.take_changes(),
            jobs=self.jobs.take_changes(),
            job_schedules=self.job_schedules.take_changes(),
            tasks=self.tasks.take_changes(),
            job_nodes=self.job_nodes.take_changes(),
            executions=self.executions.take_changes(),
            gangs=self.gangs.take_changes(),
        )
        if changes.is_empty:
            return
        for before, after in changes.executions:
            if after is None:
                if before is not None and before.job is not None:
                    self._closed.add(before.job)
                    if before.state is ExecutionState.STOPPING:
                        self._rid.add(before.job)
                continue
            if after.state is ExecutionState.STOPPING:
                self.stopped.append(after)
            elif before is None:
                self.assigned.append(after)
            elif after.state is ExecutionState.RECALLED:
                self.recalled.append(after)
        self.ready.update(job.key for pair in changes.jobs for job in pair if job is not None)
        self.ready.update(
            task.job for _, task in changes.tasks if task is not None and _is_waiting(task)
        )
        self._note_waits(changes)
        for task_before, task_after in changes.tasks:
            self._note_end(task_before, task_after)
        for gone_before, gone_after in changes.pools:
            if gone_before is not None and gone_after is None:
                left = self.transaction.ready_jobs(gone_before.key)
                self.noted.jobs.update(job for job, _ in left)
                self.transaction.detach_jobs(gone_before.key)
        self.transaction.save(changes)

    def _note_waits(self, changes: Changes) -> None:
        """Note what may have changed why tasks wait."""
        for _, found in changes.tasks:
            if found is not None and _is_waiting(found):
                self.noted.waiting.add((found.job, found.required_slots, found.is_manager))
        for job_before, job_after in changes.jobs:
            self.noted.job(job_before, job_after)
        for place_before, place_after in changes.job_nodes:
            self.noted.job_node(place_before, place_after)
        for node_before, node_after in changes.nodes:
            self.noted.node(node_before, node_after)
        self.noted.pools.update(pool.key for pair in changes.pools for pool in pair if pool)

    def _note_end(self, before: Task | None, after: Task | None) -> None:
        if before is None or before.state is TaskState.COMPLETED:
            return
        if after is None or after.state is TaskState.COMPLETED:
            self._closed.add(before.job)
        if after is not None and after.satisfies:
            self._satisfying.setdefault(after.job, []).append(after.key)

    def _satisfy(self, job: Job) -> None:
        """Let tasks run that waited for what is completed now."""
        tasks = self._satisfying.get(job.key)
        sizes = self.transaction.satisfy_dependents(job.key, tasks, self.now) if tasks else ()
        if sizes:
            self.ready.add(job.key)
            self.noted.waiting.update((job.key, slots, False) for slots in sizes)
            if job.pool is not None:
                self.run([WakePlacement(job.pool)])

    def _deliver(self, effect: Effect) -> Sequence[Effect]:
        kind = _KINDS.get(type(effect))
        if kind is not None:
            name, cycle = kind
            entities: Entities[Any, Any] = getattr(self, name)
            entity = entities.get(effect.key)  # type: ignore[union-attr]  # Every event has one.
            if entity is None:
                return ()
            result = cycle.step(entity, effect, self.now)
            if result.entity is not entity:
                entities.put(effect.key, result.entity)  # type: ignore[union-attr]
            return result.effects  # type: ignore[no-any-return]
        match effect:
            case OpenExecution():
                return self._open(effect)
            case GiveBackTasks():
                return self._give_back(effect)
            case LoseExecutions():
                return self._lose(effect)
            case DismissNode():
                return self._dismiss(effect)
            case RecallQueue():
                return self._recall(effect)
            case KeepDirectory():
                self._keep(effect)
            case CountNodes():
                self._counts_due.add(effect.pool)
            case WakePlacement():
                self.wakes.placement.add(effect.pool)
            case WakeResize():
                self.wakes.resize.add(effect.pool)
            case WakeSweep():
                self.wakes.sweep.add(effect.job)
            case WakeRetention():
                self.wakes.is_due(Dated.RETENTION, effect.time)
            case WakeJobs():
                self.wakes.is_due(Dated.JOBS, effect.time)
            case WakeSchedules():
                self.wakes.is_due(Dated.SCHEDULES, effect.time)
            case WakeScheduleSweep():
                self.wakes.schedule_sweep.add(effect.schedule)
            case WakeFleet():
                self.wakes.fleet.add(effect.node)
            case _:
                raise Defect(f"nobody takes {effect}")
        return ()

    def _open(self, order: OpenExecution) -> Sequence[Effect]:
        place = self.nodes.get(order.node)
        if place is None:
            raise Defect(f"{order} for a node that is gone")
        result = execution.opened(order, place.epoch)
        if order.kind is ExecutionKind.PREPARATION and order.job is not None:
            self._use_again(order.job, order.node)
        self.executions.put(order.id, result.entity)
        return result.effects

    def _use_again(self, job: JobKey, node: NodeKey) -> None:
        """A preparation that runs again needs its directory: the former one's is not due now."""
        spec = self.transaction.job_spec(job)
        if spec.preparation is not None:
            path = task_directory(spec.id, spec.preparation.id)
            self.transaction.keep_directory(node, path)

    def _give_back(self, effect: GiveBackTasks) -> list[Event]:
        events: list[Event] = []
        for waiting in self._executions(effect.node):
            if (
                waiting.job == effect.job
                and waiting.task is not None
                and waiting.state in execution.WAITING
            ):
                events.append(TaskGivenBack(key=waiting.task, attempt=waiting.attempt))
                events.append(StopExecution(key=waiting.id))
        return events

    def _lose(self, effect: LoseExecutions) -> list[Event]:
        """Tell the jobs first: what they open in the next life is none of what is lost."""
        lost = self._executions(effect.node)
        events: list[Event] = [NodeRestarted(key=place) for place in self._job_nodes(effect.node)]
        return events + _taken_back(lost, effect.option)

    def _dismiss(self, effect: DismissNode) -> list[Event]:
        """Take everything back from a node that a user gives up (T-17, S-7); its jobs first."""
        lost = self._executions(effect.node)
        events: list[Event] = [NodeLeft(key=place) for place in self._job_nodes(effect.node)]
        return events + _taken_back(lost, effect.option)

    def _recall(self, effect: RecallQueue) -> list[Event]:
        return [
            RecallExecution(key=queued.id)
            for queued in self._executions(effect.node)
            if queued.kind in (ExecutionKind.TASK, ExecutionKind.SUBTASK)
        ]

    def _keep(self, effect: KeepDirectory) -> None:
        job = self.transaction.job_spec(effect.job)
        spec = job.preparation if effect.kind is ExecutionKind.PREPARATION else job.release
        due = None if spec is None else times.after(effect.end_time, spec.retention_time)
        if spec is None or due is None:
            return
        path = task_directory(job.id, spec.id)
        self.transaction.remove_directories([(effect.node, path)], due)
        self.wakes.is_due(Dated.RETENTION, due)

    def _executions(self, node_key: NodeKey) -> list[Execution]:
        self.flush()
        found = self.transaction.executions_of_node(node_key)
        self.executions.known((item.id, item) for item in found)
        self.tasks.read(item.task for item in found if item.task is not None)
        return found

    def _job_nodes(self, node_key: NodeKey) -> list[tuple[JobKey, NodeKey]]:
        self.flush()
        found = self.transaction.job_nodes_of_node(node_key)
        places = [(item.job, item.node) for item in found]
        self.job_nodes.known(zip(places, found, strict=True))
        return places

    def _count_nodes(self, pool_key: PoolKey) -> NodesCounted:
        nodes = self.transaction.nodes_of_pool(pool_key)
        changing = (NodeState.CREATING, NodeState.LEAVING_POOL)
        return NodesCounted(
            key=pool_key,
            dedicated=sum(item.is_dedicated for item in nodes),
            low_priority=sum(not item.is_dedicated for item in nodes),
            changing=sum(item.state in changing for item in nodes),
        )


def _by_event() -> dict[type[Any], tuple[str, ModuleType]]:
    kinds: Sequence[tuple[Any, str, ModuleType]] = (
        (TaskEvent, "tasks", task),
        (ExecutionEvent, "executions", execution),
        (GangEvent, "gangs", multi_instance),
        (JobNodeEvent, "job_nodes", job_node),
        (NodeEvent, "nodes", node),
        (JobEvent, "jobs", job),
        (JobScheduleEvent, "job_schedules", job_schedule),
        (PoolEvent, "pools", pool),
    )
    return {event: (name, cycle) for union, name, cycle in kinds for event in get_args(union)}


#: By each event: where the cascade has the entities that take it, and the life cycle of these. Its
#: `step` is looked up when it is taken, so that a defect can be seeded there.
_KINDS: Final = _by_event()


def _taken_back(executions: Iterable[Execution], option: NodeOption | None) -> list[Event]:
    """Return what becomes of the executions of a node that nobody can have them from any more."""
    events: list[Event] = []
    for taken in executions:
        if taken.task is not None and option is NodeOption.TERMINATE:
            events.append(TerminateAttempt(key=taken.task, attempt=taken.attempt))
        elif taken.task is not None and option is not None:
            events.append(RequeueTask(key=taken.task, attempt=taken.attempt))
        events.append(ExecutionLost(key=taken.id))
    return events


def _is_waiting(task: Task) -> bool:
    return task.state is TaskState.ACTIVE and not task.is_placed and not task.dependencies_left
