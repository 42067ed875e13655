"""Several inputs out of one table: what each holds, and what is said of columns that are not there."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.data import row_files

ROWS = ["size,kind,age,place,grown"] + [
    f"{n / 10},{'abc'[n % 3]},{20 + n},{'xy'[n % 2]},{n % 2}" for n in range(12)
]


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a text without a file lies
    (tmp_path / "rows.csv").write_text("\n".join(ROWS))

    def make(inputs, layers, **more):
        data = {
            "type": "csv",
            "path": str(tmp_path / "rows.csv"),
            "target": "grown",
            "columns": {"place": {"encode": "index"}},
        }
        return json.dumps(
            {
                "specnet": 1,
                "dtype": "float64",
                "data": data,
                "inputs": inputs,
                "layers": layers,
                "loss": "binary_cross_entropy",
                **more,
            }
        )

    return make


def test_each_input_holds_its_columns_in_their_order(document):
    inputs = {
        "numbers": {"columns": ["age", "size"]},
        "kind": {"columns": ["kind"], "shape": [3, 1]},
        "all": {"columns": ["size", "kind", "age", "place"]},
    }
    ones = {"type": "constant", "value": 1.0}
    layers = [
        {"type": "dense", "inputs": ["numbers"], "units": 2, "kernel_init": "identity", "name": "a"},
        {"type": "flatten", "inputs": ["kind"], "name": "b"},
        {"type": "dense", "inputs": ["all"], "units": 1, "kernel_init": ones, "name": "c"},
        {"type": "concat", "inputs": ["a", "b", "c"], "name": "d"},
    ]
    outputs = {"d": {"target": "inputs", "loss": "mse"}}
    text = json.loads(document(inputs, layers, outputs=outputs))
    del text["loss"]
    model = specnet.compile(specnet.load(json.dumps(text)))
    made = model.predict([[0.3, "b", 25, "y"], [0.4, "c", 30, "x"]])["d"]
    np.testing.assert_allclose(made, [[25, 0.3, 0, 1, 0, 27.3], [30, 0.4, 0, 0, 1, 31.4]])


def test_an_embedding_takes_a_category_by_its_index(document):
    inputs = {"place": {"columns": ["place"]}, "rest": {"columns": ["size", "age"]}}
    layers = [
        {"type": "embedding", "inputs": ["place"], "input_dim": 2, "output_dim": 3},
        {"type": "flatten", "name": "place_code"},
        {"type": "concat", "inputs": ["place_code", "rest"]},
        {"type": "dense", "units": 1},
    ]
    result = specnet.run(specnet.load(document(inputs, layers, training={"epochs": 3, "batch_size": 5})))
    table = result.model.parameters["embedding_1.embeddings"]
    kernel, bias = (result.model.parameters[f"dense_1.{part}"] for part in ("kernel", "bias"))
    row = np.concatenate([table[1], [0.5, 24]])
    meant = 1 / (1 + np.exp(-(row @ kernel + bias)))
    np.testing.assert_allclose(result.model.predict([[0.5, "a", 24, "y"]])[0], meant, 1e-12)


def test_a_run_with_several_inputs_is_read_again(document, tmp_path):
    inputs = {"size": {"columns": ["size"]}, "age": {"columns": ["age"]}}
    layers = [
        {"type": "dense", "inputs": ["size"], "units": 2, "name": "a"},
        {"type": "dense", "inputs": ["age"], "units": 2, "name": "b"},
        {"type": "add", "inputs": ["a", "b"]},
        {"type": "dense", "units": 1},
    ]
    text = document(inputs, layers, training={"epochs": 2})
    model = specnet.run(specnet.load(text), out=tmp_path / "run").model
    rows = [[0.5, "a", 24, "y"], [0.1, "c", 21, "x"]]
    np.testing.assert_array_equal(specnet.load_run(tmp_path / "run").predict(rows), model.predict(rows))


def test_what_is_wrong_with_inputs(document):
    inputs = {"a": {"columns": ["sise", "age"]}, "b": {"columns": ["kind"], "shape": [2, 2]}}
    layers = [{"type": "dense", "inputs": ["a"], "units": 1}]
    found = [(d.code, d.path, d.message) for d in specnet.validate(document(inputs, layers)).diagnostics]
    assert found == [
        (
            "SN309",
            ("inputs", "a", "columns", 0),
            "no column of the inputs is called `sise`; did you mean `size`?",
        ),
        ("SN309", ("inputs", "b", "shape"), "the columns of `b` have 3 elements, which do not fill [2, 2]"),
    ]
    both = {"a": {"columns": ["age"]}, "b": {"columns": ["kind"]}}
    found = specnet.validate(document(both, [{"type": "dense", "units": 1}])).diagnostics
    assert {(d.code, d.path) for d in found} == {
        ("SN305", ("layers", 0)),
        ("SN309", ("inputs", "a")),
        ("SN309", ("inputs", "b")),
    }
    (fault,) = specnet.validate(document(both, layers)).diagnostics
    assert (fault.path, fault.message) == (("inputs", "b"), "no layer takes the input `b`")
    data = {"type": "inline", "inputs": [[1.0, 2.0]], "targets": [0]}
    (fault,) = specnet.validate(document({"a": {"columns": ["age"]}}, layers, data=data)).diagnostics
    assert fault.code == "SN309"
    assert "the inputs have none" in fault.message


IMAGES = np.random.default_rng(0).normal(size=(12, 4, 3, 2))
NUMBERS = np.random.default_rng(1).normal(size=(12, 5))


@pytest.fixture
def of_arrays(tmp_path):
    np.savez(tmp_path / "rows.npz", image=IMAGES, numbers=NUMBERS, y=np.arange(12) % 2)

    def make(named, layers, **data):
        text = {
            "specnet": 1,
            "dtype": "float64",
            "data": {
                "type": "npz",
                "path": "rows.npz",
                "inputs": ["image", "numbers"],
                "targets": "y",
                **data,
            },
            "inputs": named,
            "layers": layers,
            "loss": "binary_cross_entropy",
            "training": {"epochs": 2, "batch_size": 5},
        }
        (tmp_path / "s.json").write_text(json.dumps(text))
        return tmp_path / "s.json"

    return make


TWO = [
    {"type": "conv2d", "inputs": ["picture"], "filters": 2, "kernel_size": 2},
    {"type": "flatten", "name": "seen"},
    {"type": "concat", "inputs": ["seen", "rest"]},
    {"type": "dense", "units": 1},
]
ARRAYS = {"picture": {"array": "image"}, "rest": {"array": "numbers"}}


@pytest.mark.parametrize("load", ["whole", "batches"])
@pytest.mark.parametrize("transforms", [[], [{"type": "reshape", "shape": [29, 1]}]])
def test_arrays_come_in_their_own_shapes(of_arrays, tmp_path, load, transforms):
    spec = specnet.load(of_arrays(ARRAYS, TWO, load=load, transforms=transforms))
    result = specnet.run(spec, out=tmp_path / "run")
    model = result.model
    assert model.parameters["conv2d_1.kernel"].shape == (2, 2, 2, 2)
    wanted = model.predict({"image": IMAGES, "numbers": NUMBERS})
    again = specnet.load_run(tmp_path / "run")
    rows = np.concatenate([IMAGES.reshape(12, -1), NUMBERS], axis=1)
    np.testing.assert_array_equal(again.predict(rows), wanted)
    np.testing.assert_array_equal(again.predict({"numbers": NUMBERS, "image": IMAGES}), wanted)
    figures = specnet.evaluate(tmp_path / "run", tmp_path / "rows.npz").splits["data"]
    assert figures["loss"] == pytest.approx(result.splits["train"]["loss"], rel=1e-12)
    made = row_files.blocks(again.encoding, tmp_path / "rows.npz", "rows.npz", print)
    np.testing.assert_array_equal(np.concatenate([again.predict(block.rows) for block in made]), wanted)
    kernel, bias = model.parameters["conv2d_1.kernel"], model.parameters["conv2d_1.bias"]
    windows = np.lib.stride_tricks.sliding_window_view(IMAGES, (2, 2), (1, 2))
    seen = np.einsum("nyxcij,ijcf->nyxf", windows, kernel) + bias
    joined = np.concatenate([seen.reshape(12, -1), NUMBERS], axis=1)
    scores = joined @ model.parameters["dense_1.kernel"] + model.parameters["dense_1.bias"]
    np.testing.assert_allclose(wanted.reshape(-1), 1 / (1 + np.exp(-scores.reshape(-1))), rtol=1e-10)


def test_an_array_can_be_laid_out_again(of_arrays):
    inputs = {"picture": {"array": "image", "shape": [2, 6, 2]}, "rest": {"array": "numbers"}}
    network = specnet.compile(specnet.load(of_arrays(inputs, TWO))).network
    assert network.layers[0].output[1:] == (1, 5, 2)


def test_what_is_wrong_with_arrays(of_arrays, document):
    def faults(path):
        return [(d.code, d.path, d.message) for d in specnet.validate(path).diagnostics]

    inputs = {"picture": {"array": "imag"}, "rest": {"array": "numbers", "shape": [2, 2]}}
    assert faults(of_arrays(inputs, TWO)) == [
        (
            "SN309",
            ("inputs", "picture", "array"),
            "no array of the inputs is called `imag`; did you mean `image`?",
        ),
        (
            "SN309",
            ("inputs", "rest", "shape"),
            "the array of `rest` has 5 elements, which do not fill [2, 2]",
        ),
    ]
    inputs = {"picture": {"columns": ["image"]}, "rest": {"array": "numbers"}}
    assert faults(of_arrays(inputs, TWO)) == [
        ("SN309", ("inputs", "picture", "columns"), "`picture` names columns, and the inputs are arrays")
    ]
    assert [m for _, _, m in faults(of_arrays(ARRAYS, TWO, inputs="numbers"))] == [
        f"`{name}` names an array, and the inputs are not separate arrays: `inputs` of npz data is not a list of "
        "arrays, or a transform has changed their elements"
        for name in ("picture", "rest")
    ]
    layers = [{"type": "dense", "inputs": ["a"], "units": 1}]
    (fault,) = specnet.validate(document({"a": {"array": "age"}}, layers)).diagnostics
    assert (fault.code, fault.message) == ("SN309", "`a` names an array, and the inputs are columns")
    (fault,) = specnet.validate(document({"a": {"array": "age", "columns": ["age"]}}, layers)).diagnostics
    assert (fault.path, fault.message) == (
        ("inputs", "a", "array"),
        "`columns` and `array` both say what it holds: keep one of them",
    )
    (fault,) = specnet.validate(document({"a": {"shape": [1]}}, layers)).diagnostics
    assert (fault.path, fault.message) == (
        ("inputs", "a"),
        "it does not say what it holds: `columns` of a table, or an `array`",
    )
