"""What a caller may ask of the service: writes through the writer, reads beside it.

Every method is a coroutine. A write is answered after its commit, so what was answered is on disk.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar, cast

from batchyard.core.errors import ErrorCode, Refused
from batchyard.core.keys import NodeKey
from batchyard.core.model import Node
from batchyard.core.specs import (
    JobChange,
    JobScheduleChange,
    JobScheduleSpec,
    JobSpec,
    PoolChange,
    PoolSpec,
    Resize,
    TaskConstraints,
    TaskSpec,
)
from batchyard.core.states import DisableTasks, NodeOption, NodeState, TaskState
from batchyard.engine import commands, news
from batchyard.engine.commands.found import JobGuard, JobScheduleGuard, PoolGuard, TaskGuard
from batchyard.engine.directories import task_directory
from batchyard.engine.filters import Filter
from batchyard.engine.fleet_ports import FleetEvent, NodeFiles
from batchyard.engine.pages import PageMaker
from batchyard.engine.read_ports import Reads
from batchyard.engine.views import (
    FileLocation,
    JobNodeView,
    JobScheduleView,
    JobView,
    NodeCounts,
    NodeView,
    Page,
    PoolView,
    SubtaskView,
    TaskAdded,
    TaskCounts,
    TaskView,
)
from batchyard.engine.why import JobWait, TaskWait, why_job, why_task
from batchyard.engine.writer import Writer, WriterStopped

Result = TypeVar("Result")
Item = TypeVar("Item")

#: Reads that run at the same time. Source: ours; two cores, and one thread already writes.
_READERS: Final = 2

#: States in which a node can be asked for its files. Source: 01, Calls refused by state.
_SERVING: Final = frozenset(
    {
        NodeState.IDLE,
        NodeState.RUNNING,
        NodeState.OFFLINE,
        NodeState.WAITING_FOR_START_TASK,
        NodeState.START_TASK_FAILED,
    }
)


class Service:
    """The front of the engine.

    Raises (all methods): `Refused` with the code that its command or read documents.
    """

    def __init__(self, writer: Writer, reads: Reads, files: NodeFiles) -> None:
        self._writer = writer
        self._reads = reads
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        self._pages = PageMaker(lambda: writer.worked_seconds)
        self.files: Final = files

    def close(self) -> None:
        """Let the running reads end."""
        self._pages.close()
        self._threads.shutdown()

    def tell(self, event: FleetEvent, done: Callable[[int | None], None]) -> None:
        """Take an event of a fleet over; see `FleetListener`."""

        def answered(answer: "Future[object]") -> None:
            error = answer.exception()
            if error is None:
                done(cast("int | None", answer.result()))
            elif not isinstance(error, WriterStopped):
                done(None)

        self._writer.call(news.take, event).add_done_callback(answered)

    # Reads.

    async def get_pool(self, account: str, pool_id: str) -> PoolView:
        """Return a pool."""
        return await self._read(self._reads.get_pool, account, pool_id)

    async def list_pools(
        self,
        account: str,
        *,
        after: int | None,
        limit: int,
        filter: Filter | None = None,
        write: Callable[[Page[PoolView]], Result],
    ) -> Result:
        """Return what `write` makes of one page of an account's pools."""
        return await self._page(write, self._reads.list_pools, account, after or 0, limit, filter)

    async def node_counts(
        self, account: str, *, pool_id: str | None, after: int | None, limit: int
    ) -> Page[NodeCounts]:
        """Return one page of node counts, pool by pool."""
        return await self._read(self._reads.node_counts, account, pool_id, after or 0, limit)

    async def get_node(
        self, account: str, pool_id: str, node_id: str, *, with_recent_tasks: bool = False
    ) -> NodeView:
        """Return a node."""
        read = partial(self._reads.get_node, with_recent_tasks=with_recent_tasks)
        return await self._read(read, account, pool_id, node_id)

    async def list_nodes(
        self,
        account: str,
        pool_id: str,
        *,
        after: int | None,
        limit: int,
        filter: Filter | None = None,
        with_recent_tasks: bool = False,
        write: Callable[[Page[NodeView]], Result],
    ) -> Result:
        """Return what `write` makes of one page of a pool's nodes."""
        read = partial(self._reads.list_nodes, with_recent_tasks=with_recent_tasks)
        return await self._page(write, read, account, pool_id, after or 0, limit, filter)

    async def get_job(self, account: str, job_id: str, *, with_statistics: bool = False) -> JobView:
        """Return a job."""
        read = partial(self._reads.get_job, with_statistics=with_statistics)
        return await self._read(read, account, job_id)

    async def list_jobs(
        self,
        account: str,
        *,
        after: int | None,
        limit: int,
        filter: Filter | None = None,
        schedule_id: str | None = None,
        with_statistics: bool = False,
        write: Callable[[Page[JobView]], Result],
    ) -> Result:
        """Return what `write` makes of one page of an account's, or a schedule's, jobs."""
        read = partial(
            self._reads.list_jobs, schedule_id=schedule_id, with_statistics=with_statistics
        )
        return await self._page(write, read, account, after or 0, limit, filter)

    async def get_job_schedule(
        self, account: str, schedule_id: str, *, with_statistics: bool = False
    ) -> JobScheduleView:
        """Return a job schedule."""
        read = partial(self._reads.get_job_schedule, with_statistics=with_statistics)
        return await self._read(read, account, schedule_id)

    async def list_job_schedules(
        self,
        account: str,
        *,
        after: int | None,
        limit: int,
        filter: Filter | None = None,
        with_statistics: bool = False,
        write: Callable[[Page[JobScheduleView]], Result],
    ) -> Result:
        """Return what `write` makes of one page of an account's job schedules."""
        read = partial(self._reads.list_job_schedules, with_statistics=with_statistics)
        return await self._page(write, read, account, after or 0, limit, filter)

    async def task_counts(self, account: str, job_id: str) -> TaskCounts:
        """Return the task counts of a job."""
        return await self._read(self._reads.task_counts, account, job_id)

    async def list_job_nodes(
        self,
        account: str,
        job_id: str,
        *,
        after: int | None,
        limit: int,
        filter: Filter | None = None,
        write: Callable[[Page[JobNodeView]], Result],
    ) -> Result:
        """Return what `write` makes of one page of a job's nodes: preparation and release."""
        return await self._page(
            write, self._reads.list_job_nodes, account, job_id, after or 0, limit, filter
        )

    async def get_task(self, account: str, job_id: str, task_id: str) -> TaskView:
        """Return a task."""
        return await self._read(self._reads.get_task, account, job_id, task_id)

    async def list_tasks(
        self,
        account: str,
        job_id: str,
        *,
        after: int | None,
        limit: int,
        filter: Filter | None = None,
        write: Callable[[Page[TaskView]], Result],
    ) -> Result:
        """Return what `write` makes of one page of a job's tasks."""
        return await self._page(
            write, self._reads.list_tasks, account, job_id, after or 0, limit, filter
        )

    async def why_task_waits(self, account: str, job_id: str, task_id: str) -> TaskWait:
        """Return why a task waits."""
        return await self._look(why_task, account, job_id, task_id)

    async def why_job_waits(self, account: str, job_id: str) -> JobWait:
        """Return why the tasks of a job wait."""
        return await self._look(why_job, account, job_id)

    async def list_subtasks(self, account: str, job_id: str, task_id: str) -> list[SubtaskView]:
        """Return the subtasks of a multi-instance task but for the primary's (T-62)."""
        return await self._read(self._reads.list_subtasks, account, job_id, task_id)

    async def locate_task_files(self, account: str, job_id: str, task_id: str) -> FileLocation:
        """Return where the files of a task are.

        Raises:
            Refused: ``OperationInvalidForCurrentState`` before the task ran (F-28),
                ``TaskFilesUnavailable`` when its node is gone (F-7), ``NodeNotReady``.
        """
        view = await self.get_task(account, job_id, task_id)
        task = view.task
        if task.are_files_removed:
            raise Refused(ErrorCode.TASK_FILES_CLEANEDUP)
        if task.node is None or (task.state is TaskState.ACTIVE and task.retry_count == 0):
            raise Refused(
                ErrorCode.OPERATION_INVALID_FOR_CURRENT_STATE,
                Reason=(
                    "The files of the specified task cannot be accessed as "
                    + (
                        "the task was ended before it ran"
                        if task.state is TaskState.COMPLETED
                        else "the task state is still active"
                    )
                ),
            )
        state = await self._read(self._reads.node_state, task.node)
        if state is None:
            raise Refused(ErrorCode.TASK_FILES_UNAVAILABLE)
        _refuse_unless_serving(state)
        return FileLocation(node=task.node, directory=task_directory(view.job_id, view.spec.id))

    async def locate_node_files(self, account: str, pool_id: str, node_id: str) -> FileLocation:
        """Return where the files of a node are.

        Raises:
            Refused: ``NodeNotReady`` while the node cannot be asked.
        """
        node: Node = (await self.get_node(account, pool_id, node_id)).node
        _refuse_unless_serving(node.state)
        return FileLocation(node=NodeKey(node.key), directory="")

    # Writes.

    async def create_pool(self, account: str, spec: PoolSpec) -> PoolView:
        """Create a pool."""
        return await self._write(commands.create_pool, account, spec)

    async def update_pool(
        self, account: str, pool_id: str, change: PoolChange, guard: PoolGuard = None
    ) -> PoolView:
        """Change properties of a pool."""
        return await self._write(commands.update_pool, account, pool_id, change, guard)

    async def resize_pool(
        self, account: str, pool_id: str, resize: Resize, guard: PoolGuard = None
    ) -> PoolView:
        """Give a pool another size."""
        return await self._write(commands.resize_pool, account, pool_id, resize, guard)

    async def remove_nodes(
        self,
        account: str,
        pool_id: str,
        node_ids: Sequence[str],
        timeout: timedelta,
        option: NodeOption,
        guard: PoolGuard = None,
    ) -> PoolView:
        """Take nodes away from a pool."""
        return await self._write(
            commands.remove_nodes, account, pool_id, node_ids, timeout, option, guard
        )

    async def delete_pool(self, account: str, pool_id: str, guard: PoolGuard = None) -> None:
        """Delete a pool."""
        await self._write(commands.delete_pool, account, pool_id, guard)

    async def reboot_node(
        self, account: str, pool_id: str, node_id: str, option: NodeOption
    ) -> Node:
        """Reboot a node."""
        return await self._write(commands.reboot_node, account, pool_id, node_id, option)

    async def create_job(self, account: str, spec: JobSpec) -> JobView:
        """Create a job."""
        return await self._write(commands.create_job, account, spec)

    async def update_job(
        self, account: str, job_id: str, change: JobChange, guard: JobGuard = None
    ) -> JobView:
        """Change properties of a job."""
        return await self._write(commands.update_job, account, job_id, change, guard)

    async def disable_job(
        self, account: str, job_id: str, tasks: DisableTasks, guard: JobGuard = None
    ) -> JobView:
        """Disable a job."""
        return await self._write(commands.disable_job, account, job_id, tasks, guard)

    async def enable_job(self, account: str, job_id: str, guard: JobGuard = None) -> JobView:
        """Enable a job."""
        return await self._write(commands.enable_job, account, job_id, guard)

    async def terminate_job(
        self,
        account: str,
        job_id: str,
        reason: str | None,
        guard: JobGuard = None,
        *,
        is_forced: bool = False,
    ) -> JobView:
        """Terminate a job."""
        command = partial(commands.terminate_job, is_forced=is_forced)
        return await self._write(command, account, job_id, reason, guard)

    async def delete_job(
        self, account: str, job_id: str, guard: JobGuard = None, *, is_forced: bool = False
    ) -> None:
        """Delete a job."""
        command = partial(commands.delete_job, is_forced=is_forced)
        await self._write(command, account, job_id, guard)

    async def create_job_schedule(self, account: str, spec: JobScheduleSpec) -> JobScheduleView:
        """Create a job schedule."""
        return await self._write(commands.create_job_schedule, account, spec)

    async def update_job_schedule(
        self,
        account: str,
        schedule_id: str,
        change: JobScheduleChange,
        guard: JobScheduleGuard = None,
    ) -> JobScheduleView:
        """Change properties of a job schedule."""
        return await self._write(commands.update_job_schedule, account, schedule_id, change, guard)

    async def disable_job_schedule(
        self, account: str, schedule_id: str, guard: JobScheduleGuard = None
    ) -> JobScheduleView:
        """Disable a job schedule."""
        return await self._write(commands.disable_job_schedule, account, schedule_id, guard)

    async def enable_job_schedule(
        self, account: str, schedule_id: str, guard: JobScheduleGuard = None
    ) -> JobScheduleView:
        """Enable a job schedule."""
        return await self._write(commands.enable_job_schedule, account, schedule_id, guard)

    async def terminate_job_schedule(
        self,
        account: str,
        schedule_id: str,
        guard: JobScheduleGuard = None,
        *,
        is_forced: bool = False,
    ) -> JobScheduleView:
        """Terminate a job schedule."""
        command = partial(commands.terminate_job_schedule, is_forced=is_forced)
        return await self._write(command, account, schedule_id, guard)

    async def delete_job_schedule(
        self,
        account: str,
        schedule_id: str,
        guard: JobScheduleGuard = None,
        *,
        is_forced: bool = False,
    ) -> None:
        """Delete a job schedule."""
        command = partial(commands.delete_job_schedule, is_forced=is_forced)
        await self._write(command, account, schedule_id, guard)

    async def add_task(self, account: str, job_id: str, spec: TaskSpec) -> TaskView:
        """Add a task."""
        return await self._write(commands.add_task, account, job_id, spec)

    async def add_tasks(
        self, account: str, job_id: str, specs: Sequence[TaskSpec]
    ) -> list[TaskAdded]:
        """Add tasks, each on its own merits."""
        return await self._write(commands.add_tasks, account, job_id, specs)

    async def update_task(
        self,
        account: str,
        job_id: str,
        task_id: str,
        constraints: TaskConstraints,
        guard: TaskGuard = None,
    ) -> TaskView:
        """Replace the constraints of a task."""
        return await self._write(commands.update_task, account, job_id, task_id, constraints, guard)

    async def terminate_task(
        self, account: str, job_id: str, task_id: str, guard: TaskGuard = None
    ) -> TaskView:
        """End a task."""
        return await self._write(commands.terminate_task, account, job_id, task_id, guard)

    async def reactivate_task(
        self, account: str, job_id: str, task_id: str, guard: TaskGuard = None
    ) -> TaskView:
        """Run a task again."""
        return await self._write(commands.reactivate_task, account, job_id, task_id, guard)

    async def delete_task(
        self, account: str, job_id: str, task_id: str, guard: TaskGuard = None
    ) -> None:
        """Delete a task."""
        await self._write(commands.delete_task, account, job_id, task_id, guard)

    async def _read(self, read: Callable[..., Result], *arguments: object) -> Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(read, *arguments))

    async def _look(self, ask: Callable[..., Result], *arguments: object) -> Result:
        """Have a question asked in one state of the store."""

        def look() -> Result:
            with self._reads.look() as transaction:
                return ask(transaction, *arguments, self._writer.held)

        return await self._read(look)

    async def _page(
        self,
        write: Callable[[Page[Item]], Result],
        read: Callable[..., Page[Item]],
        *arguments: object,
    ) -> Result:
        """Have a page read and written in the thread of pages: neither holds up anybody else."""
        return await asyncio.wrap_future(self._pages.submit(lambda: write(read(*arguments))))

    async def _write(self, command: Callable[..., Result], *arguments: object) -> Result:
        answer = await asyncio.wrap_future(self._writer.call(command, *arguments))
        return cast("Result", answer)


def _refuse_unless_serving(state: NodeState) -> None:
    if state not in _SERVING:
        raise Refused(ErrorCode.NODE_NOT_READY, Reason=f"The node is {state}; try again later")
