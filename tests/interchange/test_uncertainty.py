"""Exports of calibrated models and of their intervals predict as the models do."""

from __future__ import annotations

import json

import numpy as np
import pytest

from specnet import AveragedModel, RunError
from specnet.interchange.exporting import WRITERS, Exported, numpy_program, write_numpy
from tests.support.exports import bare, session
from tests.support.uncertain import classes, document, numbers, trained

X, Y = classes()
INPUTS, POSITIVE = numbers()
LABELS = np.stack([Y == 0, Y == 1], axis=1).astype(float)
BOTH = np.stack([POSITIVE, -POSITIVE], axis=1)


def ensemble(units):
    inner = [{"type": "dense", "units": 6, "activation": "tanh"}, {"type": "dense", "units": units}]
    return {"layers": [{"type": "ensemble", "members": 3, "layers": inner}], "output": {"intervals": 0.8}}


def on_targets(*kinds):
    return {"transforms": [{"type": kind, "on": "targets"} for kind in kinds]}


CASES = {
    "temperature": ((X, Y), {"output": {"calibration": "temperature", "intervals": 0.8}}),
    "isotonic": ((X, Y), {"output": {"calibration": "isotonic", "intervals": 0.8}}),
    "isotonic alone": ((X, Y), {"output": {"calibration": "isotonic"}}),
    "float32": ((X, Y), {"output": {"calibration": "isotonic", "intervals": 0.8}, "dtype": "float32"}),
    "sigmoid": (
        (X, LABELS[:, 0]),
        {"loss": "binary_cross_entropy", "units": 1, "output": {"calibration": "isotonic", "intervals": 0.8}},
    ),
    "labels": (
        (X, LABELS),
        {
            "loss": "binary_cross_entropy",
            "units": 2,
            "output": {"calibration": "temperature", "intervals": 0.8},
        },
    ),
    "curves of labels": (
        (X, LABELS),
        {"loss": "binary_cross_entropy", "units": 2, "output": {"calibration": "isotonic"}},
    ),
    "scores": ((X, LABELS[:, 0]), {"loss": "hinge", "units": 1, "output": {"intervals": 0.8}}),
    "numbers": ((INPUTS, POSITIVE), {"loss": "mse", "units": 1, "output": {"intervals": 0.8}}),
    "scaled": (
        (INPUTS, BOTH),
        {"loss": "mse", "units": 2, "output": {"intervals": 0.8}, "data": on_targets("standardize")},
    ),
    "logarithms": (
        (INPUTS, POSITIVE),
        {"loss": "mse", "units": 1, "output": {"intervals": 0.8}, "data": on_targets("log", "standardize")},
    ),
    "ranks": (
        (INPUTS, POSITIVE),
        {"loss": "mse", "units": 1, "output": {"intervals": 0.8}, "data": on_targets("quantile")},
    ),
    "ensemble": ((INPUTS, BOTH), {"loss": "mse", **ensemble(2), "data": on_targets("standardize")}),
    "ensemble, as it is": ((INPUTS, POSITIVE), {"loss": "mse", **ensemble(1)}),
    "ensemble of logarithms": (
        (INPUTS, POSITIVE),
        {"loss": "gaussian_nll", **ensemble(2), "data": on_targets("log", "standardize")},
    ),
}


@pytest.fixture(params=CASES)
def exported(request, tmp_path):
    rows, options = CASES[request.param]
    result = trained(rows, **options)
    result.model.save(tmp_path / "made.specnet")
    return result.model, rows[0], Exported.of(tmp_path / "made.specnet")


def expected_of(model, x):
    """All that a model predicts, by the names that exports give it."""
    found = {"predictions": model.predict(x)}
    one = model.models[0] if isinstance(model, AveragedModel) else model
    own = {} if one.uncertainty is None else one.uncertainty.intervals
    if "" in own and own[""].kind == "sets":
        found["prediction_set"] = model.predict_sets(x).members
    elif "" in own:
        intervals = model.predict_intervals(x)
        found |= {"lower": intervals.lower, "upper": intervals.upper}
    return found


def agree(found, expected, dtype):
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].shape == array.shape
        if array.dtype == bool:
            # The last digit may decide for a row on the threshold.
            assert (found[name] != array).mean() < 0.01
        else:
            tolerance = 2e-3 if dtype == "float32" else 1e-11
            np.testing.assert_allclose(found[name], array, rtol=tolerance, atol=tolerance)


def test_programs_predict_the_same(exported, tmp_path):
    model, x, source = exported
    write_numpy(tmp_path / "made.py", source, training=False)
    dtype = model.spec.dtype
    given = x.astype(dtype)
    expected = expected_of(model, given)
    if len(expected) > 1:
        agree(bare(tmp_path / "made.py", given, "predict_with_intervals"), expected, dtype)
    alone = bare(tmp_path / "made.py", given)["predicted"]
    agree({"predictions": alone}, {"predictions": expected["predictions"]}, dtype)


