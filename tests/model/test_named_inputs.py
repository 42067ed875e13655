"""Inputs as arrays with names and dtypes of their own: an index reaches its row, whatever its size and its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import specnet
from specnet.graph.leaves import given
from specnet.graph.printing import text
from specnet.interchange.exporting import WRITERS, Exported, write_numpy
from specnet.model.plans import plan_training
from specnet.model.training_memory import memory

LARGE = 2**24 + 1
"""The first whole number that float32 does not hold: it becomes 2**24."""

EMBEDDING = {"type": "embedding", "input_dim": LARGE + 1, "output_dim": 1, "embeddings_init": "zeros"}
ONES = {"type": "constant", "value": 1.0}
LAYERS = [
    EMBEDDING,
    {"type": "flatten"},
    {"type": "dense", "units": 1, "kernel_init": ONES, "trainable": False},
]
INDICES = [[LARGE], [LARGE - 1], [3], [LARGE]]
TARGETS = [5.0, 1.0, 2.0, 5.0]


def stored(folder, kind, indices=INDICES):
    """Store indices and targets, and return the data of a document that reads them."""
    rows = np.array(indices)
    if kind == "inline":
        return {"type": "inline", "inputs": indices, "targets": TARGETS}
    if kind == "csv":
        names = [f"id{n}" for n in range(rows.shape[1])]
        lines = [",".join(map(str, [*row, target])) for row, target in zip(indices, TARGETS, strict=True)]
        (folder / "rows.csv").write_text("\n".join([",".join([*names, "y"]), *lines]))
        return {"type": "csv", "path": "rows.csv", "target": "y"}
    if kind == "npy":
        np.save(folder / "x.npy", rows)
        np.save(folder / "y.npy", np.array(TARGETS))
        return {"type": "npy", "inputs": "x.npy", "targets": "y.npy"}
    np.savez(folder / "rows.npz", inputs=rows.astype("i4"), targets=np.array(TARGETS))
    return {"type": "npz", "path": "rows.npz"}


def program_of(path, rows):
    """Run a program, and return what its `predict` makes of some rows."""
    script = f"import json, runpy, sys\nmade = runpy.run_path({str(path)!r})\n"
    script += "print(json.dumps(made['predict'](json.load(sys.stdin)).tolist()))"
    given_rows = json.dumps(np.asarray(rows).tolist())
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=given_rows,
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def load(folder, data, layers=LAYERS, **more):
    training = {"epochs": 1, "batch_size": 4, "optimizer": {"type": "sgd", "learning_rate": 1.0}}
    document = {
        "specnet": 1,
        "name": "large",
        "data": data,
        "layers": layers,
        "loss": "mse",
        "training": training,
    }
    (folder / "spec.json").write_text(json.dumps({**document, **more}))
    return specnet.load(folder / "spec.json")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("inline", {}),
        ("csv", {}),
        ("npy", {}),
        ("npy", {"load": "batches"}),
        ("npz", {}),
        ("npz", {"transforms": [{"type": "reshape", "shape": [1, 1]}, {"type": "flatten"}]}),
        ("npz", {"load": "batches", "transforms": [{"type": "reshape", "shape": [1, 1]}]}),
    ],
)
def test_a_large_index_reaches_its_row(tmp_path, kind, more):
    result = specnet.run(load(tmp_path, {**stored(tmp_path, kind), **more}), out=tmp_path / "run")
    table = result.model.parameters["embedding_1.embeddings"][:, 0]
    # One step of gradient descent from a table of zeros: each row moves by the mean of twice its errors.
    assert np.flatnonzero(table).tolist() == [3, LARGE - 1, LARGE]
    np.testing.assert_allclose(table[[LARGE, LARGE - 1, 3]], [2 * (5 + 5) / 4, 2 * 1 / 4, 2 * 2 / 4])
    expected = table[np.ravel(INDICES)][:, None] + result.model.parameters["dense_1.bias"]
    np.testing.assert_array_equal(result.model.predict(INDICES), expected)
    # Many rows, floats that hold them, and the run read again go the same way.
    np.testing.assert_array_equal(
        result.model.predict(np.tile(INDICES, (500, 1))), np.tile(expected, (500, 1))
    )
    again = specnet.load_run(tmp_path / "run")
    assert again.network.inputs == result.model.network.inputs
    np.testing.assert_array_equal(again.predict(np.array(INDICES, float)), expected)
    assert again.forward(again.encoding.encode(INDICES)).tolist() == expected.tolist()
    assert specnet.evaluate(tmp_path / "run").splits == result.splits
    with pytest.raises(
        specnet.SpecError, match=r"hold 0\.5 in row 2 of the data, where the model takes whole"
    ) as found:
        again.predict([[1.0], [0.5]])
    assert [d.code for d in found.value.diagnostics] == ["SN561"]
    with pytest.raises(ValueError, match="not whole numbers"):
        again.forward(np.full((1, *again.network.signature.inputs), 0.5))
    with pytest.raises(
        specnet.RunError, match=f"from 0 to {LARGE}, since its input_dim is {LARGE + 1}, got {LARGE + 1}"
    ):
        again.predict([[LARGE + 1]])


def test_exports_take_a_large_index_to_its_row(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    spec = load(tmp_path, stored(tmp_path, "inline"))
    result = specnet.run(spec, out=tmp_path / "run")
    wanted = result.model.predict(INDICES)
    source = Exported.of(tmp_path / "run")
    write_numpy(tmp_path / "program.py", source, training=False)
    np.testing.assert_array_equal(program_of(tmp_path / "program.py", INDICES), wanted)
    write_numpy(tmp_path / "training.py", Exported.of(tmp_path / "spec.json"), training=True)
    np.testing.assert_allclose(program_of(tmp_path / "training.py", INDICES), wanted, rtol=1e-6)
    WRITERS["onnx"](tmp_path / "model.onnx", source)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [entry.type for entry in session.get_inputs()] == ["tensor(int64)"]
    (predicted,) = session.run(None, {"inputs": np.array(INDICES)})
    np.testing.assert_array_equal(predicted, wanted)


@pytest.mark.parametrize(
    ("data", "layers", "dtype"),
    [
        ({}, LAYERS, "int64"),
        ({"inputs": [[1.0], [2.0], [3.0], [4.0]]}, LAYERS, "float32"),  # numbers that happen to be whole
        ({"inputs": [[1.5], [2], [3], [4]]}, LAYERS, "float32"),
        ({"validation": {"inputs": [[0.5]], "targets": [1.0]}}, LAYERS, "float32"),
        ({"transforms": [{"type": "scale", "factor": 0.5}]}, LAYERS, "float32"),
        ({}, [{"type": "dense", "units": 1}], "float32"),
        ({}, [{"type": "parallel", "layers": [*LAYERS[:2], {"type": "flatten"}]}, *LAYERS[2:]], "float32"),
        ({"targets": "inputs"}, LAYERS, "float32"),
    ],
)
def test_inputs_are_integers_where_all_that_reads_them_takes_indices(tmp_path, data, layers, dtype):
    if "parallel" in json.dumps(layers):
        layers = [
            {
                "type": "parallel",
                "layers": [LAYERS[0], {"type": "reshape", "shape": [1, 1]}],
            }
        ]
        layers += LAYERS[1:]
    network = specnet.compile(load(tmp_path, {**stored(tmp_path, "inline"), **data}, layers)).network
    (leaf,) = [
        given(v) for v in network.lower(training=True).graph.values if given(v) and given(v).role == "input"
    ]
    assert (leaf.name, leaf.dtype) == ("inputs", dtype)
    assert [(array.name, array.dtype) for array in network.inputs] == [("inputs", dtype)]


NAMED = [
    {"type": "embedding", "inputs": ["id"], "input_dim": LARGE + 1, "output_dim": 1},
    {"type": "flatten", "name": "known"},
    {"type": "conv2d", "inputs": ["picture"], "filters": 2, "kernel_size": 2},
    {"type": "flatten", "name": "seen"},
    {"type": "concat", "inputs": ["known", "seen"]},
    {"type": "dense", "units": 1},
]
PICTURES = np.random.default_rng(0).normal(size=(4, 3, 3, 1)).astype("f4")


def named(folder, **more):
    np.savez(
        folder / "rows.npz",
        number=np.array(INDICES),
        image=PICTURES,
        left=np.zeros((4, 2)),
        y=np.array(TARGETS),
    )
    data = {"type": "npz", "path": "rows.npz", "inputs": ["image", "left", "number"], "targets": "y"}
    inputs = {"picture": {"array": "image"}, "id": {"array": "number"}}
    return load(folder, data | more.pop("data", {}), NAMED, inputs=inputs, **more)


def meant(model, indices=INDICES, pictures=PICTURES, last="dense_1"):
    """Return what the network of `named` makes of rows, computed with NumPy alone."""
    p = model.parameters
    known = p["embedding_1.embeddings"][np.ravel(indices)]
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (2, 2), (1, 2))
    seen = np.einsum("nyxcij,ijcf->nyxf", windows, p["conv2d_1.kernel"]) + p["conv2d_1.bias"]
    joined = np.concatenate([known, seen.reshape(len(seen), -1)], axis=1)
    return joined @ p[f"{last}.kernel"] + p[f"{last}.bias"]


@pytest.mark.parametrize("batch_size", [3, "full"])
def test_each_input_is_an_array_with_a_dtype_of_its_own(tmp_path, batch_size):
    result = specnet.run(
        named(tmp_path, training={"epochs": 2, "batch_size": batch_size, "optimizer": "adam"}),
        out=tmp_path / "run",
    )
    network, split = result.model.network, result.data.splits["train"]
    assert [(a.name, a.dtype, a.shape) for a in network.inputs] == [
        ("inputs/picture", "float32", (3, 3, 1)),
        ("inputs/id", "int64", (1,)),
    ]
    assert "inputs/id" in text(network.lower(training=False).graph)
    assert {name: (a.dtype.name, a.shape) for name, a in split.inputs.items()} == {
        "inputs/picture": ("float32", (4, 3, 3, 1)),
        "inputs/id": ("int64", (4, 1)),
    }
    rows = {"image": PICTURES, "number": INDICES, "left": np.zeros((4, 2))}
    wanted = result.model.predict(rows)
    np.testing.assert_allclose(wanted, meant(result.model), rtol=1e-4, atol=1e-6)
    flat = np.concatenate([PICTURES.reshape(4, -1), np.zeros((4, 2)), INDICES], axis=1)
    again = specnet.load_run(tmp_path / "run")
    by_input = {"picture": PICTURES, "id": np.ravel(INDICES)}
    for given_rows in (rows, flat, flat.tolist(), by_input):
        np.testing.assert_array_equal(again.predict(given_rows), wanted)
    np.testing.assert_array_equal(again.forward(split.inputs), wanted)
    np.testing.assert_array_equal(again.forward({"id": INDICES, "picture": PICTURES}), wanted)
    loss, _ = again.loss_and_gradients({"id": INDICES, "picture": PICTURES}, np.array(TARGETS))
    assert loss == pytest.approx(result.splits["train"]["loss"], rel=1e-5)
    assert specnet.evaluate(tmp_path / "run").splits == result.splits
    other = specnet.evaluate(tmp_path / "run", tmp_path / "rows.npz").splits["data"]
    assert other["loss"] == pytest.approx(loss, rel=1e-5)
    with pytest.raises(specnet.SpecError, match=r"there is no .* among the arrays") as found:
        again.predict({"picture": PICTURES})
    assert [d.code for d in found.value.diagnostics] == ["SN521"]
    with pytest.raises(specnet.SpecError, match="one row of `picture` has shape") as found:
        again.predict(by_input | {"picture": PICTURES[:, 1:]})
    assert [d.code for d in found.value.diagnostics] == ["SN572"]
    with pytest.raises(ValueError, match="takes an input `id`"):
        again.forward({"picture": PICTURES})
    with pytest.raises(ValueError, match="different numbers of rows"):
        again.forward({"picture": PICTURES, "id": INDICES[:2]})


def test_explain_lists_the_arrays(tmp_path):
    named(tmp_path)
    command = [sys.executable, "-m", "specnet", "explain", str(tmp_path / "spec.json")]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100"}
    )
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "inputs/picture (batch, 3, 3, 1)" in lines
    assert "inputs/id int64 (batch, 1)" in lines


def test_the_memory_of_named_inputs_is_that_of_their_arrays(tmp_path):
    model = specnet.compile(named(tmp_path))
    rows = {"train": 4}
    parts = memory(model.network, plan_training(model.network, rows, units=False), rows)
    # The array that no input takes is not held; whole numbers that a loss compares with numbers are held as both.
    assert parts["data"] == 4 * (9 * 4 + 8 + 8 + 4)


def test_a_program_and_an_onnx_model_take_rows_of_all_arrays(tmp_path):
    result = specnet.run(named(tmp_path), out=tmp_path / "run")
    wanted = result.model.predict({"image": PICTURES, "number": INDICES, "left": np.zeros((4, 2))})
    flat = np.concatenate([PICTURES.reshape(4, -1), np.zeros((4, 2)), INDICES], axis=1)
    source = Exported.of(tmp_path / "run")
    write_numpy(tmp_path / "program.py", source, training=False)
    np.testing.assert_allclose(program_of(tmp_path / "program.py", flat), wanted, rtol=1e-5)
    write_numpy(tmp_path / "training.py", Exported.of(tmp_path / "spec.json"), training=True)
    np.testing.assert_allclose(program_of(tmp_path / "training.py", flat), wanted, rtol=1e-4)
    onnxruntime = pytest.importorskip("onnxruntime")
    WRITERS["onnx"](tmp_path / "model.onnx", source)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [entry.type for entry in session.get_inputs()] == ["tensor(double)"]
    np.testing.assert_allclose(session.run(None, {"inputs": flat})[0], wanted, rtol=1e-5)


@pytest.mark.parametrize(
    "more",
    [
        {"data": {"load": "batches"}},
        {"outputs": {"value": {"layer": "value", "loss": "mse"}, "row": {"target": "inputs", "loss": "mse"}}},
    ],
)
def test_what_looks_at_a_row_as_a_whole_keeps_it_one_array(tmp_path, more):
    named(tmp_path)
    document = json.loads((tmp_path / "spec.json").read_text())
    document["layers"][0]["input_dim"] = 9
    rows = {"image": PICTURES, "number": np.arange(4).reshape(4, 1), "left": np.zeros((4, 2))}
    np.savez(tmp_path / "rows.npz", y=np.array(TARGETS), **rows)
    document["data"] |= more.get("data", {})
    if "outputs" in more:
        del document["loss"]
        document["layers"][-1]["name"] = "value"
        document["layers"].append({"type": "dense", "units": 12, "name": "row", "inputs": ["known"]})
        document["outputs"] = more["outputs"]
    (tmp_path / "spec.json").write_text(json.dumps(document))
    result = specnet.run(specnet.load(tmp_path / "spec.json"))
    assert [array.name for array in result.model.network.inputs] == ["inputs"]
    made = result.model.predict(rows)
    value, last = (made["value"], "value") if isinstance(made, dict) else (made, "dense_1")
    np.testing.assert_allclose(value, meant(result.model, np.arange(4), last=last), rtol=1e-4, atol=1e-5)


def test_inputs_that_an_augmentation_changes_stay_one_array(tmp_path):
    network = specnet.compile(named(tmp_path, data={"augmentations": [{"type": "mixup"}]})).network
    assert [(array.name, array.dtype) for array in network.inputs] == [("inputs", "float32")]
