"""Traces of every kind of layer: what is shown is what the training computes."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("torch")

import specnet
from specnet.runs.compiling import compile_spec
from tests.support.layer_cases import Row, document_of, rows

KINDS = {row.options["type"]: row for row in rows()}


@pytest.mark.parametrize("row", KINDS.values(), ids=KINDS)
def test_a_layer_s_numbers_are_those_of_the_training(row: Row, tmp_path):
    rng = np.random.default_rng(3)
    inputs, targets = row.draw(rng, (11, *row.shape)), rng.normal(size=(11, 2))
    spec = specnet.load(json.dumps(document_of(row, inputs, targets, 4, 0.05, tmp_path)))
    found = specnet.trace(spec, row=5, steps=3)
    first, second, _ = found.steps
    assert (first.rows, second.rows) == ((0, 1, 2, 3), (4, 5, 6, 7))
    assert "layer" in {layer.name for layer in second.forward}
    assert second.outputs["layer"].shape == specnet.compile(spec).network.layers[1 - row.indices].output[1:]
    for step in found.steps:
        lines = [line for layer in step.forward for line in layer.lines if line.name == "loss"]
        assert [float(line.value) for line in lines] == pytest.approx([step.loss] * len(lines), rel=1e-12)

    started, *_ = specnet.train(spec)
    for each in found.steps[-1].parameters:
        assert each.after.tobytes() == started.model.parameters[each.name].tobytes()

    model, data = compile_spec(spec)
    train = data.splits["train"]
    _, gradients = model.loss_and_gradients(
        np.asarray(train.inputs)[:4], np.asarray(train.targets)[:4], training=True
    )
    for each in first.parameters:
        np.testing.assert_allclose(each.gradient, gradients[each.name], rtol=1e-9, atol=1e-12)