def test_onnx_files_predict_the_same(exported, tmp_path):
    model, x, source = exported
    pytest.importorskip("onnx")
    WRITERS["onnx"](tmp_path / "made.onnx", source)
    made = session(tmp_path / "made.onnx")
    given = x.astype(model.spec.dtype)
    names = [output.name for output in made.get_outputs()]
    found = dict(zip(names, made.run(None, {"inputs": given}), strict=True))
    agree(found, expected_of(model, given), model.spec.dtype)


def test_a_file_of_a_model_keeps_its_uncertainty(exported):
    model, x, source = exported
    assert source.model.uncertainty == model.uncertainty
    np.testing.assert_array_equal(source.model.predict(x), model.predict(x))


def test_exports_of_several_models_hold_the_intervals_of_each(tmp_path):
    cases = (
        ((INPUTS, POSITIVE), {"loss": "mse", "units": 1, "data": on_targets("log")}),
        ((X, Y), {}),
        ((X, LABELS), {"loss": "binary_cross_entropy", "units": 2}),
    )
    pytest.importorskip("onnx")
    for number, (rows, options) in enumerate(cases):
        paths = [tmp_path / f"{number}.{seed}.specnet" for seed in (1, 2, 3)]
        for seed, path in enumerate(paths):
            trained(rows, output={"intervals": 0.8}, seed=seed, **options).model.save(path)
        source, x = Exported.of(*paths), rows[0]
        expected = expected_of(source.model, x)
        each = [expected_of(own, x) for own in source.model.models]
        for name, array in expected.items():
            join = {"predictions": np.mean, "lower": np.min, "upper": np.max, "prediction_set": np.any}[name]
            np.testing.assert_allclose(array, join([own[name] for own in each], axis=0))
        write_numpy(tmp_path / "made.py", source, training=False)
        agree(bare(tmp_path / "made.py", x, "predict_with_intervals"), expected, "float64")
        agree(
            {"": bare(tmp_path / "made.py", x, "spread")["predicted"]},
            {"": source.model.spread(x)},
            "float64",
        )
        WRITERS["onnx"](tmp_path / "made.onnx", source)
        made = session(tmp_path / "made.onnx")
        names = [output.name for output in made.get_outputs()]
        found = dict(zip(names, made.run(None, {"inputs": x}), strict=True))
        agree(found, {**expected, "std": source.model.spread(x)}, "float64")


def test_several_outputs_keep_their_names(tmp_path):
    heads = {"a": {"loss": "cross_entropy"}, "b": {"loss": "cross_entropy"}}
    layers = [
        {"type": "dense", "units": 8, "activation": "tanh", "name": "hidden"},
        *({"type": "dense", "units": 3, "name": name, "inputs": ["hidden"]} for name in heads),
    ]
    asked = {"calibration": "isotonic", "intervals": 0.8}
    result = trained((X, Y), None, output=asked, layers=layers, outputs=heads)
    result.model.save(tmp_path / "made.specnet")
    source = Exported.of(tmp_path / "made.specnet")
    pytest.importorskip("onnx")
    WRITERS["onnx"](tmp_path / "made.onnx", source)
    write_numpy(tmp_path / "made.py", source, training=False)
    made = session(tmp_path / "made.onnx")
    names = [output.name for output in made.get_outputs()]
    onnx = dict(zip(names, made.run(None, {"inputs": X}), strict=True))
    program = bare(tmp_path / "made.py", X, "predict_with_intervals")
    expected = {}
    for name in heads:
        own = result.model.predict_sets(X, output=name)
        expected |= {name: own.predictions, f"{name}.prediction_set": own.members}
    agree(onnx, expected, "float64")
    agree(program, expected, "float64")
    agree(bare(tmp_path / "made.py", X), {name: expected[name] for name in heads}, "float64")


@pytest.mark.parametrize("output", [{"calibration": "temperature"}, {"intervals": 0.8}])
def test_a_program_of_the_training_says_what_it_lacks(output, tmp_path):
    result = trained((X, Y), output=output)
    result.model.save(tmp_path / "made.specnet")
    source = Exported.of(tmp_path / "made.specnet")
    key = next(iter(output))
    with pytest.raises(
        RunError, match=rf"`{key}` of `\[output\]` is fitted after that: export without --training"
    ):
        numpy_program(source, training=True, beside=None)


def test_an_untrained_document_has_nothing_fitted(tmp_path):
    spec = document(output={"calibration": "temperature"}, data={"type": "builtin", "name": "iris"})
    (tmp_path / "a.json").write_text(json.dumps(spec))
    assert Exported.of(tmp_path / "a.json").model.uncertainty is None
