from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import specnet

TEXT = """
specnet = 1
name = "little"
dtype = "float64"

[data]
type = "synthetic"
kind = "moons"
samples = 120
noise = 0.1
split = { validation = 0.2 }

[[data.transforms]]
type = "standardize"

[[layers]]
type = "dense"
units = 6
activation = "tanh"
kernel_regularizer = "l2"

[[layers]]
type = "dense"
units = 2

[loss]
type = "cross_entropy"

[training]
epochs = 3
optimizer = "adam"
"""


def test_exactly_these_names_are_exported():
    assert sorted(specnet.__all__) == [
        "AveragedModel",
        "Backtest",
        "Diagnostic",
        "Ended",
        "EpochEnded",
        "Evaluation",
        "Event",
        "Figures",
        "FoldEnded",
        "FoldStarted",
        "Forecast",
        "GeneratedSequence",
        "GeneratedToken",
        "Generation",
        "GradientCheck",
        "History",
        "Importance",
        "Intervals",
        "Model",
        "ModelInUseError",
        "OutOfFold",
        "PredictionSets",
        "Report",
        "Result",
        "Resumed",
        "RunError",
        "Span",
        "Spec",
        "SpecError",
        "SpecFileError",
        "SpecnetError",
        "Started",
        "StepsDone",
        "SweepEnded",
        "SweepEvent",
        "SweepNoted",
        "SweepResult",
        "SweepStarted",
        "Trace",
        "TrialEnded",
        "TrialRecord",
        "TrialReported",
        "TrialStarted",
        "__version__",
        "check_gradients",
        "compile",
        "evaluate",
        "load",
        "load_model",
        "load_run",
        "permutation_importance",
        "register",
        "run",
        "sweep",
        "trace",
        "train",
        "validate",
    ]
    assert dir(specnet) == specnet.__all__
    for name in specnet.__all__:
        assert getattr(specnet, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        _ = specnet.nothing


def test_importing_specnet_imports_nothing_heavy():
    code = (
        "import sys, specnet; print([m for m in ('numpy', 'pydantic', 'typer', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_validating_a_document_imports_no_numpy_and_no_terminal():
    code = (
        "import sys, specnet; specnet.validate(sys.argv[1], data=False);"
        "print([m for m in ('numpy', 'typer', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, TEXT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_load_takes_a_path_or_a_text_and_overrides(tmp_path):
    path = tmp_path / "spec.toml"
    path.write_text(TEXT)
    for source in (path, str(path), TEXT):
        spec = specnet.load(source, overrides={"training.epochs": 5})
        assert (spec.training.epochs, spec.name) == (5, "little")
    with pytest.raises(specnet.SpecError) as caught:
        specnet.load(TEXT.replace("units = 6", "unts = 6"))
    (finding,) = caught.value.diagnostics
    assert finding.path == ("layers", 0, "unts")
    assert "did you mean `units`" in finding.message


def test_validate_never_raises_for_a_faulty_document():
    assert specnet.validate(TEXT).ok
    report = specnet.validate(TEXT.replace("units = 2", "units = 1").replace("epochs = 3", "epochs = 0"))
    assert not report.ok
    assert {d.path for d in report.diagnostics} >= {("training", "epochs")}
    assert not specnet.validate("specnet = [\n").ok
    with pytest.raises(specnet.SpecFileError, match="no such file"):
        specnet.validate("absent.toml")


def test_parameters_are_views_of_the_model():
    model = specnet.compile(specnet.load(TEXT))
    assert list(model.parameters) == ["dense_1.kernel", "dense_1.bias", "dense_2.kernel", "dense_2.bias"]
    inputs = np.zeros((1, 2))
    before = model.forward(inputs)
    model.parameters["dense_2.bias"][0] = 5.0
    assert model.forward(inputs)[0, 0] > before[0, 0]


@pytest.mark.parametrize("training", [False, True])
def test_gradients_equal_central_differences(training):
    model = specnet.compile(specnet.load(TEXT))
    random = np.random.default_rng(0)
    x, t = random.normal(size=(10, 2)), random.integers(0, 2, 10)
    loss, gradients = model.loss_and_gradients(x, t, training=training)
    assert loss > 0
    for name, array in model.parameters.items():
        direction = random.normal(size=array.shape)
        start, h = array.copy(), 1e-6
        array[...] = start + h * direction
        above = model.loss_and_gradients(x, t, training=training)[0]
        array[...] = start - h * direction
        below = model.loss_and_gradients(x, t, training=training)[0]
        array[...] = start
        slope = float(np.sum(gradients[name] * direction))
        assert (above - below) / (2 * h) == pytest.approx(slope, rel=1e-6, abs=1e-9)


def test_gradients_are_the_caller_s_own():
    model = specnet.compile(specnet.load(TEXT))
    x, t = np.ones((4, 2)), np.zeros(4, int)
    first = model.loss_and_gradients(x, t)[1]["dense_1.kernel"].copy()
    kept = model.loss_and_gradients(x, t)[1]["dense_1.kernel"]
    model.loss_and_gradients(5 * x, t)
    assert np.array_equal(kept, first)


def test_arrays_that_do_not_fit_are_refused():
    model = specnet.compile(specnet.load(TEXT))
    with pytest.raises(ValueError, match=r"the model takes \(rows, 2\)"):
        model.forward(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="cannot be compared"):
        model.loss_and_gradients(np.zeros((3, 2)), [0, 1])
    with pytest.raises(ValueError, match="classes go from 0 to 2"):
        model.loss_and_gradients(np.zeros((3, 2)), [0, 1, 2])
    with pytest.raises(ValueError, match="a class index per row"):
        model.loss_and_gradients(np.zeros((3, 2)), [0.5, 1.0, 0.0])
    assert model.forward(np.zeros((0, 2))).shape == (0, 2)


def test_predictions_take_raw_inputs_and_any_number_of_rows():
    model = specnet.compile(specnet.load(TEXT))
    x = np.random.default_rng(0).normal(size=(2500, 2))
    whole = model.predict(x)
    assert whole.shape == (2500, 2)
    np.testing.assert_allclose(whole.sum(axis=1), 1.0)
    for row in (0, 1030, 2499):
        np.testing.assert_allclose(model.predict(x[row : row + 1])[0], whole[row], rtol=1e-12)
    np.testing.assert_allclose(model.forward(model.encoding.encode(x)), whole)


def test_run_prints_nothing_and_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        result = specnet.run(specnet.load(TEXT))
    assert (out.getvalue(), err.getvalue()) == ("", "")
    assert not any(tmp_path.iterdir())
    assert result.run is None
    assert set(result.as_dict()) >= {
        "specnet",
        "name",
        "run",
        "parameters",
        "epochs",
        "steps",
        "seconds",
        "stopped",
    }
    assert len(result.history) == result.epochs == 3
    assert result.model.predict([[0.0, 0.0]]).shape == (1, 2)


def test_a_saved_run_predicts_the_same(tmp_path):
    result = specnet.run(specnet.load(TEXT), out=tmp_path / "one")
    again = specnet.load_run(tmp_path / "one")
    x = np.random.default_rng(1).normal(size=(7, 2))
    assert np.array_equal(again.predict(x), result.model.predict(x))
    assert Path(result.run) == tmp_path / "one"


def test_the_numbers_of_numpy_s_global_state_are_left_alone():
    state = np.random.get_state()  # noqa: NPY002
    errors = np.geterr()
    specnet.run(specnet.load(TEXT))
    assert np.array_equal(np.random.get_state()[1], state[1])  # noqa: NPY002
    assert np.geterr() == errors


def test_threads_with_a_model_each_agree_with_one_alone():
    spec = specnet.load(TEXT, overrides={"training.epochs": 20})
    alone = specnet.run(spec).model.parameters.flat
    found = {}

    def work(number):
        found[number] = specnet.run(
            specnet.load(TEXT, overrides={"training.epochs": 20})
        ).model.parameters.flat

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[n], alone) for n in range(4))
