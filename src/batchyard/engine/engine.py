"""The only writer: many commands, then the loops that they woke, in one transaction."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from batchyard.core import limits
from batchyard.core.errors import Refused
from batchyard.core.keys import JobScheduleKey, NodeKey, PoolKey
from batchyard.core.states import NodePlan, NodeState
from batchyard.engine import loops, orders, placing, schedules
from batchyard.engine.cascade import Cascade
from batchyard.engine.fleet_ports import Fleet, NodeRequest
from batchyard.engine.hints import Hints
from batchyard.engine.ports import Clock, Store, Transaction
from batchyard.engine.reasons import Noted, record
from batchyard.engine.tokens import JobTokens
from batchyard.engine.waits import Held
from batchyard.engine.wakes import Dated, Wakes

Command = Callable[[Cascade], Any]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command returned, or what it raised."""

    value: object = None
    error: BaseException | None = None


@dataclass(slots=True)
class _Round:
    """What has to follow the commit of one transaction."""

    wakes: Wakes
    deadlines: dict[PoolKey, datetime]
    to_send: orders.Orders = field(default_factory=dict)
    allocate: list[NodeRequest] = field(default_factory=list)
    release: list[NodeKey] = field(default_factory=list)
    noted: Noted = field(default_factory=Noted)
    has_failed: bool = False


class Engine:
    """Applies commands to the stored state. Belongs to one thread at a time.

    Every command has a savepoint of its own: a refusal or a defect undoes only itself, and all
    others share the commit. Orders to nodes leave after it, never before.
    """

    def __init__(
        self, store: Store, clock: Clock, fleet: Fleet, tokens: JobTokens | None = None
    ) -> None:
        self._store = store
        self._tokens = tokens or JobTokens({})
        self._clock = clock
        self._fleet = fleet
        self._wakes = Wakes()
        self._hints = Hints()
        self._deadlines: dict[PoolKey, datetime] = {}
        #: Whether a loop failed at the last `apply`: it stays woken, and wants a pause first.
        self.is_failing = False
        #: The latest that the clock has shown, since it was last set back.
        self._latest: datetime | None = None

    def start(self) -> None:
        """Look at everything once: hints are lost with the process that had them."""
        with self._store.transaction() as transaction:
            pools = transaction.pools_of_interest()
            self._wakes.placement.update(pools)
            self._wakes.resize.update(pools)
            self._wakes.sweep.update(transaction.jobs_ending())
            self._wakes.schedule_sweep.update(transaction.job_schedules_ending())
            # The clock may have been set back meanwhile.
            ahead = transaction.job_schedules_ahead(self._clock.now())
            self._wakes.schedules_ahead.update(ahead)
            for pool_key in pools:
                nodes = transaction.nodes_of_pool(pool_key)
                self._wakes.fleet.update(node.key for node in nodes)
            for loop, due in (
                (Dated.RETENTION, transaction.next_files_due()),
                (Dated.JOBS, transaction.next_job_due()),
                (Dated.SCHEDULES, transaction.next_job_schedule_due()),
                (Dated.LIFETIME, loops.lifetime_end(transaction)),
            ):
                if due is not None:
                    self._wakes.is_due(loop, due)

    @property
    def has_work(self) -> bool:
        """Whether `apply` would do something even without a command."""
        due, now = self.next_due, self._clock.now()
        return bool(
            self._wakes.placement
            or self._wakes.resize
            or self._wakes.sweep
            or self._wakes.schedule_sweep
            or self._wakes.schedules_ahead
            or self._wakes.fleet
            or self._hints.reasons.has_work
            or (due is not None and due <= now)
            or self._was_set_back(now)
        )

    @property
    def next_due(self) -> datetime | None:
        """When there will be work without anything happening; None for never."""
        return min([*self._deadlines.values(), *self._wakes.due.values()], default=None)

    def apply(self, commands: Sequence[Command]) -> list[Answer]:
        """Run `commands` and then the loops, and commit once.

        Returns the answers in order once they are on disk.

        Raises:
            Exception: The commit failed; none of the commands happened.
        """
        try:
            with self._store.transaction() as transaction:
                now = self._clock.now()
                this = _Round(Wakes(), dict(self._deadlines))
                this.wakes.update(self._wakes)
                was_set_back = self._was_set_back(now)
                if was_set_back:
                    this.wakes.schedules_ahead.update(transaction.job_schedules_ahead(now))
                answers = [self._run(transaction, now, this, command) for command in commands]
                self._run_loops(transaction, now, this)
        except BaseException:
            self._hints.forget()  # It knows of what did not happen.
            raise
        self._wakes, self._deadlines = this.wakes, this.deadlines
        self._latest = now if was_set_back or self._latest is None else max(now, self._latest)
        self.is_failing = this.has_failed
        for node, node_orders in this.to_send.items():
            self._fleet.send(node, node_orders)
        if this.allocate:
            self._fleet.allocate(this.allocate)
        if this.release:
            self._fleet.release(this.release)
        return answers

    def _was_set_back(self, now: datetime) -> bool:
        """Whether the clock shows so much less than it did that a due time may be wrong."""
        return self._latest is not None and self._latest - now >= limits.SCHEDULE_SPAN_MIN

    def _run(
        self, transaction: Transaction, now: datetime, this: _Round, command: Command
    ) -> Answer:
        cascade = Cascade(transaction, now, self._hints, self._tokens)
        try:
            with transaction.savepoint():
                value = command(cascade)
                cascade.finish()
                new_orders = orders.of_cascade(cascade)
        except Refused as refused:
            return Answer(error=refused)
        except Exception as error:  # noqa: BLE001  # A defect undoes only its own command.
            _log.exception("a command failed")
            self._hints.forget()
            return Answer(error=error)
        this.wakes.update(cascade.wakes)
        self._hints.ready.note(cascade.ready)
        this.noted.update(cascade.noted)
        for node, node_orders in new_orders.items():
            this.to_send.setdefault(node, []).extend(node_orders)
        return Answer(value=value)

    def _run_loops(self, transaction: Transaction, now: datetime, this: _Round) -> None:
        """Run every woken loop once; what they wake in turn is for the next transaction."""
        for pool_key in _due(this.deadlines, now):
            if not self._run_loop(transaction, now, this, loops.give_up_resize, pool_key):
                this.deadlines[pool_key] = now
        self._run_dated(transaction, now, this, Dated.JOBS, loops.expire)
        self._run_dated(transaction, now, this, Dated.LIFETIME, loops.outlive)
        self._run_dated(transaction, now, this, Dated.RETENTION, loops.retain)
        for job_key in _taken(this.wakes.sweep):
            if not self._run_loop(transaction, now, this, loops.sweep, job_key):
                this.wakes.sweep.add(job_key)
        for schedule_key in _taken(this.wakes.schedule_sweep):
            if not self._run_loop(transaction, now, this, schedules.sweep, schedule_key):
                this.wakes.schedule_sweep.add(schedule_key)
        ahead = sorted(this.wakes.schedules_ahead)[: limits.SWEEP_ENTITIES_MAX]
        if ahead and self._run_loop(transaction, now, this, schedules.look_again, ahead):
            this.wakes.schedules_ahead.difference_update(ahead)
        # After everything that may have ended a job: the next one is made with that.
        self._run_dated(transaction, now, this, Dated.SCHEDULES, schedules.make_jobs)
        for pool_key in _taken(this.wakes.resize):
            if not self._run_loop(transaction, now, this, loops.resize, pool_key):
                this.wakes.resize.add(pool_key)
            _note_deadline(transaction, this, pool_key)
        for pool_key in _taken(this.wakes.placement):
            if not self._run_loop(transaction, now, this, placing.place, pool_key):
                this.wakes.placement.add(pool_key)
        self._record_reasons(transaction, now, this)
        _note_fleet(transaction, this)

    def _record_reasons(self, transaction: Transaction, now: datetime, this: _Round) -> None:
        """Write down why tasks wait, where that may have changed."""
        reasons = self._hints.reasons
        reasons.note(this.noted)
        for pool_key in sorted(this.noted.pools):
            reasons.note_pool(transaction, pool_key)
        if reasons.has_work:
            self._run(transaction, now, this, record)

    @property
    def held(self) -> Held:
        """The nodes of each pool that the last round of placement held."""
        return self._hints.held

    def _run_dated(
        self,
        transaction: Transaction,
        now: datetime,
        this: _Round,
        loop: Dated,
        look: Callable[[Cascade], datetime | None],
    ) -> None:
        """Run a loop if something has become due; it says when it has to look again."""
        due = this.wakes.due.get(loop)
        if due is None or due > now:
            return
        del this.wakes.due[loop]
        answer = self._run(transaction, now, this, look)
        if isinstance(answer.value, datetime):
            this.wakes.is_due(loop, answer.value)
        if answer.error is not None:
            this.wakes.is_due(loop, now)
            this.has_failed = True

    def _run_loop(
        self,
        transaction: Transaction,
        now: datetime,
        this: _Round,
        loop: Callable[[Cascade, Any], None],
        subject: int | list[JobScheduleKey],
    ) -> bool:
        """Run a loop and return whether it went well; if not, it has to be woken again."""
        answer = self._run(transaction, now, this, lambda cascade: loop(cascade, subject))
        if isinstance(answer.error, Refused):  # Nobody is there to be told.
            _log.error("the loop %s was refused", loop.__name__, exc_info=answer.error)
        if answer.error is not None:
            this.has_failed = True
        return answer.error is None


