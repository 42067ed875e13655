from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from specnet.data import FORMATS, load_data
from specnet.data.pipeline import Pipeline
from specnet.data.transforms import TRANSFORMS, TransformError
from specnet.diagnostics import SpecError

numbers = st.floats(-1e6, 1e6).map(lambda number: round(number, 6))
tables = hnp.arrays(np.float64, st.tuples(st.integers(2, 20), st.integers(1, 4)), elements=numbers)
images = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=4, max_side=5), elements=numbers)


def make(**fields):
    return TRANSFORMS.validate(fields)


def fitted(transform, array):
    """A pipeline of one transform that has learnt from an array."""
    return Pipeline("inputs", [(0, transform)], [transform.fit(array)])


def applied(transform, array):
    """An array after a transform that has learnt from it."""
    return fitted(transform, array).apply(array)


@settings(deadline=None)
@given(tables)
def test_standardize_is_scikit_learns(array):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    theirs = preprocessing.StandardScaler().fit_transform(array)
    transform = make(type="standardize")
    np.testing.assert_allclose(applied(transform, array), theirs, rtol=1e-6, atol=1e-6)


@settings(deadline=None)
@given(tables, st.floats(-10, 10), st.floats(0.5, 10))
def test_minmax_is_scikit_learns(array, low, width):
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    span = (low, low + width)
    theirs = preprocessing.MinMaxScaler(feature_range=span).fit_transform(array)
    transform = make(type="minmax", range=list(span))
    ours = applied(transform, array)
    # scikit-learn takes any span below ten units in the last place of 1 for none.
    wide = np.ptp(array, axis=0) > np.maximum(1e-9 * np.abs(array).max(), 1e-14)
    np.testing.assert_allclose(ours[:, wide], theirs[:, wide], rtol=1e-5, atol=1e-5)


def test_values_of_a_known_table():
    array = np.array([[1.0, 10.0], [3.0, 10.0], [5.0, 10.0], [7.0, 10.0]])
    standardize, minmax = make(type="standardize"), make(type="minmax", range=[-1, 1])
    root5 = np.sqrt(5)
    np.testing.assert_allclose(
        applied(standardize, array),
        np.column_stack([np.array([-3, -1, 1, 3]) / root5, np.zeros(4)]),
        atol=1e-15,
    )
    np.testing.assert_allclose(
        applied(minmax, array),
        np.column_stack([[-1, -1 / 3, 1 / 3, 1], [-1] * 4]),
        atol=1e-15,
    )


@given(images, st.integers(1, 7))
@pytest.mark.parametrize("kind", ["standardize", "minmax"])
@pytest.mark.parametrize("per", ["feature", "channel", "all"])
def test_blocks_change_nothing(kind, per, array, step):
    transform = make(type=kind, per=per)
    whole = transform.fit(array)
    parts = transform.fit_blocks([array[i : i + step] for i in range(0, len(array), step)])
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, rtol=1e-6, atol=1e-6 * (1 + np.abs(array).max()))


@pytest.mark.parametrize(("per", "axes"), [("feature", 0), ("channel", (0, 1, 2)), ("all", (0, 1, 2, 3))])
def test_what_shares_statistics(per, axes):
    array = np.random.default_rng(1).normal(3, 2, (10, 4, 5, 3))
    transform = make(type="standardize", per=per)
    state = transform.fit(array)
    np.testing.assert_allclose(state["mean"], array.mean(axis=axes), rtol=1e-12)
    np.testing.assert_allclose(state["std"], array.std(axis=axes), rtol=1e-12)
    bounds = make(type="minmax", per=per).fit(array)
    np.testing.assert_array_equal(bounds["min"], array.min(axis=axes))
    np.testing.assert_allclose(bounds["span"], np.ptp(array, axis=axes), rtol=1e-15)


def test_standardize_of_a_large_mean_keeps_its_digits():
    array = 1e9 + np.arange(1000.0).reshape(-1, 1) % 7
    transform = make(type="standardize")
    state = transform.fit_blocks([array[:300], array[300:310], array[310:]])
    np.testing.assert_allclose(state["std"], (array - 1e9).std(axis=0), rtol=1e-9)


@pytest.mark.parametrize("value", [0.0, 1.0, 0.1, -1e12, 1e-300])
def test_a_constant_feature_divides_by_no_zero(value):
    array = np.full((7, 2), value)
    standardize, minmax = make(type="standardize"), make(type="minmax", range=[2, 3])
    np.testing.assert_allclose(applied(standardize, array), 0, atol=1e-3)
    np.testing.assert_array_equal(applied(minmax, array), 2)
    np.testing.assert_allclose(fitted(standardize, array).invert(np.zeros((7, 2))), array)


def test_one_row():
    array = np.array([[1.0, -2.0]])
    for kind in ("standardize", "minmax"):
        transform = make(type=kind)
        np.testing.assert_array_equal(applied(transform, array), 0)


