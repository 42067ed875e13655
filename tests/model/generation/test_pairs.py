"""Models that read a source and continue a target."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.model.generation.generating import _others
from specnet.model.generation.stream import Stream
from specnet.model.generation.texts import IndexTokens
from tests.support.streaming import TOKENS, log_softmax

SOURCE, TARGET, WIDTH = 5, 6, 8


def embedding(name, **more):
    return {
        "type": "embedding",
        "name": f"{name}_tokens",
        "inputs": [name],
        "input_dim": TOKENS,
        "output_dim": WIDTH,
        **more,
    }


TRANSFORMER = [
    embedding("source"),
    {"type": "bidirectional", "layers": [{"type": "lstm", "units": 4, "return_sequences": True}]},
    {"type": "transformer_block", "heads": 2, "name": "encoded"},
    embedding("target"),
    {"type": "positional_embedding", "name": "placed"},
    {"type": "transformer_block", "heads": 2, "causal": True, "inputs": ["placed", "encoded"]},
    {"type": "dense", "units": TOKENS},
]
RECURRENT = [
    embedding("source"),
    {"type": "gru", "units": 4, "name": "summary"},
    embedding("target"),
    {
        "type": "gru",
        "units": 4,
        "return_sequences": True,
        "inputs": ["target_tokens", "summary"],
        "name": "decoder",
    },
    {"type": "attention", "inputs": ["decoder", "source_tokens"], "heads": 2, "head_dim": 3},
    {"type": "dense", "units": TOKENS},
]


def model_of(layers):
    rng = np.random.default_rng(0)
    source, target, after = (rng.integers(0, TOKENS, (20, n)) for n in (SOURCE, TARGET, TARGET))
    spec = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "arrays"},
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "loss": "cross_entropy",
        "layers": layers,
    }
    model = specnet.compile(spec, data=({"source": source, "target": target}, after))
    for array in model.parameters.values():
        array[...] = rng.normal(size=array.shape) * 0.5
    return model


@pytest.mark.parametrize("layers", [TRANSFORMER, RECURRENT], ids=["transformer", "recurrent"])
def test_each_step_is_as_in_the_whole_example(layers):
    model, rng = model_of(layers), np.random.default_rng(1)
    source, target = rng.integers(0, TOKENS, SOURCE), rng.integers(0, TOKENS, (1, TARGET))
    plans = model.generation_plans
    stream = Stream(plans, model.leaves(), model.use, 1, _others(plans.task, IndexTokens(TOKENS), source, 1))
    found = log_softmax(np.stack([stream.feed(target[:, t : t + 1]) for t in range(TARGET)], axis=1))
    whole = model.predict({"source": source[None], "target": target})
    np.testing.assert_allclose(found, np.log(whole), 1e-10, 1e-12)


@pytest.mark.parametrize("layers", [TRANSFORMER, RECURRENT], ids=["transformer", "recurrent"])
def test_padding_of_the_source_is_not_seen(layers):
    masked = [embedding("source", padding_index=0), *layers[1:]]
    model = model_of(masked)
    plans, rng = model.generation_plans, np.random.default_rng(1)
    source, target = np.array([3, 1, 0, 0, 0]), rng.integers(1, TOKENS, (1, TARGET))
    stream = Stream(plans, model.leaves(), model.use, 1, _others(plans.task, IndexTokens(TOKENS), source, 1))
    found = log_softmax(np.stack([stream.feed(target[:, t : t + 1]) for t in range(TARGET)], axis=1))
    whole = model.predict({"source": source[None], "target": target})
    np.testing.assert_allclose(found, np.log(whole), 1e-10, 1e-12)


@pytest.mark.parametrize("layers", [TRANSFORMER, RECURRENT], ids=["transformer", "recurrent"])
def test_the_source_is_read_by_the_first_step_alone(layers):
    plans = model_of(layers).generation_plans
    first, later = (plans.of_steps(1, 1, opening=opening).plan for opening in (True, False))
    assert "inputs/source" in first.leaves
    assert "inputs/source" not in later.leaves
    # Nothing of the encoder is computed again, nor are the keys and values that cross-attention makes of it.
    for name in later.leaves:
        assert not name.startswith(("source_tokens", "bidirectional", "encoded", "summary")), name
        assert not name.endswith(("cross_attention.key.kernel", "cross_attention.value.kernel")), name


def test_beams_share_one_source():
    model = model_of(TRANSFORMER)
    source = [1, 2, 3, 4, 5]
    beams = model.generate([0], source=source, beams=4, n=2, tokens=4).finish().samples
    for sample in beams:
        target = np.array([[0, *sample.tokens[:-1], 0, 0]])[:, :TARGET]
        whole = np.log(model.predict({"source": np.array([source]), "target": target}))[0]
        scores = [whole[t, token] for t, token in enumerate(sample.tokens)]
        np.testing.assert_allclose(sample.log_probabilities, scores, 1e-10)
    assert beams[0].log_probability >= beams[1].log_probability


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "`source` is missing: the model also reads `source`"),
        ([1, 2], r"`source` is \(2,\), and the model takes \(5,\)"),
        ({"other": [1] * 5}, "the source has no `source`"),
    ],
)
def test_a_source_that_does_not_fit_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        model_of(TRANSFORMER).generate([0], source=source)


def test_pairs_of_text_are_generated_from_text(tmp_path):
    (tmp_path / "pairs.tsv").write_text("ab\tba\nabc\tcba\nc\tc\n" * 4)
    spec = {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "pairs", "path": str(tmp_path / "pairs.tsv")},
        "inputs": {"source": {"array": "source"}, "target": {"array": "target"}},
        "loss": "cross_entropy",
        "layers": [
            {**layer, "input_dim": 8} if layer["type"] == "embedding" else layer for layer in TRANSFORMER[:-1]
        ]
        + [{"type": "dense", "units": "auto"}],
    }
    model = specnet.compile(spec)
    words = model.encoding.vocabulary
    (sample,) = model.generate(source="ab", tokens=2, temperature=0).finish().samples
    encoded = np.concatenate([words.encode("ab"), [words.padding]])
    target = np.array([[words.begin, 0, 0, 0]])
    first = model.forward({"source": encoded[None], "target": target})[0, 0]
    first[[words.padding, words.begin, words.unknown]] = 0
    assert sample.tokens[0] == first.argmax()
    with pytest.raises(
        ValueError, match="`source` contains `x`, which the training data of the model do not"
    ):
        model.generate(source="x")
    with pytest.raises(ValueError, match="the prompt contains `y`"):
        model.generate("y", source="ab")
    with pytest.raises(ValueError, match=r"`source` has 4 tokens, and the model takes 1 to 3"):
        model.generate(source="abca")
