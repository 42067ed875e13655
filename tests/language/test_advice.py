"""Keys of other libraries that have no counterpart here: what is said instead of a key that only looks alike."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import specnet

DOCUMENT: dict[str, Any] = {
    "specnet": 1,
    "data": {"type": "csv", "path": "x.csv", "target": "y"},
    "layers": [
        {"type": "dense", "units": 3, "activation": {"type": "leaky_relu"}},
        {"type": "batch_norm"},
        {"type": "dropout", "rate": 0.5},
        {"type": "embedding", "output_dim": 3, "input_dim": 9},
    ],
    "loss": "cross_entropy",
    "training": {"optimizer": "adam"},
}
INFERRED = "follows from the data and the layers before it: leave the key out"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("layers", 0, "in_features"), INFERRED),
        (("data", "sample_weight"), "did you mean `weight`?"),
        (("layers", 0, "input_dim"), INFERRED),
        (("layers", 0, "input_shape"), "`input_shape` at the document's top pins"),
        (("layers", 1, "num_features"), INFERRED),
        (("layers", 1, "inplace"), "memory is reused"),
        (("layers", 0, "dropout"), '{ type = "dropout", rate = 0.5 } after this one'),
        (("layers", 0, "normalize"), '{ type = "batch_norm" } after this one'),
        (("layers", 0, "alpha"), '{ type = "leaky_relu", slope = 0.1 }'),
        (("layers", 0, "activation", "alpha"), "did you mean `slope`?"),
        (("layers", 2, "dropout_rate"), "is not a field of dropout"),
        (("layers", 3, "inputDim"), "did you mean `input_dim`?"),
        (("data", "train_size"), "[data.split] holds fractions"),
        (("data", "validation_split"), "[data.split] holds fractions of the rows: validation = 0.2"),
        (("data", "test_size"), "test = 0.2"),
        (("data", "na_values"), "`missing_markers`"),
        (("data", "usecols"), "`features`"),
        (("data", "normalize"), 'transforms = ["standardize"]'),
        (("data", "split", "val_size"), "did you mean `validation`?"),
        (("data", "split", "test_size"), "did you mean `test`?"),
        (("training", "val_split"), "[data.split]"),
        (("training", "device"), "on the CPU"),
        (("training", "nb_epoch"), "did you mean `epochs`?"),
        (("device",), "on the CPU"),
        (("model",), "[[layers]]"),
        (("x",), "see [data]"),
    ],
)
def test_what_to_write_instead(path, words):
    given = copy.deepcopy(DOCUMENT)
    if path[-1] == "inputDim":
        del given["layers"][3]["input_dim"]
    if "split" in path:
        given["data"]["split"] = {}
    table: Any = given
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = 3
    found = [d for d in specnet.validate(given, data=False).diagnostics if d.path == path]
    assert len(found) == 1, found
    assert found[0].code == "SN202"
    assert words in str(found[0])


def test_what_tables_are_told_is_told_to_tables_alone():
    arrays = {"type": "npz", "path": "x.npz", "x": "images"}
    (found,) = specnet.validate({**DOCUMENT, "data": arrays}, data=False).diagnostics
    assert "did you mean `inputs`?" in str(found)


@pytest.mark.parametrize("key", ["weight", "weights", "sample_weight"])
def test_data_without_sample_weights_say_what_weighs_instead(key):
    images = {"type": "images", "path": "pictures", "size": [8, 8], key: "w"}
    (fault,) = [
        d for d in specnet.validate({**DOCUMENT, "data": images}, data=False).diagnostics if key in d.path
    ]
    assert "`class_weights` of the loss weighs classes" in (fault.help or "")
