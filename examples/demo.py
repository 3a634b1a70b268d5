"""Start a server of its own, run the JobPrepRelease sample against it, and end the server.

``make demo`` runs this. The server keeps everything in memory and in a temporary folder: nothing of
it is left afterwards, however the sample ends.
"""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

READY = re.compile(r"ready endpoint=(\S+) account=(\S+) key=(\S+)")
READY_SECONDS_MAX = 30.0
END_SECONDS_MAX = 30.0

BATCHYARD = Path(sys.executable).with_name("batchyard")
SAMPLE = Path(__file__).with_name("job_prep_release.py")


def main() -> int:
    """Return the exit code of the sample."""
    # Being asked to end is no reason to leave the server behind either.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # In a session of its own, so that Ctrl-C reaches this program only, which then ends the server.
    server = subprocess.Popen(
        [BATCHYARD, "up", "--memory", "--port", "0"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        return run_sample(server)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        server.terminate()
        try:
            server.wait(END_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def run_sample(server: "subprocess.Popen[str]") -> int:
    """Run the sample against `server` once it says that it serves."""
    assert server.stdout is not None
    # A server that never says anything is ended; what is read below is then the end of the file.
    watchdog = threading.Timer(READY_SECONDS_MAX, server.kill)
    watchdog.start()
    with server.stdout:
        line = server.stdout.readline()
        watchdog.cancel()
        match = READY.match(line)
        if match is None:
            print(f"The server did not start: {line.strip() or 'it said nothing'}", file=sys.stderr)
            return 1
        endpoint, account, key = match.groups()
        print(f"A batchyard server listens on {endpoint}.\n", flush=True)
        environment = {"BATCH_ENDPOINT": endpoint, "BATCH_ACCOUNT": account, "BATCH_KEY": key}
        sample = subprocess.run(
            [sys.executable, SAMPLE, "--yes", "--timeout", "120"],
            env={**os.environ, **environment},
            check=False,
        )
    return sample.returncode


if __name__ == "__main__":
    sys.exit(main())
