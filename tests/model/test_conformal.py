"""Intervals and prediction sets against the guarantee of split conformal prediction, and its definition."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

import specnet
from specnet.model.conformal import MemberSpread, bounds, covered, fit_intervals, members
from specnet.model.uncertainty import least_rows, rank_of
from tests.support.uncertain import classes, network_itself, numbers, trained


@pytest.mark.parametrize(
    ("level", "rows", "rank"), [(0.9, 9, 9), (0.9, 8, 9), (0.9, 99, 90), (0.9, 100, 91), (0.95, 19, 19)]
)
def test_ranks_are_exact(level, rows, rank):
    assert rank_of(level, rows) == rank
    assert (rank <= rows) == (rows >= least_rows(level))


def outputs(loss, units, target):
    data = {"type": "inline", "inputs": [[0.0], [1.0]], "targets": target}
    network = specnet.compile(
        {
            "specnet": 1,
            "dtype": "float64",
            "loss": loss,
            "data": data,
            "layers": [{"type": "dense", "units": units}],
        }
    ).network
    return network.outputs[""]


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9])
def test_coverage_is_that_of_the_textbook(level):
    # Of exchangeable rows without ties, exactly k / (n + 1) are covered on average.
    output = outputs("mse", 1, [0.0, 1.0])
    rng = np.random.default_rng(0)
    n, shares = 19, []
    for _ in range(3000):
        prediction, target = rng.normal(size=(2, n + 1, 1)) ** 3
        own = fit_intervals(output, prediction[:n], target[:n], level, None)
        inside, _ = covered(output, own, prediction[n:], target[n:], None)
        shares.append(inside.mean())
    expected = ceil(level * (n + 1)) / (n + 1)
    assert level <= expected < level + 1 / (n + 1)
    assert np.mean(shares) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 3000))


def test_intervals_of_an_ensemble_are_wider_where_its_members_differ():
    # The same guarantee holds whatever the scale is, if it does not depend on the targets of the rows.
    output = outputs("mse", 1, [0.0, 1.0])
    rng = np.random.default_rng(3)
    n, shares, noise = 19, [], np.array([0.3])
    for _ in range(2000):
        deviations = rng.exponential(size=(n + 1, 1))
        prediction = rng.normal(size=(n + 1, 1))
        target = prediction + rng.normal(size=(n + 1, 1)) * np.hypot(0.3, deviations)
        spread = MemberSpread(noise, deviations[:n])
        own = fit_intervals(output, prediction[:n], target[:n], 0.8, None, spread)
        inside, width = covered(output, own, prediction[n:], target[n:], None, deviations[n:])
        low, high = bounds(own, prediction, None, deviations)
        np.testing.assert_allclose(high - low, 2 * own.half_widths[0] * np.sqrt(0.09 + deviations**2))
        np.testing.assert_allclose(width, (high - low)[n:])
        shares.append(inside.mean())
    scores = np.sort(np.abs(prediction - target)[:n, 0] / np.sqrt(0.09 + deviations[:n, 0] ** 2))
    assert own.half_widths[0] == pytest.approx(scores[15])
    assert np.mean(shares) == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 2000))


def test_what_an_ensemble_is_scaled_by_is_of_its_training_rows_and_its_members():
    x, y = numbers()
    inner = [{"type": "dense", "units": 8, "activation": "tanh"}, {"type": "dense", "units": 1}]
    layers = [{"type": "ensemble", "members": 4, "layers": inner}]
    data = {"transforms": [{"type": "log", "on": "targets"}, {"type": "standardize", "on": "targets"}]}
    result = trained((x, y), "mse", output={"intervals": 0.8}, layers=layers, data=data)
    model = result.model
    own = model.uncertainty.intervals[""]
    train, test = (result.data.splits[name] for name in ("train", "test"))
    off = model.forward(train.inputs) - train.targets.reshape(-1, 1)
    assert own.noise[0] == pytest.approx(np.sqrt(np.mean(off**2)))
    apart = model.outputs_of("ensemble_1", x).std(axis=1, ddof=1)
    found = model.predict_intervals(x)
    half = own.half_widths[0] * np.sqrt(own.noise[0] ** 2 + apart**2)
    logs = np.log(y)
    mean = np.log(model.predict(x))
    fitted = np.log(found.upper) - mean
    assert np.corrcoef(fitted.ravel(), half.ravel())[0, 1] == pytest.approx(1)
    np.testing.assert_allclose(fitted, mean - np.log(found.lower))
    far = model.predict_intervals(20 * x)
    assert np.log(far.upper / far.lower).mean() > 1.2 * np.log(found.upper / found.lower).mean()
    assert logs.std() * 0.5 < (fitted / half).mean() < logs.std() * 2
    assert result.splits["test"]["coverage"] == pytest.approx(0.8, abs=0.1)
    assert len(test) == 240


@pytest.mark.parametrize("level", [0.7, 0.9])
def test_sets_cover_as_the_textbook_says(level):
    output = outputs("cross_entropy", 3, [0, 1])
    rng = np.random.default_rng(1)
    n, shares = 29, []
    for _ in range(3000):
        p = rng.dirichlet(np.ones(3), n + 1)
        y = np.array([rng.choice(3, p=row) for row in p])
        own = fit_intervals(output, p[:n], y[:n], level, None)
        inside, size = covered(output, own, p[n:], y[n:], None)
        assert size[0] == members(output, own, p[n:]).sum()
        shares.append(inside.mean())
    expected = ceil(level * (n + 1)) / (n + 1)
    assert np.mean(shares) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 3000))


def within(share, level, fitted, tested):
    """Whether a share of covered rows is what chance allows: beta-distributed coverage, measured on other rows."""
    error = np.sqrt(level * (1 - level) * (1 / (fitted + 2) + 1 / tested))
    return abs(share - rank_of(level, fitted) / (fitted + 1)) < 3.5 * error


@pytest.mark.parametrize(
    ("data", "loss", "units"),
    [
        (classes(4000), "cross_entropy", 3),
        (classes(4000, 2), "binary_cross_entropy", 1),
        (classes(4000, 2), "hinge", 1),
        (numbers(4000), "mse", 1),
        (numbers(4000), "gaussian_nll", 2),
        (numbers(4000), "poisson", 1),
    ],
    ids=["softmax", "sigmoid", "scores", "numbers", "variance", "counts"],
)
def test_held_out_rows_are_covered(data, loss, units):
    result = trained(data, loss, units, output={"intervals": 0.8})
    rows = {name: len(split) for name, split in result.data.splits.items()}
    assert within(result.splits["test"]["coverage"], 0.8, rows["validation"], rows["test"])
    # On the rows that they are fitted to, as many are inside as the rank says.
    share = rank_of(0.8, rows["validation"]) / rows["validation"]
    assert result.splits["validation"]["coverage"] == pytest.approx(share, abs=1e-9)


def test_intervals_are_the_residuals_of_a_rank():
    x, y = numbers()
    standard = [{"type": "standardize", "on": "targets"}]
    result = trained((x, y), "mse", 1, output={"intervals": 0.9}, data={"transforms": standard})
    split = result.data.splits["validation"]
    raw = result.data.encoding.raw_rows(split.inputs)
    targets = result.data.encoding.decode(split.targets).reshape(-1)
    residuals = np.abs(result.model.predict(raw)[:, 0] - targets)
    half = np.sort(residuals)[rank_of(0.9, len(split)) - 1]
    made = result.model.predict_intervals(x)
    np.testing.assert_allclose(made.upper - made.predictions, half, rtol=1e-9)
    np.testing.assert_allclose(made.predictions - made.lower, half, rtol=1e-9)
    np.testing.assert_array_equal(made.predictions, result.model.predict(x))
    assert made.level == 0.9
    assert result.splits["test"]["width"] == pytest.approx(2 * half)


@pytest.mark.parametrize("kind", ["log", "log1p", "sqrt", "power"])
def test_intervals_of_a_curve_stay_in_its_range(kind):
    x, y = numbers(3000)
    transforms = [{"type": kind, "on": "targets"}, {"type": "standardize", "on": "targets"}]
    result = trained((x, y), "mse", 1, output={"intervals": 0.9}, data={"transforms": transforms})
    made = result.model.predict_intervals(x)
    inside = ((made.lower[:, 0] <= y) & (y <= made.upper[:, 0])).mean()
    assert inside == pytest.approx(0.9, abs=0.03)
    widths = (made.upper - made.lower)[:, 0]
    assert widths[made.predictions[:, 0].argmax()] > 1.2 * widths[made.predictions[:, 0].argmin()]
    assert (made.lower >= 0).all()
    assert (made.lower <= made.predictions).all()
    assert (made.predictions <= made.upper).all()


@pytest.mark.parametrize("kind", ["quantile", "clip"])
def test_intervals_of_transforms_that_lose_something_are_in_the_units_of_the_data(kind):
    x, y = numbers(3000)
    transforms = [{"type": kind, "on": "targets"}]
    result = trained((x, y), "mse", 1, output={"intervals": 0.9}, data={"transforms": transforms})
    made = result.model.predict_intervals(x)
    assert np.ptp(made.upper - made.lower) < 1e-9
    assert ((made.lower[:, 0] <= y) & (y <= made.upper[:, 0])).mean() == pytest.approx(0.9, abs=0.03)


def test_a_negative_factor_turns_the_ends_round():
    x, y = numbers()
    transforms = [{"type": "log", "on": "targets"}, {"type": "scale", "factor": -2.0, "on": "targets"}]
    result = trained((x, y), "mse", 1, output={"intervals": 0.9}, data={"transforms": transforms})
    made = result.model.predict_intervals(x)
    assert (made.lower < made.upper).all()


def test_each_of_several_numbers_has_a_width_of_its_own():
    x, y = numbers(2000)
    both = np.stack([y, 100 * y + np.random.default_rng(5).normal(0, 50, len(y))], axis=1)
    result = trained((x, both), "mse", 2, output={"intervals": 0.9})
    made = result.model.predict_intervals(x)
    half = (made.upper - made.lower)[0] / 2
    assert half[1] > 10 * half[0]
    inside = ((made.lower <= both) & (both <= made.upper)).mean(axis=0)
    np.testing.assert_allclose(inside, 0.9, atol=0.04)
    assert result.splits["test"]["coverage"] == pytest.approx(0.9, abs=0.04)
    assert "width" not in result.splits["test"]


def test_each_label_has_a_set_of_its_own():
    x, y = classes(2000, 4)
    labels = np.stack([y < 2, y % 2 == 0], axis=1).astype(float)
    result = trained((x, labels), "binary_cross_entropy", 2, output={"intervals": 0.9})
    made = result.model.predict_sets(x)
    assert made.members.shape == (2000, 2, 2)
    assert made.classes == ("0", "1")
    held = np.take_along_axis(made.members, labels.astype(int)[:, :, None], axis=2)[..., 0]
    np.testing.assert_allclose(held.mean(axis=0), 0.9, atol=0.04)
    assert made.names()[0] == [[c for c, m in zip("01", row, strict=True) if m] for row in made.members[0]]


def test_sets_are_taken_before_the_calibration():
    x, y = classes(2000)
    asked = {"calibration": "isotonic", "intervals": 0.8}
    sure, plain = (trained((x, y), output=output) for output in (asked, {"intervals": 0.8}))
    np.testing.assert_array_equal(sure.model.predict_sets(x).members, plain.model.predict_sets(x).members)
    np.testing.assert_array_equal(sure.model.predict_sets(x).predictions, sure.model.predict(x))
    own = network_itself(plain)["validation"]
    p = np.sort(own.predictions[np.arange(len(own.targets)), own.targets])[::-1]
    assert sure.model.uncertainty.intervals[""].thresholds == (p[rank_of(0.8, len(p)) - 1],)


def test_a_set_may_be_empty_and_names_its_classes():
    output = outputs("cross_entropy", 3, [0, 1])
    p = np.array([[0.9, 0.1, 0.0], [0.4, 0.3, 0.3], [0.1, 0.8, 0.1], [0.0, 0.3, 0.7]])
    own = fit_intervals(output, p, np.array([0, 0, 1, 2]), 0.6, None)
    assert own.thresholds == (0.7,)
    assert members(output, own, p).tolist() == [
        [True, False, False],
        [False] * 3,
        [False, True, False],
        [False, False, True],
    ]


def test_ends_are_numbers_of_the_data():
    own = fit_intervals(
        outputs("mse", 1, [0.0, 1.0]), np.zeros((4, 1)), np.array([[1.0], [-2.0], [3.0], [4.0]]), 0.6, None
    )
    assert own.half_widths == (3.0,)
    low, high = bounds(own, np.array([[10.0]]), None)
    assert (low.item(), high.item()) == (7.0, 13.0)


def test_what_has_no_intervals_says_so():
    x, y = classes()
    model = trained((x, y), output={}).model
    with pytest.raises(ValueError, match=r"no intervals: train it with `intervals = 0\.9` in `\[output\]`"):
        model.predict_intervals(x)
    sets = trained((x, y), output={"intervals": 0.8}).model
    with pytest.raises(ValueError, match="the model predicts classes: call predict_sets"):
        sets.predict_intervals(x)
    with pytest.raises(ValueError, match="the model has no output `a`"):
        sets.predict_sets(x, output="a")
    assert sets.predict_sets(x, output="dense_2").level == 0.8


def test_several_outputs_have_intervals_by_name():
    x, y = classes()
    heads = {
        "of_classes": {"loss": "cross_entropy"},
        "again": {"loss": "cross_entropy", "layer": "of_classes"},
        "inputs": {"loss": "mse", "target": "inputs", "layer": "rebuilt"},
    }
    layers = [
        {"type": "dense", "units": 8, "activation": "tanh", "name": "hidden"},
        {"type": "dense", "units": 4, "name": "rebuilt", "inputs": ["hidden"]},
        {"type": "dense", "units": 3, "name": "of_classes", "inputs": ["hidden"]},
    ]
    asked = {"calibration": "temperature", "intervals": 0.8}
    result = trained((x, y), None, output=asked, layers=layers, outputs=heads)
    assert set(result.model.uncertainty.calibrators) == {"of_classes", "again"}
    assert {"of_classes.coverage", "again.set_size"} <= set(result.splits["test"])
    assert "inputs.coverage" not in result.splits["test"]
    with pytest.raises(ValueError, match="several outputs: choose one with `output`, of"):
        result.model.predict_sets(x)
    with pytest.raises(ValueError, match="the output `inputs` has no intervals"):
        result.model.predict_sets(x, output="inputs")
    own = result.model.predict_sets(x, output="of_classes")
    np.testing.assert_array_equal(own.predictions, result.model.predict(x, output="of_classes"))
    assert set(result.uncertainty["calibration"]) == {"of_classes", "again"}
