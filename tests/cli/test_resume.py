"""Runs that are killed, interrupted and resumed, as processes."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.command_line import HANG, Specnet, await_, environment, written
from tests.support.examples import examples

KILLS = examples(4)
"""How often real processes are killed; more are asked for by the environment."""

DOCUMENT = """\
specnet = 1
name = "moons"
metrics = ["accuracy", "confusion"]

[data]
type = "synthetic"
kind = "moons"
samples = 400
noise = 0.2
split = { validation = 0.2 }

[[layers]]
type = "dense"
units = 60
activation = "tanh"

[[layers]]
type = "dropout"
rate = 0.3

[[layers]]
type = "dense"
units = 2

[loss]
type = "cross_entropy"

[training]
epochs = EPOCHS
batch_size = 32
accumulate = 2
optimizer = "nadam"
schedule = { type = "plateau", patience = 3 }
early_stopping = { patience = 10000 }
"""
EVERY = "checkpoint = { every_steps = 3, best = 'validation.loss' }\n"


MADE_UP = """\
type = "synthetic"
kind = "moons"
samples = 400
noise = 0.2
"""
IN_BATCHES = """\
type = "csv"
path = "rows.csv"
target = "y"
load = "batches"
shuffle_buffer = 50
"""


def write(folder: Path, epochs: int, more: str = "") -> None:
    (folder / "a.toml").write_text(DOCUMENT.replace("EPOCHS", str(epochs)) + more)


def write_table(folder: Path) -> None:
    random = np.random.default_rng(0)
    rows = "".join(f"{a:.5f},{b:.5f},{int(a * b > 0)}\n" for a, b in random.normal(size=(400, 2)))
    (folder / "rows.csv").write_text(f"a,b,y\n{rows}")


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "specnet", "run", "a.toml", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=folder, text=True,
    )  # fmt: skip


KILLED = """
import os, signal, sys
from specnet.cli import main
from specnet.training.loop import Trainer
phase, left = sys.argv.pop(1), int(sys.argv.pop(1))

