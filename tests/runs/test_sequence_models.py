"""Networks over text and pairs with all that a training can do: nothing of it knows sequences, and all has to hold."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from tests.support.resuming import check

WORDS = (
    "ann",
    "bob",
    "cara",
    "dan",
    "eve",
    "fay",
    "gus",
    "ida",
    "jo",
    "kim",
    "lea",
    "max",
    "nell",
    "oz",
    "pam",
    "rob",
)
BODIES = {
    "lstm": [{"type": "lstm", "units": 5, "return_sequences": True, "recurrent_dropout": 0.2}],
    "bidirectional": [
        {"type": "bidirectional", "layers": [{"type": "gru", "units": 3, "return_sequences": True}]}
    ],
    "transformer": [
        {"type": "positional_embedding"},
        {"type": "transformer_block", "heads": 2, "causal": True, "dropout": 0.2},
    ],
    "convolution": [
        {"type": "conv1d", "filters": 6, "kernel_size": 3, "padding": "causal", "activation": "tanh"}
    ],
    "min_gru": [{"type": "min_gru", "units": 5, "return_sequences": True}],
}
each = pytest.mark.parametrize("body", BODIES)


@pytest.fixture
def names(tmp_path):
    path = tmp_path / "names.txt"
    path.write_text("".join(f"{word}\n" for word in WORDS))
    return path


def document(path, body, **training):
    return {
        "specnet": 1,
        "name": "names",
        "dtype": "float64",
        "data": {"type": "text", "path": str(path), "lines": "documents", "split": {"validation": 0.25}},
        "layers": [
            {"type": "embedding", "name": "letters", "output_dim": 6},
            *BODIES[body],
            {"type": "dense", "units": "auto"},
        ],
        "loss": "cross_entropy",
        "metrics": ["accuracy", "perplexity"],
        "training": {"epochs": 4, "batch_size": 4, "optimizer": "adam", **training},
    }


@each
def test_interrupted_and_resumed_to_the_bit(body, names):
    spec = specnet.load(json.dumps(document(names, body, ema_decay=0.9)))
    assert check(spec, 2, 5) > 0


@each
def test_gradients_are_those_of_central_differences(body, names):
    model = specnet.compile(specnet.load(json.dumps(document(names, body))))
    x = np.array([[0, 3, 4, 5, 0], [0, 6, 0, 0, 0], [0, 2, 3, 4, 5]])
    y = np.array([[3, 4, 5, 0, 0], [6, 0, 0, 0, 0], [2, 3, 4, 5, 6]])
    _, gradients = model.loss_and_gradients(x, y)
    gradients = {name: gradient.copy() for name, gradient in gradients.items()}
    rng, step = np.random.default_rng(1), 1e-5
    for name, value in model.parameters.items():
        direction = rng.normal(size=value.shape)
        start = value.copy()
        losses = []
        for sign in (1, -1):
            value[...] = start + sign * step * direction
            losses.append(model.loss_and_gradients(x, y)[0])
        value[...] = start
        slope = (losses[0] - losses[1]) / (2 * step)
        assert slope == pytest.approx(float((gradients[name] * direction).sum()), rel=1e-5, abs=1e-8), name


@each
def test_steps_that_several_batches_share_are_those_of_one(body, names):
    # Without dropout, whose draws depend on the size of a batch; batches of equal numbers of letters only.
    options = {"dropout": 0.0, "recurrent_dropout": 0.0}
    asked = document(names, body, epochs=1, optimizer="sgd", shuffle=False)
    asked["layers"] = [{k: v for k, v in layer.items() if k not in options} for layer in asked["layers"]]
    asked["data"].pop("split")
    names.write_text("".join(f"{word[:2]}\n" for word in WORDS))
    whole, shared = dict(asked), dict(asked)
    whole["training"] = {**asked["training"], "batch_size": 8}
    shared["training"] = {**asked["training"], "batch_size": 4, "accumulate": 2}
    one, other = (specnet.run(each) for each in (whole, shared))
    for name, value in one.model.parameters.items():
        np.testing.assert_allclose(value, other.model.parameters[name], rtol=1e-9, atol=1e-12, err_msg=name)


@each
def test_what_is_frozen_stays(body, names):
    asked = document(names, body)
    asked["layers"][0]["trainable"] = False
    before = specnet.compile(specnet.load(json.dumps(asked))).parameters["letters.embeddings"].copy()
    np.testing.assert_array_equal(specnet.run(asked).model.parameters["letters.embeddings"], before)


@each
def test_the_same_bits_twice_and_the_same_numbers_on_one_thread(body, names):
    spec = specnet.load(json.dumps(document(names, body)))
    first, again, one = (specnet.run(spec, threads=threads) for threads in (2, 2, 1))
    assert first.model.parameters.flat.tobytes() == again.model.parameters.flat.tobytes()
    np.testing.assert_allclose(first.model.parameters.flat, one.model.parameters.flat, rtol=1e-9, atol=1e-12)


@each
def test_a_causal_model_does_not_look_ahead(body, names):
    model = specnet.run(document(names, body)).model
    x = np.array([[0, 3, 4, 5, 2]])
    ahead = x.copy()
    ahead[0, 3:] = [6, 4]
    same = np.array_equal(model.predict(x)[0, :3], model.predict(ahead)[0, :3])
    assert same == (body != "bidirectional")


def test_an_embedding_is_shared_by_two_branches(names):
    asked = document(names, "lstm")
    asked["layers"] = [
        {"type": "embedding", "name": "letters", "output_dim": 6},
        {"type": "lstm", "name": "states", "units": 6, "return_sequences": True},
        {"type": "embedding", "name": "again", "share": "letters", "inputs": ["input"], "output_dim": 6},
        {"type": "add", "inputs": ["states", "again"]},
        {"type": "dense", "units": "auto"},
    ]
    result = specnet.run(asked)
    assert "again.embeddings" not in result.model.parameters
    assert np.isfinite(result.splits["validation"]["perplexity"])
