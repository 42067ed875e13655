"""`mpirun specnet run --distributed mpi`, with real processes."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.runs.checkpoints import latest
from tests.support import mpirun

pytest.importorskip("mpi4py")
pytestmark = pytest.mark.skipif(mpirun.MPIRUN is None, reason="could not import MPI: there is no mpirun")

MOONS = """
specnet = 1
name = "moons"
dtype = "float64"
metrics = ["accuracy", "auc"]
data = { type = "synthetic", kind = "moons", samples = 61, noise = 0.2, split = { validation = 0.25 } }
loss = "cross_entropy"

[training]
epochs = 4
batch_size = 8
optimizer = "adam"
"""

SPEC = (
    MOONS
    + """
[[layers]]
type = "dense"
units = 8
activation = "tanh"

[[layers]]
type = "batch_norm"

[[layers]]
type = "dropout"
rate = 0.2

[[layers]]
type = "dense"
units = 2
"""
)

ENSEMBLE = (
    MOONS
    + """
[[layers]]
type = "ensemble"
members = 3
sharing = "tabm"
layers = [
    { type = "dense", units = 8, activation = "tanh" },
    { type = "dropout", rate = 0.2 },
    { type = "dense", units = 2 },
]
"""
)

LONG = ("--set", "training.epochs=1000000", "--set", "training.checkpoint={every_seconds=0.2}")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "spec.toml").write_text(SPEC)
    return tmp_path


def alone(folder, **options):
    return specnet.run(folder / "spec.toml", out=folder / "alone", **options)


@pytest.mark.parametrize(("size", "spec"), [(2, ENSEMBLE), (3, SPEC)])
def test_processes_train_as_one_does_and_the_first_alone_says_so(folder, size, spec):
    (folder / "spec.toml").write_text(spec)
    one = alone(folder)
    code, out, errors = mpirun.train(folder, "--out", "run", "--output", "json", size=size)
    assert (code, errors.count("moons: ")) == (0, 1)
    result = json.loads(out)
    assert (result["ranks"], result["stopped"], result["steps"]) == (size, "completed", one.steps)
    for split, figures in one.splits.items():
        for name, figure in figures.items():
            assert result["splits"][split][name] == pytest.approx(figure, rel=1e-10)
    kept = specnet.load_run(folder / "run")
    for name, array in one.parameters.items():
        np.testing.assert_allclose(kept.parameters[name], array, 1e-10, 1e-10)
    assert json.loads((folder / "run/resolved.json").read_text())["computed_with"][-1]["ranks"] == size
    assert {path.name for path in (folder / "run").iterdir()} == {
        path.name for path in (folder / "alone").iterdir()
    }


def test_a_table_is_shown_once(folder):
    code, out, _ = mpirun.train(folder, "--no-save", "--quiet")
    assert code == 0
    assert out.count("accuracy") == 2  # in the head of the table, and in the verdict


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_after_the_same_step_and_the_run_goes_on(folder, number):
    process = mpirun.start(folder, "run", "spec.toml", "--distributed", "mpi", "--out", "run", *LONG)
    mpirun.when((folder / "run/checkpoints").exists)
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + number
    assert "to resume: mpirun -n 2 specnet run spec.toml" in errors
    assert "--distributed mpi --resume run" in errors
    stored = json.loads((folder / "run/result.json").read_text())
    assert stored["stopped"] == "interrupted"
    found, _ = latest(folder / "run")
    assert found.training.plain["steps"]["step"] == stored["steps"]
    more = ("--set", f"training.epochs={int(stored['epochs']) + 2}")
    code, _, errors = mpirun.train(folder, *more, "--resume", "run", "--output", "json", size=3)
    assert code == 1  # a run asks for no less than before
    assert errors.count("error") == 1


def test_a_lost_process_ends_the_run_soon_and_its_last_checkpoint_is_whole(folder):
    process = mpirun.start(folder, "run", "spec.toml", "--distributed", "mpi", "--out", "run", *LONG)
    mpirun.when(lambda: len(list((folder / "run/checkpoints").glob("*.npz"))) == 2)
    own = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdecimal() and _is_of(p, folder)]
    assert len(own) == 2
    os.kill(own[1], signal.SIGKILL)
    began = time.monotonic()
    process.communicate(timeout=10)
    assert process.returncode != 0
    assert time.monotonic() - began < 10
    mpirun.when(lambda: not any(map(_is_there, own)))
    found, problems = latest(folder / "run")
    assert found is not None
    assert not problems


def _is_of(process, folder):
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        return b"specnet" in words and (process / "cwd").resolve() == folder.resolve() and b"-n" not in words
    except OSError:
        return False


def _is_there(pid):
    return Path(f"/proc/{pid}/cmdline").exists() and b"specnet" in Path(f"/proc/{pid}/cmdline").read_bytes()


PROGRAM = """
import itertools, sys, specnet
from mpi4py import MPI
from specnet.passes import share_update

