"""The fit verdict of real trainings, made to overfit, to underfit, or neither; and the evidence it goes by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from specnet import api
from specnet.analysis.baseline import best_constant
from specnet.analysis.evidence import row_costs, row_evidence
from specnet.runs.compiling import compile_spec
from specnet.runs.result import Result

ADAM = {"type": "adam", "learning_rate": 0.01}
LARGE = (128, 128)


def document(
    data: dict[str, Any],
    loss: Any,
    outputs: int,
    hidden: tuple[int, ...] = (16,),
    layer: dict[str, Any] | None = None,
    dropout: float = 0.0,
    **training: Any,
) -> dict[str, Any]:
    layers: list[dict[str, Any]] = []
    for units in hidden:
        layers.append({"type": "dense", "units": units, "activation": "relu", **(layer or {})})
        if dropout:
            layers.append({"type": "dropout", "rate": dropout})
    layers.append({"type": "dense", "units": outputs})
    return {
        "specnet": 1,
        "name": "case",
        "dtype": "float64",
        "data": data,
        "layers": layers,
        "loss": loss,
        "training": {"batch_size": 16, "optimizer": ADAM, **training},
    }


def result_of(spec: dict[str, Any]) -> Result:
    import json

    return api.run(api.load(json.dumps(spec)))


def synthetic(kind: str, samples: int, noise: float, share: float = 0.25) -> dict[str, Any]:
    return {
        "type": "synthetic",
        "kind": kind,
        "samples": samples,
        "noise": noise,
        "split": {"validation": share},
    }


def noise_alone(rows: int) -> dict[str, Any]:
    """Targets that have nothing to do with the inputs."""
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(rows, 4)), random.normal(size=(rows, 1))
    return {
        "type": "inline",
        "inputs": inputs.tolist(),
        "targets": targets.tolist(),
        "split": {"validation": 0.5},
    }


IRIS = {"type": "builtin", "name": "iris", "split": {"validation": 0.25}}
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "iris": (document(IRIS, "cross_entropy", 3, epochs=60), "good", "both are below 1.097"),
    "iris with dropout": (document(IRIS, "cross_entropy", 3, dropout=0.5, epochs=60), "good", ""),
    "iris with penalties": (
        document(
            IRIS,
            "cross_entropy",
            3,
            layer={"kernel_regularizer": {"type": "l2", "factor": 0.01}},
            epochs=60,
        ),
        "good",
        "",
    ),
    "moons": (document(synthetic("moons", 1000, 0.2), "cross_entropy", 2, epochs=30), "good", "chance"),
    "sine": (document(synthetic("sine", 600, 0.1), "mse", 1, (32, 32), epochs=60), "good", ""),
    "few noisy moons, a large network": (
        document(synthetic("moons", 80, 0.5, 0.5), "cross_entropy", 2, LARGE, epochs=150),
        "overfit",
        "",
    ),
    "few noisy points of a sine, a large network": (
        document(synthetic("sine", 200, 0.3, 0.8), "mse", 1, LARGE, epochs=300),
        "overfit",
        "of what was learned is lost",
    ),
    "noise, a large network": (document(noise_alone(100), "mse", 1, LARGE, epochs=150), "overfit", ""),
    "noise, no hidden layer": (
        document(noise_alone(400), "mse", 1, (), epochs=60),
        "underfit",
        "the inputs say little about the targets",
    ),
    "circles, no hidden layer": (
        document(synthetic("circles", 400, 0.1), "cross_entropy", 2, (), epochs=40),
        "underfit",
        "the model or the training is too small",
    ),
    "spirals, stopped early on": (
        document(synthetic("spirals", 400, 0.05), "cross_entropy", 2, epochs=12),
        "underfit",
        "train longer",
    ),
    "no validation": (
        document({"type": "builtin", "name": "iris"}, "cross_entropy", 3, epochs=1),
        "unknown",
        "no validation split",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_runs_made_to_fit_or_not(case: str) -> None:
    spec, verdict, why = CASES[case]
    fit = result_of(spec).fit
    assert fit.verdict == verdict, fit.why
    assert why in fit.why


def test_a_summed_loss_is_judged_as_its_mean() -> None:
    """The gradient of the sum, at a rate as many times smaller, makes the same steps."""
    data = synthetic("sine", 60, 0.3, 0.5)
    sgd = {"momentum": 0.9, "type": "sgd"}
    fits = []
    for loss, rate in (("mse", 0.3), ({"type": "mse", "reduction": "sum", "scale": 0.5}, 0.3 / 15)):
        spec = document(
            data,
            loss,
            1,
            (64,),
            epochs=300,
            batch_size="full",
            optimizer={**sgd, "learning_rate": rate},
        )
        fits.append(result_of(spec).fit)
    assert fits[0] == fits[1]


def test_the_best_parameters_are_judged_where_they_were_restored() -> None:
    spec = document(synthetic("moons", 200, 0.4, 0.5), "cross_entropy", 2, LARGE, epochs=150)
    overfit = result_of(spec)
    assert overfit.fit.verdict == "overfit"
    assert "has risen to" in overfit.fit.why
    spec["training"]["early_stopping"] = {"patience": 20}
    stopped = result_of(spec)
    assert stopped.stopped == "early_stopping"
    assert stopped.fit.verdict == "good", stopped.fit.why
    assert f"with the parameters of epoch {stopped.best_epoch}" in stopped.fit.why


def test_good_fits_are_not_called_overfit_whatever_the_seed() -> None:
    """A straight line through 150 points learns nothing by heart: at most 1 in 100 may be accused of it.

    Of the 1000 seeds from 1000 on, 3 are; the 300 here would show a rate of several in 100.
    """
    spec = document(
        synthetic("linear", 200, 0.5), "mse", 1, (), epochs=8, optimizer={"type": "sgd", "learning_rate": 0.1}
    )
    verdicts = []
    for seed in range(300):
        spec["seed"] = seed
        verdicts.append(result_of(spec).fit.verdict)
    assert verdicts.count("overfit") <= 3
    assert verdicts.count("good") >= 200


def compiled(spec: dict[str, Any]) -> tuple[Any, Any]:
    import json

    return compile_spec(api.load(json.dumps(spec)))


def test_the_evidence_is_each_row_s_own_loss() -> None:
    spec = document(IRIS, {"type": "cross_entropy", "scale": 3.0}, 3, dropout=0.5, epochs=1)
    model, data = compiled(spec)
    train, validation = data.splits["train"], data.splits["validation"]
    baseline = best_constant(model.network, train)
    assert baseline is not None
    evidence = row_evidence(model, train, validation, baseline)
    for split, costs in ((train, evidence.train), (validation, evidence.validation)):
        probabilities = model.forward(split.inputs)
        expected = -np.log(probabilities[np.arange(len(split)), split.targets])
        assert (costs.rows, costs.unit) == (len(split), 3.0)
        assert costs.mean == pytest.approx(expected.mean(), rel=1e-9)
        assert costs.deviation == pytest.approx(expected.std(ddof=1), rel=1e-9)
        assert costs.error == pytest.approx(expected.std(ddof=1) / math.sqrt(len(split)), rel=1e-9)


def inline(targets: list[Any]) -> dict[str, Any]:
    return {
        "type": "inline",
        "inputs": [[float(i)] for i in range(len(targets))],
        "targets": targets,
    }


COUNTS = [[0.0], [1.0], [1.0], [4.0], [9.0]]
YES = [[0.0], [1.0], [1.0], [1.0], [1.0]]
ENTROPY = -(0.2 * math.log(0.2) + 0.8 * math.log(0.8))


@pytest.mark.parametrize(
    ("loss", "targets", "outputs", "expected", "accuracy"),
    [
        ("mse", COUNTS, 1, float(np.var([0, 1, 1, 4, 9])), None),
        ("mae", COUNTS, 1, 12 / 5, None),
        ("huber", COUNTS, 1, None, None),
        ("log_cosh", COUNTS, 1, None, None),
        ("poisson", COUNTS, 1, 3.0 - 3.0 * math.log(3.0), None),
        ("binary_cross_entropy", YES, 1, ENTROPY, 0.8),
        ({"type": "binary_cross_entropy", "positive_weight": 3.0}, YES, 1, None, 0.8),
        ("hinge", YES, 1, 0.4, 0.8),
        ("squared_hinge", YES, 1, 0.64, 0.8),
        ("cross_entropy", [0, 1, 1, 1, 1], 2, ENTROPY, 0.8),
        ({"type": "cross_entropy", "class_weights": [4.0, 1.0]}, [0, 1, 1, 1, 1], 2, 1.6 * math.log(2), 0.8),
        ("kl_divergence", [0, 1, 1, 1, 1], 2, ENTROPY, 0.8),
    ],
)
def test_the_baseline_is_the_best_constant(
    loss: Any, targets: list[Any], outputs: int, expected: float | None, accuracy: float | None
) -> None:
    model, data = compiled(document(inline(targets), loss, outputs, (), epochs=1))
    baseline = best_constant(model.network, data.splits["train"])
    assert baseline is not None
    if expected is not None:
        assert baseline.loss == pytest.approx(expected, rel=1e-9)
    assert baseline.accuracy == accuracy
    # No constant on a fine grid is cheaper by more than a hundredth.
    cheapest = min(_grid(model, data))
    assert baseline.loss <= cheapest + 0.01 * abs(cheapest)


def _grid(model: Any, data: Any) -> list[float]:
    """Return what constants cost: the outputs of a layer whose kernel is 0."""
    train = data.splits["train"]
    model.parameters["dense_1.kernel"][...] = 0.0
    costs = []
    for constant in np.linspace(-3, 5, 41):
        model.parameters["dense_1.bias"][-1] = constant
        costs.append(model.loss_and_gradients(train.inputs, train.targets)[0])
    return costs


# A constant on the validation rows


def entropy(shares: Any, counts: Any) -> Any:
    """Return what predicting shares costs for each class of a row."""
    return -np.log(np.asarray(shares))[counts]


TRAIN, OTHERS = np.array([0.0, 1, 1, 4, 9]), np.array([2.0, 2, 3, 1])
KINDS, OTHER_KINDS = np.array([0, 1, 1, 1, 2]), np.array([1, 0, 2, 2])
LABELS, OTHER_LABELS = np.array([0, 1, 1, 1, 1]), np.array([0, 1, 0])
IN_NUMPY: dict[str, tuple[Any, Any, Any, int, Any, float | None, float | None]] = {
    # loss, targets of training and of validation, outputs, the constant's cost of each validation row (its output
    # being the best of the training rows), the squared error of the validation rows' own mean, the accuracy
    "mse": ("mse", TRAIN, OTHERS, 1, (OTHERS - TRAIN.mean()) ** 2, OTHERS.var(), None),
    "mae": ("mae", TRAIN, OTHERS, 1, np.abs(OTHERS - 1.0), None, None),
    "poisson": ("poisson", TRAIN, OTHERS, 1, 3.0 - OTHERS * math.log(3.0), None, None),
    "cross_entropy": (
        "cross_entropy", KINDS, OTHER_KINDS, 3, entropy([0.2, 0.6, 0.2], OTHER_KINDS), None, 0.25,
    ),
    "class_weights": (
        {"type": "cross_entropy", "class_weights": [3.0, 1.0, 1.0]}, KINDS, OTHER_KINDS, 3,
        np.array([1.0, 3.0, 1.0, 1.0]) * entropy(np.array([3.0, 3.0, 1.0]) / 7.0, OTHER_KINDS), None, None,
    ),
    "binary_cross_entropy": (
        "binary_cross_entropy", LABELS, OTHER_LABELS, 1, entropy([0.2, 0.8], OTHER_LABELS), None, 1 / 3,
    ),
    "hinge": ("hinge", LABELS, OTHER_LABELS, 1, np.array([2.0, 0.0, 2.0]), None, 1 / 3),
    "squared_hinge": (
        "squared_hinge", LABELS, OTHER_LABELS, 1, np.array([1.6, 0.4, 1.6]) ** 2, None, 1 / 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", IN_NUMPY)
def test_what_the_constant_of_the_training_rows_costs_on_the_validation_rows(case: str) -> None:
    loss, targets, others, outputs, costs, own_mean, accuracy = IN_NUMPY[case]
    data = inline(targets.tolist()) | {"validation": inline(others.tolist())}
    del data["validation"]["type"]
    model, data = compiled(document(data, loss, outputs, (), epochs=1))
    train, validation = data.splits["train"], data.splits["validation"]
    baseline = best_constant(model.network, train)
    assert baseline is not None
    constant = row_evidence(model, train, validation, baseline).constant
    assert constant is not None
    assert constant.loss == pytest.approx(costs.mean(), rel=1e-9)
    _, mine = row_costs(model, validation)
    expected = (mine - costs).std(ddof=1) / math.sqrt(len(costs))
    assert constant.error == pytest.approx(expected, rel=1e-9)
    assert constant.own_mean == (None if own_mean is None else pytest.approx(own_mean, rel=1e-9))
    assert constant.accuracy == (None if accuracy is None else pytest.approx(accuracy, rel=1e-12))


def test_several_outputs_are_compared_with_one_constant_row() -> None:
    """Targets of several numbers: costs are means over them, and so is what R2 compares with."""
    train, others = np.array([[0.0, 4], [2, 0], [1, 2]]), np.array([[1.0, 3], [2, 2]])
    data = inline(train.tolist()) | {"validation": inline(others.tolist())}
    del data["validation"]["type"]
    model, data = compiled(document(data, "mse", 2, (), epochs=1))
    baseline = best_constant(model.network, data.splits["train"])
    assert baseline is not None
    constant = row_evidence(model, data.splits["train"], data.splits["validation"], baseline).constant
    assert constant is not None
    assert constant.loss == pytest.approx(((others - train.mean(axis=0)) ** 2).mean(), rel=1e-9)
    assert constant.own_mean == pytest.approx(others.var(axis=0).mean(), rel=1e-9)


def heavy_tailed(seed: int) -> dict[str, Any]:
    """A weak signal whose noise is now and then 25 times as large: the splits are very unlike."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(120, 3))
    noise = np.where(random.random(120) < 0.07, 25.0, 1.0) * (0.2 * inputs[:, 0] + random.normal(size=120))
    return {
        "type": "inline",
        "inputs": inputs.round(3).tolist(),
        "targets": noise.round(3)[:, None].tolist(),
        "split": {"validation": 0.25, "test": 0.25},
        "transforms": [{"type": "standardize", "on": "targets"}],
    }


