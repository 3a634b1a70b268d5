"""The parent of all task processes of a node: starts, limits, stops, reaps and reports them.

One small single-threaded process that outlives the agent (architecture.md section 8). It is
started as a file, ``python -I -S -X utf8 supervisor.py HOME``, with the standard library only, so
that nothing of the service's environment reaches it and that it stays small.

The agent speaks newline-delimited JSON over ``HOME/private/supervisor.sock``: objects that name an
operation one way, and the other way first an `attach` answer, then ``{"first": n, "entries":
[...]}`` whenever entries were appended to the log. What is told is on file.

An execution has ended when its main process has, and no other process of it is left. That of a
start task ends with its main process; what it leaves running lives until the node ends (P-27).
"""

# pathlib is a large import for a small process.
# ruff: noqa: PTH100, PTH112, PTH123

import fcntl
import gc
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable

if __name__ == "__main__":  # Isolated mode leaves our own package off the path.
    sys.path.append(os.path.abspath(__file__).rsplit(os.sep, 3)[0])

from batchyard.agent import processes
from batchyard.agent.launch import Execution, NotLaunched, encoded, launch
from batchyard.agent.orphans import EXECUTION_VARIABLE, Orphans
from batchyard.agent.peer import Peer
from batchyard.agent.report_log import ReportLog

#: ``STOP_GRACE_TIME`` of core/limits.py, in seconds: that module is not for this process.
STOP_GRACE_SECONDS = 2.0

#: How often the supervisor looks whether it still has a home and a server.
LOOK_SECONDS = 1.0

#: How long the news of starts waits for other news. That of a short task goes with its end, which
#: saves the agent and us one round each. Source: ours.
GATHER_SECONDS = 0.01

#: New objects after which to look for garbage in cycles, of which hardly any is made. Source: ours.
COLLECTION_OBJECTS = 20_000

#: Longest pause between two rounds against processes that do not die.
ROUND_SECONDS_MAX = 0.05


