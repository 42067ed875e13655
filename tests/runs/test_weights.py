"""Sample weights from every kind of data, through a whole run: splits, batches, checkpoints, results, exports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

import specnet
from specnet.interchange.exporting import Exported, write_numpy
from specnet.vocabulary.metrics import METRICS, Metric
from tests.support.exports import bare
from tests.support.resuming import after

RNG = np.random.default_rng(5)
N = 80
X = RNG.normal(size=(N, 3)).round(3)
Y = (X[:, 0] + RNG.normal(size=N) > 0.5).astype(int)
W = RNG.integers(0, 5, N) / 2


def document(data: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "name": "weighted",
        "dtype": "float64",
        "data": {"split": {"validation": 0.25, "test": 0.2}, **data},
        "layers": [{"type": "dense", "units": 4, "activation": "tanh"}, {"type": "dense", "units": 2}],
        "loss": "cross_entropy",
        "metrics": ["accuracy", "f1", "auc", "confusion"],
        "training": {"epochs": 4, "batch_size": 8, "optimizer": {"type": "adam", "learning_rate": 0.02}},
        **more,
    }


def table(path: Any, weights: Any = W) -> str:
    lines = [
        f"{a},{w:g},{b},{c},{y}" for (a, b, c), w, y in zip(X.tolist(), weights, Y.tolist(), strict=True)
    ]
    path.write_text("\n".join(["a,w,b,c,y", *lines]), encoding="utf-8")
    return str(path)


def frame(**columns: Any) -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"a": X[:, 0], "b": X[:, 1], "w": W, "c": X[:, 2], "y": Y, **columns})


COLUMNS = {"target": "y", "weight": "w"}


def same(a: specnet.Result, b: specnet.Result) -> bool:
    alike = all(np.array_equal(a.parameters[name], b.parameters[name]) for name in b.parameters)
    return alike and a.splits == b.splits and a.fit == b.fit


@pytest.fixture(scope="module")
def expected() -> specnet.Result:
    return specnet.run(document({"type": "arrays"}), data=(X, Y, W))


def test_every_kind_of_data_has_them(expected, tmp_path):
    csv = {"type": "csv", "path": table(tmp_path / "t.csv"), **COLUMNS}
    assert same(specnet.run(document(csv)), expected)
    assert same(specnet.run(document({**csv, "load": "batches", "shuffle_buffer": 200})), expected)
    frame().to_parquet(tmp_path / "t.parquet")
    assert same(
        specnet.run(document({**csv, "type": "parquet", "path": str(tmp_path / "t.parquet")})), expected
    )
    assert same(specnet.run(document({"type": "frame", **COLUMNS}), data=frame()), expected)
    assert same(specnet.run(document(csv), data=(X, Y, W)), expected)
    given = {"inputs": X, "targets": Y, "weights": W}
    assert same(specnet.run(document({"type": "arrays"}), data=given), expected)
    np.savez(tmp_path / "t.npz", inputs=X, targets=Y, importance=W[:, None])
    npz = {"type": "npz", "path": str(tmp_path / "t.npz"), "weight": "importance"}
    for load in ("whole", "batches"):
        assert same(specnet.run(document({**npz, "load": load})), expected)


def idx(path: Any, array: Any) -> str:
    """Write an idx file of numbers in double precision."""
    head = bytes([0, 0, 0x0E, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(head + array.astype(">f8").tobytes())
    return str(path)


def test_files_of_arrays_have_a_file_of_weights(expected, tmp_path):
    arrays = {"inputs": X, "targets": Y, "weight": W}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    npy = {"type": "npy", **{name: str(tmp_path / f"{name}.npy") for name in arrays}}
    for load in ("whole", "batches"):
        assert same(specnet.run(document({**npy, "load": load})), expected)
    files = {name: idx(tmp_path / f"{name}.idx", array) for name, array in arrays.items()}
    run = specnet.run(document({"type": "idx", **files}), out=tmp_path / "run")
    assert same(run, expected)
    assert specnet.evaluate(tmp_path / "run").splits == expected.splits
    np.savez(tmp_path / "all.npz", inputs=X, targets=Y, weights=W)
    found = specnet.evaluate(tmp_path / "run", tmp_path / "all.npz")
    assert found == expected.model.evaluate(X, Y, weights=W)
    np.savez(tmp_path / "bare.npz", inputs=X, targets=Y)
    with pytest.raises(specnet.SpecError, match="no array `weights`"):
        specnet.evaluate(tmp_path / "run", tmp_path / "bare.npz")


def test_a_document_may_contain_them(expected):
    data = {"type": "inline", "inputs": X.tolist(), "targets": Y.tolist(), "weight": W.tolist()}
    assert same(specnet.run(document(data)), expected)
    spec = specnet.load(document(data))
    assert "weight" not in specnet.compile(spec).encoding.state()["encoding"]["reader"]  # type: ignore[attr-defined]


def test_a_split_of_a_document_or_of_files_has_its_own(tmp_path):
    rows = {"inputs": X.tolist(), "targets": Y.tolist()}
    data = {"type": "inline", **rows, "weight": W.tolist(), "split": None}
    result = specnet.run(document({**data, "test": {**rows, "weight": W[::-1].tolist()}}))
    assert result.splits["test"] == result.model.evaluate(X, Y, weights=W[::-1]).splits["data"]
    for name, array in {"x": X, "y": Y, "w": W, "v": W[::-1]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    pair = {"inputs": str(tmp_path / "x.npy"), "targets": str(tmp_path / "y.npy")}
    npy = {"type": "npy", **pair, "weight": str(tmp_path / "w.npy"), "split": None}
    own = {"test": {**pair, "weight": str(tmp_path / "v.npy")}}
    assert specnet.run(document({**npy, **own})).splits == result.splits


@pytest.mark.parametrize(
    ("weights", "code", "path"),
    [
        ([1.0] * (N - 1), "SN542", ("data", "weight")),
        ([1.0, -1.0, *[1.0] * (N - 2)], "SN208", ("data", "weight", 1)),
        ([0.0] * N, "SN591", ("data", "weight")),
        (["x"] * N, "SN206", ("data", "weight", 0)),
    ],
    ids=["too few", "negative", "all 0", "strings"],
)
def test_weights_in_a_document_that_are_none(weights, code, path):
    data = {"type": "inline", "inputs": X.tolist(), "targets": Y.tolist(), "weight": weights, "split": None}
    found = specnet.validate(document(data)).diagnostics
    assert (code, path) in [(d.code, d.path) for d in found]


def test_a_file_of_too_few_weights(tmp_path):
    for name, array in {"x": X, "y": Y, "w": W[1:]}.items():
        np.save(tmp_path / f"{name}.npy", array)
    files = {"inputs": "x.npy", "targets": "y.npy", "weight": "w.npy"}
    npy = {"type": "npy", **{key: str(tmp_path / name) for key, name in files.items()}}
    (fault,) = specnet.validate(document(npy)).diagnostics
    assert (fault.code, fault.path) == ("SN542", ("data", "weight"))


def test_a_split_of_its_own_has_its_own(tmp_path):
    csv = {"type": "csv", "path": table(tmp_path / "t.csv"), **COLUMNS, "split": None}
    own = {"test": {"path": table(tmp_path / "u.csv", W[::-1])}}
    a = specnet.run(document({**csv, **own}))
    assert a.splits["test"] == a.model.evaluate(X, Y, weights=W[::-1]).splits["data"]
    np.savez(tmp_path / "t.npz", inputs=X, targets=Y, w=W, v=W[::-1], x=X)
    npz = {
        "type": "npz",
        "path": str(tmp_path / "t.npz"),
        "weight": "w",
        "split": None,
        "test": {"inputs": "x", "weight": "v"},
    }
    assert specnet.run(document(npz)).splits == a.splits
    b = specnet.run(document({"type": "arrays", "split": None}), data={"train": (X, Y, W), "test": (X, Y)})
    unweighted = b.model.evaluate(X, Y).splits["data"]
    # Weights of 1 and none are other sums: they agree to rounding.
    assert b.splits["test"] == {**unweighted, "loss": pytest.approx(unweighted["loss"], rel=1e-14)}


def test_a_saved_run_is_evaluated_with_them(expected, tmp_path):
    path = table(tmp_path / "t.csv")
    run = specnet.run(document({"type": "csv", "path": path, **COLUMNS}), out=tmp_path / "run").run
    assert specnet.evaluate(run).splits == expected.splits
    model = specnet.load_run(run)
    found = model.evaluate(X, Y, weights=W)
    assert found == specnet.evaluate(run, path) == model.evaluate(frame())
    assert found == specnet.evaluate(run, (X, Y, W)) != specnet.evaluate(run, (X, Y))
    assert found != model.evaluate(X, Y)
    np.testing.assert_array_equal(model.predict(frame().drop(columns=["y", "w"])), expected.model.predict(X))
    with pytest.raises(specnet.SpecError, match="has no column `w`"):
        model.evaluate(frame().drop(columns=["w"]))
    with pytest.raises(TypeError, match="contains its targets and weights"):
        model.evaluate(path, weights=W)


@pytest.mark.parametrize("load", ["whole", "batches"])
def test_a_resumed_run_ends_the_same_to_the_bit(load, tmp_path):
    spec = document({"type": "csv", "path": table(tmp_path / "t.csv"), "load": load, **COLUMNS})
    whole = specnet.run(spec, out=tmp_path / "whole")
    stopped = specnet.run(spec, out=tmp_path / "run", stop=after(11))
    assert stopped.stopped == "interrupted"
    assert same(specnet.run(spec, resume=tmp_path / "run"), whole)


@pytest.mark.parametrize(
    "training", [{"batch_size": "full"}, {"accumulate": 3}, {"batch_size": "full", "optimizer": "lbfgs"}]
)
def test_an_exported_training_ends_where_the_run_ends(training, tmp_path):
    spec = document({"type": "csv", "path": table(tmp_path / "t.csv"), **COLUMNS})
    spec["training"] = {**spec["training"], **training}
    result = specnet.run(spec, out=tmp_path / "run")
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py")
    for name, own in result.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], own, 1e-9, 1e-12)
    printed = subprocess.run(
        [sys.executable, "made.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    test = result.splits["test"]
    figures = "".join(f"   {name} {test[name]:.4f}" for name in ("loss", "accuracy", "f1", "auc"))
    assert f"test      {figures}" in printed


def test_the_verdict_goes_by_them():
    """A row of weight k counts as k rows in the best constant and in the losses that are compared."""
    whole = (W * 2).astype(int)
    spec = document({"type": "arrays", "split": None})
    x, y = np.repeat(X, whole, axis=0), np.repeat(Y, whole)
    spec["training"]["batch_size"] = "full"
    a = specnet.run(spec, data={"train": (X, Y, W), "validation": (X[::-1], Y[::-1], W[::-1])})
    b = specnet.run(spec, data={"train": (x, y), "validation": (x[::-1], y[::-1])})
    assert a.fit.verdict == b.fit.verdict
    # Half-weights are of half as many rows, so that the standard error is another.
    said = [re.sub(r"standard error [0-9.e-]+", "", run.fit.why) for run in (a, b)]
    assert said[0] == said[1]


@pytest.mark.parametrize("loss", ["mse", "mae", "gaussian_nll", "poisson", "binary_cross_entropy", "hinge"])
def test_the_best_constant_is_that_of_repeated_rows(loss):
    from specnet.analysis.baseline import best_constant
    from specnet.runs.compiling import compile_spec

    whole = (W * 2).astype(int)
    layers = [{"type": "dense", "units": 2 if loss == "gaussian_nll" else 1}]
    spec = specnet.load(
        {**document({"type": "arrays", "split": None}), "loss": loss, "metrics": [], "layers": layers}
    )
    found = []
    for data in ((X, Y, W), (np.repeat(X, whole, axis=0), np.repeat(Y, whole))):
        model, dataset = compile_spec(spec, data)
        found.append(best_constant(model.network, dataset.splits["train"]))
    assert found[0].loss == pytest.approx(found[1].loss)
    assert found[0].accuracy == (found[1].accuracy and pytest.approx(found[1].accuracy))


FAULTS = {
    "negative": ([1.0] * 79 + [-1.0], "SN590", "row 80 of the data is -1"),
    "not a number": ([np.nan] + [1.0] * 79, "SN590", "row 1 of the data is nan"),
    "infinite": ([np.inf] + [1.0] * 79, "SN590", "row 1 of the data is inf"),
    "too large": ([1e300] + [1.0] * 79, "SN590", "row 1 of the data is 1e+300"),
    "all zero": ([0.0] * 80, "SN591", "all weights of the train split are 0"),
    "too few": ([1.0] * 79, "SN542", "has 80 rows"),
    "of two axes": (np.ones((80, 2)), "SN542", "has the shape 80 x 2"),
}


@pytest.mark.parametrize(("weights", "code", "message"), FAULTS.values(), ids=FAULTS)
def test_weights_that_are_none(weights, code, message, tmp_path):
    np.savez(tmp_path / "t.npz", inputs=X, targets=Y, w=np.asarray(weights))
    spec = document({"type": "npz", "path": str(tmp_path / "t.npz"), "weight": "w"})
    found = specnet.validate(spec).diagnostics
    assert {d.code for d in found} == {code}
    assert any(message in d.message for d in found)
    with pytest.raises(specnet.SpecError, match=code):
        specnet.run(spec)
    with pytest.raises(specnet.SpecError, match=code):
        specnet.run(document({"type": "arrays"}), data=(X, Y, weights))
    model = specnet.run(document({"type": "arrays"}), data=(X, Y)).model
    with pytest.raises(specnet.SpecError, match="SN59"):
        model.evaluate(X, Y, weights=weights)
    with pytest.raises(ValueError, match="weight"):
        model.loss_and_gradients(X, Y, weights=weights)


def test_columns_that_cannot_be_the_weight(tmp_path):
    def codes(**keys: Any) -> list[str]:
        data = {"type": "csv", "path": table(tmp_path / "t.csv"), **COLUMNS, **keys}
        return [d.code for d in specnet.validate(document(data)).diagnostics]

    assert codes() == []
    assert codes(weight="v") == ["SN509"]
    assert codes(weight="y") == ["SN510"]
    assert codes(features=["a", "w"]) == ["SN510"]
    assert codes(categories=["w"]) == ["SN510"]
    assert codes(weight=["w"]) == ["SN206"]
    text = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    text[3] = "1,,1,1,0"
    (tmp_path / "v.csv").write_text("\n".join(text), encoding="utf-8")
    assert codes(path=str(tmp_path / "v.csv")) == ["SN511"]
    assert codes(path=str(tmp_path / "v.csv"), missing="drop") == []
    dropped = {"type": "csv", "path": str(tmp_path / "v.csv"), "missing": "drop", **COLUMNS}
    ways = [{}, {"load": "batches", "shuffle_buffer": 200}]
    found = [specnet.run(document({**dropped, **way})) for way in ways]
    assert same(*found)
    assert sum(len(split) for split in found[0].data.splits.values()) == N - 1


def test_a_mixture_of_rows_has_no_weight():
    spec = document({"type": "arrays", "augmentations": ["mixup"]})
    with pytest.raises(specnet.SpecError, match="SN581 mixup averages rows"):
        specnet.run(spec, data=(X, Y, W))


def test_a_metric_of_a_program_that_knows_no_weights_is_refused():
    class Plain(Metric):
        """A metric of version 0.1.0."""

        type: Any = "plain"

        def sums(self, prediction, target):
            return {}

        def finish(self, totals, rows):
            return float(rows)

    spec = specnet.load(document({"type": "arrays"}))
    spec = spec.model_copy(update={"metrics": (Plain(),)})
    assert specnet.run(spec, data=(X, Y)).splits["test"]["plain"] == 16
    with pytest.raises(specnet.SpecError, match="SN412 plain: its `sums` and `keeps` take no sample weights"):
        specnet.run(spec, data=(X, Y, W))
    assert all("weights" in kind.sums.__annotations__ for kind in METRICS.kinds.values())


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("weights", [None, W])
def test_balanced_classes_are_those_of_scikit_learn(loss, weights):
    y = np.minimum(np.arange(N) // 9, 2)
    spec = document({"type": "arrays"}, loss={"type": loss, "class_weights": "balanced"})
    spec["layers"][-1]["units"] = 3
    data = (X, y) if weights is None else (X, y, weights)
    result = specnet.run(spec, data=data)
    train = result.model.network.spec.loss.class_weights
    split = specnet.run(spec, data=data).data.splits["train"]
    own = {} if weights is None else {"sample_weight": split.weights}
    expected = compute_class_weight("balanced", classes=np.arange(3), y=split.targets, **own)
    assert train == pytest.approx(expected)
    named = {**spec, "loss": {"type": loss, "class_weights": list(train)}}
    assert same(specnet.run(named, data=data), result)
    one_hot = specnet.run(spec, data=(X, np.eye(3)[y], *data[2:]))
    assert one_hot.model.network.spec.loss.class_weights == pytest.approx(expected)


def test_balanced_weights_are_numbers_in_what_a_run_keeps(tmp_path):
    spec = document({"type": "csv", "path": table(tmp_path / "t.csv"), "target": "y", "exclude": ["w"]})
    spec["loss"] = {"type": "cross_entropy", "class_weights": "balanced"}
    assert specnet.validate(spec).ok
    whole = specnet.run(spec, out=tmp_path / "whole")
    specnet.run(spec, out=tmp_path / "run", stop=after(7))
    assert same(specnet.run(spec, resume=tmp_path / "run"), whole)
    kept = json.loads((tmp_path / "whole" / "resolved.json").read_text(encoding="utf-8"))
    assert len(kept["spec"]["loss"]["class_weights"]) == 2
    assert specnet.evaluate(tmp_path / "whole").splits == whole.splits
