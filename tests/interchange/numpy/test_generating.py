"""Exported programs generate what the model does."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.interchange.exporting import Exported, numpy_program
from tests.support.streaming import language_model
from tests.support.text_models import text_document

GRU = [{"type": "gru", "units": 8, "return_sequences": True}]
LEARNED = [{"type": "positional_embedding"}, {"type": "transformer_block", "heads": 2, "causal": True}]
MLP = [{"type": "flatten"}]


def exported(model, folder=None):
    """Return the names of a model's program."""
    scope = {}
    exec(numpy_program(Exported(folder, model, None), training=False, beside=None).text, scope)
    return scope


def text_model(folder, layers, **data):
    return specnet.compile(text_document(folder, ["Anna", "bo", "abba", "nabob", "ono"] * 3, layers, **data))


@pytest.mark.parametrize(
    ("layers", "data", "prompt", "tokens"),
    [
        (GRU, {"lines": "documents", "length": 30}, "a", 25),
        (LEARNED, {"lines": "documents"}, "", 40),
        (LEARNED, {"tokens": {"type": "char", "lowercase": True}, "block": 6}, "Ab", 40),
        (MLP, {"lines": "documents", "context": 3}, "n", 40),
    ],
    ids=["gru", "learned", "long text", "context"],
)
@pytest.mark.parametrize(
    "options", [{"temperature": 0}, {"seed": 5}, {"temperature": 2.0, "seed": 1}], ids=str
)
def test_text_is_what_the_model_generates(layers, data, prompt, tokens, options, tmp_path):
    model = text_model(tmp_path, layers, **data)
    program = exported(model, tmp_path)
    assert (
        program["generate"](prompt, tokens, **options)
        == model.generate(prompt, tokens=tokens, **options).text
    )


STATES = {"units": 5, "return_sequences": True}
ROTARY = {"type": "transformer_block", "heads": 2, "causal": True, "positions": "rotary"}


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "lstm", **STATES, "layer_norm": True}],
        [{"type": "simple_rnn", **STATES}, {"type": "gru", **STATES, "reset_after": False}],
        [{"type": "min_gru", **STATES}],
        [{"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "causal"}],
        [{"type": "tcn_block", "filters": 4, "kernel_size": 2, "dilation": 3}],
        [ROTARY, ROTARY],
        [{**ROTARY, "positions": "alibi", "kv_heads": 1}, {"type": "gru", **STATES}],
        [{**ROTARY, "window": 4}],
    ],
    ids=["lstm", "stack", "min_gru", "conv1d", "tcn", "rotary", "alibi", "window"],
)
def test_states_keys_and_values_are_kept_beyond_the_block(layers):
    model = language_model(layers, 8)
    program = exported(model, None)
    calls = []
    after = program["after"]
    program["after"] = lambda *given: (calls.append(given[0]), after(*given))[1]
    program["predict"] = None  # no block is read again
    made = program["generate"]([1, 2, 3], 30, seed=3)
    assert made == model.generate([1, 2, 3], tokens=30, seed=3).finish().samples[0].tokens
    assert calls == [1, 2, 3, *made]
    assert program["generate"]([1, 2, 3], 30, seed=3) == made  # nothing is left of the first call


def test_a_model_without_a_vocabulary_of_characters_takes_and_returns_indices(tmp_path):
    model = language_model(GRU, 12)
    made = model.generate([1, 2], tokens=10, seed=3).finish().samples[0].tokens
    assert exported(model, tmp_path)["generate"]([1, 2], 10, seed=3) == made
    model = text_model(tmp_path, LEARNED, lines="documents", tokens="word")
    program = exported(model, tmp_path)
    words = model.encoding.vocabulary
    assert program["vocabulary"] == list(words.tokens)
    samples = [model.generate("bo", tokens=12, seed=seed).finish().samples[0].tokens for seed in range(4)]
    made = [program["generate"](words.encode("bo"), 12, seed=seed) for seed in range(4)]
    assert made == [[token for token in tokens if token != words.end] for tokens in samples]
    assert any(made)


def test_other_models_have_no_such_function(tmp_path):
    assert "generate" not in exported(language_model([{"type": "transformer_block"}], 6), tmp_path)
    data = np.eye(4), np.arange(4) % 2
    spec = {
        "specnet": 1,
        "data": {"type": "arrays"},
        "loss": "cross_entropy",
        "layers": [{"type": "dense", "units": 2}],
    }
    assert "generate" not in exported(specnet.compile(spec, data=data), tmp_path)
