"""Every initializer against its formula, and its moments against its distribution's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import specnet
from specnet.engines.random import stream
from specnet.vocabulary import initializers
from specnet.vocabulary.initializers import INITIALIZERS, fans
from tests.support.examples import examples

SHAPES = [(400, 300), (3, 3, 32, 64), (2000,), (1, 1)]


def draw(options, shape, seed=0):
    return INITIALIZERS.validate(options).draw(shape, stream(seed, "initial/test"))


@pytest.mark.parametrize(
    "kind", ["uniform", "normal", "truncated_normal", "glorot_uniform", "he_normal", "zeros"]
)
def test_memory_is_filled_in_pieces_with_the_same_numbers(kind, monkeypatch):
    monkeypatch.setattr(initializers, "PIECE", 100)
    array = np.empty((37, 53), np.float32)
    INITIALIZERS.validate(kind).fill(array, stream(0, "initial/test"))
    assert np.array_equal(array, draw(kind, array.shape).astype(np.float32))


RANDOM = {
    "uniform": {},
    "normal": {},
    "truncated_normal": {},
    "glorot_uniform": {},
    "glorot_normal": {},
    "he_uniform": {},
    "he_normal": {},
    "lecun_uniform": {},
    "lecun_normal": {},
    "orthogonal": {},
    "random_signs": {},
    "unit_variance": {},
    "within_data": {},
}
FIXED = {"zeros": {}, "ones": {}, "constant": {"value": 1.5}, "identity": {}}


def test_every_initializer_is_tried():
    assert set(RANDOM) | set(FIXED) == set(INITIALIZERS.kinds)


@pytest.mark.parametrize("name", [*RANDOM, *FIXED])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_are_float64_of_the_shape_and_follow_the_seed(name, shape):
    options = {"type": name} | RANDOM.get(name, FIXED.get(name, {}))
    initializer = INITIALIZERS.validate(options)
    if initializer.fault(shape) is not None:
        assert name in ("orthogonal", "identity")
        return
    values = draw(options, shape)
    assert values.shape == shape
    assert values.dtype == np.float64
    assert values.flags.c_contiguous
    np.testing.assert_array_equal(values, draw(options, shape))
    if values.size > 1 or name != "random_signs":
        assert np.array_equal(values, draw(options, shape, seed=1)) == (name in FIXED)


VARIANCES = {
    "glorot_uniform": lambda i, o: 2.0 / (i + o),
    "glorot_normal": lambda i, o: 2.0 / (i + o),
    "he_uniform": lambda i, o: 2.0 / i,
    "he_normal": lambda i, o: 2.0 / i,
    "lecun_uniform": lambda i, o: 1.0 / i,
    "lecun_normal": lambda i, o: 1.0 / i,
}


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize(
    ("shape", "fan_in", "fan_out"), [((500, 300), 500, 300), ((3, 5, 40, 80), 600, 1200)]
)
def test_the_variance_is_the_one_that_the_fans_call_for(name, shape, fan_in, fan_out):
    values, variance = draw(name, shape), VARIANCES[name](fan_in, fan_out)
    n = values.size
    # Four standard errors: of the mean, and of the variance, whose own is at most sqrt(2 / n) of it.
    assert abs(values.mean()) < 4.0 * math.sqrt(variance / n)
    assert values.var() == pytest.approx(variance, rel=4.0 * math.sqrt(2.0 / n))
    ends = {"uniform": math.sqrt(3.0), "normal": 2.0 / 0.87962566103423978}
    limit = ends[name.partition("_")[2]] * math.sqrt(variance)
    assert np.abs(values).max() <= limit
    assert np.abs(values).max() > 0.99 * limit


def test_the_correction_of_truncated_normals_is_scipys():
    stats = pytest.importorskip("scipy.stats")
    assert stats.truncnorm(-2.0, 2.0).std() == pytest.approx(0.87962566103423978, rel=1e-14)


@pytest.mark.parametrize("name", ["truncated_normal", "normal", "uniform"])
def test_drawn_values_have_the_distribution_asked_for(name):
    stats = pytest.importorskip("scipy.stats")
    options, meant = {
        "uniform": ({"low": -1.0, "high": 3.0}, stats.uniform(-1.0, 4.0)),
        "normal": ({"mean": 2.0, "stddev": 0.5}, stats.norm(2.0, 0.5)),
        "truncated_normal": ({"mean": 2.0, "stddev": 0.5}, stats.truncnorm(-2.0, 2.0, 2.0, 0.5)),
    }[name]
    values = draw({"type": name, **options}, (20_000,))
    assert stats.kstest(values, meant.cdf).pvalue > 1e-3


@pytest.mark.parametrize("shape", [(6, 6), (7, 3), (3, 7), (2, 2, 3, 5), (1, 4)])
def test_orthogonal_has_orthonormal_columns_or_rows(shape):
    matrix = draw({"type": "orthogonal", "gain": 1.5}, shape).reshape(-1, shape[-1]) / 1.5
    rows, columns = matrix.shape
    product = matrix.T @ matrix if rows >= columns else matrix @ matrix.T
    np.testing.assert_allclose(product, np.eye(min(rows, columns)), atol=1e-12)


def test_orthogonal_favours_no_sign():
    """Without the signs of R's diagonal, LAPACK's first column would nearly always point one way."""
    first = [draw("orthogonal", (4, 4), seed)[0, 0] for seed in range(200)]
    assert 70 < sum(value > 0 for value in first) < 130


def test_identity_and_its_gain():
    np.testing.assert_array_equal(draw({"type": "identity", "gain": 2.0}, (2, 3)), [[2, 0, 0], [0, 2, 0]])


@pytest.mark.parametrize(
    ("name", "shape"), [("identity", (2, 2, 2)), ("identity", (3,)), ("orthogonal", (3,))]
)
def test_shapes_that_cannot_be_filled_are_reported(name, shape):
    assert "needs two axes" in (INITIALIZERS.validate(name).fault(shape) or "")


def test_a_constant_fills_any_shape_with_one_number():
    np.testing.assert_array_equal(draw({"type": "constant", "value": 2}, (2, 3)), np.full((2, 3), 2.0))


@settings(max_examples=examples(40), deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), st.integers(0, 1000))
def test_a_constant_is_the_array_written_down(shape, seed):
    array = np.random.default_rng(seed).normal(size=shape)
    constant = INITIALIZERS.validate({"type": "constant", "value": array.tolist()})
    assert constant.fault(shape) is None
    np.testing.assert_array_equal(constant.draw(shape, stream(0, "x")), array)
    assert constant.fault((*shape, 2)) is not None
    assert hash(constant) == hash(INITIALIZERS.validate({"type": "constant", "value": array.tolist()}))


def test_a_constant_of_another_shape_is_reported_with_both_shapes():
    constant = INITIALIZERS.validate({"type": "constant", "value": [[1.0, 2.0], [3.0, 4.0]]})
    assert constant.fault((2, 3)) == "`value` has the shape (2, 2), and the parameter has (2, 3)"
    # A row that NumPy would stretch is refused too: it is likelier a slip than meant.
    assert constant.fault((5, 2, 2)) is not None


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        ([[1.0, 2.0], [3.0]], (1,), "this is an array of 1, and the entry before it an array of 2"),
        ([[1.0], 2.0], (1,), "this is a number, and the entry before it an array of 1"),
        ([[1.0, "a"]], (0, 1), "expected a number"),
        ([[1.0, True]], (0, 1), "expected a number"),
        ([1.0, []], (1,), "needs at least one number"),
        ([], (), "needs at least one number"),
        ([1.0, float("nan")], (1,), "expected a finite number"),
        (float("inf"), (), "expected a finite number"),
        ("zero", (), "expected a number, or an array of numbers"),
        ({"a": 1}, (), "expected a number, or an array of numbers"),
    ],
)
def test_a_faulty_constant_names_the_entry(value, path, message):
    with pytest.raises(ValidationError) as caught:
        INITIALIZERS.validate({"type": "constant", "value": value})
    (found,) = caught.value.errors()
    assert found["loc"] == ("value",)
    assert found["ctx"]["path"] == path
    assert message in found["msg"]


@pytest.mark.parametrize(
    "options",
    [
        {"type": "uniform", "low": 1.0},
        {"type": "uniform", "low": 1.0, "high": 1.0},
        {"type": "normal", "stddev": 0.0},
        {"type": "truncated_normal", "stddev": -1.0},
        {"type": "constant"},
        {"type": "zeros", "value": 1.0},
    ],
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        INITIALIZERS.validate(options)


def test_fans_of_every_rank():
    assert fans((5, 7)) == (5, 7)
    assert fans((3, 3, 16, 32)) == (144, 288)
    assert fans((9,)) == (9, 9)
    assert fans(()) == (1, 1)


def test_unit_variance_gives_each_unit_the_variance_1():
    rng = np.random.default_rng(2)
    x = rng.normal(3.0, [0.1, 5.0, 1.0], (500, 3))
    kernel = INITIALIZERS.validate("unit_variance").fit((3, 40), stream(0, "k"), x, x)
    np.testing.assert_allclose((x @ kernel).std(axis=0), 1.0, rtol=1e-12)
    constant = INITIALIZERS.validate("unit_variance").fit((3, 40), stream(0, "k"), np.full((9, 3), 0.1), x)
    assert np.abs(constant).max() < 4.0


def test_within_data_is_minus_a_mean_of_five_rows():
    """The formula of Holzmüller et al. (2024), appendix A.4, with the same draws."""
    sums = np.random.default_rng(2).normal(3.0, 2.0, (500, 40))
    found = INITIALIZERS.validate("within_data").fit((40,), stream(0, "b"), sums, sums)
    draws = stream(0, "b")
    rows, weights = draws.integers(0, 500, (5, 40)), draws.exponential(size=(5, 40))
    expected = [-np.average(sums[rows[:, j], j], weights=weights[:, j]) for j in range(40)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert abs(found.mean() + 3.0) < 4.0 * 2.0 * np.sqrt(1 / 3 / 40)  # of means of five, uniformly weighted


@pytest.mark.parametrize(
    ("layer", "field", "kind"),
    [
        ({"type": "dense", "units": 2}, "kernel_init", "within_data"),
        ({"type": "dense", "units": 2}, "bias_init", "unit_variance"),
        ({"type": "maxout", "units": 2}, "kernel_init", "unit_variance"),
        ({"type": "scaling"}, "scale_init", "unit_variance"),
    ],
)
def test_initializers_that_look_at_data_are_for_dense_layers(layer, field, kind):
    plain = {
        "specnet": 1,
        "data": {"type": "inline", "inputs": [[0.0, 1.0]], "targets": [0.0]},
        "layers": [{**layer, field: kind}, {"type": "dense", "units": 1}],
        "loss": "mse",
    }
    (found,) = (each for each in specnet.validate(plain).diagnostics if each.severity == "error")
    assert (found.code, found.path) == ("SN411", ("layers", 0, field))