FIELDS = [
    {"type": "standardize"},
    {"type": "standardize", "per": "all"},
    {"type": "standardize", "per": "channel"},
    {"type": "minmax"},
    {"type": "minmax", "range": [-3, 5], "per": "all"},
    {"type": "scale", "factor": -2.5, "offset": 7},
    {"type": "flatten"},
    {"type": "reshape", "shape": [-1]},
    {"type": "reshape", "shape": [-1, 1, 1]},
]


@pytest.mark.parametrize("fields", FIELDS, ids=str)
@settings(deadline=None)
@given(array=images)
def test_round_trip_shape_and_affine(fields, array):
    transform = make(**fields)
    pipeline = fitted(transform, array)
    out = pipeline.apply(array)
    assert out.shape == (len(array), *transform.output_shape(array.shape[1:]))
    scale = 1 + np.abs(array).max()
    back = pipeline.invert(out)
    assert back.shape == array.shape
    np.testing.assert_allclose(back, array, rtol=1e-9, atol=1e-9 * scale)
    factor, offset = pipeline.affine(array.shape[1:])
    assert factor.shape == offset.shape == out.shape[1:]
    size = 1 + np.abs(array).max() * np.abs(factor).max() + np.abs(offset).max()
    np.testing.assert_allclose(array.reshape(out.shape) * factor + offset, out, atol=1e-12 * size)


@settings(deadline=None)
@given(hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(0, 4)))
def test_one_hot(array):
    transform = make(type="one_hot", classes=5)
    pipeline = fitted(transform, array)
    out = pipeline.apply(array)
    assert out.shape == (*array.shape, 5) == (len(array), *transform.output_shape(array.shape[1:]))
    np.testing.assert_array_equal(out, np.eye(5)[array])
    np.testing.assert_array_equal(pipeline.invert(out), array)
    assert pipeline.affine(array.shape[1:]) is None


@pytest.mark.parametrize("value", [-1.0, 5.0, 0.5, 1e18])
def test_one_hot_takes_indices_only(value):
    with pytest.raises(TransformError, match=r"not a whole number from 0 to 4"):
        applied(make(type="one_hot", classes=5), np.array([1.0, value]))


def test_reshape_works_out_one_axis():
    assert make(type="reshape", shape=[8, 8, 1]).output_shape((64,)) == (8, 8, 1)
    assert make(type="reshape", shape=[-1, 16]).output_shape((8, 8)) == (4, 16)
    for shape in ([5], [-1, 7]):
        with pytest.raises(TransformError, match="64 elements"):
            make(type="reshape", shape=shape).output_shape((8, 8))


FAULTY = [
    ({"type": "minmax", "range": [1, 1]}, "from a smaller to a larger"),
    ({"type": "minmax", "range": [1, float("inf")]}, "finite"),
    ({"type": "scale", "factor": 0}, "would make every element the same"),
    ({"type": "scale", "factor": float("nan")}, "finite"),
    ({"type": "reshape", "shape": [0]}, "size of at least 1"),
    ({"type": "reshape", "shape": [-2]}, "size of at least 1"),
    ({"type": "reshape", "shape": [-1, -1]}, "only one axis"),
    ({"type": "one_hot", "classes": 0}, "greater than 0"),
    ({"type": "standardize", "on": "both"}, "'inputs' or 'targets'"),
    ({"type": "one_hot"}, "Field required"),
]


@pytest.mark.parametrize(("fields", "words"), FAULTY, ids=str)
def test_faulty_fields(fields, words):
    with pytest.raises(ValidationError, match=words):
        make(**fields)


def test_statistics_come_from_the_training_split_alone(desk):
    data = desk.load(
        type="inline",
        inputs=[[0.0], [2.0]],
        targets=[10.0, 30.0],
        test={"inputs": [[100.0]], "targets": [1000.0]},
        transforms=["standardize", {"type": "minmax", "on": "targets"}],
    )
    assert data.splits["train"].inputs.tolist() == [[-1], [1]]
    assert data.splits["test"].inputs.tolist() == [[99]]
    assert data.splits["train"].targets.tolist() == [0, 1]
    assert data.splits["test"].targets.tolist() == [49.5]


def test_each_transform_learns_from_what_those_before_it_leave(desk):
    data = desk.load(
        type="inline",
        inputs=[[[1, 2], [3, 4]], [[5, 6], [7, 8]], [[0, 0], [9, 9]]],
        targets=[0.5, 1, 2],
        transforms=[
            {"type": "scale", "factor": 10},
            "flatten",
            "standardize",
            {"type": "minmax", "range": [-1, 1]},
        ],
    )
    x = data.splits["train"].inputs
    assert x.shape == (3, 4)
    np.testing.assert_allclose(x.min(axis=0), -1)
    np.testing.assert_allclose(x.max(axis=0), 1)
    np.testing.assert_allclose(data.encoding.inputs.steps[2][1]["mean"], [20, 80 / 3, 190 / 3, 70])


