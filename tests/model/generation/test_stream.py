"""What a model predicts of sequences that grow token by token is what it predicts of them as a whole."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.model.generation import stream as streaming
from specnet.model.generation.stream import Stream
from tests.support.streaming import TOKENS, language_model, log_softmax, stream_of

BLOCK, MORE = 8, 20
LSTM = {"type": "lstm", "units": 5, "return_sequences": True}
CAUSAL = {"type": "transformer_block", "heads": 2, "causal": True}
CONVOLUTION = {"type": "conv1d", "filters": 12, "kernel_size": 3, "dilation": 2, "padding": "causal"}

KINDS = {
    "simple_rnn": [{"type": "simple_rnn", "units": 5, "return_sequences": True}],
    "lstm": [LSTM, LSTM],
    "gru": [{"type": "gru", "units": 5, "return_sequences": True}],
    "min_gru": [{"type": "min_gru", "units": 5, "return_sequences": True}],
    "tcn": [{"type": "residual", "layers": [CONVOLUTION]}, CONVOLUTION],
    "no positions": [CAUSAL, CAUSAL],
    "learned": [{"type": "positional_embedding"}, CAUSAL, {"type": "layer_norm"}],
    "sinusoidal": [{"type": "positional_embedding", "kind": "sinusoidal"}, CAUSAL],
    "rotary": [{**CAUSAL, "positions": "rotary", "kv_heads": 1}, {**CAUSAL, "positions": "rotary"}],
    "alibi": [{"type": "sequential", "repeat": 2, "layers": [{**CAUSAL, "positions": "alibi"}]}],
    "window": [{**CAUSAL, "window": 3, "positions": "rotary"}, {**CAUSAL, "window": 1}],
    "parallel": [{"type": "parallel", "layers": [CONVOLUTION, {**LSTM, "units": 12}]}],
}
BOUNDED = {"learned", "sinusoidal"}


def windowed(layer, block):
    """Return a layer whose attention sees at most a block's steps in longer examples, too."""
    if "layers" in layer:
        return {**layer, "layers": [windowed(inner, block) for inner in layer["layers"]]}
    return {**layer, "window": layer.get("window", block)} if layer["type"] == "transformer_block" else layer


def longer(model, layers, steps):
    """Return a model over longer examples with the same parameters, which sees as many steps before each."""
    made = language_model([windowed(layer, BLOCK) for layer in layers], steps)
    for name, array in made.parameters.items():
        array[...] = model.parameters[name]
    return made


def logits(stream, tokens, parts):
    """Return the log-probabilities after each of some parts of tokens (rows, steps)."""
    ends = np.cumsum(parts)
    found = [stream.feed(tokens[:, end - part : end]) for part, end in zip(parts, ends, strict=True)]
    return log_softmax(np.stack(found, axis=1))


@pytest.fixture
def tokens():
    return np.random.default_rng(3).integers(0, TOKENS, (3, MORE))


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_up_to_the_block_is_as_in_the_whole_example(kind, tokens):
    model = language_model(KINDS[kind], BLOCK)
    found = logits(stream_of(model, 3), tokens, [1] * BLOCK)
    np.testing.assert_allclose(found, np.log(model.predict(tokens[:, :BLOCK])), 1e-10, 1e-11)


@pytest.mark.parametrize("kind", KINDS)
def test_each_step_beyond_the_block_is_as_documented(kind, tokens):
    model = language_model(KINDS[kind], BLOCK)
    stream = stream_of(model, 3)
    found = logits(stream, tokens, [1] * MORE)
    assert stream.bounded == (kind in BOUNDED)
    if kind in BOUNDED:
        for end in range(BLOCK + 1, MORE + 1):
            again = np.log(model.predict(tokens[:, end - BLOCK : end]))[:, -1]
            np.testing.assert_allclose(found[:, end - 1], again, 1e-10, 1e-11)
        return
    whole = np.log(longer(model, KINDS[kind], MORE).predict(tokens))
    np.testing.assert_allclose(found, whole, 1e-10, 1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chunk", [3, 11])
def test_a_prompt_that_is_read_in_chunks_gives_what_single_steps_give(kind, chunk, tokens, monkeypatch):
    model = language_model(KINDS[kind], BLOCK)
    single = logits(stream_of(model, 3), tokens, [1] * MORE)
    monkeypatch.setattr(streaming, "CHUNK", chunk)
    parts = [7, 1, 12]
    found = logits(stream_of(model, 3), tokens, parts)
    np.testing.assert_allclose(found, single[:, np.cumsum(parts) - 1], 1e-10, 1e-11)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - BOUNDED))
def test_a_step_runs_one_plan_whatever_came_before(kind, tokens, monkeypatch):
    model = language_model(KINDS[kind], BLOCK)
    stream, ran = stream_of(model, 3), []
    ready = Stream._ready
    monkeypatch.setattr(
        Stream, "_ready", lambda self, new, **more: ran.append(new) or ready(self, new, **more)
    )
    logits(stream, tokens, [1] * MORE)
    # The same plan, with the same operations, for the last token as for the first.
    assert ran == [1] * MORE


