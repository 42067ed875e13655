"""Networks with several outputs: the sum of their losses and its gradients against PyTorch, figures, predictions."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet

RNG = np.random.default_rng(3)
INPUTS, CLASSES = RNG.normal(size=(12, 3)), RNG.integers(0, 3, 12)
LAYERS = [
    {"type": "dense", "units": 5, "activation": "tanh", "name": "stem", "bias_init": "normal"},
    {"type": "dense", "units": 3, "name": "kind", "activation": "softmax"},
    {"type": "dense", "units": 3, "inputs": ["stem"], "name": "back"},
]
OUTPUTS = {
    "kind": {"loss": "cross_entropy", "metrics": ["accuracy", "confusion"]},
    "image": {"layer": "back", "target": "inputs", "loss": {"type": "huber", "scale": 2.0}, "weight": 0.25},
    "total": {
        "layer": "back",
        "target": "inputs",
        "loss": "mse",
        "weight": 0.5,
    },
}


def document(**more):
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": CLASSES.tolist()}
    return json.dumps(
        {"specnet": 1, "dtype": "float64", "data": data, "layers": LAYERS, "outputs": OUTPUTS, **more}
    )


def test_the_loss_is_the_weighted_sum_and_so_are_gradients():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    model = specnet.compile(specnet.load(document()))
    p = {name: torch.tensor(array, requires_grad=True) for name, array in model.parameters.items()}
    x = torch.tensor(INPUTS)
    stem = (x @ p["stem.kernel"] + p["stem.bias"]).tanh()
    kind = stem @ p["kind.kernel"] + p["kind.bias"]
    back = stem @ p["back.kernel"] + p["back.bias"]
    parts = [
        F.cross_entropy(kind, torch.tensor(CLASSES)),
        0.25 * 2.0 * F.huber_loss(back, x),
        0.5 * F.mse_loss(back, x),
    ]
    sum(parts).backward()
    loss, gradients = model.loss_and_gradients(INPUTS, CLASSES)
    assert loss == pytest.approx(sum(parts).item(), rel=1e-12)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, p[name].grad, 1e-9, 1e-12)
    made = model.predict(INPUTS)
    assert list(made) == ["kind", "image", "total"]
    np.testing.assert_allclose(made["kind"], kind.softmax(1).detach(), 1e-12)
    np.testing.assert_allclose(made["image"], back.detach(), 1e-12)


def test_figures_are_given_by_output():
    result = specnet.run(specnet.load(document(training={"epochs": 3, "batch_size": 5})))
    figures = result.splits["train"]
    assert list(figures) == [
        "loss", "kind.loss", "kind.accuracy", "kind.confusion",
        "image.loss", "image.mae", "image.r2", "total.loss", "total.mae", "total.r2",
    ]  # fmt: skip
    made = result.model.predict(INPUTS)
    assert figures["kind.accuracy"] == pytest.approx((made["kind"].argmax(1) == CLASSES).mean())
    assert figures["kind.loss"] == pytest.approx(-np.log(made["kind"][np.arange(12), CLASSES]).mean())
    error = np.abs(made["image"] - INPUTS)
    huber = np.where(error <= 1, error**2 / 2, error - 0.5)
    assert figures["image.loss"] == pytest.approx(2.0 * huber.mean())
    assert figures["image.mae"] == pytest.approx(error.mean())
    assert figures["total.loss"] == pytest.approx((error**2).mean())
    whole = figures["kind.loss"] + 0.25 * figures["image.loss"] + 0.5 * figures["total.loss"]
    assert figures["loss"] == pytest.approx(whole)


def test_an_output_can_be_watched_and_a_run_read_again(tmp_path):
    training = {
        "epochs": 4,
        "batch_size": "full",
        "early_stopping": {"monitor": "validation.kind.accuracy"},
    }
    data = {
        "type": "inline",
        "inputs": INPUTS.tolist(),
        "targets": CLASSES.tolist(),
        "split": {"validation": 0.25},
    }
    result = specnet.run(specnet.load(document(training=training, data=data)), out=tmp_path / "run")
    again = specnet.load_run(tmp_path / "run").predict(INPUTS)
    for name, array in result.model.predict(INPUTS).items():
        np.testing.assert_array_equal(again[name], array)
    assert specnet.evaluate(tmp_path / "run").splits["train"] == result.splits["train"]
    assert result.fit.verdict in ("good", "overfit", "underfit", "unknown")


def test_targets_in_the_units_of_the_data():
    data = {
        "type": "inline",
        "inputs": INPUTS.tolist(),
        "targets": (100 + 50 * INPUTS[:, :1]).tolist(),
        "transforms": [
            {"type": "standardize"},
            {"type": "standardize", "on": "targets"},
        ],
    }
    outputs = {
        "value": {"layer": "value", "loss": "mse"},
        "back": {"target": "inputs", "loss": "mse"},
    }
    layers = [LAYERS[0], {"type": "dense", "units": 1, "name": "value"}, LAYERS[2]]
    spec = specnet.load(
        document(
            data=data,
            outputs=outputs,
            layers=layers,
            training={"epochs": 300, "optimizer": {"type": "adam", "learning_rate": 0.01}},
        )
    )
    result = specnet.run(spec)
    made, figures = result.model.predict(INPUTS), result.splits["train"]
    # Measured in the units of the data, where these are the target's own; what is compared with the inputs is not.
    error = np.abs(made["value"] - (100 + 50 * INPUTS[:, :1]))
    assert figures["value.mae"] == pytest.approx(error.mean())
    scaled = (made["back"] - INPUTS) / INPUTS.std(0)
    assert figures["back.mae"] == pytest.approx(np.abs(scaled).mean())
    assert np.abs(made["value"] - (100 + 50 * INPUTS[:, :1])).mean() < 20
    assert np.abs(made["back"] - INPUTS).mean() < 0.5


def test_targets_of_two_numbers_are_measured_in_the_units_of_the_data():
    targets = INPUTS[:, :2] * [3.0, 50.0] + [1.0, 100.0]
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": targets.tolist()}
    data["transforms"] = [{"type": "standardize", "on": "targets"}]
    layers = [LAYERS[0], {"type": "dense", "units": 2, "name": "mean"}]
    layers += [{"type": "dense", "units": 4, "name": "spread", "inputs": ["stem"]}]
    outputs = {"mean": {"loss": "mse"}, "spread": {"loss": "gaussian_nll", "metrics": ["mae"]}}
    result = specnet.run(specnet.load(document(data=data, layers=layers, outputs=outputs)))
    for name, made in result.model.predict(INPUTS).items():
        assert made.shape == (12, 2)
        assert result.splits["train"][f"{name}.mae"] == pytest.approx(np.abs(made - targets).mean())


def test_a_class_index_of_one_output_of_several_stays_a_whole_number():
    network = specnet.compile(specnet.load(document())).network
    kinds = {name: (o.target, o.target_dtype, o.target_shape) for name, o in network.outputs.items()}
    assert kinds == {
        "kind": ("targets/kind", "int64", ()),
        "image": ("targets/image", "float64", (3,)),
        "total": ("targets/total", "float64", (3,)),
    }


def test_the_targets_of_each_output_are_checked_when_other_rows_are_measured(tmp_path):
    outputs = {
        "kind": OUTPUTS["kind"],
        "image": OUTPUTS["image"] | {"loss": "binary_cross_entropy", "layer": "back", "metrics": []},
    }
    inputs = 1 / (1 + np.exp(-INPUTS))
    data = {"type": "inline", "inputs": inputs.tolist(), "targets": CLASSES.tolist()}
    specnet.run(specnet.load(document(data=data, outputs=outputs)), out=tmp_path / "run")
    found = specnet.evaluate(tmp_path / "run", (inputs, CLASSES)).splits["data"]
    assert found == specnet.evaluate(tmp_path / "run").splits["train"]
    with pytest.raises(specnet.SpecError, match=r"takes targets from 0 to 1, and the data has 1\.5"):
        specnet.evaluate(tmp_path / "run", (inputs * 0 + 1.5, CLASSES))
