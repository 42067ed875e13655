"""Runs whose rows stay in their files: what they result in, where they resume, and how they are reported."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import specnet
from specnet.data import load_data
from specnet.data.formats import csv
from specnet.data.tables import memory, stream_rows
from specnet.data.tables import table as tables
from specnet.diagnostics import RunError
from specnet.interchange.exporting import Exported, numpy_program
from specnet.training.loop import Trainer
from tests.support.examples import examples
from tests.support.memory import taken, trainer_maker
from tests.support.resuming import after, check

RANDOM = np.random.default_rng(2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a table of 90 rows, and the same rows as arrays."""
    place = tmp_path_factory.mktemp("rows")
    numbers = RANDOM.normal(size=(90, 3))
    classes = (numbers[:, 0] > 0).astype(int) + (numbers[:, 1] > 0.5)
    lines = [f"{a:.5f},{b:.5f},{c:.5f},{y}" for (a, b, c), y in zip(numbers, classes, strict=True)]
    (place / "t.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n")
    np.save(place / "x.npy", numbers)
    np.save(place / "y.npy", classes)
    return place


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(tables, "RECORDS", 7)
    for module in (memory, stream_rows):
        monkeypatch.setattr(module, "rows_ahead", lambda width: 7)


def document(folder, training=None, **data):
    data = {"type": "csv", "path": "t.csv", "target": "y", "load": "batches", **data}
    if data["type"] == "npy":
        data = {"type": "npy", "inputs": "x.npy", "targets": "y.npy", "load": data["load"]}
    data |= {"split": {"validation": 0.25}, "transforms": ["standardize"]}
    text = {
        "specnet": 1,
        "name": "rows",
        "data": data,
        "layers": [
            {"type": "dense", "units": 5, "activation": "tanh"},
            {"type": "dropout", "rate": 0.3},
            {"type": "dense", "units": 3},
        ],
        "loss": "cross_entropy",
        "training": {"epochs": 4, "batch_size": 8, **(training or {})},
    }
    path = folder / "spec.json"
    path.write_text(json.dumps(text))
    return specnet.load(path)


def test_a_buffer_of_all_rows_has_the_same_bits_as_rows_that_are_read_whole(folder):
    whole = specnet.run(document(folder, load="whole"))
    for more in ({"shuffle_buffer": 90}, {"type": "npy"}):
        rows = specnet.run(document(folder, **more))
        if more == {"shuffle_buffer": 90}:
            assert rows.model.parameters.flat.tobytes() == whole.model.parameters.flat.tobytes()
            assert rows.splits == whole.splits
            assert rows.fit == whole.fit
    less = specnet.run(document(folder, shuffle_buffer=9))
    assert less.model.parameters.flat.tobytes() != whole.model.parameters.flat.tobytes()
    assert less.splits["train"]["loss"] == pytest.approx(whole.splits["train"]["loss"], rel=0.2)


@settings(
    max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    window=st.sampled_from([1, 2, 9, 40, 1000]),
    batch_size=st.sampled_from([1, 7, 16, "full"]),
    accumulate=st.sampled_from([1, 3]),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    checkpoint=st.sampled_from([None, {"every_steps": 3, "best": "validation.loss"}]),
    stops=st.lists(st.integers(1, 40), min_size=1, max_size=3),
)
def test_wherever_it_stops_it_ends_the_same(
    folder, window, batch_size, accumulate, shuffle, drop_last, checkpoint, stops
):
    training = {
        "batch_size": batch_size,
        "accumulate": accumulate,
        "shuffle": shuffle,
        "drop_last": drop_last,
        "checkpoint": checkpoint,
        "epochs": 3,
    }
    check(document(folder, training, shuffle_buffer=window), *stops)


@pytest.mark.parametrize("kind", ["csv", "npy"])
def test_data_that_change_end_it_and_it_resumes_once_they_are_back(folder, tmp_path, kind):
    spec = document(folder, {"checkpoint": {"every_steps": 2}}, type=kind, shuffle_buffer=20)
    whole = specnet.run(spec)
    path = folder / ("t.csv" if kind == "csv" else "x.npy")
    kept, times = path.read_bytes(), path.stat()

    def spoil(event):
        if isinstance(event, specnet.EpochEnded) and event.epoch == 2:
            os.truncate(path, len(kept) // 2)

    with pytest.raises(RunError, match=rf"`{path.name}` has changed while it was being used"):
        specnet.run(spec, out=tmp_path / "run", listener=spoil)
    path.write_bytes(kept)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    result = specnet.run(spec, resume=tmp_path / "run")
    assert result.model.parameters.flat.tobytes() == whole.model.parameters.flat.tobytes()


def test_another_buffer_cannot_resume(folder, tmp_path, monkeypatch):
    spec = document(folder, load="auto", shuffle_buffer=20)
    monkeypatch.setattr(csv, "larger_than_half", lambda size: size > 4)
    specnet.run(spec, out=tmp_path / "run", stop=after(12))
    monkeypatch.undo()
    with pytest.raises(
        RunError, match="shuffled in a buffer of 20 rows, and would now be in one of all rows"
    ):
        specnet.run(spec, resume=tmp_path / "run")
    other = document(folder, load="auto", shuffle_buffer=30)
    with pytest.raises(RunError, match=r"data\.shuffle_buffer"):
        specnet.run(other, resume=tmp_path / "run")


def test_a_finished_run_is_measured_and_reported(folder, tmp_path):
    result = specnet.run(document(folder, shuffle_buffer=20), out=tmp_path / "run")
    again = specnet.evaluate(tmp_path / "run")
    assert {name: dict(part) for name, part in again.splits.items()} == dict(result.splits)
    assert all(found.ok for found in specnet.check_gradients(document(folder, {"epochs": 1})))


def test_the_program_of_a_training_shuffles_in_the_same_buffer(folder, tmp_path, monkeypatch):
    spec = document(folder, shuffle_buffer=20)
    made = numpy_program(Exported.of(folder / "spec.json"), training=True, beside="made.npz")
    np.savez(tmp_path / "made.npz", **made.arrays)
    found = {"__file__": str(tmp_path / "made.py")}
    monkeypatch.chdir(tmp_path)  # where the program draws its curve
    exec(made.text, found)
    found["stored"].close()
    trainer = Trainer(specnet.compile(spec), load_data(spec.data, folder, seed=spec.seed, dtype=spec.dtype))
    for _ in trainer.events():
        pass
    np.testing.assert_array_equal(found["order"], trainer.feed.order)
    for name, array in trainer.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-4, atol=1e-5, err_msg=name)
    document(folder, shuffle_buffer=90)
    made = numpy_program(Exported.of(folder / "spec.json"), training=True, beside="a.npz")
    document(folder, load="whole")
    assert made.text == numpy_program(Exported.of(folder / "spec.json"), training=True, beside="a.npz").text


def test_the_memory_predicted_is_what_is_taken_at_most(tmp_path, monkeypatch):
    monkeypatch.undo()
    rows = 40_000
    lines = "\n".join(f"{i * 0.37:.6f},{i % 97},name{i % 50},{i * 0.11:.5f},{i % 2}" for i in range(rows))
    (tmp_path / "t.csv").write_text(f"a,b,c,d,y\n{lines}\n")
    del lines
    spec = document(tmp_path, {"epochs": 1, "batch_size": 256})
    took = taken(trainer_maker(spec))
    predicted = sum(took.predicted.values())
    assert 0.8 * predicted < took.peak < predicted