def test_no_fit_is_good_whose_r2_is_below_0() -> None:
    """R2 is computed here from predictions; by what a constant costs in training alone, 4 of these 40 were good."""
    worse = 0
    for seed in range(40):
        spec = document(heavy_tailed(seed), "mse", 1, epochs=60, early_stopping={"patience": 30})
        spec |= {"seed": seed, "metrics": ["mae"]}
        spec["training"]["optimizer"] = {"type": "adam", "learning_rate": 0.003}
        result = result_of(spec)
        validation = result.data.splits["validation"]
        errors = result.model.forward(validation.inputs) - validation.targets
        r2 = 1.0 - (errors**2).sum() / ((validation.targets - validation.targets.mean()) ** 2).sum()
        worse += r2 < 0
        assert r2 >= 0 or result.fit.verdict != "good", (seed, r2, result.fit.why)
    assert worse > 20


def unbalanced(seed: int) -> dict[str, Any]:
    """Two classes, one of them four times as frequent, of which the inputs say little."""
    random = np.random.default_rng(seed)
    inputs = random.normal(size=(160, 4))
    likely = 1.0 / (1.0 + np.exp(-(0.8 * inputs[:, 0] - 1.6)))
    targets = (random.random(160) < likely).astype(int)
    split = {"validation": 0.25}
    return {"type": "inline", "inputs": inputs.round(3).tolist(), "targets": targets.tolist(), "split": split}


def test_no_fit_is_good_that_a_constant_class_is_better_than() -> None:
    """By what a constant costs in training alone, 6 of these 30 were good."""
    worse = good = 0
    for seed in range(30):
        spec = document(unbalanced(seed), "cross_entropy", 2, epochs=25)
        spec["training"]["optimizer"] = {"type": "adam", "learning_rate": 0.005}
        result = result_of(spec | {"seed": seed})
        classes = {name: split.targets for name, split in result.data.splits.items()}
        shares = np.bincount(classes["train"]) / len(classes["train"])
        figures = result.splits["validation"]
        dearer = figures["loss"] >= entropy(shares, classes["validation"]).mean()
        rarer = figures["accuracy"] < (classes["validation"] == shares.argmax()).mean()
        worse, good = worse + (dearer or rarer), good + (result.fit.verdict == "good")
        assert not ((dearer or rarer) and result.fit.verdict == "good"), (seed, result.fit.why)
    assert worse >= 10
    assert good >= 4