def _note_deadline(transaction: Transaction, this: _Round, pool_key: PoolKey) -> None:
    pool = transaction.pools((pool_key,)).get(pool_key)
    deadline = None if pool is None else loops.resize_deadline(pool)
    if deadline is None:
        this.deadlines.pop(pool_key, None)
    else:
        this.deadlines[pool_key] = deadline


def _note_fleet(transaction: Transaction, this: _Round) -> None:
    """Ask the fleet for the nodes that should live, and to end those that leave."""
    nodes = transaction.nodes(_taken(this.wakes.fleet))
    pools = transaction.pools({node.pool for node in nodes.values()})
    for key, node in nodes.items():
        if node.state is NodeState.LEAVING_POOL and node.plan is NodePlan.STAY:
            this.release.append(key)
            continue
        this.allocate.append(
            NodeRequest(
                key=key,
                pool_id=node.pool_id,
                node_id=node.id,
                is_dedicated=node.is_dedicated,
                slots=node.slots,
                epoch=node.epoch,
                account=pools[node.pool].account,
                log_acknowledged=node.log_acknowledged,
            )
        )


def _taken(woken: set[Any]) -> list[Any]:
    """Empty a set and return what was in it, in order."""
    keys = sorted(woken)
    woken.clear()
    return keys


def _due(deadlines: dict[PoolKey, datetime], now: datetime) -> list[PoolKey]:
    due = [key for key, deadline in deadlines.items() if deadline <= now]
    for key in due:
        del deadlines[key]
    return due
