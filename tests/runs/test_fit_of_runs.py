"""The fit verdict of real trainings, made to overfit, to underfit, or neither; and the evidence it goes by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from specnet import api
from specnet.runs.evidence import best_constant, row_evidence

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


def result_of(spec: dict[str, Any]) -> api.Result:
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
        "of what was learnt is lost",
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


def test_the_best_parameters_are_judged_where_they_were_put_back() -> None:
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

    return api._compile(api.load(json.dumps(spec)))


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
