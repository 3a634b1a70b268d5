"""What the tutorial tells people to type does what it says."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import service

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-job.md"


def test_the_program_of_the_tutorial_prints_what_the_tutorial_shows():
    program, output = re.findall(r"```python\n(.*?)```|```text\n(hello .*?)```", _page(), re.DOTALL)
    with tempfile.TemporaryDirectory() as name:
        server = service.start("--memory", "--port", "0", log=Path(name) / "log")
        try:
            result = subprocess.run(
                [sys.executable, "-c", program[0]],
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
                env={
                    **os.environ,
                    "BATCH_ENDPOINT": server.endpoint,
                    "BATCH_ACCOUNT": server.account,
                    "BATCH_KEY": server.key,
                },
            )
        finally:
            server.end(signal.SIGTERM)

    assert result.returncode == 0, result.stderr
    shown = re.escape(output[1].strip()).replace("…", r"\w+")
    assert re.fullmatch(shown, result.stdout.strip()), result.stdout


def _page() -> str:
    return TUTORIAL.read_text()
