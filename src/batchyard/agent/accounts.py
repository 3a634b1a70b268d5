"""The account that tasks run as."""

import grp
import os
import pwd
import subprocess
from typing import Final

from batchyard.agent.settings import TaskAccount

#: Name of the account, the same on every machine and for every node.
ACCOUNT_NAME: Final = "batchyard-task"

#: Numeric user and group where no account can be made: above what systems give to people and
#: below the ids of containers. Programs that look up their user's name fail there.
FALLBACK_ID: Final = 60_999

_USERADD: Final = "/usr/sbin/useradd"


def ensure_task_account() -> TaskAccount | None:
    """Return the unprivileged account for tasks, made now if it is missing.

    None when we are not root: everything runs as the one user then, and nothing is separated.
    The account has no home and no password, and is not locked either (``*``, not ``!``), so that
    a pool's users may later reach it by key.
    """
    if os.geteuid() != 0:
        return None
    found = _find()
    if found is not None:
        return found
    try:
        # Of two servers that do this at once one fails, and finds what the other one made.
        subprocess.run(  # noqa: S603  # Nothing of it is anybody's input.
            [_USERADD, "--system", "-M", "-U", "-s", "/bin/sh", "-p", "*", ACCOUNT_NAME],
            check=False,
            capture_output=True,
        )
    except FileNotFoundError:
        return TaskAccount(ACCOUNT_NAME, FALLBACK_ID, FALLBACK_ID)
    return _find() or TaskAccount(ACCOUNT_NAME, FALLBACK_ID, FALLBACK_ID)


def _find() -> TaskAccount | None:
    try:
        entry = pwd.getpwnam(ACCOUNT_NAME)
        return TaskAccount(ACCOUNT_NAME, entry.pw_uid, grp.getgrgid(entry.pw_gid).gr_gid)
    except KeyError:
        return None


def own_name() -> str:
    """Return the name of the user that we run as, or its number if it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
