"""Waiting for a process of ours without a thread for each; the one Linux call of the fleet."""

import asyncio
import os
import subprocess


async def exit_code(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a child once it has ended.

    asyncio's own subprocesses are of no use here: they kill the child when they are dropped, and
    a node's agent has to outlive its server.
    """
    if process.poll() is not None:
        return process.returncode
    if not hasattr(os, "pidfd_open"):  # Not Linux.
        return await asyncio.to_thread(process.wait)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    try:
        loop.add_reader(descriptor, ended.set)
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()
