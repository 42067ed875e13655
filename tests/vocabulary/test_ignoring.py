"""Positions that are ignored: the loss is PyTorch's of the other positions, row by row, and metrics scikit-learn's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.vocabulary.losses import LOSSES
from specnet.vocabulary.losses.ignoring import Ignoring

torch = pytest.importorskip("torch")
sk = pytest.importorskip("sklearn.metrics")
F = torch.nn.functional

RNG = np.random.default_rng(4)
ROWS, STEPS, CLASSES = 9, 6, 3
INPUTS = RNG.normal(size=(ROWS, STEPS, 4))


def targets(ignored: int) -> Any:
    """Return class indices of which some are ignored: all of one row, and none of another."""
    made = RNG.integers(0, CLASSES, (ROWS, STEPS))
    made[RNG.random((ROWS, STEPS)) < 0.4] = ignored
    made[0], made[1] = ignored, RNG.integers(0, CLASSES, STEPS)
    return made


def document(loss: Any, known: Any, **more: Any) -> str:
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": known.tolist()}
    layers = [{"type": "dense", "units": CLASSES, "bias_init": "normal"}]
    return json.dumps(
        {"specnet": 1, "dtype": "float64", "data": data, "layers": layers, "loss": loss, **more}
    )


def cross_entropy(logits, t, ignored, **options):
    """Return PyTorch's loss of one row, in our form: no division by the weights of classes."""
    there = t != ignored
    if not there.any():
        return logits.sum() * 0.0
    weight = options.pop("weight", None)
    each = F.cross_entropy(logits[there], t[there], reduction="none", **options)
    return (each if weight is None else each * weight[t[there]]).mean()


def focal(logits, t, ignored):
    there = t != ignored
    if not there.any():
        return logits.sum() * 0.0
    logp = F.log_softmax(logits[there], 1)[torch.arange(int(there.sum())), t[there]]
    return (-((1 - logp.exp()) ** 2) * logp).mean()


def dice(logits, t, ignored):
    there = t != ignored
    p, hot = F.softmax(logits[there], 1), F.one_hot(t[there], CLASSES)
    return 1 - ((2 * (p * hot).sum(0) + 1) / (p.sum(0) + hot.sum(0) + 1)).mean()


WEIGHTS = [1.0, 2.0, 0.5]
CASES = [
    ({"type": "cross_entropy"}, cross_entropy),
    ({"type": "cross_entropy", "label_smoothing": 0.2}, lambda *a: cross_entropy(*a, label_smoothing=0.2)),
    (
        {"type": "cross_entropy", "class_weights": WEIGHTS},
        lambda *a: cross_entropy(*a, weight=torch.tensor(WEIGHTS, dtype=torch.float64)),
    ),
    ({"type": "focal"}, focal),
    ({"type": "dice"}, dice),
]


def compare(loss: Any, meant: Any, known: Any) -> None:
    model = specnet.compile(specnet.load(document(loss, known)))
    p = {name: torch.tensor(np.array(a), requires_grad=True) for name, a in model.parameters.items()}
    logits = torch.tensor(INPUTS) @ p["dense_1.kernel"] + p["dense_1.bias"]
    theirs = meant(logits, torch.tensor(known))
    theirs.backward()
    ours, gradients = model.loss_and_gradients(INPUTS, known)
    assert ours == pytest.approx(theirs.item(), rel=1e-11)
    for name, array in p.items():
        np.testing.assert_allclose(gradients[name], array.grad, 1e-9, 1e-13, err_msg=name)


@pytest.mark.parametrize("ignored", [255, -100, 1])
@pytest.mark.parametrize(("options", "meant"), CASES, ids=[str(options) for options, _ in CASES])
def test_a_row_costs_the_mean_of_its_other_positions(options, meant, ignored):
    def of_rows(logits, t):
        return torch.stack([meant(*row, ignored) for row in zip(logits, t, strict=True)]).mean()

    compare({**options, "ignore_index": ignored}, of_rows, targets(ignored))


def test_a_sum_is_pytorch_s():
    def meant(logits, t):
        return F.cross_entropy(logits.flatten(0, 1), t.flatten(), ignore_index=-100, reduction="sum")

    compare({"type": "cross_entropy", "ignore_index": -100, "reduction": "sum"}, meant, targets(-100))


def test_every_loss_of_positions_is_tried():
    assert {n for n, kind in LOSSES.kinds.items() if issubclass(kind, Ignoring)} == {
        o["type"] for o, _ in CASES
    }


METRICS = {
    "accuracy": sk.accuracy_score,
    "f1": lambda *a: sk.f1_score(*a, average="macro"),
    "iou": lambda *a: sk.jaccard_score(*a, average="macro"),
    "dice": lambda *a: sk.f1_score(*a, average="macro"),
    "precision": lambda *a: sk.precision_score(*a, average="macro"),
    "recall": lambda *a: sk.recall_score(*a, average="macro"),
}


