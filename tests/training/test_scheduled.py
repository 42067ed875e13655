"""Rates of dropout and weight decays that change over the training, against PyTorch with the same draws."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import specnet
from specnet.engines.random import stream

ROWS, BATCH, EPOCHS = 22, 8, 4
STEPS = 3 * EPOCHS
SCHEDULES = {
    "flat_cosine": lambda s: 0.5 * (1 + np.cos(np.pi * max(0.0, 2 * s / STEPS - 1))),
    "linear": lambda s: 1 - s / STEPS,
    "constant": lambda s: 1.0,
}


@pytest.fixture
def rows():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(ROWS, 5))
    return x, x @ rng.normal(size=(5, 2))


def document(*, rate=0.0, decay=0.0, **training):
    return {
        "specnet": 1,
        "dtype": "float64",
        "loss": "mse",
        "data": {"type": "npz", "path": "passed.npz"},
        "layers": [
            {"type": "dense", "units": 6, "activation": "tanh"},
            {"type": "dropout", "rate": rate},
            {"type": "dense", "units": 2},
        ],
        "training": {
            "epochs": EPOCHS,
            "batch_size": BATCH,
            "shuffle": False,
            "optimizer": {"type": "adamw", "learning_rate": 0.1, "weight_decay": decay},
            **training,
        },
    }


def scheduled(value, schedule):
    return {"value": value, "schedule": schedule}


def trained_by_torch(rows, start, rate, decay, decays=lambda name, decay: decay):
    """Return what PyTorch trains, with the rate of dropout and the weight decay of each step."""
    torch = pytest.importorskip("torch")
    x, y = (torch.tensor(array) for array in rows)
    p = {name: torch.tensor(array.copy(), requires_grad=True) for name, array in start.items()}
    optimizer = torch.optim.AdamW([{"params": [array]} for array in p.values()], lr=0.1)
    draws = stream(0, "dropout_1/mask")
    for step in range(STEPS):
        part = slice(step % 3 * BATCH, step % 3 * BATCH + BATCH)
        for name, group in zip(p, optimizer.param_groups, strict=True):
            group["weight_decay"] = decays(name, decay(step))
        h = torch.tanh(x[part] @ p["dense_1.kernel"] + p["dense_1.bias"])
        kept = torch.tensor(draws.random(h.shape)) >= rate(step)
        h = h * kept / (1 - rate(step))
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(h @ p["dense_2.kernel"] + p["dense_2.bias"], y[part]).backward()
        optimizer.step()
    return {name: array.detach().numpy() for name, array in p.items()}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_dropout_has_the_rate_of_each_step(rows, schedule):
    spec = specnet.load(json.dumps(document(rate=scheduled(0.4, schedule))))
    start = {name: array.copy() for name, array in specnet.compile(spec, data=rows).parameters.items()}
    expected = trained_by_torch(rows, start, lambda s: 0.4 * SCHEDULES[schedule](s), lambda s: 0.0)
    result = specnet.run(spec, data=rows)
    for name, array in expected.items():
        np.testing.assert_allclose(result.model.parameters[name], array, rtol=1e-8, err_msg=name)
    still = specnet.run(document(), data=rows).model
    still.parameters["dense_1.kernel"][...] = result.model.parameters["dense_1.kernel"]
    assert np.isfinite(result.model.predict(rows[0])).all()


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("grouped", [False, True])
def test_weights_decay_as_in_each_step(rows, schedule, grouped):
    groups = [{"match": "dense_1", "weight_decay": 0.9}] if grouped else []
    spec = specnet.load(json.dumps(document(decay=scheduled(0.3, schedule), groups=groups)))
    start = {name: array.copy() for name, array in specnet.compile(spec, data=rows).parameters.items()}

    def decays(name, decay):
        return 3 * decay if grouped and name.startswith("dense_1.") else decay

    decay = lambda s: 0.3 * SCHEDULES[schedule](s)  # noqa: E731
    expected = trained_by_torch(rows, start, lambda s: 0.0, decay, decays)
    result = specnet.run(spec, data=rows)
    for name, array in expected.items():
        np.testing.assert_allclose(result.model.parameters[name], array, rtol=1e-8, err_msg=name)


@pytest.mark.parametrize("kind", ["adam", "sgd", "lion"])
def test_a_constant_schedule_is_the_number_itself(rows, kind):
    plain = document()
    made = []
    for decay in (0.2, scheduled(0.2, "constant")):
        plain["training"]["optimizer"] = {"type": kind, "learning_rate": 0.01, "weight_decay": decay}
        made.append(specnet.run(json.dumps(plain), data=rows).model.parameters)
    for name, array in made[0].items():
        np.testing.assert_allclose(made[1][name], array, rtol=1e-12)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("size", [BATCH, "full"])
def test_a_resumed_training_ends_in_the_same_bits(rows, accumulate, size, tmp_path):
    np.savez(tmp_path / "passed.npz", inputs=rows[0], targets=rows[1])
    settings = {"accumulate": accumulate, "batch_size": size, "epochs": 12, "checkpoint": {}}
    plain = document(rate=scheduled(0.4, "linear"), decay=scheduled(0.1, "flat_cosine"), **settings)
    plain["data"]["path"] = str(tmp_path / "passed.npz")
    spec = specnet.load(json.dumps(plain))
    whole = specnet.run(spec)
    count = itertools.count()
    specnet.run(spec, out=tmp_path / "run", stop=lambda: next(count) == 7)
    resumed = specnet.run(spec, resume=tmp_path / "run")
    for name, array in whole.model.parameters.items():
        np.testing.assert_array_equal(resumed.model.parameters[name], array)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        (
            {"rate": scheduled(0.4, "plateau")},
            ("layers", 1, "rate", "schedule", "type"),
            "is for the learning rate",
        ),
        ({"rate": scheduled(1.0, "linear")}, ("layers", 1, "rate", "value"), "below 1"),
        ({"rate": scheduled(0.0, "linear")}, ("layers", 1, "rate", "value"), "above 0"),
        (
            {"decay": scheduled(0.1, {"type": "cosine", "minimum": 0.2})},
            ("training", "optimizer", "weight_decay", "schedule", "minimum"),
            "above the 0.1",
        ),
    ],
)
def test_numbers_that_are_refused(changes, path, message):
    (found,) = specnet.validate(json.dumps(document(**changes)), data=False).diagnostics
    assert (found.path, message in found.message) == (path, True), found.message


def test_steps_must_be_known_ahead():
    plain = {
        "specnet": 1,
        "loss": "cross_entropy",
        "data": {"type": "inline", "inputs": [[1, 2, 0], [1, 0, 0]] * 4, "targets": [0, 1] * 4},
        "layers": [
            {"type": "embedding", "input_dim": 3, "output_dim": 2, "padding_index": 0},
            {"type": "dropout", "rate": scheduled(0.2, "linear")},
            {"type": "lstm", "units": 2},
            {"type": "dense", "units": 2},
        ],
        "training": {"epochs": 1, "batch_size": 2, "batch_by": "length"},
    }
    plain["training"]["optimizer"] = {"type": "adamw", "weight_decay": scheduled(0.1, "linear")}
    found = [d for d in specnet.validate(plain).diagnostics if d.severity == "error"]
    assert [d.path for d in found] == [("layers", 1, "rate"), ("training", "optimizer", "weight_decay")]
    assert {d.code for d in found} == {"SN611"}
