"""`specnet run --distributed N`, with real processes."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

import specnet
from specnet.runs.checkpoints import latest
from tests.support.mpirun import ended, launch, when

SPEC = """
specnet = 1
name = "moons"
dtype = "float64"
metrics = ["accuracy"]
data = { type = "synthetic", kind = "moons", samples = 61, noise = 0.2, split = { validation = 0.25 } }
layers = [{ type = "dense", units = 8, activation = "tanh" }, { type = "dense", units = 2 }]
loss = "cross_entropy"
training = { epochs = 4, batch_size = 8, optimizer = "adam" }
"""

LONG = ("--set", "training.epochs=1000000", "--set", "training.checkpoint={every_seconds=0.2}")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    return tmp_path


def start(folder, *arguments, processes=2):
    words = ("-m", "specnet", "run", "spec.toml", "--distributed", processes)
    return launch(folder, sys.executable, *words, *arguments)


def run(folder, *arguments, **options):
    return ended(start(folder, *arguments, **options))


def test_results_are_those_of_one_process_and_are_shown_once(folder):
    code, out, errors = run(folder, "--out", "run", "--output", "json", processes=3)
    assert (code, errors.count("moons: ")) == (0, 1)
    result, one = json.loads(out), specnet.run(folder / "spec.toml")
    assert (result["ranks"], result["steps"]) == (3, one.steps)
    assert result["splits"]["validation"]["loss"] == pytest.approx(
        one.splits["validation"]["loss"], rel=1e-10
    )
    assert specnet.load_run(folder / "run").parameters.keys() == one.parameters.keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_stops_them_after_the_same_step(folder, number):
    process = start(folder, "--out", "run", *LONG)
    when((folder / "run/checkpoints").exists)
    os.killpg(process.pid, number)  # as a terminal does
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert "--distributed 2 --resume run" in errors
    stored = json.loads((folder / "run/result.json").read_text())
    found, _ = latest(folder / "run")
    assert found.training.plain["steps"]["step"] == stored["steps"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found through /proc")
@pytest.mark.parametrize("lost", [0, 1])
def test_a_lost_process_ends_all_and_leaves_a_checkpoint(folder, lost):
    process = start(folder, "--out", "run", *LONG)
    when(lambda: len(list((folder / "run/checkpoints").glob("*.npz"))) == 2)
    (other,) = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    os.kill([process.pid, other][lost], signal.SIGKILL)
    _, errors = process.communicate(timeout=10)
    if lost:
        assert process.returncode == 1
        assert "error: process 1 of 2 was ended by SIGKILL" in errors
    when(lambda: not Path(f"/proc/{other}").exists())
    found, problems = latest(folder / "run")
    assert found is not None
    assert not problems


def test_what_is_wrong_is_told_once(folder):
    code, out, errors = run(folder, "--set", "training.epochs=0")
    assert (code, out, errors.count("error[SN208]")) == (1, "", 1)
    code, _, errors = run(
        folder,
        "--no-save",
        "--set",
        "training.optimizer={type='sgd',learning_rate=1e300}",
        "--set",
        "layers.0.activation=relu",
    )
    assert (code, errors.count("diverged:")) == (1, 1)
    for processes in (0, 1025, "many", "99999999999999999999"):
        code, _, errors = run(folder, processes=processes)
        assert code == 2
        assert f"'{processes}' is neither a whole number from 1 to 1024 nor mpi" in " ".join(errors.split())


def test_more_processes_than_cores_are_noted(folder):
    cores = len(os.sched_getaffinity(0))
    code, _, errors = run(folder, "--no-save", processes=cores + 1)
    assert (code, errors.count(f"{cores + 1} processes on {cores} core")) == (0, 1)


def test_a_number_of_one_trains_alone(folder):
    code, out, errors = run(folder, "--no-save", "--quiet", "--output", "json", processes=1)
    assert (code, errors, "ranks" in json.loads(out)) == (0, "", False)
