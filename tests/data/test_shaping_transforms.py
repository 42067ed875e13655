"""Transforms that change how numbers are distributed, against scikit-learn; and transforms of single columns."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pydantic import ValidationError

import specnet
from specnet.data.pipeline import Pipeline
from specnet.data.transforms import CURVES, TRANSFORMS, TransformError


def make(**fields):
    return TRANSFORMS.validate(fields)


def fitted(array, **fields):
    transform = make(**fields)
    return Pipeline("inputs", [(0, transform)], [transform.fit(array)])


@pytest.fixture(scope="module")
def columns():
    """Skewed columns, one of few values, one below 0, one of a large mean."""
    rng = np.random.default_rng(4)
    skewed, cubed = np.exp(rng.normal(size=400)), rng.normal(size=400) ** 3
    return np.column_stack(
        [skewed, cubed, rng.integers(0, 7, 400), -rng.gamma(2, size=400), rng.normal(10, 1, 400)]
    )


@pytest.fixture(scope="module")
def beyond(columns):
    """The same rows, and some that lie outside of them."""
    return np.concatenate([columns, columns * 1.4 - 0.1])


@pytest.mark.parametrize("standardize", [True, False])
def test_power_is_scikit_learns(columns, beyond, standardize):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    theirs = preprocessing.PowerTransformer(standardize=standardize).fit(columns)
    ours = fitted(columns, type="power", standardize=standardize)
    np.testing.assert_allclose(ours.states[0]["exponent"], theirs.lambdas_, rtol=1e-5, atol=1e-6)
    expected = theirs.transform(beyond)
    np.testing.assert_allclose(ours.apply(beyond), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.invert(ours.apply(beyond)), beyond, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, -1.5, 3.5])
def test_the_curve_of_every_exponent_is_scipys(exponent):
    stats = pytest.importorskip("scipy.stats")
    x = np.linspace(-3, 4, 29).reshape(-1, 1)
    state = {"exponent": np.array([exponent]), "mean": np.zeros(1), "std": np.ones(1)}
    pipeline = Pipeline("inputs", [(0, make(type="power"))], [state])
    np.testing.assert_allclose(
        pipeline.apply(x)[:, 0], stats.yeojohnson(x[:, 0], exponent), rtol=1e-12, atol=1e-14
    )
    np.testing.assert_allclose(pipeline.invert(pipeline.apply(x)), x, rtol=1e-9, atol=1e-12)


def test_a_prediction_beyond_the_range_of_a_power_is_finite():
    state = {"exponent": np.array([-1.0]), "mean": np.zeros(1), "std": np.ones(1)}
    pipeline = Pipeline("inputs", [(0, make(type="power"))], [state])
    found = pipeline.invert(np.array([[0.5], [0.99], [1.0], [7.0]]))[:, 0]
    assert np.isfinite(found).all()
    assert found[0] == pytest.approx(1.0)
    assert found[1] < found[2] == found[3]


def test_robust_scale_is_scikit_learns(columns, beyond):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    theirs = preprocessing.RobustScaler().fit(columns)
    ours = fitted(columns, type="robust_scale")
    np.testing.assert_allclose(ours.apply(beyond), theirs.transform(beyond), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(ours.invert(ours.apply(beyond)), beyond, rtol=1e-12, atol=1e-14)


def test_robust_scale_of_columns_with_few_values():
    mostly, constant = np.array([2.0, 2, 2, 2, 2, 2, 8, 0]), np.full(8, 7.0)
    ours = fitted(np.column_stack([mostly, constant]), type="robust_scale")
    assert ours.apply(np.array([[8.0, 7.0], [4.0, 9.0]])).tolist() == [[1.5, 0.0], [0.5, 0.0]]
    assert ours.invert(np.array([[1.5, 0.0], [0.5, 4.0]])).tolist() == [[8.0, 7.0], [4.0, 7.0]]


def test_robust_scale_and_smooth_clip_are_those_of_realmlp(columns, beyond):
    """The formulas of appendix A.1 of Holzmüller et al. (2024), for columns whose quartiles are equal, too."""
    columns = np.column_stack([columns, np.full(len(columns), 3.0), np.arange(len(columns)) < 5])
    beyond = np.column_stack([beyond, np.full(len(beyond), 3.0), np.arange(len(beyond)) < 5])
    low, median, high = np.quantile(columns, (0.25, 0.5, 0.75), axis=0)
    span = np.where(high > low, high - low, (columns.max(axis=0) - columns.min(axis=0)) / 2)
    scaled = (beyond - median) * np.where(span > 0, 1 / np.where(span > 0, span, 1), 0)
    expected = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    found = fitted(columns, type="robust_scale").apply(beyond)
    found = fitted(found, type="smooth_clip").apply(found)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert np.abs(found).max() < 3


@pytest.mark.parametrize("limit", [3.0, 0.5])
def test_smooth_clip_goes_back(limit):
    x = np.linspace(-20, 20, 41).reshape(-1, 1)
    ours = fitted(x, type="smooth_clip", limit=limit)
    np.testing.assert_allclose(ours.apply(x), x / np.sqrt(1 + (x / limit) ** 2), rtol=1e-14)
    np.testing.assert_allclose(ours.invert(ours.apply(x)), x, rtol=1e-9)
    beyond = ours.invert(np.array([[limit], [2 * limit], [-limit]]))[:, 0]
    assert np.isfinite(beyond).all()
    assert beyond[0] == beyond[1] == -beyond[2] > 1e6


@pytest.mark.parametrize("quantiles", [5, 100, 1000])
@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_quantile_is_scikit_learns(columns, beyond, quantiles, distribution):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # fewer rows than quantiles
        theirs = preprocessing.QuantileTransformer(
            n_quantiles=quantiles, output_distribution=distribution, subsample=None
        ).fit(columns)
    ours = fitted(columns, type="quantile", quantiles=quantiles, distribution=distribution)
    expected = theirs.transform(beyond)
    np.testing.assert_allclose(ours.apply(beyond), expected, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(
        ours.invert(expected), theirs.inverse_transform(expected), rtol=2e-3, atol=1e-5
    )


@pytest.mark.parametrize("bins", [2, 6])
@pytest.mark.parametrize("strategy", ["quantile", "uniform"])
def test_bin_is_scikit_learns(columns, beyond, bins, strategy):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    given = {"n_bins": bins, "encode": "ordinal", "strategy": strategy, "subsample": None}
    if strategy == "quantile":
        given["quantile_method"] = "averaged_inverted_cdf"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # bins that are joined
        try:
            theirs = preprocessing.KBinsDiscretizer(**given).fit(columns)
        except TypeError:
            pytest.skip("this version has no quantile_method")
    ours = fitted(columns, type="bin", bins=bins, strategy=strategy)
    found = ours.apply(beyond)
    np.testing.assert_array_equal(found, theirs.transform(beyond))
    np.testing.assert_allclose(ours.invert(found), theirs.inverse_transform(found), rtol=1e-12)
    np.testing.assert_array_equal(ours.invert(found + 0.4), ours.invert(found))
    assert ours.invert(np.full((1, 5), 99.0)).tolist() == ours.invert(np.full((1, 5), bins - 1.0)).tolist()


@pytest.mark.parametrize("kind", ["log", "log1p", "sqrt"])
def test_curves_are_numpys_and_go_back(kind):
    x = np.array([[0.5, 2.0], [1e-9, 1e9]])
    ours = fitted(x, type=kind)
    np.testing.assert_array_equal(ours.apply(x), getattr(np, kind)(x))
    np.testing.assert_allclose(ours.invert(ours.apply(x)), x, rtol=1e-12)


def test_a_root_below_0_goes_back_to_0():
    assert fitted(np.ones((2, 1)), type="sqrt").invert(np.array([[-3.0], [2.0]])).tolist() == [[0.0], [4.0]]


def test_clip():
    x = np.array([[-5.0], [0.5], [9.0]])
    assert fitted(x, type="clip").apply(2 * x).ravel().tolist() == [-5.0, 1.0, 9.0]
    assert fitted(x, type="clip", max=1).apply(2 * x).ravel().tolist() == [-5.0, 1.0, 1.0]
    assert fitted(x, type="clip", min=0, max=1).apply(x).ravel().tolist() == [0.0, 0.5, 1.0]
    assert fitted(x, type="clip", max=1).apply(x).ravel().tolist() == [-5.0, 0.5, 1.0]
    assert fitted(x, type="clip", min=0).apply(x).ravel().tolist() == [0.0, 0.5, 9.0]


@pytest.mark.parametrize("kind", ["power", "quantile", "bin", "robust_scale"])
def test_constant_features_and_single_rows(kind):
    for x in (np.full((9, 2), 3.0), np.array([[1.0, -2.0]])):
        ours = fitted(x, type=kind)
        made = ours.apply(x)
        assert np.isfinite(made).all()
        np.testing.assert_allclose(ours.invert(made), x, rtol=1e-12)


@pytest.mark.parametrize("kind", ["power", "quantile", "bin", "robust_scale"])
@pytest.mark.parametrize("per", ["feature", "channel", "all"])
def test_blocks_change_nothing_and_statistics_are_shared(kind, per):
    array = np.random.default_rng(1).normal(3, 2, (30, 2, 3))
    transform = make(type=kind, per=per)
    whole = transform.fit(array)
    reused = np.empty((7, 2, 3))

    def blocks():
        for start in range(0, 30, 7):
            part = array[start : start + 7]
            reused[: len(part)] = part
            yield reused[: len(part)]

    parts = transform.fit_blocks(blocks())
    for name, value in whole.items():
        np.testing.assert_array_equal(parts[name], value)
    made = Pipeline("inputs", [(0, transform)], [whole]).apply(array)
    shared = {"feature": (30, 6), "channel": (60, 3), "all": (180, 1)}[per]
    apart = fitted(array.reshape(shared), type=kind).apply(array.reshape(shared))
    np.testing.assert_allclose(made, apart.reshape(array.shape), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("log", 0.0, "`log` takes numbers above 0, not 0"),
        ("log1p", -1.0, "`log1p` takes numbers above -1, not -1"),
        ("sqrt", -0.5, "`sqrt` takes numbers of at least 0, not -0.5"),
    ],
)
def test_numbers_that_a_curve_cannot_take(kind, value, words):
    with pytest.raises(TransformError, match=words) as raised:
        fitted(np.ones((2, 1)), type=kind).apply(np.array([[1.0], [value]]))
    assert raised.value.row == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "clip", "min": 2, "max": 2}, "`min` must be below `max`"),
        ({"type": "smooth_clip", "limit": 0}, "greater than 0"),
        ({"type": "bin", "bins": 1}, "greater than or equal to 2"),
        ({"type": "quantile", "quantiles": 1}, "greater than or equal to 2"),
        ({"type": "log", "on": []}, "lists no column"),
        ({"type": "log", "on": ["a", "a"]}, "`a` is listed twice"),
    ],
)
def test_faulty_fields(fields, words):
    with pytest.raises(ValidationError, match=words):
        make(**fields)


def test_curves_are_the_kinds_that_are_more_than_a_scale_and_an_offset():
    array = np.array([[1.0, 2.0], [2.0, 5.0]])
    options = {"one_hot": {"classes": 9}, "reshape": {"shape": [2]}}
    curved = {
        kind
        for kind in TRANSFORMS.kinds
        if fitted(array, type=kind, **options.get(kind, {})).affine((2,)) is None
    }
    assert curved == CURVES


TABLE = "age,plan,income,price,rent\n" + "".join(
    f"{20 + i % 9},{'ab'[i % 2]},{10 + i * i},{100 + 7 * i},{5 + i}\n" for i in range(40)
)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE)

    def document(*transforms, target="price", units=1, **more):
        return {
            "specnet": 1,
            "name": "t",
            "dtype": "float64",
            "loss": "mse",
            "data": {
                "type": "csv",
                "path": str(tmp_path / "t.csv"),
                "target": target,
                "transforms": transforms,
            },
            "layers": [{"type": "dense", "units": units}],
            "training": {"epochs": 1, "batch_size": "full"},
            **more,
        }

    return document


def test_single_columns_are_transformed(table):
    document = table({"type": "log", "on": ["income", "rent"]}, {"type": "minmax", "on": ["age"]})
    inputs = specnet.run(specnet.load(document)).data.splits["train"].inputs
    i = np.arange(40)
    age = 20 + i % 9
    expected = [(age - 20) / 8, i % 2 == 0, i % 2 == 1, np.log(10 + i * i), np.log(5 + i)]
    np.testing.assert_allclose(inputs, np.column_stack(expected), rtol=1e-12)


def test_a_column_of_bins_becomes_elements_of_its_own(table):
    document = table(
        {"type": "bin", "bins": 3, "strategy": "uniform", "on": ["income"]},
        {"type": "one_hot", "classes": 3, "on": ["income"]},
        {"type": "sqrt", "on": ["rent"]},
    )
    result = specnet.run(specnet.load(document))
    inputs = result.data.splits["train"].inputs
    i = np.arange(40)
    income = 10 + i * i
    bins = np.minimum((income - 10) * 3 // (39 * 39), 2)
    np.testing.assert_array_equal(inputs[:, 3:6], np.eye(3)[bins])
    np.testing.assert_allclose(inputs[:, 6], np.sqrt(5 + i))
    slices = {part.name: (part.start, part.width, part.kind) for part in result.model.columns}
    assert slices == {
        "age": (0, 1, "number"),
        "plan": (1, 2, "onehot"),
        "income": (3, 3, "onehot"),
        "rent": (6, 1, "number"),
    }
    middles = result.data.encoding.raw_rows(inputs)
    width = 39 * 39 / 3
    np.testing.assert_allclose(middles[:, 3], 10 + width * (bins + 0.5), rtol=1e-12)
    np.testing.assert_allclose(middles[:, [0, 4]], np.column_stack([20 + i % 9, 5 + i]), rtol=1e-12)


def test_single_targets_are_transformed_and_predictions_go_back(table, tmp_path):
    document = table({"type": "log", "on": ["rent"]}, target=["price", "rent"], units=2)
    result = specnet.run(specnet.load(document), out=tmp_path / "run")
    i = np.arange(40)
    targets = result.data.splits["train"].targets
    np.testing.assert_allclose(targets, np.column_stack([100 + 7 * i, np.log(5 + i)]), rtol=1e-12)
    rows = [[25, "a", 50]]
    raw = result.model.forward(result.data.encode(rows))
    expected = np.column_stack([raw[:, 0], np.exp(raw[:, 1])])
    np.testing.assert_allclose(result.model.predict(rows), expected, rtol=1e-12)
    np.testing.assert_array_equal(
        specnet.load_run(tmp_path / "run").predict(rows), result.model.predict(rows)
    )
    one = specnet.run(specnet.load(table({"type": "log", "on": ["price"]})))
    np.testing.assert_allclose(one.data.splits["train"].targets, np.log(100 + 7 * i), rtol=1e-12)


def test_metrics_of_scaled_columns_are_in_the_units_of_the_data(table):
    scaled = table(
        {"type": "standardize", "on": ["rent"]}, target=["price", "rent"], units=2, metrics=["rmse"]
    )
    result = specnet.run(specnet.load(scaled))
    i = np.arange(40)
    rows = [[20 + n % 9, "ab"[n % 2], 10 + n * n] for n in i]
    error = result.model.predict(rows) - np.column_stack([100 + 7 * i, 5 + i])
    assert result.splits["train"]["rmse"] == pytest.approx(
        np.sqrt(np.square(error).mean(axis=0)).mean(), rel=1e-9
    )


@pytest.mark.parametrize(
    ("transform", "target", "code", "path", "words"),
    [
        ({"type": "log", "on": ["incme"]}, "price", "SN509", (0, "on", 0), "`incme`"),
        ({"type": "log", "on": ["plan"]}, "price", "SN560", (0, "on", 0), "`plan` holds categories"),
        ({"type": "log", "on": ["plan"]}, "plan", "SN560", (0, "on", 0), "`plan` holds classes"),
        ({"type": "log", "on": ["age", "price"]}, "price", "SN560", (0, "on", 1), "`price` is a target"),
        ({"type": "flatten", "on": ["age"]}, "price", "SN560", (0, "on"), "whole example"),
        ({"type": "reshape", "shape": [1], "on": ["age"]}, "price", "SN560", (0, "on"), "whole example"),
        ({"type": "both", "on": ["age"]}, "price", "SN204", (0, "type"), "`both` is not a transform"),
    ],
)
def test_columns_that_cannot_be_transformed(table, transform, target, code, path, words):
    report = specnet.validate(table(transform, target=target))
    found = {(d.code, d.path) for d in report.diagnostics if words in d.message}
    assert found == {(code, ("data", "transforms", *path))}, report.diagnostics


def test_columns_after_a_transform_that_leaves_none(table):
    report = specnet.validate(table({"type": "reshape", "shape": [5, 1]}, {"type": "log", "on": ["age"]}))
    (found,) = [d for d in report.diagnostics if d.code == "SN560"]
    assert found.path == ("data", "transforms", 1, "on")
    assert "rows of shape [5, 1]" in found.message


def test_a_value_that_a_transform_of_a_column_cannot_take(table):
    report = specnet.validate(
        table({"type": "scale", "offset": -30.0, "on": ["rent"]}, {"type": "log", "on": ["rent"]})
    )
    (found,) = [d for d in report.diagnostics if d.code == "SN561"]
    assert found.path == ("data", "transforms", 1, "type")
    assert "row 1 of the data: column `rent`: `log` takes numbers above 0, not -25" in found.message
    result = specnet.run(specnet.load(table({"type": "log", "on": ["rent"]})))
    with pytest.raises(specnet.SpecError, match="column `rent`: `log` takes numbers above 0, not -1"):
        result.model.predict([[25, "a", 50, -1.0]])