def test_many_blocks_give_what_one_does(desk):
    rng = np.random.default_rng(5)
    x = rng.normal(4, 3, (1000, 300))
    np.savez(desk.folder / "a.npz", inputs=x, targets=np.arange(1000) % 3)
    data = desk.load(
        type="npz", path="a.npz", split={"test": 0.3}, transforms=["standardize"], dtype="float32"
    )
    train = data.splits["train"].inputs.astype(np.float64)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-6)
    state = data.encoding.inputs.steps[0][1]
    whole = np.concatenate([data.splits[s].inputs for s in ("train", "test")]) * state["std"] + state["mean"]
    np.testing.assert_allclose(np.sort(whole, axis=0), np.sort(x, axis=0), atol=1e-4)


def test_integers_end_where_targets_are_transformed(desk):
    fields = {"type": "inline", "inputs": [[1], [2], [3]], "targets": [0, 1, 2]}
    scaled = desk.load(**fields, transforms=[{"type": "scale", "factor": 2, "on": "targets"}])
    assert scaled.splits["train"].targets.tolist() == [0, 2, 4]
    assert (scaled.signature.integers, scaled.signature.class_count) == (False, None)
    hot = desk.load(**fields, transforms=[{"type": "one_hot", "classes": 3, "on": "targets"}])
    assert hot.splits["train"].targets.tolist() == np.eye(3).tolist()
    assert (hot.signature.integers, hot.signature.class_count) == (False, 3)
    assert hot.signature.classes == ("0", "1", "2")


def test_one_hot_targets_keep_the_names_of_their_classes(desk):
    data = desk.load(
        type="builtin", name="iris", transforms=[{"type": "one_hot", "classes": 3, "on": "targets"}]
    )
    assert data.signature.classes == ("setosa", "versicolor", "virginica")
    assert data.signature.target_kind == "class"


def test_a_shape_that_does_not_fit_is_found_without_reading(desk):
    fault = desk.fault(
        type="builtin", name="digits", transforms=["flatten", {"type": "reshape", "shape": [8, 9]}]
    )
    assert (fault.code, fault.path) == ("SN560", ("data", "transforms", 1, "shape"))
    assert "64 elements, of shape [64], do not fill the shape [8, 9]" in fault.message


def test_values_that_one_hot_cannot_take(desk):
    fields = {"type": "inline", "inputs": [[0], [1], [7]], "targets": [0.5, 1, 2]}
    (fault,) = desk.faults(**fields, transforms=[{"type": "one_hot", "classes": 3}])
    assert (fault.code, fault.path) == ("SN561", ("data", "transforms", 0, "classes"))
    assert (
        fault.message == "inputs of the train split, row 3 of the data: 7 is not a whole number from 0 to 2"
    )


def test_values_that_a_transform_cannot_pass_on_to_the_next(desk):
    fields = {"type": "inline", "inputs": [[0], [1], [7]], "targets": [0.5, 1, 2]}
    (fault,) = desk.faults(**fields, transforms=[{"type": "one_hot", "classes": 3}, "standardize"])
    assert (fault.code, fault.path) == ("SN561", ("data", "transforms", 0, "classes"))
    test = {"inputs": [[8]], "targets": [0.5]}
    fields["inputs"] = [[0], [1], [2]]
    (fault,) = desk.faults(**fields, test=test, transforms=[{"type": "one_hot", "classes": 3}, "standardize"])
    assert fault.message == "inputs of the test split, row 1 of the data: 8 is not a whole number from 0 to 2"


def test_numbers_that_outgrow_the_dtype(desk):
    fields = {"type": "inline", "inputs": [[1.0], [1e300]], "targets": [0.5, 1]}
    assert desk.load(**fields).splits["train"].inputs[1] == 1e300
    with pytest.raises(SpecError, match="too large for float32 in row 2 of the data"):
        load_data(FORMATS.validate(fields), desk.folder, seed=0, dtype="float32")
    (fault,) = desk.faults(**fields, transforms=[{"type": "scale", "factor": 1e20}])
    assert fault.code == "SN561"


def test_units_of_the_data(desk):
    targets = [[10.0, -1.0], [20.0, 5.0], [60.0, 3.0]]
    data = desk.load(
        type="inline",
        inputs=[[1], [2], [3]],
        targets=targets,
        transforms=[
            {"type": "standardize", "on": "targets"},
            {"type": "scale", "factor": 3, "offset": 1, "on": "targets"},
            {"type": "reshape", "shape": [2, 1], "on": "targets"},
        ],
    )
    y = data.splits["train"].targets
    scale, offset = data.encoding.target_affine()
    assert scale.shape == offset.shape == (2, 1)
    np.testing.assert_allclose(((y - offset) / scale)[..., 0], targets)
    np.testing.assert_allclose(data.encoding.decode(y), targets)
    plain = desk.load(type="inline", inputs=[[1]], targets=[0.5])
    assert [a.tolist() for a in plain.encoding.target_affine()] == [1.0, 0.0]
    hot = desk.load(
        type="builtin", name="iris", transforms=[{"type": "one_hot", "classes": 3, "on": "targets"}]
    )
    assert hot.encoding.target_affine() is None
