"""From a command line to a program and its arguments.

A command line does not run under a shell: no variable, no redirection, no pattern means anything
in it. Source: T-9.
"""

import os
import re
import shlex
from typing import Final

#: Blanks and printable characters but quotes and the backslash: nothing for shlex, which is slow.
_PLAIN: Final = re.compile(r"[ \t\r\n!#-&(-\[\]-~]*")


class BadCommandLine(Exception):
    """The command line has no meaning; the message says why."""


class ProgramNotFound(Exception):
    """There is no program of that name. Source: T-11."""


def split(command_line: str) -> list[str]:
    """Split a command line as a POSIX shell would, quotes and backslashes included.

    Raises:
        BadCommandLine: It is empty, or a quotation in it does not end.
    """
    try:
        if _PLAIN.fullmatch(command_line):
            arguments = command_line.split()
        else:
            arguments = shlex.split(command_line, posix=True)
    except ValueError as error:
        raise BadCommandLine(
            f"The command line cannot be split into arguments: {error}."
        ) from error
    if not arguments or not arguments[0]:
        raise BadCommandLine("The command line names no program.")
    return arguments


def find_program(name: str, search_path: str, working_directory: str) -> str:
    """Return the absolute path of the program `name`.

    A name with a slash is relative to the working directory. Another one is looked for in
    `search_path`, where an entry that is not absolute is relative to the working directory too;
    the first executable file counts, or else the first file, so that starting it says what is
    wrong with it.

    Raises:
        ProgramNotFound: There is none.
    """
    if "/" in name:
        return os.path.join(working_directory, name)  # noqa: PTH118  # Called for every task.
    unusable: str | None = None
    for folder in search_path.split(":"):
        path = f"{os.path.join(working_directory, folder)}/{name}"  # noqa: PTH118
        if os.path.isfile(path):  # noqa: PTH113
            if os.access(path, os.X_OK):
                return path
            unusable = unusable or path
    if unusable is not None:
        return unusable
    raise ProgramNotFound(f"No such file or directory: {name}")
