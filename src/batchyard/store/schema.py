"""The tables.

Wide specification rows stand apart from narrow state rows, so that the many small updates of a
task's life touch little (architecture.md section 9). Instants and spans are whole microseconds,
since 1970 in UTC. Ids keep their case in ``id`` and are unique by ``id_folded`` (L-1). Whatever a
filter can ask for is a typed column; the specification's JSON is never searched.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: A key that is the row's own number on SQLite, where only the type INTEGER makes it so: any other
#: primary key is an index beside the table, to be written and looked up for every row.
KEY: Final = BigInteger().with_variant(Integer(), "sqlite")

#: What placement sees of a task before it looks at it: how many slots it needs, and on how many
#: nodes. A multi-instance task that finds none must not hide the single tasks behind it.
TASK_SIZE: Final = "required_slots + 1000 * instances"


def _run(prefix: str) -> list[Column[Any]]:
    """Return the columns of a `Run`: filters ask for some of them."""
    return [
        Column(f"{prefix}_attempt", Integer, nullable=False),
        Column(f"{prefix}_retry_count", Integer, nullable=False),
        Column(f"{prefix}_start_time", BigInteger),
        Column(f"{prefix}_end_time", BigInteger),
        Column(f"{prefix}_last_retry_time", BigInteger),
        Column(f"{prefix}_exit_code", BigInteger),
        Column(f"{prefix}_result", String(16)),
        Column(f"{prefix}_failure", Text),
    ]


#: The next free key of each kind of entity. Keys are never used twice, not even after a deletion.
counter: Final = Table(
    "counter",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("next_key", BigInteger, nullable=False),
)

pool: Final = Table(
    "pool",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("account", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("id_folded", String(64), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_modified", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_time", BigInteger, nullable=False),
    Column("allocation_state", String(16), nullable=False),
    Column("allocation_state_time", BigInteger, nullable=False),
    Column("target_dedicated_nodes", Integer, nullable=False),
    Column("target_low_priority_nodes", Integer, nullable=False),
    Column("task_slots_per_node", Integer, nullable=False),
    Column("node_fill_type", String(16), nullable=False),
    Column("job_default_order", String(16), nullable=False),
    Column("has_inter_node_communication", Integer, nullable=False),
    Column("is_windows", Integer, nullable=False),
    Column("resize_timeout", BigInteger, nullable=False),
    Column("resize_option", String(16), nullable=False),
    Column("resize_errors", Text),
    Column("vm_size", String(64), nullable=False),
    Column("spec", Text, nullable=False),
    UniqueConstraint("account", "id_folded"),
)

#: A node that is gone keeps its row in state ``gone``: tasks that ran there still name it.
node: Final = Table(
    "node",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("pool", BigInteger, nullable=False),
    Column("pool_id", String(64), nullable=False),
    Column("id", String(96), nullable=False),
    Column("is_dedicated", Integer, nullable=False),
    Column("state", String(32), nullable=False),
    Column("state_time", BigInteger, nullable=False),
    Column("allocation_time", BigInteger, nullable=False),
    Column("last_boot_time", BigInteger),
    Column("epoch", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("slots_used", Integer, nullable=False),
    Column("tasks_running", Integer, nullable=False),
    Column("tasks_run", BigInteger, nullable=False),
    Column("tasks_succeeded", BigInteger, nullable=False),
    Column("log_acknowledged", BigInteger, nullable=False),
    Column("start_task", Text),
    *_run("start_run"),
    Column("plan", String(16), nullable=False),
    Column("managers_running", Integer, nullable=False),
    Column("recent_tasks", Text, nullable=False),
    # A pool's nodes: however many are gone, they are never looked at.
    Index("ix_node_here", "pool", "key", sqlite_where=text("state <> 'gone'")),
    # The number of a node in its pool counts from the pool's first one, which may be gone.
    Index("ix_node_gone", "pool", "key", sqlite_where=text("state = 'gone'")),
)

job: Final = Table(
    "job",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("account", String(64), nullable=False),
    Column("id", String(96), nullable=False),
    Column("id_folded", String(96), nullable=False),
    Column("pool_id", String(64), nullable=False),
    Column("pool_id_folded", String(64), nullable=False),
    Column("pool", BigInteger),
    Column("priority", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_modified", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_time", BigInteger, nullable=False),
    Column("previous_state", String(16)),
    Column("previous_state_time", BigInteger),
    Column("start_time", BigInteger, nullable=False),
    Column("end_time", BigInteger),
    Column("terminate_reason", Text),
    Column("has_preparation", Integer, nullable=False),
    Column("has_release", Integer, nullable=False),
    Column("preparation_retry_count_max", Integer, nullable=False),
    Column("waits_for_preparation", Integer, nullable=False),
    Column("reruns_preparation", Integer, nullable=False),
    Column("nodes_unsettled", Integer, nullable=False),
    Column("max_parallel_tasks", Integer, nullable=False),
    Column("performs_job_actions", Integer, nullable=False),
    Column("uses_task_dependencies", Integer, nullable=False),
    Column("disable_tasks", String(16)),
    Column("ends_with_tasks", Integer, nullable=False),
    Column("expiry_time", BigInteger),
    Column("tasks_check_time", BigInteger),
    Column("due_time", BigInteger),
    Column("auto_pool", BigInteger),
    Column("keeps_pool", Integer, nullable=False),
    Column("scheduling_error", Text),
    Column("is_forced", Integer, nullable=False),
    Column("allows_preemption", Integer, nullable=False),
    Column("has_manager", Integer, nullable=False),
    Column("awaits_manager", Integer, nullable=False),
    Column("ends_with_manager", Integer, nullable=False),
    Column("manager_is_exclusive", Integer, nullable=False),
    Column("manager_needs_dedicated", Integer, nullable=False),
    Column("schedule", BigInteger),
    Column("spec", Text, nullable=False),
    UniqueConstraint("account", "id_folded"),
    # The list of an account's jobs, in its order.
    Index("ix_job_account", "account", "key"),
    # Placement: the active jobs of a pool, in the order of their priority.
    Index("ix_job_pool_state", "pool", "state", text("priority DESC"), "key"),
    # A new pool finds the jobs that wait for one of its name (J-8).
    Index("ix_job_account_pool_id", "account", "pool_id_folded"),
    # The jobs of a schedule.
    Index("ix_job_schedule", "schedule", "key", sqlite_where=text("schedule IS NOT NULL")),
    # What is due of jobs without anything happening.
    Index("ix_job_due", "due_time", sqlite_where=text("due_time IS NOT NULL")),
    # A start looks for jobs that are being ended.
    Index(
        "ix_job_ending",
        "key",
        sqlite_where=text("state IN ('terminating', 'deleting', 'disabling')"),
    ),
)

job_schedule: Final = Table(
    "job_schedule",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("account", String(64), nullable=False),
    Column("id", String(64), nullable=False),
    Column("id_folded", String(64), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("last_modified", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_time", BigInteger, nullable=False),
    Column("do_not_run_until", BigInteger),
    Column("do_not_run_after", BigInteger),
    Column("start_window", BigInteger),
    Column("recurrence_interval", BigInteger),
    Column("previous_state", String(16)),
    Column("previous_state_time", BigInteger),
    Column("end_time", BigInteger),
    Column("jobs_made", BigInteger, nullable=False),
    Column("last_time", BigInteger),
    Column("active_job", BigInteger),
    Column("is_forced", Integer, nullable=False),
    Column("due_time", BigInteger),
    Column("auto_pool", BigInteger),
    Column("keeps_pool", Integer, nullable=False),
    Column("spec", Text, nullable=False),
    UniqueConstraint("account", "id_folded"),
    # The list of an account's job schedules, in its order.
    Index("ix_job_schedule_account", "account", "key"),
    # What is due of job schedules without anything happening.
    Index("ix_job_schedule_due", "due_time", sqlite_where=text("due_time IS NOT NULL")),
)

#: Task counts of a job (T-64) and what its statistics are made of, changed by additions only.
job_counts: Final = Table(
    "job_counts",
    metadata,
    Column("job", KEY, primary_key=True, autoincrement=False),
    *(
        Column(name, BigInteger, nullable=False, server_default="0")
        for name in (
            "active",
            "running",
            "succeeded",
            "failed",
            "active_slots",
            "running_slots",
            "succeeded_slots",
            "failed_slots",
            "retries",
            "user_microseconds",
            "kernel_microseconds",
            "wall_microseconds",
            "read_blocks",
            "write_blocks",
        )
    ),
)

task_spec: Final = Table(
    "task_spec",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("job", BigInteger, nullable=False),
    Column("id", String(64), nullable=False),
    Column("id_folded", String(64), nullable=False),
    Column("creation_time", BigInteger, nullable=False),
    Column("spec", Text, nullable=False),
    UniqueConstraint("job", "id_folded"),
)

task: Final = Table(
    "task",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("job", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_time", BigInteger, nullable=False),
    Column("previous_state", String(16)),
    Column("previous_state_time", BigInteger),
    Column("attempt", Integer, nullable=False),
    Column("node", BigInteger),
    Column("is_placed", Integer, nullable=False),
    Column("required_slots", Integer, nullable=False),
    Column("retry_count_max", Integer, nullable=False),
    Column("retry_count", Integer, nullable=False),
    Column("requeue_count", Integer, nullable=False),
    Column("recovery_count", Integer, nullable=False),
    Column("is_retry_due", Integer, nullable=False),
    Column("start_time", BigInteger),
    Column("end_time", BigInteger),
    Column("last_retry_time", BigInteger),
    Column("last_requeue_time", BigInteger),
    Column("affinity_id", String(128)),
    Column("exit_code", BigInteger),
    Column("result", String(16)),
    Column("failure", Text),
    Column("usage", Text),
    Column("revision", BigInteger, nullable=False),
    Column("last_modified", BigInteger, nullable=False),
    Column("retention_time", BigInteger),
    Column("files_due_time", BigInteger),
    Column("are_files_removed", Integer, nullable=False),
    Column("exit_conditions", Text),
    Column("dependencies_left", BigInteger, nullable=False),
    Column("satisfies", Integer, nullable=False),
    Column("is_manager", Integer, nullable=False),
    Column("instances", Integer, nullable=False),
    # When the last of what it depended on was completed; nobody decides by it.
    Column("dependencies_time", BigInteger),
    Index("ix_task_job", "job", "key"),
    # Filters: the tasks of a job in one state, in the order of the list.
    Index("ix_task_job_state", "job", "state", "key"),
    # Retention: whose files are due first.
    Index(
        "ix_task_files_due",
        "files_due_time",
        sqlite_where=text("files_due_time IS NOT NULL"),
    ),
    # Placement: where the manager of a job stands.
    Index("ix_task_manager", "job", sqlite_where=text("is_manager = 1")),
    # Placement: the first waiting tasks of a job, of each size (`TASK_SIZE`).
    Index(
        "ix_task_waiting",
        "job",
        text(TASK_SIZE),
        "key",
        sqlite_where=text("state = 'active' AND is_placed = 0 AND dependencies_left = 0"),
    ),
)

#: Ids of tasks that others wait for, until they are satisfied (D-2); see `store.dependencies`.
dependency: Final = Table(
    "dependency",
    metadata,
    Column("job", BigInteger, nullable=False),
    Column("parent", String(64), nullable=False),
    Column("dependent", BigInteger, nullable=False),
    PrimaryKeyConstraint("job", "parent", "dependent"),
)

#: Ranges of numbers that tasks wait for, cut into blocks. `range` tells two of one task apart.
dependency_block: Final = Table(
    "dependency_block",
    metadata,
    Column("job", BigInteger, nullable=False),
    Column("level", Integer, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("dependent", BigInteger, nullable=False),
    Column("range", Integer, nullable=False),
    PrimaryKeyConstraint("job", "level", "block", "dependent", "range"),
)

#: Numbers that completed tasks have satisfied.
satisfied_number: Final = Table(
    "satisfied_number",
    metadata,
    Column("job", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("job", "number"),
)

#: Why classes of waiting tasks of a job have had to wait, one row for each change of the reason.
waiting_reason: Final = Table(
    "waiting_reason",
    metadata,
    Column("job", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("number", Integer, nullable=False),
    Column("code", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("job", "kind", "number"),
)

#: The subtasks of a multi-instance task, in its latest attempt; it has the task's key.
gang: Final = Table(
    "gang",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("job", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("subtasks", Text, nullable=False),
)

job_node: Final = Table(
    "job_node",
    metadata,
    Column("job", BigInteger, nullable=False),
    Column("node", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_ending", Integer, nullable=False),
    Column("tasks_open", Integer, nullable=False),
    Column("has_preparation", Integer, nullable=False),
    Column("has_release", Integer, nullable=False),
    Column("preparation_retry_count_max", Integer, nullable=False),
    Column("waits_for_preparation", Integer, nullable=False),
    Column("reruns_preparation", Integer, nullable=False),
    *_run("preparation"),
    *_run("release"),
    PrimaryKeyConstraint("job", "node"),
    Index("ix_job_node_node", "node"),
    # Placement: whose tasks run or queue on a node.
    Index("ix_job_node_open", "node", "job", sqlite_where=text("tasks_open > 0")),
    # Placement: where the preparation of a job failed.
    Index("ix_job_node_failed", "job", "node", sqlite_where=text("state = 'failed'")),
)

#: Executions that are not known to be over: each row is an order to its node.
execution: Final = Table(
    "execution",
    metadata,
    Column("id", String(96), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("job", BigInteger),
    Column("task", BigInteger),
    Column("node", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_manager", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Index("ix_execution_node", "node"),
    Index("ix_execution_job", "job"),
)

#: Directories of nodes that are to go: each row is an order to its node, from its due time on.
directory_removal: Final = Table(
    "directory_removal",
    metadata,
    Column("key", KEY, primary_key=True, autoincrement=False),
    Column("node", BigInteger, nullable=False),
    Column("path", Text, nullable=False),
    Column("due_time", BigInteger),
    Index("ix_directory_removal_node", "node"),
    Index(
        "ix_directory_removal_due",
        "due_time",
        sqlite_where=text("due_time IS NOT NULL"),
    ),
)
