"""Run programs in forks of a process that has already imported what they need.

To import specnet takes a process ten times as long as a small command does. A fork of one that has imported it is as
separate as a fresh one: it has its own folder, streams, signals and exit.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

HANG = 120
"""Seconds after which a process has failed; none needs so long."""

Streams = Mapping[int, str | None]
"""Files for standard streams, by number; None closes one."""

USUAL: Streams = MappingProxyType({})


class Forks:
    """A process that has run some statements, usually imports, and runs programs in forks of itself."""

    def __init__(self, imports: str, *flags: str, environment: Mapping[str, str] | None = None) -> None:
        self.environment = environment
        server = Path(__file__).with_name("fork_server.py").read_text(encoding="utf-8")
        self.process = subprocess.Popen(
            [sys.executable, *flags, "-c", server, imports],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            process_group=0,
        )
        atexit.register(self.process.communicate)  # which ends it

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        folder: Path,
        *,
        given: str | None = None,
        streams: Streams = USUAL,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as `python -c PROGRAM ARGUMENTS` would; standard input is a pipe with `given`, or empty."""
        requests, answers = self.process.stdin, self.process.stdout
        assert requests is not None
        assert answers is not None
        with tempfile.TemporaryDirectory() as name:
            made = Path(name)
            files = {0: os.devnull, 1: str(made / "stdout"), 2: str(made / "stderr")}
            for number in (1, 2):
                Path(files[number]).touch()
            if given is not None:
                files[0] = str(_pipe_with(given, made))
            request = {
                "program": program,
                "arguments": list(arguments),
                "folder": str(folder),
                "streams": [streams.get(number, file) for number, file in files.items()],
            }
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            if not select.select([answers], [], [], HANG)[0]:
                os.killpg(self.process.pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired([*arguments], HANG)
            code = int(answers.readline())
            stdout, stderr = (Path(files[n]).read_text("utf-8", "surrogateescape") for n in (1, 2))
        return subprocess.CompletedProcess([*arguments], code, stdout, stderr)


def _pipe_with(text: str, folder: Path) -> Path:
    """Return a named pipe which whoever reads it finds the text in."""
    path = folder / "stdin"
    os.mkfifo(path)

    def write() -> None:
        with suppress(BrokenPipeError), path.open("w", encoding="utf-8") as pipe:
            pipe.write(text)

    threading.Thread(target=write, daemon=True).start()
    return path