class Supervisor:
    """The executions of one node and the conversation about them."""

    def __init__(self, home: str, settings: dict[str, object], log: ReportLog) -> None:
        self._home = home
        self._log = log
        #: What all executions have in common, encoded once.
        self._base: dict[bytes, bytes] = {}
        self._orphans = Orphans()
        #: By main process, while that lives.
        self._alive: dict[int, Execution] = {}
        #: By main process, after it ended and while others of the execution may live.
        self._ending: dict[int, Execution] = {}
        #: By id, after the main process did what it had to: what it left lives on.
        self._staying: dict[str, Execution] = {}
        #: How many of those have been ended.
        self._left = 0
        #: Executions whose files an agent fetches: what it must know to go on, when it began in
        #: seconds since 1970, and by the boot clock.
        self._begun: dict[str, tuple[object, float, float]] = {}
        self._actions: dict[str, Callable[..., None]] = {
            "attach": self._attach,
            "environment": self._set_environment,
            "begin": self._begin,
            "spawn": self._spawn,
            "stop": self._stop,
            "log": self._add_entries,
            "acknowledge": log.acknowledge,
            "shutdown": self._shut_down,
        }
        self._round_seconds = 0.0
        self._is_closing = False
        self._is_home_removed = False
        watch = settings["server_watch"]
        self._watch = watch if isinstance(watch, dict) else None
        self._alone_seconds_max = float(str(settings["alone_seconds_max"]))
        self._alone_since = processes.boot_time()
        self._look_time = 0.0
        self._tell_time = 0.0

        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._agent = Peer(f"{home}/private", self._poll)

    def run(self) -> None:
        """Serve until the node is to end; then nothing of it runs any more."""
        while True:
            ready = [descriptor for descriptor, _ in self._poll.poll(self._poll_seconds() * 1000)]
            if self._wake in ready:
                os.read(self._wake, 4096)
            # Before orders and limits: what has ended by now has ended by itself.
            is_moving = self._reap()
            for descriptor in ready:
                for line in self._agent.handle(descriptor):
                    self._obey(**json.loads(line))
            now = processes.boot_time()
            if now >= self._look_time:
                self._look_time = now + LOOK_SECONDS
                self._look_around(now)
            self._enforce(now)
            is_moving = self._reap() or is_moving  # What is short has ended since it was started.
            is_left = self._settle(now)
            self._round_seconds = (
                0.0 if is_moving else min(2 * self._round_seconds + 0.0005, ROUND_SECONDS_MAX)
            )
            self._tell_when_due(now)
            if self._is_closing and not is_left:
                break
        self._agent.close()
        if self._is_home_removed:
            _remove_tree(self._home)

    # When to look again.

    def _poll_seconds(self) -> float:
        if self._is_closing or self._ending:
            return self._round_seconds
        times = [self._look_time]
        if self._log.has_waiting:
            times.append(self._tell_time)
        for execution in self._alive.values():
            if execution.kill_time is not None:
                times.append(execution.kill_time)
            elif execution.deadline is not None:
                times.append(execution.deadline)
        return max(0.0, min(times) - processes.boot_time())

    def _look_around(self, now: float) -> None:
        """End when nothing is left to live for."""
        watch = self._watch
        if watch is not None and processes.start_time(watch["pid"]) != watch["start_time"]:
            self._is_home_removed = True
            self._close()
        elif not os.path.isdir(f"{self._home}/root"):
            self._close()
        elif self._agent.is_there or self._is_busy() or self._is_lingering():
            self._alone_since = now
        elif now - self._alone_since > self._alone_seconds_max:
            self._close()

    def _is_busy(self) -> bool:
        return bool(self._alive or self._ending or self._staying or self._begun)

    def _is_lingering(self) -> bool:
        if self._orphans.lingering:  # It may have ended since.
            self._orphans.look(self._pids(self._alive), self._pids(self._ending))
        return bool(self._orphans.lingering)

    def _shut_down(self, if_idle: bool = False) -> None:  # noqa: FBT001, FBT002
        if not (if_idle and (self._is_busy() or self._is_lingering())):
            self._close()

    def _close(self) -> None:
        self._is_closing = True
        for execution in list(self._staying.values()):
            self._leave(execution, 0.0)
        self._orphans.end_lingering()
        for execution in self._alive.values():
            execution.cause = execution.cause or "stopped"
            execution.kill_time = 0.0

    # Processes.

    def _begin(self, execution_id: str, begun: tuple[object, float, float]) -> None:
        self._add_start(execution_id, begun[1])
        self._begun[execution_id] = begun

    def _spawn(
        self,
        execution_id: str,
        note: object,
        program: str,
        arguments: list[str],
        environment: dict[str, str],
        directory: str,
        account: list[int] | None,
        limit: float | None,
        is_lingering: bool = False,  # noqa: FBT001, FBT002
        is_staying: bool = False,  # noqa: FBT001, FBT002
        continues: bool = False,  # noqa: FBT001, FBT002
    ) -> None:
        if self._is_closing or execution_id in self._ids():
            return
        own = {**environment, EXECUTION_VARIABLE: execution_id}
        begun = self._begun.pop(execution_id, None)
        if begun is None:
            begin, clock = time.time(), processes.boot_time()
            self._add_start(execution_id, begin)
        else:
            _, begin, clock = begun
        try:
            pid = launch(program, arguments, self._base, own, directory, account, continues)
        except NotLaunched as error:
            self._log.add(
                ["ended", execution_id, error.cause, None, str(error), begin, time.time(), note]
            )
            return
        deadline = None if limit is None else clock + limit
        self._alive[pid] = Execution(
            execution_id, note, pid, begin, deadline, is_lingering, is_staying
        )

    def _ids(self) -> set[str]:
        running = {e.id for group in (self._alive, self._ending) for e in group.values()}
        return running | self._staying.keys()

    def _find(self, execution_id: str) -> Execution | None:
        for group in (self._ending, self._alive):
            for execution in group.values():
                if execution.id == execution_id:
                    return execution
        return self._staying.get(execution_id)  # Or it lingers: then it is reported already.

    def _stop(self, execution_ids: list[str], grace: float) -> None:
        for execution in list(self._alive.values()):
            if execution.id in execution_ids:
                self._terminate(execution, "stopped", grace)
        for execution in [e for e in self._staying.values() if e.id in execution_ids]:
            self._leave(execution, processes.boot_time() + grace)
        for execution in self._ending.values():
            # Its main process is over. If the others have a grace, it may get shorter.
            if execution.id in execution_ids and execution.kill_time is not None:
                kill_time = processes.boot_time() + grace
                execution.kill_time = min(execution.kill_time, kill_time)

    def _leave(self, execution: Execution, kill_time: float) -> None:
        """End what an execution that stays has left, and with that the execution."""
        del self._staying[execution.id]
        self._orphans.end_stay(execution.id)
        execution.cause = "stopped"
        execution.kill_time = kill_time
        # Under a number that no process has: that of its main process may be another's by now.
        self._left += 1
        self._ending[-self._left] = execution
        self._signal_all(execution, signal.SIGTERM)

    def _enforce(self, now: float) -> None:
        for execution in list(self._alive.values()):
            if execution.kill_time is not None:
                if now >= execution.kill_time:
                    self._signal_all(execution, signal.SIGKILL)
                    execution.is_killed = True
                    # What cannot die now, deep in the kernel, is tried again in no hurry.
                    execution.kill_time = now + LOOK_SECONDS
            elif execution.deadline is not None and now >= execution.deadline:
                self._terminate(execution, "timedout", STOP_GRACE_SECONDS)

    def _terminate(self, execution: Execution, cause: str, grace: float) -> None:
        kill_time = processes.boot_time() + grace
        if execution.kill_time is not None:
            execution.kill_time = min(execution.kill_time, kill_time)
            return
        execution.cause = cause
        execution.kill_time = kill_time
        self._signal_all(execution, signal.SIGTERM)

    def _signal_all(self, execution: Execution, number: int) -> None:
        """Signal the main process, all below it, and all of the execution that we adopted."""
        adopted = self._orphans.look(self._pids(self._alive), self._pids(self._ending))
        main = [execution.pid] if execution.pid in self._alive else []
        roots = [*main, *adopted.get(execution.id, [])]
        below = [pid for root in roots for pid in processes.descendants(root)]
        for pid in below:
            self._orphans.record(pid, execution.id)
        for pid in [*roots, *below]:
            processes.send(pid, number)

    def _pids(self, executions: dict[int, Execution]) -> dict[int, str]:
        return {pid: execution.id for pid, execution in executions.items()}

    def _reap(self) -> bool:
        """Collect the dead; True if there were any."""
        count = 0
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            count += 1
            owner = self._orphans.forget(pid)
            execution = self._alive.pop(pid, None)
            if execution is not None:
                execution.status = status
                self._ending[pid] = execution
            elif owner:
                execution = self._find(owner)
            if execution is not None:
                execution.count(usage)
        return count > 0

    def _settle(self, now: float) -> bool:
        """Kill what executions left behind, and report those that left nothing.

        Returns:
            Whether processes are left that this node has to wait for before it ends.
        """
        if not (self._ending or self._is_closing):
            return False
        for pid, execution in list(self._ending.items()):
            if execution.leaves_others and not self._is_closing:
                del self._ending[pid]
                self._orphans.linger(execution.id, pid)
                self._report(execution)
            elif execution.stays and not self._is_closing:
                del self._ending[pid]
                self._staying[execution.id] = execution
                self._orphans.linger(execution.id, pid)
                self._log.add(["coordinated", execution.id, time.time()])
        alive = {} if self._is_closing else self._pids(self._alive)
        found = self._orphans.look(alive, self._pids(self._ending))
        kept = {*alive.values(), *self._orphans.lingering}
        for execution in self._ending.values():
            asked = execution.kill_time
            if asked is not None and now < asked and not execution.is_killed:
                kept.add(execution.id)  # Asked to end, and the grace is for all of its processes.
        for owner, pids in found.items():
            if owner not in kept:
                for pid in pids:
                    self._kill_tree(pid)
        for pid, execution in list(self._ending.items()):
            if execution.id not in found:
                del self._ending[pid]
                self._orphans.forget_execution(execution.id)
                self._report(execution)
        return bool(found or self._ending)  # What lingers does not while the node ends.

    def _kill_tree(self, pid: int) -> None:
        for one in [pid, *processes.descendants(pid)]:
            if not processes.send(one, signal.SIGKILL):
                self._orphans.spare(one)

    def _report(self, execution: Execution) -> None:
        if not sys.platform.startswith("linux") and not execution.leaves_others:
            processes.kill_group(execution.pid)
        self._log.add(
            [
                "ended",
                execution.id,
                execution.cause or "exited",
                os.waitstatus_to_exitcode(execution.status),
                "",
                execution.start_time,
                time.time(),
                execution.note,
                execution.used,
            ]
        )

    # The agent.

    def _obey(self, operation: str, **members: object) -> None:
        self._actions[operation](**members)

    def _attach(self) -> None:
        self._tell()  # So that every entry is either in the answer or in a later push.
        executions = [
            *self._alive.values(),
            *self._ending.values(),
            *self._staying.values(),
        ]
        answer = {
            "epoch": self._log.epoch,
            "boot_time": self._log.boot_time,
            "running": [[execution.id, execution.note] for execution in executions],
            "begun": list(self._begun.values()),
            "first": self._log.acknowledged + 1,
        }
        head = json.dumps(answer)[:-1]
        entries = ",".join(self._log.unacknowledged())
        self._agent.say(f'{head},"entries":[{entries}]}}')

    def _set_environment(self, base: dict[str, str]) -> None:
        self._base = encoded(base)

    def _add_entries(self, entries: list[list[object]]) -> None:
        for entry in entries:
            self._log.add(entry)
            if entry[0] == "ended":
                self._begun.pop(str(entry[1]), None)

    def _add_start(self, execution_id: str, time: float) -> None:
        if not self._log.has_waiting:
            self._tell_time = processes.boot_time() + GATHER_SECONDS
        self._log.add(["started", execution_id, time], hurries=False)

    def _tell_when_due(self, now: float) -> None:
        if self._log.hurries or self._is_closing or now >= self._tell_time:
            self._tell()
            if self._log.has_waiting:  # The disk is full.
                self._tell_time = now + LOOK_SECONDS
        else:
            self._agent.flush()  # There may be room for what is left of an earlier telling.

    def _tell(self) -> None:
        """Put new entries on file, then tell the agent about them."""
        first, entries = self._log.flush()
        if entries:
            self._agent.say(f'{{"first":{first},"entries":[{",".join(entries)}]}}')
        self._agent.flush()


