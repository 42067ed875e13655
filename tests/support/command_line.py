from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.forking import HANG, USUAL, Forks, Streams

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"

Specnet = Callable[..., subprocess.CompletedProcess[str]]


def environment(**more: str) -> dict[str, str]:
    """An environment in which nothing but `more` has a say in what output looks like."""
    decided = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TERM", "PYTHONIOENCODING", "SPECNET_DEBUG"}
    decided.add("PYTEST_CURRENT_TEST")
    kept = {k: v for k, v in os.environ.items() if k not in decided}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONWARNINGS": "error", **more}


def run_command(
    arguments: Sequence[str],
    folder: Path,
    variables: Mapping[str, str],
    *,
    given: str | None = None,
    streams: Streams = USUAL,
) -> subprocess.CompletedProcess[str]:
    """Run `specnet ARGUMENTS` in a folder, and return its exit code and output.

    It runs in a fork of a process that has imported specnet, or in a fresh process if it has an environment of its
    own, which libraries read while they are imported, or if processes cannot fork. Standard input is a pipe with
    what is `given`, or empty.
    """
    if hasattr(os, "fork") and variables == _forks().environment:
        return _forks().run(COMMAND, arguments, folder, given=given, streams=streams)
    command = [sys.executable, "-m", "specnet", *arguments]
    if streams:
        redirections = (f"{number}{'>' if number else '<'}{file or '&-'}" for number, file in streams.items())
        command = ["sh", "-c", f'"$0" "$@" {" ".join(redirections)}', *command]
    return subprocess.run(
        command,
        cwd=folder,
        env=variables,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        input=given or "",
        timeout=HANG,
        check=False,
    )


@functools.cache
def _forks() -> Forks:
    """Return what runs commands; it starts with the first one."""
    return Forks(IMPORTS, environment=environment())


IMPORTS = """
from contextlib import suppress
from importlib import import_module
from pkgutil import walk_packages
import specnet
for module in walk_packages(specnet.__path__, "specnet."):
    alone = {"specnet.__main__", "specnet.notebook", "specnet.sklearn"}
    if module.name not in alone and not module.name.startswith("specnet.engines.numba"):
        import_module(module.name)
for extra in ("jinja2", "matplotlib.figure"):
    with suppress(ImportError):
        import_module(extra)
# Pydantic builds some of its validators when they are used first.
data = {"type": "inline", "inputs": [[0.0]], "targets": [0.0]}
layers = [{"type": "dense", "units": 1}]
assert specnet.validate({"specnet": 1, "loss": "mse", "data": data, "layers": layers})
"""

COMMAND = """
import os, runpy, sys
sys.path[0] = os.getcwd()
runpy.run_module("specnet", run_name="__main__", alter_sys=True)
"""
"""What `python -m specnet` does."""


def await_(process: subprocess.Popen[str], done: Callable[[], object]) -> None:
    """Wait until a process has come to where something is true of its files; fail where it ends, or hangs, before."""
    until = time.monotonic() + HANG
    while not done():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it hangs"
        time.sleep(0.01)


def written(path: Path) -> Callable[[], bool]:
    """Return whether there is something in a file."""
    return lambda: path.exists() and path.stat().st_size > 0


ENDLESS = """\
specnet = 1
name = "endless"

[data]
type = "synthetic"
kind = "moons"
split = { validation = 0.2 }

[[layers]]
type = "dense"
units = 8
activation = "tanh"

[[layers]]
type = "dense"
units = 1

[loss]
type = "binary_cross_entropy"

[training]
epochs = 1000000
"""