def count(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

if phase == "training":
    train = Trainer._train
    def counted(*arguments):
        sys.setprofile(count)
        return train(*arguments)
    Trainer._train = counted
else:
    sys.setprofile(count)
main()
"""
"""The command, killed by itself after some calls and returns, from the start or that of its training."""


def killed(folder: Path, phase: str, calls: int, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, phase, str(calls), "run", "a.toml", "-q", *arguments],
        env=environment(), cwd=folder, capture_output=True, text=True, timeout=HANG, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


def recorded(run: Path) -> dict[str, Any]:
    """All that a run's directory says, but for times and its own path."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((run / "result.json").read_text())
    for row in (*rows, result):
        row.pop("seconds")
    del result["run"]
    return {"metrics": rows, "result": result, "model": (run / "model.npz").read_bytes()}


@pytest.mark.parametrize("data", [MADE_UP, IN_BATCHES], ids=["in memory", "in batches"])
def test_however_often_it_is_killed_it_ends_the_same(specnet: Specnet, tmp_path: Path, data: str) -> None:
    write(tmp_path, 40 * KILLS, EVERY)
    write_table(tmp_path)
    document = tmp_path / "a.toml"
    document.write_text(document.read_text().replace(MADE_UP, data))
    assert specnet("run", "a.toml", "--out", "whole", "-q").returncode == 0
    draw = random.Random(os.environ.get("SPECNET_TEST_SEED", "7"))
    run = tmp_path / "runs" / "moons" / "001"
    # What dies before it has made a directory leaves nothing to go on with. An epoch has about 11,000 calls and
    # returns.
    killed(tmp_path, "training", 200_000)
    for _ in range(KILLS - 1):
        # Most are killed at work, and a few while they start.
        phase, calls = ("training", 400_000) if draw.random() < 0.8 else ("start", 1_000_000)
        killed(tmp_path, phase, draw.randint(1, calls), "--resume")
    assert not (run / "result.json").exists()
    done = specnet("run", "a.toml", "--resume", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert recorded(run) == recorded(tmp_path / "whole")
    assert sorted(path.name for path in run.iterdir()) == sorted(
        path.name for path in (tmp_path / "whole").iterdir()
    )
    assert len(list((run / "checkpoints").iterdir())) == 3


def test_killed_during_a_write(specnet: Specnet, tmp_path: Path) -> None:
    write(tmp_path, 6, EVERY)
    assert specnet("run", "a.toml", "--out", "whole", "-q").returncode == 0
    # A process that kills itself half way through the file of its third, then of its fourth checkpoint, ...
    code = (
        "import os, signal, sys, specnet\n"
        "from specnet.runs import checkpoints as module\n"
        "write, left = module.write_arrays, [int(sys.argv[1])]\n"
        "def die(file, arrays):\n"
        "    left[0] -= 1\n"
        "    write(file, arrays)\n"
        "    if not left[0]:\n"
        "        file.flush(); file.truncate(file.tell() // 2); os.kill(os.getpid(), signal.SIGKILL)\n"
        "module.write_arrays = die\n"
        "where = {'resume': 'cut'} if os.path.exists('cut') else {'out': 'cut'}\n"
        "specnet.run(specnet.load('a.toml'), **where)\n"
    )
    for write_number in (3, 1, 2):
        done = subprocess.run(
            [sys.executable, "-c", code, str(write_number)],
            cwd=tmp_path, env=environment(), capture_output=True, timeout=HANG, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL, done.stderr
        (half,) = (tmp_path / "cut" / "checkpoints").glob(".*.tmp")
        assert half.stat().st_size > 0
    done = specnet("run", "a.toml", "--resume", "cut", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    assert recorded(tmp_path / "cut") == recorded(tmp_path / "whole")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_says_how_to_resume_and_that_does(tmp_path: Path, number: int, code: int) -> None:
    write(tmp_path, 10**6)
    process = start(tmp_path, "--seed", "5", "--set", "training.batch_size=40")
    run = tmp_path / "runs" / "moons" / "001"
    await_(process, written(run / "metrics.jsonl"))
    process.send_signal(number)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == code
    (command,) = re.findall(r"to resume: specnet run (.*)", err)
    (checkpoint,) = (run / "checkpoints").iterdir()
    process = start(tmp_path, *shlex.split(command)[1:])
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith(f"resuming from {checkpoint.relative_to(tmp_path)}: ")
    process.kill()
    process.communicate(timeout=HANG)


def test_a_second_signal_ends_at_once_and_damages_nothing(tmp_path: Path) -> None:
    # Evaluating many rows at the end takes long enough for the second signal to come meanwhile.
    write(tmp_path, 10**6, EVERY)
    text = (tmp_path / "a.toml").read_text()
    (tmp_path / "a.toml").write_text(
        text.replace("samples = 400", "samples = 400000").replace("= 32", "= 512")
    )
    code = (
        "import os\n"
        "from specnet.cli import interrupts, main\n"
        "handle = interrupts.Interrupts._handle\n"
        "def noted(*arguments):\n"
        # Unlike `print`, it may be called again while it is being called: the second signal may come meanwhile.
        "    os.write(1, b'signal\\n')\n"
        "    handle(*arguments)\n"
        "interrupts.Interrupts._handle = noted\n"
        "main()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "a.toml"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), cwd=tmp_path, text=True,
    )  # fmt: skip
    run = tmp_path / "runs" / "moons" / "001"
    await_(process, lambda: list(run.glob("checkpoints/0*.npz")))
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "signal\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=HANG)
    assert process.returncode == 130
    assert err.endswith("error: interrupted\n")
    assert not list(tmp_path.rglob(".*.tmp"))
    assert not (run / ".lock").exists()
    for path in run.glob("checkpoints/*.npz"):
        with np.load(path) as stored:
            assert np.isfinite(stored["training/parameters"]).all()
    process = start(tmp_path, "--resume")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("resuming from ")
    process.kill()
    process.communicate(timeout=HANG)


def test_a_killed_process_keeps_no_lock_and_a_living_one_does(specnet: Specnet, tmp_path: Path) -> None:
    write(tmp_path, 10**6)
    process = start(tmp_path)
    run = tmp_path / "runs" / "moons" / "001"
    await_(process, written(run / "metrics.jsonl"))
    try:
        for arguments in (("--resume",), ("--resume", str(run)), ("--out", str(run))):
            done = specnet("run", "a.toml", *arguments)
            assert done.returncode == 1
            assert re.search(rf"error: .*runs/moons/001 is in use by process {process.pid}\n", done.stderr)
    finally:
        process.kill()
        process.communicate(timeout=HANG)
    assert (run / ".lock").exists()
    process = start(tmp_path, "--resume")
    assert process.stderr is not None
    assert process.stderr.readline() == "runs/moons/001 has no complete checkpoint: it starts over\n"
    process.kill()
    process.communicate(timeout=HANG)


def test_a_damaged_checkpoint_is_reported(specnet: Specnet, tmp_path: Path) -> None:
    write(tmp_path, 4, EVERY)
    assert specnet("run", "a.toml", "-q").returncode == 0
    run = tmp_path / "runs" / "moons" / "001"
    (run / "result.json").unlink()
    last = max((run / "checkpoints").glob("0*.npz"))
    last.write_bytes(last.read_bytes()[:1000])
    done = specnet("run", "a.toml", "--resume", "-q")
    assert done.returncode == 0
    assert f"warning: {last.relative_to(tmp_path)} is damaged: " in done.stderr


def test_wrong_usage(specnet: Specnet, tmp_path: Path) -> None:
    write(tmp_path, 2)
    for arguments in (("runs/moons/001",), ("--resume", "--no-save"), ("--resume", "--out", "here")):
        assert specnet("run", "a.toml", *arguments).returncode == 2
    done = specnet("run", "a.toml", "--resume")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no run in runs/moons to resume" in done.stderr


def test_a_finished_run_shows_its_result(specnet: Specnet, tmp_path: Path) -> None:
    """A job that a scheduler starts once more after its last write ends as it ended before."""
    write(tmp_path, 3, EVERY)
    first = specnet("run", "a.toml", "--resume")
    assert first.returncode == 1
    first = specnet("run", "a.toml", "-q")
    assert first.returncode == 0
    for run in ((), ("runs/moons/001",)):
        again = specnet("run", "a.toml", "--resume", *run)
        assert (again.returncode, again.stdout) == (0, first.stdout)
        assert again.stderr == "runs/moons/001 is finished already: this is its result\n"
    printed = specnet("run", "a.toml", "-q", "--output", "json", "--out", "b")
    again = specnet("run", "a.toml", "-q", "--output", "json", "--resume", "b")
    assert (again.returncode, again.stdout, again.stderr) == (0, printed.stdout, "")
    refused = specnet("run", "a.toml", "--resume", "b", "--seed", "9")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "b is a run of another experiment, and cannot be resumed: `seed` is 9, and was 0" in refused.stderr


def test_a_run_that_diverged_has_failed_still(specnet: Specnet, tmp_path: Path) -> None:
    write(tmp_path, 3)
    steep = "training.optimizer={type = 'sgd', learning_rate = 1e30, weight_decay = 0.1}"
    first = specnet("run", "a.toml", "-q", "--set", steep)
    again = specnet("run", "a.toml", "-q", "--set", steep, "--resume")
    assert first.returncode == 1
    assert ", diverged\n" in first.stdout
    assert (again.returncode, again.stdout, again.stderr) == (first.returncode, first.stdout, first.stderr)


def test_a_torn_result_is_reported(specnet: Specnet, tmp_path: Path) -> None:
    write(tmp_path, 3)
    first = specnet("run", "a.toml", "-q")
    (tmp_path / "runs" / "moons" / "001" / "result.json").write_text('{"specnet": ')
    assert [run["status"] for run in json.loads(specnet("runs", "--output", "json").stdout)["runs"]] == [
        "unfinished"
    ]
    again = specnet("run", "a.toml", "-q", "--resume")
    assert again.returncode == 0
    assert again.stderr.startswith(
        "warning: runs/moons/001/result.json is damaged, so that the run counts as "
    )
    assert again.stdout.split("\n")[2:] == first.stdout.split("\n")[2:]  # all but the time that it took
