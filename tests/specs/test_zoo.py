"""The networks of the literature: each has the parameters that were published, or that Keras's network of it has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import Explanation, explain
from specnet.runs.compiling import network_of

ZOO = Path(__file__).parents[2] / "specs" / "zoo"
COUNTS = {
    "lenet-5": (61_706, 0),
    "resnet-20": (273_066, 1_376),
    "mobilenet": (4_231_976, 21_888),
    "vgg16": (138_357_544, 0),
    "unet": (31_030_658, 0),
    "densenet-40-12": (1_019_722, 18_096),
    "mlp-mixer-s16": (18_528_264, 0),
    # pytabkit's has 20 more, which stand for missing values.
    "realmlp": (138_677, 0),
    "tabm": (436_512, 392),
    # rtdl_revisiting_models has no norm before the first attention, of 2 * 192.
    "ft-transformer": (894_913 + 384, 0),
}
"""What training fits, and what it does not: running statistics."""


def explained(name: str) -> Explanation:
    return explain(network_of(specnet.load(ZOO / f"{name}.toml"), data=False), data=False)


def test_every_document_of_the_folder_is_in_the_table() -> None:
    assert {path.name for path in ZOO.iterdir()} == {f"{name}.toml" for name in COUNTS}


@pytest.mark.parametrize("name", COUNTS)
def test_a_document_is_short_and_without_any_finding(name: str) -> None:
    path = ZOO / f"{name}.toml"
    assert not specnet.validate(path, data=False).diagnostics
    text = path.read_text(encoding="utf-8")
    assert specnet.load(path).name == name
    assert max(map(len, text.splitlines())) <= 110
    assert len(text.splitlines()) <= 60
    assert f"{COUNTS[name][0]:,}" in text.partition("specnet ")[0]


@pytest.mark.parametrize("name", COUNTS)
def test_the_counts_are_those_of_the_literature(name: str) -> None:
    trained, not_trained = COUNTS[name]
    data = explained(name).as_dict()
    assert (data["parameters"], data["trained"], data["not_trained"]) == (trained, trained, not_trained)
    assert sum(layer["parameters"] for layer in data["layers"]) == trained
    assert sum(layer["not_trained"] for layer in data["layers"]) == not_trained


@pytest.mark.parametrize("name", ["lenet-5", "resnet-20", "densenet-40-12"])
def test_the_smaller_ones_learn(name: str) -> None:
    changes = {"training.epochs": 5, "training.batch_size": 8, "training.optimizer.learning_rate": 0.01}
    spec = specnet.load(ZOO / f"{name}.toml", overrides=changes)
    assert spec.input_shape is not None
    raw = spec.input_shape if name != "lenet-5" else spec.input_shape[:2]
    inputs = np.random.default_rng(0).integers(0, 256, (16, *raw)).astype(np.uint8)
    rows = inputs, np.arange(16) % 10
    events = specnet.train(spec, data={"train": rows, "test": rows})
    losses = [event.loss for event in events if isinstance(event, specnet.EpochEnded)]
    assert losses[-1] < losses[0] < 2.0 * np.log(10)
