"""Processes that `mpirun` starts on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HANG = 60
"""Seconds after which a command is taken to hang."""

BESIDE = Path(sys.executable).parent / "mpirun"
MPIRUN = str(BESIDE) if BESIDE.exists() else shutil.which("mpirun")
"""The command, where there is one."""


def launch(folder, *words):
    """Start a command in a folder, in a process group of its own."""
    path = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {
        **os.environ,
        "PYTHONPATH": path,
        "OPENBLAS_NUM_THREADS": "1",
        "NO_COLOR": "1",
        "COLUMNS": "80",
    }
    return subprocess.Popen(
        [*map(str, words)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def ended(process):
    """Return the exit code, the output and the errors of a command."""
    out, errors = process.communicate(timeout=HANG)
    return process.returncode, out, errors


def start(folder, *arguments, size=2, program=("-m", "specnet")):
    """Start so many processes of a command in a folder."""
    return launch(folder, MPIRUN, "-n", size, sys.executable, *program, *arguments)


def run(folder, *arguments, **options):
    """Return the exit code, the output and the errors of a command."""
    return ended(start(folder, *arguments, **options))


def train(folder, *arguments, size=2):
    """Train `spec.toml` of a folder."""
    return run(folder, "run", "spec.toml", "--distributed", "mpi", *arguments, size=size)


def when(done):
    """Wait until something is so."""
    end = time.monotonic() + HANG
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)
