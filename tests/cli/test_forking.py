"""A command in a fork finds what it finds in a fresh process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import environment, run_command
from tests.support.forking import Forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot fork here")

STATE = """
import json, os, signal, sys, warnings
print(json.dumps({
    "arguments": sys.argv,
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "name": __name__,
    "given": sys.stdin.read(),
    "terminals": [os.isatty(number) for number in range(3)],
    "encodings": [stream.encoding for stream in (sys.stdin, sys.stdout, sys.stderr)],
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "filters": str(warnings.filters),
    "files": sorted(os.listdir("/dev/fd"))[:3],
}))
print("an error", file=sys.stderr)
sys.exit(7)
"""


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks("import json", environment=environment())
    yield made
    made.process.communicate()


def test_a_fork_is_as_a_fresh_process(forks: Forks, tmp_path: Path) -> None:
    fresh = subprocess.run(
        [sys.executable, "-c", STATE, "a", "b c"],
        input="è\n" * 50_000,  # more than a pipe holds
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    done = forks.run(STATE, ["a", "b c"], tmp_path, given="è\n" * 50_000)
    assert json.loads(done.stdout) == json.loads(fresh.stdout)
    assert (done.returncode, done.stderr) == (fresh.returncode, fresh.stderr) == (7, "an error\n")


def test_one_fork_leaves_nothing_to_the_next(forks: Forks, tmp_path: Path) -> None:
    forks.run("import os, json; json.left = 1; os.environ['LEFT'] = '1'; os.chdir('/')", [], tmp_path)
    done = forks.run("import os, json; print(hasattr(json, 'left'), 'LEFT' in os.environ)", [], tmp_path)
    assert done.stdout == "False False\n"


def test_a_fork_that_is_killed_ends_alone(forks: Forks, tmp_path: Path) -> None:
    killed = forks.run("import os; os.kill(os.getpid(), 9)", [], tmp_path)
    assert killed.returncode == -signal.SIGKILL
    assert forks.run("print(1 / 0)", [], tmp_path).stderr.endswith("ZeroDivisionError: division by zero\n")


def test_streams_may_be_files_or_closed(forks: Forks, tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("1,2\n")
    program = "import sys; print(sys.stdin.read(), sys.stderr)"
    done = forks.run(program, [], tmp_path, streams={0: "rows", 2: None})
    assert done.stdout == "1,2\n None\n"


def test_a_command_with_an_environment_of_its_own_reads_it(tmp_path: Path) -> None:
    for colour in ("", "1"):
        variables = environment(**({"FORCE_COLOR": colour} if colour else {}))
        done = run_command(["validate", "-"], tmp_path, variables, given="specnet = 2\n")
        assert (done.returncode, "\x1b[" in done.stdout) == (1, bool(colour))
