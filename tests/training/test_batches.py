"""Training on data that stay in their files: to the same bits, in memory that is known before."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import specnet
from tests.support.memory import growth_of_epochs, taken, trainer_maker

RANDOM = np.random.default_rng(5)


def store(folder, rows=600, columns=300):
    np.save(folder / "x.npy", RANDOM.integers(0, 256, (rows, columns)).astype("u1"))
    np.save(folder / "y.npy", RANDOM.integers(0, 3, rows))


def document(folder, load="batches", dtype="float32", layers=None, **training):
    data = {
        "type": "npy",
        "inputs": "x.npy",
        "targets": "y.npy",
        "load": load,
        "split": {"validation": 0.2},
        "transforms": ["standardize"],
    }
    layers = layers or [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dropout", "rate": 0.1}]
    base = {
        "specnet": 1,
        "name": "far",
        "data": data,
        "dtype": dtype,
        "layers": [*layers, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 4, "batch_size": 32, **training},
    }
    path = folder / f"{load}.json"
    path.write_text(json.dumps(base))
    return specnet.load(path)


@pytest.mark.parametrize("batch_size", [32, "full"])
def test_it_learns_the_same_bits(tmp_path, batch_size):
    store(tmp_path)
    runs = [specnet.run(document(tmp_path, load, batch_size=batch_size)) for load in ("whole", "batches")]
    flat = [run.model.parameters.flat.tobytes() for run in runs]
    assert flat[0] == flat[1]
    assert runs[0].splits == runs[1].splits
    assert runs[0].fit == runs[1].fit


def test_it_resumes_from_where_it_was_stopped(tmp_path):
    store(tmp_path)
    spec = document(tmp_path, checkpoint={"every_steps": 1})
    whole = specnet.run(spec)
    asked = iter([False] * 20 + [True] * 100)
    specnet.run(spec, out=tmp_path / "run", stop=lambda: next(asked))
    gone_on = specnet.run(spec, resume=tmp_path / "run")
    assert gone_on.model.parameters.flat.tobytes() == whole.model.parameters.flat.tobytes()
    figures = specnet.evaluate(tmp_path / "run")
    assert {name: dict(part) for name, part in figures.splits.items()} == dict(whole.splits)


@pytest.mark.parametrize("batch_size", [32, "full"])
@pytest.mark.parametrize("wide", [False, True])
def test_several_outputs_are_compared_with_rows_that_stay_in_their_files(tmp_path, batch_size, wide):
    store(tmp_path, columns=20)
    if wide:
        np.save(tmp_path / "y.npy", RANDOM.normal(size=(600, 3)))
    head = {"layer": "head", "loss": "mse" if wide else "cross_entropy"}
    text = json.loads((tmp_path / "batches.json").read_text()) if document(tmp_path) else {}
    del text["loss"]
    text["layers"] = [
        {"type": "dense", "units": 4, "name": "code"},
        {"type": "dense", "units": 20, "name": "back", "inputs": ["code"]},
        {"type": "dense", "units": 3, "name": "head", "inputs": ["code"]},
    ]
    text["outputs"] = {"image": {"layer": "back", "target": "inputs", "loss": "mse"}, "class": head}
    text["training"] |= {"batch_size": batch_size, "epochs": 2}
    runs = []
    for load in ("whole", "batches"):
        text["data"]["load"] = load
        (tmp_path / "several.json").write_text(json.dumps(text))
        runs.append(specnet.run(specnet.load(tmp_path / "several.json")))
    assert runs[0].model.parameters.flat.tobytes() == runs[1].model.parameters.flat.tobytes()
    assert runs[0].splits == runs[1].splits
    assert runs[0].fit == runs[1].fit


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_step_allocates_no_array(tmp_path, dtype):
    store(tmp_path, rows=1200, columns=3000)
    peaks = growth_of_epochs(specnet.train(document(tmp_path, dtype=dtype, epochs=6, batch_size=64)))
    # A batch, as it is stored, has 192,000 bytes. NumPy itself takes 64 KiB while it subtracts a row from many.
    assert max(peaks) < 100_000


@pytest.mark.parametrize("batch_size", [48, "full"])
def test_the_memory_predicted_is_the_memory_taken(tmp_path, batch_size):
    store(tmp_path, rows=6000)
    layers = [{"type": "dense", "units": 300, "activation": "relu"}] * 3
    spec = document(tmp_path, layers=layers, batch_size=batch_size, optimizer="adam", epochs=1)
    took = taken(trainer_maker(spec))
    assert took.trainer.memory == sum(took.predicted.values())
    assert abs(took.peak - took.trainer.memory) < 0.05 * took.peak
    assert took.predicted["data"] < 6_000_000  # the rows as numbers take 7.2 MB


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize("batch_size", [48, "full"])
def test_the_memory_predicted_of_several_outputs_is_the_memory_taken(tmp_path, batch_size, load):
    store(tmp_path, rows=6000)
    document(tmp_path, load)
    text = json.loads((tmp_path / f"{load}.json").read_text())
    del text["loss"]
    text["layers"] = [
        {"type": "dense", "units": 300, "name": "back"},
        {"type": "dense", "units": 3, "name": "class"},
        {"type": "dense", "units": 1, "name": "number", "inputs": ["back"]},
    ]
    text["outputs"] = {
        "back": {"target": "inputs", "loss": "mse"},
        "again": {"layer": "back", "target": "inputs", "loss": "mae"},
        "class": {"loss": "cross_entropy"},
        "number": {"loss": "mse"},
    }
    text["training"] |= {"batch_size": batch_size, "epochs": 1}
    (tmp_path / "several.json").write_text(json.dumps(text))
    took = taken(trainer_maker(specnet.load(tmp_path / "several.json")))
    assert took.trainer.memory == sum(took.predicted.values())
    assert abs(took.peak - took.trainer.memory) < 0.05 * took.peak
    arrays = took.trainer.feed.batches[0].arrays
    assert {name: (array.dtype.name, array.shape[1:]) for name, array in arrays.items()} == {
        "inputs": ("float32", (300,)),
        "targets/back": ("float32", (300,)),
        "targets/again": ("float32", (300,)),
        "targets/class": ("int64", ()),
        "targets/number": ("float32", (1,)),
    }
    # What an autoencoder is compared with are its inputs' own bytes.
    assert np.shares_memory(arrays["inputs"], arrays["targets/again"])
    if load == "whole":
        assert took.predicted["data"] == 6000 * (4 * 300 + 8 + 4)


LIMITED = """
    import resource, sys
    import numpy, specnet
    from specnet.runs import running
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + {limit} * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    result = specnet.run(specnet.load("big.json"), out="run")
    print(result.stopped, result.steps)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and limits that hold")
def test_a_training_on_more_than_the_memory_that_it_may_take(tmp_path):
    rows, columns = 40_000, 1000
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", "f4", (rows, columns))  # sparse on the disk
    x[:, :3] = RANDOM.normal(size=(rows, 3))
    del x
    np.save(tmp_path / "y.npy", RANDOM.normal(size=rows))
    text = {
        "specnet": 1,
        "data": {"type": "npy", "inputs": "x.npy", "targets": "y.npy", "split": {"validation": 0.1}},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 1, "batch_size": 500},
    }
    done = {}
    for load in ("whole", "batches"):
        text["data"]["load"] = load
        (tmp_path / "big.json").write_text(json.dumps(text))
        done[load] = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(LIMITED).format(limit=100)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"OPENBLAS_NUM_THREADS": "1", "PATH": ""},
        )
    assert "MemoryError" in done["whole"].stderr, "the limit must be too low for the whole data"
    assert done["batches"].stdout == "completed 72\n", done["batches"].stderr
