"""lbfgs in a training: what PyTorch's comes to, how it ends, what it takes, and what it has no use with."""

from __future__ import annotations

import json
from math import prod

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import explain
from specnet.data import load_data
from specnet.model.training_memory import memory
from specnet.training.loop import Trainer
from tests.support.memory import REPEATED, growth

MOONS = {"type": "synthetic", "kind": "moons", "samples": 80, "noise": 0.2}


def document(dtype="float64", data=MOONS, layers=None, loss="cross_entropy", optimizer="lbfgs", **training):
    hidden = {
        "type": "dense",
        "units": 6,
        "activation": "tanh",
        "kernel_regularizer": {"type": "l2", "factor": 1e-3},
    }
    layers = [hidden, {"type": "dense", "units": 2}] if layers is None else layers
    training = {"epochs": 12, "batch_size": "full", "optimizer": optimizer} | training
    base = {"specnet": 1, "name": "a", "dtype": dtype, "data": data, "layers": layers, "loss": loss}
    return specnet.load(json.dumps(base | {"training": training}))


def trainer(spec, stop=None):
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    return Trainer(specnet.compile(spec), data, stop), data


def test_a_network_is_fitted_as_pytorch_fits_it():
    torch = pytest.importorskip("torch")
    spec = document(epochs=40, optimizer={"type": "lbfgs", "history": 5})
    fitted, data = trainer(spec)
    split = data.splits["train"]
    inputs, targets = torch.tensor(split.inputs), torch.tensor(split.targets)
    weights = [torch.tensor(array, requires_grad=True) for array in fitted.model.parameters.values()]
    theirs = torch.optim.LBFGS(
        weights, max_iter=1, max_eval=25, history_size=5, line_search_fn="strong_wolfe"
    )

    def closure():
        theirs.zero_grad()
        outputs = torch.tanh(inputs @ weights[0] + weights[1]) @ weights[2] + weights[3]
        loss = torch.nn.functional.cross_entropy(outputs, targets) + 1e-3 * (weights[0] ** 2).sum()
        loss.backward()
        return loss

    losses = [event.loss for event in fitted.events() if isinstance(event, specnet.EpochEnded)]
    at = [theirs.step(closure).item() for _ in losses]
    np.testing.assert_allclose(losses[:8], at[:8], 1e-9)
    np.testing.assert_allclose(losses, at, 1e-3)
    assert losses[-1] < 0.4 * losses[0]


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_the_first_parameters_are_pytorch_s(epochs):
    torch = pytest.importorskip("torch")
    fitted, data = trainer(document(epochs=epochs, layers=[{"type": "dense", "units": 2}]))
    split = data.splits["train"]
    inputs, targets = torch.tensor(split.inputs), torch.tensor(split.targets)
    weights = [torch.tensor(array, requires_grad=True) for array in fitted.model.parameters.values()]
    theirs = torch.optim.LBFGS(
        weights, max_iter=1, max_eval=25, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure():
        theirs.zero_grad()
        loss = torch.nn.functional.cross_entropy(inputs @ weights[0] + weights[1], targets)
        loss.backward()
        return loss

    list(fitted.events())
    for _ in range(epochs):
        theirs.step(closure)
    for ours, there in zip(fitted.model.parameters.values(), weights, strict=True):
        np.testing.assert_allclose(ours, there.detach(), 1e-10)


def test_least_squares_end_at_the_solution_by_themselves():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.3 + 0.01 * rng.normal(size=40)
    data = {"type": "inline", "inputs": x.tolist(), "targets": y.tolist()}
    layers = [{"type": "dense", "units": 1}]
    spec = document(data=data, layers=layers, loss="mse", epochs=300)
    result = specnet.run(spec)
    assert result.stopped == "early_stopping"
    assert result.epochs < 30
    assert "gradient" in result.why or "less than 1e-09" in result.why
    meant = np.linalg.lstsq(np.column_stack([x, np.ones(40)]), y, rcond=None)[0]
    np.testing.assert_allclose(result.model.parameters.flat, meant, 1e-4)


def test_frozen_parameters_stay():
    hidden = {"type": "dense", "units": 6, "activation": "tanh", "trainable": False}
    fitted, _ = trainer(document(layers=[hidden, {"type": "dense", "units": 2}]))
    before = {name: array.copy() for name, array in fitted.model.parameters.items()}
    events = [event for event in fitted.events() if isinstance(event, specnet.EpochEnded)]
    np.testing.assert_array_equal(fitted.model.parameters["dense_1.kernel"], before["dense_1.kernel"])
    assert not np.array_equal(fitted.model.parameters["dense_2.kernel"], before["dense_2.kernel"])
    assert events[-1].loss < events[0].loss


def test_spans_and_single_epochs_end_the_same():
    ends = []
    for early in (None, {"monitor": "train.loss", "patience": 300, "restore_best": False}):
        spec = document(
            epochs=300, early_stopping=early, optimizer={"type": "lbfgs", "tolerance_change": 1e-5}
        )
        fitted, _ = trainer(spec)
        assert (fitted._free(0) > 0) == (early is None)
        *_, ended = fitted.events()
        ends.append(
            (ended.stopped, ended.why, ended.epochs, ended.steps, fitted.model.parameters.flat.tobytes())
        )
    assert ends[0] == ends[1]
    assert ends[0][0] == "early_stopping"


def test_early_stopping_puts_the_best_back():
    data = MOONS | {"split": {"validation": 0.4}, "noise": 0.4}
    hidden = {"type": "dense", "units": 30, "activation": "tanh"}
    spec = document(
        data=data, layers=[hidden, {"type": "dense", "units": 2}], epochs=200, early_stopping={"patience": 6}
    )
    fitted, _ = trainer(spec)
    events = list(fitted.events())
    epochs = [event for event in events if isinstance(event, specnet.EpochEnded)]
    losses = [event.validation["loss"] for event in epochs]
    assert events[-1].stopped == "early_stopping"
    assert events[-1].best_epoch == int(np.argmin(losses)) + 1 < len(epochs)
    assert events[-1].splits["validation"]["loss"] == min(losses)


def test_ctrl_c_ends_it_between_two_steps():
    asked = iter([False] * 3 + [True])
    fitted, _ = trainer(document(), lambda: next(asked))
    *_, ended = fitted.events()
    assert (ended.stopped, ended.epochs) == ("interrupted", 4)


def test_a_start_without_a_number_is_a_divergence():
    data = {"type": "inline", "inputs": [[1e200], [1.0]], "targets": [1e200, 0.0]}
    fitted, _ = trainer(document(data=data, layers=[{"type": "dense", "units": 1}], loss="mse"))
    before = fitted.model.parameters.flat.copy()
    *_, ended = fitted.events()
    assert ended.stopped == "diverged"
    assert "smaller initial values" in ended.why
    assert "learning rate" not in ended.why
    assert "clip_norm" not in ended.why
    np.testing.assert_array_equal(fitted.model.parameters.flat, before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_is_counted_and_no_step_allocates(dtype):
    spec = document(dtype, epochs=80, optimizer={"type": "lbfgs", "history": 4, "tolerance_change": 0.0})
    fitted, _ = trainer(spec)
    size, item = fitted.model.network.trained_size, 4 if dtype == "float32" else 8
    slots = memory(fitted.model.network, fitted.plans, fitted.rows)["slots"]
    held = sum(array.nbytes for array in fitted.program.slots.values())
    assert slots == held == (2 * (4 + 1) + 3 + 2) * size * item
    assert slots == item * sum(prod(shape) for shape, _ in explain(fitted.model.network).plans.slots.values())
    steps = fitted.steps
    steps.run_epochs(8, 60.0)
    made = []
    assert growth(lambda: made.append(len(steps.run_epochs(5, 60.0)[0]))) < 12_000
    assert made == [5] * (2 + REPEATED)


def test_it_learns_in_float32():
    result = specnet.run(document("float32", epochs=60))
    assert result.splits["train"]["loss"] < 0.2