def test_a_model_with_learned_positions_reads_no_prefix_again_up_to_the_block(tokens, monkeypatch):
    stream, ran = stream_of(language_model(KINDS["learned"], BLOCK), 3), []
    ready = Stream._ready
    monkeypatch.setattr(
        Stream, "_ready", lambda self, new, **more: ran.append(new) or ready(self, new, **more)
    )
    logits(stream, tokens, [1] * MORE)
    assert ran == [1] * BLOCK + [0] * (MORE - BLOCK)


def test_rows_can_be_selected(tokens):
    for kind in ("lstm", "rotary", "learned", "tcn"):
        model = language_model(KINDS[kind], BLOCK)
        stream, straight = stream_of(model, 3), stream_of(model, 3)
        stream.feed(tokens[:, :4])
        rows = np.array([2, 0, 2])
        stream.select(rows)
        found = stream.feed(tokens[:, 4:6])
        prefix = np.concatenate([tokens[rows, :4], tokens[:, 4:6]], axis=1)
        np.testing.assert_allclose(found, straight.feed(prefix), 1e-12, 1e-13)


def test_a_fixed_context_is_shifted(tokens):
    rng = np.random.default_rng(0)
    spec = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "input_dim": TOKENS, "output_dim": 4},
            {"type": "flatten"},
            {"type": "dense", "units": TOKENS},
        ],
    }
    inputs = rng.integers(0, TOKENS, (40, 3))
    model = specnet.compile(spec, data=(inputs, np.arange(40) % TOKENS))
    stream = stream_of(model, 3)
    found = [stream.feed(tokens[:, :3]), *(stream.feed(tokens[:, t : t + 1]) for t in range(3, 9))]
    for t, ours in enumerate(found, 3):
        whole = np.log(model.predict(tokens[:, t - 3 : t]))
        np.testing.assert_allclose(log_softmax(ours), whole, 1e-10, 1e-12)


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_recurrent_logits_are_those_of_pytorch_step_by_step(kind, tokens):
    torch = pytest.importorskip("torch")
    model = language_model([{"type": kind, "units": 5, "return_sequences": True}], BLOCK)
    rng = np.random.default_rng(1)
    for array in model.parameters.values():
        array[...] = rng.normal(size=array.shape)
    p = {name: torch.tensor(array) for name, array in model.parameters.items()}
    cell = {"lstm": torch.nn.LSTMCell, "gru": torch.nn.GRUCell}[kind](12, 5, dtype=torch.float64)
    # PyTorch has the gates of a GRU in the order r, z, n, and two biases of an LSTM.
    order = {"lstm": slice(None), "gru": [*range(5, 10), *range(5), *range(10, 15)]}[kind]
    bias = p[f"{kind}_1.bias"]
    first, second = bias if kind == "gru" else (bias, torch.zeros_like(bias))
    state = {
        "weight_ih": p[f"{kind}_1.kernel"].T[order],
        "weight_hh": p[f"{kind}_1.recurrent_kernel"].T[order],
        "bias_ih": first[order],
        "bias_hh": second[order],
    }
    cell.load_state_dict(state)
    found = logits(stream_of(model, 3), tokens, [1] * MORE)
    hidden = None
    with torch.no_grad():
        for t in range(MORE):
            x = p["embedding_1.embeddings"][torch.tensor(tokens[:, t])]
            hidden = cell(x, hidden)
            y = hidden[0] if kind == "lstm" else hidden
            scores = torch.log_softmax(y @ p["dense_1.kernel"] + p["dense_1.bias"], -1)
            np.testing.assert_allclose(found[:, t], scores.numpy(), 1e-8)


@pytest.mark.parametrize("kind", ["lstm", "learned", "rotary"])
def test_padded_documents_are_continued_as_they_are_predicted(kind, tmp_path):
    (tmp_path / "names.txt").write_text("anna\nbo\nabba\nnabob\n" * 3)
    spec = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "text", "path": str(tmp_path / "names.txt"), "lines": "documents"},
        "loss": "cross_entropy",
        "layers": [
            {"type": "embedding", "input_dim": 8, "output_dim": 12},
            *KINDS[kind],
            {"type": "dense", "units": "auto"},
        ],
    }
    model = specnet.compile(spec)
    words = model.encoding.vocabulary
    name = np.concatenate([[words.begin], words.encode("nabo")])
    padded = np.zeros((1, model.generation_plans.task.steps), np.int64)
    padded[0, : len(name)] = name
    found = logits(stream_of(model, 1), name[None], [1] * len(name))
    np.testing.assert_allclose(found[0], np.log(model.forward(padded))[0, : len(name)], 1e-10, 1e-11)
