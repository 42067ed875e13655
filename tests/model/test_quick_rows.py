"""Predictions again and again of rows like those before them: what they give, and what they leave to others."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import specnet
from tests.support.predicted import DOCUMENT
from tests.support.threads import elsewhere, forks, in_child, together

ROWS = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)


@pytest.fixture(scope="module", params=["numpy", "numba"])
def model(request):
    if request.param == "numba":
        pytest.importorskip("numba")
    return specnet.run(DOCUMENT, engine=request.param).model


def ready(model):
    """Return what is ready for the model's next rows, or None."""
    return next(iter(model._predictor.quick._ready), None)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_the_second_call_gives_what_the_first_one_gave(model, dtype):
    rows = [ROWS[number : number + 1].astype(dtype) for number in range(3)]
    first = [model.predict(each) for each in rows]
    kept = [each.copy() for each in first]
    alone = ready(model)
    again = [model.predict(each) for each in rows]
    assert ready(model) is alone
    np.testing.assert_array_equal(again, kept, strict=True)
    np.testing.assert_array_equal(first, kept, err_msg="a later call has changed what an earlier one gave")


def test_other_rows_are_not_taken_for_those(model):
    expected = model.predict(ROWS)
    strided = np.repeat(ROWS, 2, axis=1)[:, ::2]
    for rows in (strided, ROWS.astype(">f4"), ROWS.tolist(), ROWS.astype(np.float64), ROWS.view(np.matrix)):
        model.predict(ROWS)
        np.testing.assert_array_equal(model.predict(rows), expected)
    for count in (3, 1, 3):
        np.testing.assert_allclose(model.predict(ROWS[:count]), expected[:count], 1e-5)
    np.testing.assert_array_equal(model.predict(ROWS, output="dense_2"), expected)
    with pytest.raises(ValueError, match="no output"):
        model.predict(ROWS, output="dense_3")
    with pytest.raises(specnet.SpecError):
        model.predict(ROWS[:, :1])


def test_rows_at_fault_are_named_and_nothing_warns(model):
    expected, rows = model.predict(ROWS), ROWS.astype(np.float64)
    model.predict(rows)
    for number in (np.nan, np.inf, 1e300):
        faulty = rows.copy()
        faulty[5, 1] = number
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(specnet.SpecError) as caught:
                model.predict(faulty)
        assert "in row 6" in caught.value.diagnostics[0].message
    np.testing.assert_array_equal(model.predict(ROWS), expected)
    assert np.geterr()["over"] == "warn", "the caller's error handling is as it was"


def test_threads_at_once_have_memory_of_their_own(model):
    expected = [model.predict(ROWS[number : number + 1]) for number in range(4)]

    def own(number):
        return lambda: [model.predict(ROWS[number : number + 1]) for _ in range(100)]

    for number, found in enumerate(together(*map(own, range(4)))):
        for each in found:
            np.testing.assert_array_equal(each, expected[number])
    assert len(model._predictor.quick._ready) == 1


@forks
def test_a_child_process_predicts_by_what_its_parent_has_ready(model):
    expected = model.predict(ROWS[:1])
    np.testing.assert_array_equal(in_child(lambda: model.predict(ROWS[:1])), expected)


def test_a_training_and_a_prediction_exclude_each_other():
    model, refused = specnet.run(DOCUMENT).model, []
    model.predict(ROWS)
    training, alone = model.use, ready(model)
    owner = type("Owner", (), {})()
    training.begin_steps(owner)

    def predict():
        with pytest.raises(specnet.ModelInUseError):
            model.predict(ROWS)
        return True

    assert elsewhere(predict)
    assert not training.readers
    np.testing.assert_array_equal(model.predict(ROWS), model.predict(ROWS))  # this thread makes the steps
    training.end_steps(owner)
    assert ready(model) is alone
    predicts = alone.predict

    def slowly(rows):
        with pytest.raises(specnet.ModelInUseError):
            training.begin_steps(owner)
        refused.append(training.stepping)
        return predicts(rows)

    alone.predict = slowly
    model.predict(ROWS)
    assert refused == [None]
    training.begin_steps(owner)
    training.end_training(owner)


def test_an_interrupt_leaves_the_model_free():
    model = specnet.run(DOCUMENT).model
    expected = model.predict(ROWS)

    def interrupted(rows):  # noqa: ARG001
        raise KeyboardInterrupt

    ready(model).predict = interrupted
    with pytest.raises(KeyboardInterrupt):
        model.predict(ROWS)
    assert not model.use.readers
    assert ready(model) is None, "a worker may still be writing there"
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(ROWS), expected)