@pytest.mark.parametrize("ignored", [255, -100])
@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_leave_out_what_the_loss_ignores(ignored, weighted):
    known = targets(ignored)
    metrics = [*METRICS, {"type": "top_k", "k": 2}, "auc", "confusion"]
    loss = {"type": "cross_entropy", "ignore_index": ignored}
    model = specnet.compile(specnet.load(document(loss, known, metrics=metrics)))
    weights = RNG.uniform(0.5, 2.0, ROWS) if weighted else None
    figures = model.evaluate(INPUTS, known, weights=weights).splits["data"]
    flat = known.reshape(-1)
    there = flat != ignored
    p = model.predict(INPUTS).reshape(-1, CLASSES)[there]
    own = None if weights is None else np.repeat(weights, STEPS)[there]
    actual, read = flat[there], p.argmax(1)
    for name, function in METRICS.items():
        options = {"average": "macro"} if name != "accuracy" else {}
        plain = {"iou": sk.jaccard_score, "dice": sk.f1_score}.get(name) or getattr(sk, f"{name}_score")
        meant = plain(actual, read, sample_weight=own, **options)
        assert figures[name] == pytest.approx(meant), name
        assert weighted or meant == pytest.approx(function(actual, read))
    top = sk.top_k_accuracy_score(actual, p, k=2, sample_weight=own, labels=range(CLASSES))
    assert figures["top_2"] == pytest.approx(top)
    auc = sk.roc_auc_score(actual, p, multi_class="ovr", average="macro", sample_weight=own)
    assert figures["auc"] == pytest.approx(auc)
    np.testing.assert_allclose(figures["confusion"], sk.confusion_matrix(actual, read, sample_weight=own))


def test_a_run_measures_what_it_ignores_in_no_split():
    """The baselines of the verdict count classes, too."""
    known = targets(-100)
    loss = {"type": "cross_entropy", "ignore_index": -100}
    split = {"validation": 0.4}
    text = json.loads(document(loss, known, training={"epochs": 2}))
    text["data"]["split"] = split
    result = specnet.run(specnet.load(json.dumps(text)))
    assert result.fit is not None
    assert np.isfinite(result.splits["validation"]["loss"])


def test_other_indices_out_of_range_are_still_errors():
    known = targets(255)
    known[3, 2] = 7
    report = specnet.validate(document({"type": "cross_entropy", "ignore_index": 255}, known))
    assert [(d.code, d.path) for d in report.diagnostics if d.severity == "error"] == [("SN413", ("loss",))]


@pytest.mark.parametrize(
    ("shape", "known"), [([1], [0, 1, 2]), ([2, 1], [[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]] * 3)]
)
def test_rows_of_one_class_or_of_probabilities_are_refused(shape, known):
    inputs = np.zeros((3, *shape)).tolist()
    data = {"type": "inline", "inputs": inputs, "targets": known}
    layers = [{"type": "dense", "units": 3}]
    loss = {"type": "cross_entropy", "ignore_index": 2}
    report = specnet.validate(json.dumps({"specnet": 1, "data": data, "layers": layers, "loss": loss}))
    (found,) = [d for d in report.diagnostics if d.severity == "error"]
    assert "`ignore_index` is for targets that are a class index for each position" in found.message


def test_the_program_and_the_report_of_a_run_leave_them_out(tmp_path):
    from specnet.interchange.exporting import Exported, write_numpy
    from specnet.reporting.predictions import calibration, confusion, predicted
    from tests.support.exports import bare

    known = targets(255)
    np.savez(tmp_path / "data.npz", inputs=INPUTS, targets=known)
    loss = {"type": "cross_entropy", "ignore_index": 255}
    text = json.loads(document(loss, known, training={"epochs": 2, "batch_size": 4}))
    text |= {"metrics": ["accuracy", {"type": "top_k", "k": 2}, "iou", "confusion"]}
    text["data"] = {"type": "npz", "path": str(tmp_path / "data.npz")}
    result = specnet.run(specnet.load(json.dumps(text)), out=tmp_path / "run")
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py", INPUTS)
    for name, array in result.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, 1e-9, 1e-12, err_msg=name)
    program = [sys.executable, str(tmp_path / "made.py")]
    shown = subprocess.run(program, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    for name in ("loss", "accuracy", "top_2", "iou"):
        assert f"{name} {result.splits['train'][name]:.4f}" in shown
    (given,) = predicted(result.model, result.data, "train")
    np.testing.assert_array_equal(confusion(given), result.splits["train"]["confusion"])
    measured = calibration(given)
    assert measured is not None
    assert sum(measured.rows) == (known != 255).sum()