def _remove_tree(path: str) -> None:
    import shutil  # noqa: PLC0415  # Needed once, at the end of a life.

    shutil.rmtree(path, ignore_errors=True)


def main(home: str) -> int:
    """Supervise the node at `home` until it ends; return the exit code of the process."""
    os.umask(0o022)
    private = f"{home}/private"
    # The lock says that this supervisor lives. What it holds says after an end whether that was
    # an orderly one: then the file is empty again.
    lock = os.open(f"{private}/supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.stderr.write(f"Another supervisor serves {home}.\n")
        return 1
    with open(f"{home}/node.json", "rb") as file:
        settings = json.load(file)
    if os.geteuid() == 0:
        os.setgroups([])
    if not processes.become_subreaper():
        sys.stderr.write("Orphans are adopted by others here; tasks are ended by process group.\n")
    log = ReportLog(f"{private}/reports.log", settings["epoch"])
    supervisor = Supervisor(home, settings, log)
    gc.freeze()
    gc.set_threshold(COLLECTION_OBJECTS)
    me = {
        "pid": os.getpid(),
        "start_time": processes.start_time(os.getpid()),
        "epoch": settings["epoch"],
    }
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(me).encode(), 0)
    # Else the loss of power could make this life look like one that ended in order, and the next
    # supervisor would go on with it and with the files that are left of it.
    os.fsync(lock)
    os.write(1, b"ready\n")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    supervisor.run()
    os.ftruncate(lock, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
