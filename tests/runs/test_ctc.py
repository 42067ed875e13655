"""Networks that learn to spell: the loss `ctc` and metrics of sequences from data to exports."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.analysis.baseline import best_constant
from specnet.data import Split
from specnet.interchange.exporting import Exported, write_numpy
from specnet.reporting.html.page import write_report
from tests.support.exports import bare

torch = pytest.importorskip("torch")

STEPS, FEATURES, CLASSES, LENGTH, ROWS = 8, 3, 4, 3, 24
FILL = 9.0


def drawn(*, padded=True):
    """Return sequences, the classes that they spell, and how many of each there are."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, STEPS, FEATURES)), rng.integers(1, CLASSES, (ROWS, LENGTH))
    lengths = rng.integers(1, LENGTH + 1, ROWS)
    y[np.arange(LENGTH) >= lengths[:, None]] = 0
    existing = rng.integers(2 * LENGTH, STEPS + 1, ROWS) if padded else np.full(ROWS, STEPS)
    x[np.arange(STEPS) >= existing[:, None]] = FILL
    return x, y, lengths, existing


def document(**more):
    return {
        "specnet": 1,
        "name": "spelling",
        "dtype": "float64",
        "data": {"type": "arrays", "split": {"validation": 0.25}},
        "layers": [
            {"type": "masking", "mask_value": FILL},
            {"type": "gru", "units": 6, "return_sequences": True},
            {"type": "dense", "units": CLASSES},
        ],
        "loss": "ctc",
        "metrics": ["edit_distance", "exact_match"],
        "training": {"epochs": 2, "batch_size": 7, "optimizer": {"type": "adam", "learning_rate": 0.02}},
        **more,
    }


def probabilities(model, x):
    return torch.tensor(np.asarray(model.predict(x)))


@pytest.mark.parametrize("padded", [False, True])
def test_losses_are_those_of_pytorch(padded):
    x, y, lengths, existing = drawn(padded=padded)
    result = specnet.run(document(data={"type": "arrays"}), data=(x, y))
    logp = probabilities(result.model, x).log().transpose(0, 1)
    lengths, existing = torch.tensor(lengths), torch.tensor(existing)
    costs = torch.nn.functional.ctc_loss(logp, torch.tensor(y), existing, lengths, reduction="none")
    assert result.model.loss_and_gradients(x, y)[0] == pytest.approx(costs.mean().item(), rel=1e-8)
    assert result.splits["train"]["loss"] == pytest.approx(costs.mean().item(), rel=1e-8)
    weights = np.random.default_rng(2).uniform(0.5, 2.0, ROWS)
    weighted = result.model.evaluate(x, y, weights=weights).splits["data"]["loss"]
    assert weighted == pytest.approx(np.average(costs.numpy(), weights=weights), rel=1e-8)


def test_gradients_agree_with_central_differences():
    x, y, _, _ = drawn()
    checks = specnet.check_gradients(specnet.load(json.dumps(document())), data=(x, y))
    assert [check.name for check in checks if not check.ok] == []


