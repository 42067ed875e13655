"""`tie`: the table of an embedding, transposed, as the kernel of a dense layer."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(3)
TOKENS, STEPS, SIZE = 7, 5, 4
INPUTS, TARGETS = RNG.integers(0, TOKENS, (11, STEPS)), RNG.integers(0, TOKENS, 11)
TABLE = {
    "type": "embedding",
    "name": "tokens",
    "input_dim": TOKENS,
    "output_dim": SIZE,
    "embeddings_init": "normal",
}
TIED = {"type": "dense", "name": "logits", "tie": "tokens"}


def document(*, table=TABLE, tied=TIED, middle=({"type": "gru", "units": SIZE},), **more):
    data = {"type": "inline", "inputs": INPUTS.tolist(), "targets": TARGETS.tolist()}
    training = {"epochs": 1, "batch_size": 4, "shuffle": False, "optimizer": {"type": "sgd"}}
    return {
        "specnet": 1,
        "name": "tied",
        "dtype": "float64",
        "data": data,
        "layers": [table, *middle, tied],
        "loss": "cross_entropy",
        "training": training,
        **more,
    }


def loaded(**options):
    return specnet.load(json.dumps(document(**options)))


MEAN = ({"type": "global_average_pooling1d"},)


def logits(x, p, function=lambda y: y):
    y = p["tokens.embeddings"][torch.tensor(x)].mean(1) @ p["tokens.embeddings"].T
    return function(y + p["logits.bias"] if "logits.bias" in p else y)


def losses(x, y, p, factor=0.0):
    cost = torch.nn.functional.cross_entropy(logits(x, p), torch.tensor(y))
    return cost + factor * (p["tokens.embeddings"] ** 2).sum()


@pytest.mark.parametrize("use_bias", [None, False, True])
def test_gradients_of_both_uses_add_up_as_in_pytorch(use_bias):
    tied = TIED if use_bias is None else {**TIED, "use_bias": use_bias}
    model = specnet.compile(loaded(middle=MEAN, tied=tied))
    assert ("logits.bias" in model.parameters) is bool(use_bias)
    assert model.parameters["tokens.embeddings"].shape == (TOKENS, SIZE)
    held = {n: torch.tensor(a.copy(), requires_grad=True) for n, a in model.parameters.items()}
    loss, gradients = model.loss_and_gradients(INPUTS, TARGETS)
    there = losses(INPUTS, TARGETS, held)
    there.backward()
    assert loss == pytest.approx(there.item(), rel=1e-12)
    assert set(gradients) == set(held)
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, held[name].grad, rtol=1e-8, atol=1e-12)


def test_three_steps_of_training_with_a_penalty_are_those_of_pytorch():
    table = {**TABLE, "embeddings_regularizer": {"type": "l2", "factor": 0.1}}
    spec = loaded(middle=MEAN, table=table)
    held = {
        n: torch.tensor(a.copy(), requires_grad=True) for n, a in specnet.compile(spec).parameters.items()
    }
    optimizer = torch.optim.SGD(held.values(), lr=0.01)
    for start in range(0, len(INPUTS), 4):
        optimizer.zero_grad()
        losses(INPUTS[start : start + 4], TARGETS[start : start + 4], held, 0.1).backward()
        optimizer.step()
    made = specnet.run(spec).model.parameters
    for name, array in held.items():
        np.testing.assert_allclose(made[name], array.detach(), rtol=1e-8)


def test_gradients_agree_with_central_differences():
    checks = specnet.check_gradients(loaded())
    assert "tokens.embeddings" in {check.name for check in checks}
    assert all(check.ok for check in checks)


def test_a_frozen_table_stays_for_both():
    table = {**TABLE, "trainable": False}
    spec = loaded(table=table)
    start = specnet.compile(spec).parameters["tokens.embeddings"].copy()
    np.testing.assert_array_equal(specnet.run(spec).model.parameters["tokens.embeddings"], start)


def test_in_a_repeated_container_each_table_is_tied_to_its_own_layer():
    inner = [{**TABLE, "name": "own"}, {"type": "lstm", "units": SIZE}, {**TIED, "tie": "own"}]
    container = {"type": "sequential", "layers": inner}
    model = specnet.compile(specnet.load(json.dumps({**document(), "layers": [container]})))
    assert "sequential_1.logits.kernel" not in model.parameters
    assert model.predict(INPUTS).shape == (11, TOKENS)


@pytest.mark.parametrize(
    ("tied", "code", "key", "message"),
    [
        ({"tie": "token"}, "SN303", "tie", "did you mean `tokens`?"),
        ({"tie": "gru_1"}, "SN306", "tie", "only the table of an embedding can be tied, and `gru_1` is gru"),
        ({"tie": "input"}, "SN306", "tie", "which has no table to tie"),
        ({"tie": "tokens", "units": 7}, "SN306", "units", "`units` would be ignored"),
        ({"tie": "tokens", "kernel_init": "zeros"}, "SN306", "kernel_init", "would be ignored"),
        ({"tie": "tokens", "kernel_regularizer": "l2"}, "SN306", "kernel_regularizer", "would be ignored"),
        ({"tie": "tokens", "share": "tokens"}, "SN306", "share", "`share` would be ignored"),
        ({"units": 7, "share": "tokens"}, "SN306", "share", "a dense layer cannot use the parameters"),
        ({"units": None}, "SN206", "units", "not null"),
    ],
)
def test_what_cannot_be_tied_is_a_diagnostic(tied, code, key, message):
    (found,) = specnet.validate(document(tied={"type": "dense", **tied})).diagnostics
    assert (found.code, found.path) == (code, ("layers", 2, key))
    assert message in found.message


def test_features_of_another_size_are_a_diagnostic():
    (found,) = specnet.validate(document(middle=({"type": "gru", "units": 3},))).diagnostics
    assert (found.code, found.help) == ("SN401", "a dense layer with units = 4 before it")
    assert "takes 4 features here, got (batch, 3)" in found.message


def test_a_run_with_averaged_parameters_is_loaded(tmp_path):
    document_ = document()
    document_["training"] |= {"epochs": 3, "ema_decay": 0.5}
    result = specnet.run(specnet.load(json.dumps(document_)), out=tmp_path / "run")
    again = specnet.load_run(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(INPUTS), result.model.predict(INPUTS))
