"""The memory that is predicted covers the reading of the data, which may take more than the training."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import specnet
from specnet.model.training_memory import memory
from specnet.runs.compiling import compile_spec
from specnet.training.loop import Trainer
from tests.support.memory import traced

ROWS, WIDTH = 40_000, 20
SPLIT = {"split": {"validation": 0.2, "test": 0.1}}
STANDARDIZE = {"transforms": ["standardize"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make a folder of data, with a folder `few` of their first rows."""
    folder = tmp_path_factory.mktemp("data")
    write(folder, ROWS)
    (folder / "few").mkdir()
    write(folder / "few", 60)
    return folder


def write(folder, count):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(count, WIDTH)), rng.integers(0, 3, count)
    np.savez(folder / "f4.npz", inputs=x.astype("f4"), targets=y)
    np.savez(folder / "f8.npz", inputs=x, targets=y)
    np.savez(folder / "u1.npz", inputs=(x * 20).astype("u1"), targets=y)
    header = ",".join([*(f"c{i}" for i in range(5)), "kind", "y"])
    lines = (
        f"{','.join(map('{:.3f}'.format, row[:5]))},k{i % 30},{'abc'[c]}"
        for i, (row, c) in enumerate(zip(x, y, strict=True))
    )
    (folder / "x.csv").write_text("\n".join([header, *lines]))
    words = [f"word{n}" for n in range(500)]
    cells = (" ".join(map(words.__getitem__, row)) for row in rng.integers(0, 500, (count // 2, 12)))
    (folder / "text.csv").write_text(
        "\n".join(["note,y", *(f"{cell},{'abc'[c]}" for cell, c in zip(cells, y, strict=False))])
    )


NPZ = [
    ("npz", {"path": f"{name}.npz", **more})
    for name in ("f4", "f8", "u1")
    for more in ({}, SPLIT, STANDARDIZE)
]
CSV = [("csv", {"path": "x.csv", "target": "y", **more}) for more in ({}, SPLIT)]
NOTES = {"path": "text.csv", "target": "y", "columns": {"note": {"type": "text"}}}
TEXT = [("csv", {**NOTES, **more}) for more in ({}, SPLIT)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "keys"), [*NPZ, *CSV, *TEXT])
def test_what_reading_takes_is_predicted(kind, keys, dtype, folder, monkeypatch):
    layers = [{"type": "dense", "units": 3}]
    if "columns" in keys:
        layers = [{"type": "embedding", "output_dim": 4}, {"type": "global_average_pooling1d"}, *layers]
    document = {
        "specnet": 1,
        "dtype": dtype,
        "data": {"type": kind, **keys},
        "layers": layers,
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    # What is imported or cached at the first time is not the data's.
    monkeypatch.chdir(folder / "few")
    compile_spec(specnet.load(document))
    monkeypatch.chdir(folder)
    spec = specnet.load(document)
    with traced():
        model, data = compile_spec(spec)
        reading = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        trainer = Trainer(model, data, None)
        for _ in trainer.events():
            pass
        training = tracemalloc.get_traced_memory()[1]
    predicted = sum(memory(model.network, trainer.plans, trainer.rows).values())
    peak, some = max(reading, training), 600_000
    assert peak - some < 1.1 * predicted
    assert predicted < 1.1 * peak + some
