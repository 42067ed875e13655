"""Real processes read data together, train folds together, and yield the same events."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from tests.support import mpirun

pytest.importorskip("mpi4py")
pytestmark = pytest.mark.skipif(mpirun.MPIRUN is None, reason="could not import MPI: there is no mpirun")

ROWS = 53
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4))
KINDS = np.array(["red", "green", "blue"])[RNG.integers(0, 3, ROWS)]
LABELS = np.array(["a", "b", "c"])[RNG.integers(0, 3, ROWS)]

PROGRAM = """
import hashlib, json, sys
import specnet
from mpi4py import MPI
from specnet.data.formats.csv import parts
from specnet.data.formats.csv.table import CsvTable
from specnet.runs import ranks

world = MPI.COMM_WORLD
read, opened = CsvTable.read, []
CsvTable.read = lambda self, records: (opened.append(self.place.name), read(self, records))[1]
part, tasks = parts.PartTask.read, []
parts.PartTask.read = lambda task: (tasks.append(task), part(task))[1]
parts.HEAD, parts.PART = 1000, 2000
compiled, mapped = ranks.model_of, []
def looked(network, data, **options):
    array = data.splits["train"].inputs
    mapped.append(hasattr(array, "flags") and not array.flags.writeable and array.nbytes >= 4096)
    return compiled(network, data, **options)
ranks.model_of = looked

told = {}
for name, document in json.load(open("documents.json")).items():
    opened.clear(), mapped.clear(), tasks.clear()
    parts.FROM = 0 if name == "parts" else 1 << 30
    events = []
    if name == "events":
        for event in specnet.train(document, distributed="mpi"):
            events.append(type(event).__name__)
        model, stopped, folds = event.model, event.stopped, 0
    else:
        result = specnet.run(document, distributed="mpi", out=name, listener=lambda e: events.append(type(e).__name__))
        model, stopped, folds = result.model, result.stopped, len(result.folds)
    own = {
        "stopped": stopped, "folds": folds, "events": events, "parses": len(opened), "mapped": mapped,
        "tasks": len(tasks),
        "digest": "" if folds else hashlib.sha256(model.flat.tobytes() if hasattr(model, "flat") else
            b"".join(a.tobytes() for a in model.parameters.values())).hexdigest(),
    }
    told[name] = world.gather(own)
if world.rank == 0:
    print(json.dumps(told))
"""


def table(path, rows=ROWS):
    lines = [
        ",".join([*map(str, X[i % ROWS] * (1 + i)), KINDS[i % ROWS], LABELS[i % ROWS]]) for i in range(rows)
    ]
    path.write_text("\n".join(["p,q,r,s,kind,label", *lines]) + "\n")


def document(data, **more):
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": data,
        "layers": [{"type": "dense", "units": 5, "activation": "tanh"}, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 3, "batch_size": 8, **more},
    }


def csv(folder, **more):
    transforms = [{"type": "standardize", "on": "inputs"}]
    path = str(folder / "rows.csv")
    return {"type": "csv", "path": path, "target": "label", "transforms": transforms, **more}


def test_data_are_read_once_and_folds_are_trained_together(tmp_path):
    table(tmp_path / "rows.csv", 200)
    np.save(tmp_path / "x.npy", np.tile(X, (4, 1)))
    np.save(tmp_path / "y.npy", np.tile(np.unique(LABELS, return_inverse=True)[1], 4))
    npy = {"type": "npy", "inputs": str(tmp_path / "x.npy"), "targets": str(tmp_path / "y.npy")}
    split = {"split": {"validation": 0.2}}
    documents = {
        "held": document(csv(tmp_path, **split)),
        "parts": document(csv(tmp_path, **split)),
        "balanced": document(csv(tmp_path, **split))
        | {"loss": {"type": "cross_entropy", "class_weights": "balanced"}},
        "batches": document(csv(tmp_path, load="batches", shuffle_buffer=300, **split)),
        "arrays": document({**npy, **split}),
        "rows of arrays": document({**npy, "load": "batches", **split}),
        "folds": document(csv(tmp_path, split={"folds": 3})),
        "events": document(csv(tmp_path, **split)),
    }
    (tmp_path / "documents.json").write_text(json.dumps(documents))
    (tmp_path / "program.py").write_text(PROGRAM)
    code, out, errors = mpirun.run(tmp_path, program=("program.py",))
    assert code == 0, errors
    told = json.loads(out)
    assert told["parts"][0]["digest"] == told["held"][0]["digest"]
    for name, (first, other) in told.items():
        assert first["digest"] == other["digest"]
        assert first["stopped"] == other["stopped"] == "completed"
        assert first["parses"] == (
            0 if "arrays" in name or name == "parts" else 4 if name == "folds" else 1
        ), name
        assert (first["tasks"], other["tasks"] > 2) == (0, name == "parts")
        assert other["parses"] == 0
        if name not in ("batches", "rows of arrays"):
            assert first["mapped"] == other["mapped"] == [True] * (3 if name == "folds" else 1)
        if name == "folds":
            alone = specnet.run(specnet.load(documents[name]))
            kept = specnet.load_run(tmp_path / name)
            assert first["folds"] == other["folds"] == 3
            assert first["events"] == other["events"]
            for one, fold in zip(alone.folds, kept.models, strict=True):
                close(fold.parameters, one.model.parameters)
        elif name != "events":
            close(specnet.load_run(tmp_path / name).parameters, specnet.run(documents[name]).parameters)


def close(found, wanted):
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, 1e-10, 1e-10)