def test_it_learns_to_spell():
    rng = np.random.default_rng(1)
    y = rng.integers(1, CLASSES, (200, LENGTH))
    x = np.zeros((200, STEPS, CLASSES))
    for row in range(200):  # each class at a step of its own, in order
        places = np.sort(rng.choice(STEPS // 2, LENGTH, replace=False)) * 2
        x[row, places, y[row]] = 1.0
    made = document(layers=document()["layers"][1:], data={"type": "arrays"})
    made["training"] = {"epochs": 60, "batch_size": 20, "optimizer": {"type": "adam", "learning_rate": 0.02}}
    result = specnet.run(made, data=(x, y))
    assert result.splits["train"]["edit_distance"] < 0.02
    assert result.splits["train"]["exact_match"] > 0.95


def test_metrics_count_the_steps_that_exist_alone():
    x, y, lengths, existing = drawn()
    result = specnet.run(document(data={"type": "arrays"}), data=(x, y))
    said = probabilities(result.model, x).argmax(-1).numpy()
    exact = 0
    for row in range(ROWS):
        steps = said[row, : existing[row]]
        spelt = [c for c, before in zip(steps, (0, *steps), strict=False) if c not in (before, 0)]
        exact += spelt == y[row, : lengths[row]].tolist()
    assert result.splits["train"]["exact_match"] == pytest.approx(exact / ROWS)


@pytest.mark.parametrize("blank", [0, 2])
def test_the_baseline_says_each_class_with_the_same_probability_at_every_step(blank):
    x, y, lengths, _ = drawn(padded=False)
    y = np.where(y == blank, 3, y) if blank else y
    fill = {"padding_index": -1} if blank else {}
    y = np.where(np.arange(LENGTH) < lengths[:, None], y, -1) if blank else y
    made = document(loss={"type": "ctc", "blank": blank, **fill}, data={"type": "arrays"})
    made["layers"] = made["layers"][1:]
    result = specnet.run(made, data=(x, y))
    model, data = result.model, Split(x, y)
    baseline = best_constant(model.network, data)
    shares = torch.tensor(baseline.constants[""]).exp()
    assert shares.sum().item() == pytest.approx(1.0)
    kept = y[(y != blank) & (y >= 0)]
    others = np.delete(shares.numpy(), blank)
    counts = np.delete(np.bincount(kept, minlength=CLASSES), blank)
    np.testing.assert_allclose(others / others.sum(), counts / counts.sum(), atol=1e-12)
    logp = shares.log().expand(STEPS, ROWS, CLASSES)
    costs = torch.nn.functional.ctc_loss(
        logp,
        torch.tensor(np.maximum(y, 0)),
        torch.full((ROWS,), STEPS),
        torch.tensor(lengths),
        blank,
        reduction="none",
    )
    assert baseline.loss == pytest.approx(costs.mean().item(), rel=1e-8)


def test_the_fit_is_judged_by_the_baseline_where_all_rows_have_all_steps():
    x, y, _, _ = drawn(padded=False)
    made = document()
    made["layers"] = made["layers"][1:]
    fit = specnet.run(made, data=(x, y)).fit
    assert "for always predicting the shares of the classes at every step" in fit.why
    assert "accuracy" not in fit.why
    padded = specnet.run(document(), data=drawn()[:2]).fit
    assert (padded.verdict, padded.why) == ("unknown", "no constant prediction to compare the losses with")


def test_there_is_nothing_to_calibrate():
    made = document(output={"calibration": "temperature"})
    with pytest.raises(specnet.SpecError, match="probabilities of steps, and none of the sequence"):
        specnet.run(made, data=drawn()[:2])


def test_a_training_is_resumed_and_exported_with_its_metrics(tmp_path):
    x, y, _, _ = drawn()
    np.savez(tmp_path / "data.npz", inputs=x, targets=y)
    data = {"type": "npz", "path": str(tmp_path / "data.npz"), "split": {"validation": 0.25}}
    spec = specnet.load(json.dumps(document(data=data)))
    whole = specnet.run(spec, out=tmp_path / "run")
    assert set(whole.splits["validation"]) == {"loss", "edit_distance", "exact_match"}
    steps = iter(range(100))
    specnet.run(spec, out=tmp_path / "cut", stop=lambda: next(steps) == 2)
    resumed = specnet.run(spec, resume=tmp_path / "cut")
    for name, array in whole.model.parameters.items():
        np.testing.assert_array_equal(array, resumed.model.parameters[name])
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py", x)
    for name, array in whole.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-8, atol=1e-10)


def test_a_report_is_written(tmp_path):
    pytest.importorskip("matplotlib")
    x, y, _, _ = drawn()
    np.savez(tmp_path / "data.npz", inputs=x, targets=y)
    data = {"type": "npz", "path": str(tmp_path / "data.npz"), "split": {"validation": 0.25}}
    specnet.run(specnet.load(json.dumps(document(data=data))), out=tmp_path / "run")
    assert "edit distance" in write_report(tmp_path / "run", tmp_path / "report.html").read_text()


def test_a_target_that_does_not_fit_ends_the_run():
    x, y, _, _ = drawn()
    y[:, :] = 1  # with a blank between each two, that is more than there are steps
    x[:, 4:] = FILL
    result = specnet.run(document(), data=(x, y))
    assert result.stopped == "diverged"
    made = document(loss={"type": "ctc", "zero_infinity": True})
    assert specnet.run(made, data=(x, y)).splits["train"]["loss"] == 0.0


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"layers": [{"type": "gru", "units": 4}]}, "SN401", "takes a value for each step and class"),
        ({"loss": {"type": "ctc", "blank": 4}}, "SN401", "the blank is class 4"),
        ({"layers": [{"type": "dense", "units": 3}]}, "SN413", "the data has a class index 3"),
        ({"metrics": ["accuracy"]}, "SN412", "cannot be compared"),
        ({"output": {"calibration": "temperature"}}, "SN631", "calibration"),
    ],
)
def test_what_does_not_fit_is_a_diagnostic(changes, code, message):
    x, y, _, _ = drawn()
    with pytest.raises(specnet.SpecError) as caught:
        specnet.run(document(**changes), data=(x, y))
    assert {(d.code, message in d.message) for d in caught.value.diagnostics} == {(code, True)}


def test_labels_of_each_step_are_compared_where_steps_exist():
    x, _, _, existing = drawn()
    y = np.random.default_rng(3).integers(0, 2, (ROWS, STEPS, 2)).astype(float)
    made = document(loss="binary_cross_entropy", metrics=["accuracy", "f1"], data={"type": "arrays"})
    made["layers"] = [*made["layers"][:2], {"type": "dense", "units": 2}]
    result = specnet.run(made, data=(x, y))
    there = np.arange(STEPS) < existing[:, None]
    p = np.asarray(result.model.predict(x))[there]
    cost = -(y[there] * np.log(p) + (1 - y[there]) * np.log(1 - p)).mean()
    assert result.splits["train"]["loss"] == pytest.approx(cost, rel=1e-10)
    right = ((p >= 0.5) == (y[there] > 0.5)).all(axis=1).mean()
    assert result.splits["train"]["accuracy"] == pytest.approx(right, rel=1e-10)
    loss, gradients = result.model.loss_and_gradients(x, y)
    gradients = {name: gradient.copy() for name, gradient in gradients.items()}
    other = np.where(there[:, :, None], y, 1.0 - y)
    same, again = result.model.loss_and_gradients(x, other)
    assert loss == same
    for name, gradient in gradients.items():
        np.testing.assert_array_equal(gradient, again[name])
