"""Preparation and release of a job on one node, as JSON. Source: J-73, J-86 ... J-88; S-19."""

from datetime import datetime

from batchyard.core.model import Run
from batchyard.engine.directories import task_directory
from batchyard.engine.views import JobNodeView
from batchyard.wire import links, model, tasks, values
from batchyard.wire.jobs import PREPARATION_ID, RELEASE_ID


def has_run(view: JobNodeView) -> bool:
    """Whether a node has an entry in the status list: its preparation has started (J-86)."""
    job_node = view.job_node
    return job_node.preparation.start_time is not None or job_node.release.start_time is not None


def write_job_node(
    view: JobNodeView, base_url: str
) -> model.BatchJobPreparationAndReleaseTaskStatus:
    """Return the preparation and release of a job on one node that `has_run` (J-73, S-19)."""
    node_url = links.node(base_url, view.node.pool_id, view.node.node_id)
    preparation = release = None
    if view.job_node.preparation.start_time is not None:
        run = view.job_node.preparation
        directory = task_directory(view.job_id, view.preparation_id or PREPARATION_ID)
        is_over = run.result is not None
        preparation = model.BatchJobPreparationTaskExecutionInfo(
            start_time=_instant(run.start_time),
            end_time=_instant(run.end_time) if is_over else None,
            state=model.BatchJobPreparationTaskState.COMPLETED
            if is_over
            else model.BatchJobPreparationTaskState.RUNNING,
            task_root_directory=directory,
            task_root_directory_url=links.file(node_url, directory),
            exit_code=run.exit_code if is_over else None,
            failure_info=tasks.write_failure(run.failure) if is_over else None,
            retry_count=run.retry_count,
            last_retry_time=_instant(run.last_retry_time),
            result=_result(run),
        )
    if view.job_node.release.start_time is not None:
        run = view.job_node.release
        directory = task_directory(view.job_id, view.release_id or RELEASE_ID)
        is_over = run.result is not None
        release = model.BatchJobReleaseTaskExecutionInfo(
            start_time=_instant(run.start_time),
            end_time=_instant(run.end_time) if is_over else None,
            state=model.BatchJobReleaseTaskState.COMPLETED
            if is_over
            else model.BatchJobReleaseTaskState.RUNNING,
            task_root_directory=directory,
            task_root_directory_url=links.file(node_url, directory),
            exit_code=run.exit_code if is_over else None,
            failure_info=tasks.write_failure(run.failure) if is_over else None,
            result=_result(run),
        )
    return model.BatchJobPreparationAndReleaseTaskStatus(
        pool_id=view.node.pool_id,
        node_id=view.node.node_id,
        node_url=node_url,
        job_preparation_task_execution_info=preparation,
        job_release_task_execution_info=release,
    )


def _result(run: Run) -> model.BatchTaskExecutionResult | None:
    return None if run.result is None else model.BatchTaskExecutionResult(run.result)


def _instant(instant: datetime | None) -> str | None:
    return None if instant is None else values.write_instant(instant)
