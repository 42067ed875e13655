"""Indices that an embedding has no row for are found before the first step, wherever the data lie."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.diagnostics import SpecError

LAYERS = [
    {"type": "embedding", "input_dim": 4, "output_dim": 2},
    {"type": "flatten"},
    {"type": "dense", "units": 1},
]


def document(data, layers=LAYERS):
    training = {"epochs": 1, "batch_size": 2}
    return {"specnet": 1, "data": data, "layers": layers, "loss": "mse", "training": training}


def inline(inputs, **more):
    return {"type": "inline", "inputs": inputs, "targets": [0.0] * len(inputs), **more}


def found(spec):
    """The only finding of a validation, which a run reports alike before its first step."""
    with pytest.raises(SpecError) as caught:
        next(specnet.train(spec))
    (diagnostic,) = specnet.validate(spec).diagnostics
    assert [(d.code, d.message, d.path) for d in caught.value.diagnostics] == [
        (diagnostic.code, diagnostic.message, diagnostic.path)
    ]
    return diagnostic


@pytest.mark.parametrize(
    ("inputs", "index", "help_"),
    [
        ([[0, 1], [2, 5]], 5, "`input_dim = 6` has a row for it"),
        ([[0, 1], [-1, 3]], -1, "count from 0"),
        ([[0.0, 1.0], [4.0, 3.0]], 4, "`input_dim = 5` has a row for it"),
    ],
)
def test_an_index_without_a_row_is_found_at_the_embedding(inputs, index, help_):
    diagnostic = found(document(inline(inputs)))
    assert diagnostic.code == "SN549"
    assert diagnostic.message == f"the train data have the index {index}, and the indices are 0 to 3"
    assert (diagnostic.path, diagnostic.help) == (("layers", 0), help_)


def test_each_split_is_looked_at():
    data = inline([[0, 1], [2, 3]], test={"inputs": [[7, 0]], "targets": [0.0]})
    assert found(document(data)).message.startswith("the test data have the index 7")


def test_rows_that_stay_in_their_file_are_looked_at(tmp_path):
    inputs = np.zeros((9, 2), np.int64)
    inputs[8, 1] = 4
    np.savez(tmp_path / "rows.npz", inputs=inputs, targets=np.zeros(9))
    spec = document({"type": "npz", "path": str(tmp_path / "rows.npz"), "load": "batches"})
    assert found(spec).code == "SN549"


def test_indices_that_are_moved_first_are_looked_at():
    reshaped = [{"type": "reshape", "shape": [2, 1]}, *LAYERS]
    assert found(document(inline([[0, 1], [2, 5]]), reshaped)).path == ("layers", 1)


def test_indices_that_all_have_a_row_are_taken(tmp_path):
    spec = document(inline([[0, 1], [2, 3]]))
    assert specnet.validate(spec).ok
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    assert specnet.run(specnet.load(tmp_path / "spec.json")).epochs == 1
