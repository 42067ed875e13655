"""Values put into the text of a document, where the rest stays as it is."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest

from specnet.diagnostics import KeyPath
from specnet.language.editing import edited

TOML = """\
specnet = 1  # the language
name = 'a'

[training]  # how
epochs = 5

  [training.optimizer]
  type = "sgd"  # plain
  learning_rate = 0.1

[[layers]]
type = "dense"
units = "${width}"
activation = { type = "leaky_relu", slope = 0.1 }

[[layers]]
type = "dropout"
"""


@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        (("training", "epochs"), 7, "epochs = 5", "epochs = 7"),
        (("name",), "b", "name = 'a'", 'name = "b"'),
        (("layers", 0, "units"), 12, '"${width}"', "12"),
        (("layers", 0, "activation", "slope"), 0.5, "slope = 0.1", "slope = 0.5"),
        (("layers", 0, "activation"), "relu", '{ type = "leaky_relu", slope = 0.1 }', '"relu"'),
        (("layers", 0, "activation", "other"), 1, "slope = 0.1 }", "slope = 0.1, other = 1 }"),
        (("layers", 1, "rate"), 0.5, 'type = "dropout"', 'type = "dropout"\nrate = 0.5'),
        (("training", "batch_size"), 8, "epochs = 5", "epochs = 5\nbatch_size = 8"),
        (
            ("training", "optimizer", "momentum"),
            0.9,
            "  learning_rate = 0.1",
            "  learning_rate = 0.1\n  momentum = 0.9",
        ),
        (("training", "schedule", "type"), "cosine", "epochs = 5", 'epochs = 5\nschedule.type = "cosine"'),
        (("seed",), 3, "name = 'a'", "name = 'a'\nseed = 3"),
        (("variables", "width"), 3, 'type = "dropout"\n', 'type = "dropout"\n\n[variables]\nwidth = 3\n'),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_only_the_value_changes(path: KeyPath, value: Any, before: str, after: str) -> None:
    assert TOML.count(before) == 1
    assert edited(TOML, "toml", {path: value}) == TOML.replace(before, after)


def test_a_bare_name_becomes_a_table() -> None:
    text = 'loss = "mse"\n[training]\noptimizer = "adam" # it is\n'
    changes: dict[KeyPath, Any] = {("training", "optimizer", "learning_rate"): 0.1}
    assert edited(text, "toml", changes) == text.replace('"adam"', '{ type = "adam", learning_rate = 0.1 }')


def test_json_is_edited_too() -> None:
    text = '{"training": {"epochs": 5},\n  "layers": ["flatten", {"type": "dense", "units": 1}]}\n'
    changes: dict[KeyPath, Any] = {
        ("training", "epochs"): 6,
        ("training", "batch_size"): 8,
        ("layers", 1, "units"): 2,
        ("seed",): 4,
    }
    found = edited(text, "json", changes)
    assert found is not None
    assert json.loads(found) == {
        "training": {"epochs": 6, "batch_size": 8},
        "layers": ["flatten", {"type": "dense", "units": 2}],
        "seed": 4,
    }
    assert "},\n  " in found


@pytest.mark.parametrize("path", [("layers", 7, "units"), ("training",), ("specnet", "a")], ids=str)
def test_what_has_no_place_is_left_to_others(path: KeyPath) -> None:
    assert edited(TOML, "toml", {path: 1}) is None


def test_several_values_at_once_are_those_that_were_asked_for() -> None:
    changes: dict[KeyPath, Any] = {
        ("layers", 1): {"type": "dropout", "rate": 0.2},
        ("training", "early_stopping", "patience"): 4,
        ("variables", "a"): [1, {"b": 2}],
        ("variables", "c"): "x\ny",
    }
    del changes[("layers", 1)]
    found = edited(TOML, "toml", changes)
    assert found is not None
    data = tomllib.loads(found)
    assert data["training"]["early_stopping"] == {"patience": 4}
    assert data["variables"] == {"a": [1, {"b": 2}], "c": "x\ny"}
    assert found.count("#") == TOML.count("#")
