"""The programs that come with the repository do what they are there for."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.yard import Yard

REPOSITORY = Path(__file__).parents[2]

SAMPLE_OUTPUT = r"""Attempting to create pool: JobPrepReleaseSamplePool
Created pool JobPrepReleaseSamplePool with 2 nodes
Checking for existing job JobPrepReleaseSampleJob\.\.\.
Job JobPrepReleaseSampleJob not found, creating\.\.\.
Submitting tasks and awaiting completion\.\.\.
All tasks completed\.
(
Contents of shared/job_prep_and_release\.txt on (?P<first>\S+):
-+
(?P=first) tasks:
(  task00\d
)*)(
Contents of shared/job_prep_and_release\.txt on (?P<second>\S+):
-+
(?P=second) tasks:
(  task00\d
)*)?
Waiting for job JobPrepReleaseSampleJob to reach state Completed
(
\S+:
  Prep task exit code:    0
  Release task exit code: 0
){1,2}
Delete job\? \[yes\] yes
Delete pool\? \[yes\] yes

Sample complete\.
"""


def test_the_demo_prints_what_the_article_prints_and_leaves_nothing(yard: Yard):
    result = _python("examples/demo.py", folder=yard.temporary)

    assert result.returncode == 0, result.stderr
    output = result.stdout.split("\n", 2)[2]
    assert re.fullmatch(SAMPLE_OUTPUT, output), output
    written = re.findall(r"^  (task\d+)$", output, re.MULTILINE)
    assert sorted(written) == [f"task{number:03}" for number in range(1, 9)]
    assert list(yard.temporary.iterdir()) == []


def test_the_sample_says_what_it_needs():
    result = _python("examples/job_prep_release.py")

    assert result.returncode == 2
    assert "BATCH_ENDPOINT" in result.stderr


@pytest.mark.skipif(shutil.which("cc") is None, reason="the benchmark needs a C compiler")
def test_the_benchmark_measures_and_leaves_nothing(yard: Yard):
    figures_file = yard.folder / "figures.json"

    result = _python(
        *("-m", "benchmarks.bench", "--tasks", "100", "--singles", "5"),
        *("--json", str(figures_file)),
        folder=yard.temporary,
    )

    assert result.returncode == 0, result.stderr
    figures = json.loads(figures_file.read_text())
    assert figures["tasks"] == 100
    assert all(figures[name] > 0 for name in ("tasks_per_second", "cpu_ratio", "start_seconds"))
    assert list(yard.temporary.iterdir()) == []


def _python(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if "BATCH_" not in name}
    if folder is not None:
        environment["TMPDIR"] = str(folder)
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
