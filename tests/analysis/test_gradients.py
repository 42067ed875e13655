from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.analysis.gradients import TOLERANCE
from specnet.graph import ops

TEXT = """
specnet = 1
dtype = "float32"
data = { type = "synthetic", kind = "moons", samples = 90, noise = 0.1 }
loss = "cross_entropy"
training = { batch_size = 10 }
layers = [
    { type = "dense", units = 40, activation = "tanh", kernel_regularizer = "l2" },
    { type = "dropout", rate = 0.3 },
    { type = "dense", units = 5, activation = "relu" },
    { type = "dense", units = 2 },
]
"""


def test_every_parameter_is_found_right_in_double_precision():
    found = specnet.check_gradients(specnet.load(TEXT))
    model = specnet.compile(specnet.load(TEXT))
    assert [(c.name, c.shape) for c in found] == [(n, a.shape) for n, a in model.parameters.items()]
    assert all(c.ok and c.error < TOLERANCE for c in found)
    assert [c.checked for c in found] == [32, 32, 32, 5, 10, 2]
    # Central differences of float32 numbers would agree to three digits at the most.
    assert max(c.error for c in found) < 1e-6
    assert any(abs(c.gradient) > 1e-3 for c in found)


def test_how_much_is_checked_can_be_said():
    found = specnet.check_gradients(specnet.load(TEXT), rows=1, entries=3)
    assert {c.checked for c in found} == {3, 2}
    assert all(c.ok for c in found)


def test_kinks_at_the_start_are_no_faults():
    text = """
specnet = 1
data = { type = "inline", inputs = [[0, 0], [0, 1], [1, 0], [1, 1]], targets = [0, 1, 1, 0] }
loss = "mae"
layers = [{ type = "dense", units = 9, activation = "relu" }, { type = "dense", units = 1, kernel_init = "zeros" }]
"""
    assert all(c.ok for c in specnet.check_gradients(specnet.load(text)))


@pytest.mark.parametrize(
    ("op", "wrong"),
    [
        ("tanh", lambda gradients: [gradients[0] * 1.001]),
        ("tanh", lambda gradients: [-gradients[0]]),
        ("relu", lambda gradients: [gradients[0] * 2.0]),
    ],
)
def test_a_wrong_rule_is_caught_below_it_and_not_above(op, wrong):
    function = getattr(ops, op)
    right = function.pullback
    object.__setattr__(function, "pullback", lambda *args, **more: wrong(right(*args, **more)))
    try:
        found = {c.name: c for c in specnet.check_gradients(specnet.load(TEXT))}
    finally:
        object.__setattr__(function, "pullback", right)
    above = {"tanh": ["dense_2", "dense_3"], "relu": ["dense_3"]}[op]
    for name, check in found.items():
        assert check.ok == (name.partition(".")[0] in above), name
        assert check.ok or check.error > 5e-4
    assert all(c.ok for c in specnet.check_gradients(specnet.load(TEXT)))


def test_the_model_keeps_its_parameters():
    from specnet.analysis.gradients import check_gradients
    from specnet.runs.compiling import compile_spec

    model, data = compile_spec(specnet.load(TEXT, {"dtype": "float64"}))
    before = model.parameters.flat.copy()
    check_gradients(model, data)
    np.testing.assert_array_equal(model.parameters.flat, before)


def test_a_number_that_is_none_is_never_right():
    text = TEXT.replace('"l2"', '{ type = "l2", factor = 1e308 }')
    assert not all(c.ok for c in specnet.check_gradients(specnet.load(text, {"dtype": "float64"})))
