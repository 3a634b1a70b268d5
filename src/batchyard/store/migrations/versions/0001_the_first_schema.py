"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("next_key", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "directory_removal",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_directory_removal")),
    )
    with op.batch_alter_table("directory_removal", schema=None) as batch_op:
        batch_op.create_index("ix_directory_removal_node", ["node"], unique=False)

    op.create_table(
        "execution",
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("job", sa.BigInteger(), nullable=False),
        sa.Column("task", sa.BigInteger(), nullable=True),
        sa.Column("node", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_execution")),
    )
    with op.batch_alter_table("execution", schema=None) as batch_op:
        batch_op.create_index("ix_execution_job", ["job"], unique=False)
        batch_op.create_index("ix_execution_node", ["node"], unique=False)

    op.create_table(
        "job",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("id_folded", sa.String(length=96), nullable=False),
        sa.Column("pool_id", sa.String(length=64), nullable=False),
        sa.Column("pool_id_folded", sa.String(length=64), nullable=False),
        sa.Column("pool", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.Column("last_modified", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_time", sa.BigInteger(), nullable=False),
        sa.Column("previous_state", sa.String(length=16), nullable=True),
        sa.Column("previous_state_time", sa.BigInteger(), nullable=True),
        sa.Column("start_time", sa.BigInteger(), nullable=False),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("terminate_reason", sa.Text(), nullable=True),
        sa.Column("has_preparation", sa.Integer(), nullable=False),
        sa.Column("has_release", sa.Integer(), nullable=False),
        sa.Column("preparation_retry_count_max", sa.Integer(), nullable=False),
        sa.Column("nodes_unsettled", sa.Integer(), nullable=False),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_job")),
        sa.UniqueConstraint("account", "id_folded", name=op.f("uq_job_account_id_folded")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index("ix_job_account_pool_id", ["account", "pool_id_folded"], unique=False)
        batch_op.create_index(
            "ix_job_pool_state", ["pool", "state", sa.text("priority DESC"), "key"], unique=False
        )
        batch_op.create_index(
            "ix_job_ending",
            ["key"],
            unique=False,
            sqlite_where=sa.text("state IN ('terminating', 'deleting')"),
            postgresql_where=sa.text("state IN ('terminating', 'deleting')"),
        )

    op.create_table(
        "job_counts",
        sa.Column("job", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("active", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("running", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("succeeded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("active_slots", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("running_slots", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("succeeded_slots", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed_slots", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("job", name=op.f("pk_job_counts")),
    )
    op.create_table(
        "job_node",
        sa.Column("job", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("is_ending", sa.Integer(), nullable=False),
        sa.Column("tasks_open", sa.Integer(), nullable=False),
        sa.Column("has_preparation", sa.Integer(), nullable=False),
        sa.Column("has_release", sa.Integer(), nullable=False),
        sa.Column("preparation_retry_count_max", sa.Integer(), nullable=False),
        sa.Column("preparation", sa.Text(), nullable=False),
        sa.Column("release", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job", "node", name=op.f("pk_job_node")),
    )
    with op.batch_alter_table("job_node", schema=None) as batch_op:
        batch_op.create_index("ix_job_node_node", ["node"], unique=False)

    op.create_table(
        "node",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pool", sa.BigInteger(), nullable=False),
        sa.Column("pool_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=96), nullable=False),
        sa.Column("is_dedicated", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("state_time", sa.BigInteger(), nullable=False),
        sa.Column("allocation_time", sa.BigInteger(), nullable=False),
        sa.Column("last_boot_time", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("slots_used", sa.Integer(), nullable=False),
        sa.Column("tasks_running", sa.Integer(), nullable=False),
        sa.Column("tasks_run", sa.BigInteger(), nullable=False),
        sa.Column("tasks_succeeded", sa.BigInteger(), nullable=False),
        sa.Column("log_acknowledged", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_node")),
    )
    with op.batch_alter_table("node", schema=None) as batch_op:
        batch_op.create_index("ix_node_pool", ["pool", "key"], unique=False)

    op.create_table(
        "pool",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("id_folded", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.Column("last_modified", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_time", sa.BigInteger(), nullable=False),
        sa.Column("allocation_state", sa.String(length=16), nullable=False),
        sa.Column("allocation_state_time", sa.BigInteger(), nullable=False),
        sa.Column("target_dedicated_nodes", sa.Integer(), nullable=False),
        sa.Column("target_low_priority_nodes", sa.Integer(), nullable=False),
        sa.Column("task_slots_per_node", sa.Integer(), nullable=False),
        sa.Column("node_fill_type", sa.String(length=16), nullable=False),
        sa.Column("is_windows", sa.Integer(), nullable=False),
        sa.Column("resize_timeout", sa.BigInteger(), nullable=False),
        sa.Column("resize_errors", sa.Text(), nullable=True),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_pool")),
        sa.UniqueConstraint("account", "id_folded", name=op.f("uq_pool_account_id_folded")),
    )
    op.create_table(
        "task",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("state_time", sa.BigInteger(), nullable=False),
        sa.Column("previous_state", sa.String(length=16), nullable=True),
        sa.Column("previous_state_time", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("node", sa.BigInteger(), nullable=True),
        sa.Column("is_placed", sa.Integer(), nullable=False),
        sa.Column("required_slots", sa.Integer(), nullable=False),
        sa.Column("retry_count_max", sa.Integer(), nullable=False),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("requeue_count", sa.Integer(), nullable=False),
        sa.Column("recovery_count", sa.Integer(), nullable=False),
        sa.Column("is_retry_due", sa.Integer(), nullable=False),
        sa.Column("start_time", sa.BigInteger(), nullable=True),
        sa.Column("end_time", sa.BigInteger(), nullable=True),
        sa.Column("last_retry_time", sa.BigInteger(), nullable=True),
        sa.Column("last_requeue_time", sa.BigInteger(), nullable=True),
        sa.Column("exit_code", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_task")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index("ix_task_job", ["job", "key"], unique=False)
        batch_op.create_index(
            "ix_task_waiting",
            ["job", "key"],
            unique=False,
            sqlite_where=sa.text("state = 'active' AND is_placed = 0"),
            postgresql_where=sa.text("state = 'active' AND is_placed = 0"),
        )

    op.create_table(
        "task_spec",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("job", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("id_folded", sa.String(length=64), nullable=False),
        sa.Column("creation_time", sa.BigInteger(), nullable=False),
        sa.Column("affinity_id", sa.String(length=128), nullable=True),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_task_spec")),
        sa.UniqueConstraint("job", "id_folded", name=op.f("uq_task_spec_job_id_folded")),
    )
