"""A program that runs programs in forks of itself: `python -c TEXT_OF_THIS_FILE WHAT_TO_IMPORT`.

It is a line of JSON on standard input that asks for one, and a line with its exit code that answers. It imports
nothing but the standard library, so that it can be run without any package.
"""

from __future__ import annotations

import json
import os
import sys
import warnings


def serve() -> str:
    """Return, in a fork, the text of a program that was asked for. The server ends with standard input."""
    for line in sys.stdin.buffer:
        with warnings.catch_warnings():
            # Python 3.12 warns where there are threads. OpenBLAS may have some, and stops them before a fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            return become(**json.loads(line))
        _, status = os.waitpid(child, 0)
        os.write(1, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    sys.exit()


def become(program: str, arguments: list[str], folder: str, streams: list[str | None]) -> str:
    """Give this process the arguments, folder and standard streams of a fresh one; a closed stream is None."""
    os.chdir(folder)
    for number, file in enumerate(streams):
        if file is None:
            os.close(number)
            setattr(sys, ("stdin", "stdout", "stderr")[number], None)
        else:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY)
            os.dup2(descriptor, number)
            os.close(descriptor)
    if sys.stdin is not None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)  # the old one has read ahead
    sys.argv = ["-c", *arguments]
    return program


exec(sys.argv[1], {})
exec(serve(), {"__name__": "__main__"})