share_update.sharing_pays = lambda *_: True  # as for a network of more parameters
rank, asked = MPI.COMM_WORLD.Get_rank(), itertools.count(1)
out, resume, stop, fault = sys.argv[1:5]


def listen(event):
    if fault and rank == int(fault) and isinstance(event, specnet.EpochEnded):
        raise OSError("disk full")


try:
    result = specnet.run(
        "spec.toml", distributed="mpi", listener=listen,
        out=None if resume else out, resume=resume or None,
        stop=lambda: rank == 0 and stop != "" and next(asked) == int(stop),
    )
    sys.stdout.write(f"{rank} {result.stopped} {result.steps} {result.run is not None}\\n")
except (OSError, specnet.RunError) as error:
    sys.stdout.write(f"{rank} {error}\\n")
"""


def program(folder, out, resume="", stop="", fault="", size=2):
    (folder / "program.py").write_text(PROGRAM)
    code, printed, errors = mpirun.run(folder, out, resume, stop, fault, size=size, program=("program.py",))
    assert code == 0, errors
    return sorted(printed.splitlines())


def test_a_run_is_resumed_to_the_bit_by_as_many_processes_and_goes_on_with_others(folder):
    more = "batch_size = 8\nclip_norm = 0.5\nema_decay = 0.9"
    (folder / "spec.toml").write_text(SPEC.replace("batch_size = 8", more))
    assert program(folder, "whole") == ["0 completed 24 True", "1 completed 24 False"]
    assert program(folder, "cut", stop=9) == ["0 interrupted 9 True", "1 interrupted 9 False"]
    assert program(folder, "", resume="cut") == ["0 completed 24 True", "1 completed 24 False"]
    assert (folder / "cut/model.npz").read_bytes() == (folder / "whole/model.npz").read_bytes()
    program(folder, "other", stop=9)
    assert program(folder, "", resume="other", size=3)[0] == "0 completed 24 True"
    one, other = (specnet.load_run(folder / name).parameters for name in ("whole", "other"))
    for name, array in one.items():
        np.testing.assert_allclose(array, other[name], 1e-10, 1e-10)
    assert program(folder, "", resume="whole") == ["0 completed 24 True", "1 completed 24 True"]


def test_the_newest_run_is_found_by_the_first_process(folder):
    assert mpirun.train(folder, "--resume")[0] == 1
    assert mpirun.train(folder, "--quiet")[0] == 0
    code, _, errors = mpirun.train(folder, "--resume")
    assert code == 0
    assert "runs/moons/001 is finished already: this is its result" in errors


@pytest.mark.parametrize("rank", [0, 1])
def test_what_goes_wrong_in_one_process_ends_all(folder, rank):
    other = f"{1 - rank} process {rank} of 2: disk full"
    assert program(folder, "run", fault=rank) == sorted([f"{rank} disk full", other])


def test_a_faulty_document_is_told_once(folder):
    code, out, errors = mpirun.train(folder, "--set", "training.epochs=0")
    assert (code, out, errors.count("error[SN208]")) == (1, "", 1)
    code, out, errors = mpirun.run(folder, "run", "none.toml", "--distributed", "mpi")
    assert (code, errors.count("none.toml: no such file")) == (2, 1)
    code, _, errors = mpirun.train(folder, "--engine", "nun")
    assert (code, errors.count("Invalid value for '--engine'")) == (2, 1)


def test_a_loss_that_diverges_ends_all(folder):
    code, _, errors = mpirun.train(
        folder, "--no-save", "--quiet", "--set", "training.optimizer={type='sgd',learning_rate=1e300}"
    )
    assert code == 1
    assert errors.count("diverged") == 1


def test_one_process_alone_trains_on(folder):
    code, _, errors = mpirun.train(folder, "--no-save", size=1)
    assert code == 0
    assert "this is the only process: `mpirun -n 4 specnet run ...` starts several" in errors
