"""A document whose layer is a loop: it trains, resumes, explains itself and is exported like any other."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from typer.testing import CliRunner

import specnet
from specnet.cli.app import app
from specnet.vocabulary.layers import LAYERS
from tests.support.recurrence import Recurrence
from tests.support.sequences import (
    by_onnx,
    by_program,
    by_training_program,
    whole_and_resumed,
    write_document,
)

STEPS, FEATURES = 12, 3


@pytest.fixture
def document(tmp_path):
    def write(dtype="float64", **layer):
        training = {"epochs": 4, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.01}}
        own = {"type": "recurrence", "units": 5, **layer}
        more = {"name": "series", "dtype": dtype, "training": training}
        return write_document(tmp_path, STEPS, FEATURES, own, **more)

    with LAYERS.registered(Recurrence):
        yield write


@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_a_loop_learns_what_its_steps_one_by_one_do(document, rate):
    loop = specnet.run(specnet.load(document(rate=rate)))
    unrolled = specnet.run(specnet.load(document(rate=rate, unrolled=True)))
    for name, array in loop.model.parameters.items():
        np.testing.assert_allclose(array, unrolled.model.parameters[name], rtol=1e-11, atol=1e-13)
    assert loop.splits["validation"]["loss"] == pytest.approx(
        unrolled.splits["validation"]["loss"], rel=1e-11
    )


def test_its_gradients_agree_with_central_differences(document):
    checks = specnet.check_gradients(specnet.load(document()))
    assert [check.name for check in checks if not check.ok] == []
    assert "recurrence_1.recurrent" in [check.name for check in checks]


def test_it_resumes_to_the_bit(document):
    whole, resumed = whole_and_resumed(document(rate=0.3))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name])


def test_explain_shows_the_steps_of_the_loop_below_it(document):
    done = CliRunner().invoke(app, ["explain", str(document())], env={"NO_COLOR": "1", "COLUMNS": "80"})
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()[1:3]) for line in done.output.splitlines() if " scan " in line]
    assert lines[0] == "scan (batch,"
    assert "indented ops run once per step of the loop above them" in done.output
    assert "memory: loops" in done.output


def test_explain_measures_the_ops_of_a_loop(document):
    arguments = ["explain", str(document()), "--profile", "--output", "json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    plan = json.loads(done.stdout)["plans"]["step"]
    products = [step for step in plan["steps"] if step["op"] == "matmul" and step["loop"]]
    assert [step["flops"] for step in products] == [2 * STEPS * 8 * 5 * 5] * 2


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_exported(document, dtype):
    rows = np.random.default_rng(1).normal(size=(7, STEPS, FEATURES)).astype(dtype)
    found, expected, written = by_program(document(dtype=dtype), rows)
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    assert f"for step in range({STEPS}):" in written


def test_its_exported_training_ends_at_the_same_parameters(document):
    found, expected, written = by_training_program(document())
    assert re.search(rf"for step_\d in reversed\(range\({STEPS}\)\):", written)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-10, atol=1e-12)


def test_it_is_exported_as_onnx(document):
    rows = np.random.default_rng(1).normal(size=(7, STEPS, FEATURES))
    found, expected = by_onnx(document(), rows)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
