"""Calibrations against scikit-learn's and SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from scipy.optimize import minimize_scalar
from scipy.special import expit, log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.isotonic import IsotonicRegression

from specnet.model.calibrating import ScoredRows, fit_isotonic, fit_temperature
from specnet.model.calibrators import calibrated
from tests.support.uncertain import classes, network_itself, trained


class Given(ClassifierMixin, BaseEstimator):
    """A classifier whose inputs are its probabilities."""

    def fit(self, x, y):
        self.classes_ = np.arange(x.shape[1])
        return self

    def predict(self, x):
        return x.argmax(axis=1)

    def predict_proba(self, x):
        return x


def reference(method, probabilities, targets, new, weights=None):
    fitted = Given().fit(probabilities, targets)
    made = CalibratedClassifierCV(FrozenEstimator(fitted), method=method)
    return made.fit(probabilities, targets, sample_weight=weights).predict_proba(new)


def rows_of(logits, targets, weights=None, *, exclusive=True):
    weights = np.ones(len(logits)) if weights is None else weights
    p = np.exp(log_softmax(logits, axis=1)) if exclusive else expit(logits)
    return ScoredRows(logits, p, targets, weights / weights.sum(), exclusive=exclusive)


@pytest.mark.parametrize("decimals", [16, 1])
def test_curves_are_isotonic_regressions(decimals):
    rng = np.random.default_rng(1)
    p = np.round(rng.random((400, 2)), decimals)
    t, w = (rng.random((400, 2)) < p**2).astype(float), rng.random(400)
    w[::7] = 0.0
    made = fit_isotonic(ScoredRows(np.log(p + 1e-9), p, t, w / w.sum(), exclusive=False))
    new = np.linspace(-0.1, 1.1, 301)
    for column, curve in enumerate(made.curves):
        other = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p[:, column], t[:, column], w)
        np.testing.assert_allclose(np.interp(new, curve.x, curve.y), other.predict(new), atol=1e-14)
        assert len(curve.x) == len(other.X_thresholds_)


@pytest.mark.parametrize("count", [2, 4])
def test_temperatures_minimise_the_log_loss(count):
    rng = np.random.default_rng(count)
    z = 6 * rng.normal(size=(300, count))
    y = np.array([rng.choice(count, p=np.exp(row)) for row in log_softmax(z / 4, axis=1)])
    w = rng.random(300)

    def loss(factor):
        return -np.average(log_softmax(factor * z, axis=1)[np.arange(300), y], weights=w)

    best = minimize_scalar(loss, bounds=(1e-3, 5), method="bounded", options={"xatol": 1e-12})
    made = fit_temperature(rows_of(z, np.eye(count)[y], w))
    assert made.temperature == pytest.approx(1 / best.x, rel=1e-7)
    assert (made.before, made.after) == pytest.approx((loss(1.0), best.fun), rel=1e-12)
    assert made.note is None


def test_one_temperature_serves_all_labels():
    rng = np.random.default_rng(3)
    z = 5 * rng.normal(size=(300, 3))
    t = (rng.random((300, 3)) < expit(z / 3)).astype(float)
    best = minimize_scalar(
        lambda f: np.mean(np.logaddexp(0, f * z) - t * f * z), bounds=(1e-3, 5), method="bounded",
        options={"xatol": 1e-12},
    )  # fmt: skip
    made = fit_temperature(rows_of(z, t, exclusive=False))
    assert made.temperature == pytest.approx(1 / best.x, rel=1e-7)


def test_rows_of_probabilities_are_targets_too():
    rng = np.random.default_rng(4)
    z = rng.normal(size=(200, 3))
    # Targets that are the probabilities at a temperature are met exactly at that one.
    made = fit_temperature(rows_of(z, np.exp(log_softmax(z / 2.5, axis=1))))
    assert made.temperature == pytest.approx(2.5, rel=1e-9)


def test_separated_rows_have_no_best_temperature():
    z = np.array([[3.0, 0.0], [0.0, 1.0]])
    made = fit_temperature(rows_of(z, np.eye(2)))
    assert made.temperature == 1.0
    assert made.before == made.after
    assert "its highest score for its own class" in made.note


def test_a_network_that_is_worse_than_chance_gets_equal_probabilities():
    z = np.array([[3.0, 0.0], [0.0, 1.0]])
    made = fit_temperature(rows_of(z, np.eye(2)[::-1]))
    assert made.temperature == pytest.approx(np.exp(10.0))
    assert made.after == pytest.approx(np.log(2), rel=1e-3)


METHODS = ["isotonic"]
if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8):
    METHODS.append("temperature")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [2, 3])
def test_models_predict_as_scikit_learn_calibrates_them(method, count):
    result = trained(classes(count=count), units=count, output={"calibration": method})
    own = network_itself(result)
    fitted, new = own["validation"], own["test"]
    expected = reference(method, fitted.predictions, fitted.targets, new.predictions)
    made = result.model.predict(result.data.encoding.raw_rows(result.data.splits["test"].inputs))
    # scikit-learn stops its search for a temperature early.
    tolerance = {"isotonic": 1e-12, "temperature": 2e-4}[method]
    np.testing.assert_allclose(made, expected, atol=tolerance)
    assert np.abs(made - new.predictions).max() > 0.02  # the calibration does something


def test_a_single_sigmoid_is_calibrated_as_two_classes_are():
    result = trained(classes(count=2), "binary_cross_entropy", 1, output={"calibration": "isotonic"})
    own = network_itself(result)
    p, t = own["validation"].predictions, own["validation"].targets[:, 0].astype(int)
    new = own["test"].predictions
    expected = reference("isotonic", np.hstack([1 - p, p]), t, np.hstack([1 - new, new]))[:, 1:]
    made = result.model.predict(result.data.encoding.raw_rows(result.data.splits["test"].inputs))
    np.testing.assert_allclose(made, expected, atol=1e-12)


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_weights_count_in_the_fit(method):
    x, y = classes(count=2)
    w = np.random.default_rng(1).random(len(x)) + 0.1
    result = trained((x, y, w), units=2, output={"calibration": method})
    own, weights = network_itself(result)["validation"], result.data.splits["validation"].weights
    one_hot = np.eye(2)[own.targets]
    fit = {"temperature": fit_temperature, "isotonic": fit_isotonic}[method]
    with_weights = fit(
        ScoredRows(own.logits, own.predictions, one_hot, weights / weights.sum(), exclusive=True)
    )
    assert result.model.uncertainty.calibrators[""] == with_weights
    assert fit(rows_of(own.logits, one_hot)) != with_weights


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_losses_are_those_of_calibrated_probabilities(method):
    result = trained(classes(), output={"calibration": method}, metrics=["accuracy"])
    split = result.data.splits["test"]
    p = result.model.predict(result.data.encoding.raw_rows(split.inputs))
    given = np.maximum(p[np.arange(len(p)), split.targets], 2.0**-52)
    assert result.splits["test"]["loss"] == pytest.approx(-np.log(given).mean(), rel=1e-9)
    assert result.splits["test"]["accuracy"] == pytest.approx((p.argmax(axis=1) == split.targets).mean())
    raw = network_itself(result)["test"].predictions
    plain = -np.log(raw[np.arange(len(p)), split.targets]).mean()
    assert result.uncalibrated["test"]["loss"] == pytest.approx(plain, rel=1e-9)
    assert plain != pytest.approx(result.splits["test"]["loss"], rel=1e-3)


def test_masks_leave_out_what_has_no_class():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4, 4, 2))
    y = (x[..., 0] + 0.7 * rng.normal(size=(80, 4, 4)) > 0).astype(np.int64)
    y[:, 0, 0] = 9
    layers = [{"type": "conv2d", "filters": 2, "kernel_size": 1}]
    loss = {"type": "cross_entropy", "ignore_index": 9}
    result = trained((x, y), loss, output={"calibration": "isotonic"}, layers=layers)
    own = network_itself(result)["validation"]
    there = own.targets != 9
    p, t = own.predictions[there], own.targets[there]
    curve = result.model.uncertainty.calibrators[""].curves[1]
    other = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p[:, 1], t)
    new = np.linspace(0, 1, 101)
    np.testing.assert_allclose(np.interp(new, curve.x, curve.y), other.predict(new), atol=1e-13)
    assert result.model.predict(x).shape == (80, 4, 4, 2)


def test_a_class_that_no_row_is_of_gets_a_share_of_nothing():
    z = np.array([[2.0, 1.0, 0.0], [0.0, 3.0, 1.0], [1.0, 0.0, 0.5], [0.0, 1.0, 0.2]])
    made = fit_isotonic(rows_of(z, np.eye(3)[[0, 1, 1, 0]]))
    assert made.curves[2].y[0] == made.curves[2].y[-1] == 0.0
    assert made.fault((3,), "softmax") is None
    assert made.fault((2,), "softmax") == "it has 3 curves, and the output needs 2"


def test_nothing_to_calibrate_leaves_the_graph_alone():
    result = trained(classes(), output={})
    lowered = result.model.network.lower(training=False)
    assert calibrated(result.model.network, lowered, {}) is lowered
    assert result.model.uncertainty is None
    assert result.uncalibrated == {}
