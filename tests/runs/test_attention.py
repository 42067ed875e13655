"""Documents with attention: of another sequence, causal or within a window, resumed and exported."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from tests.support.sequences import by_onnx, by_program, whole_and_resumed, write_document

STEPS, FEATURES, HEADS = 6, 4, 2
ROWS = np.random.default_rng(1).normal(size=(5, STEPS, FEATURES))


@pytest.fixture
def document(tmp_path):
    return lambda *layers: write_document(tmp_path, STEPS, FEATURES, *layers)


CONTEXT = [
    {"type": "cropping1d", "cropping": [0, 2], "name": "context"},
    {"type": "dense", "units": FEATURES, "inputs": ["input"], "name": "sequence"},
]


def test_keys_and_values_may_come_from_another_sequence(document):
    torch = pytest.importorskip("torch")
    cross = {"type": "attention", "heads": HEADS, "inputs": ["sequence", "context"], "bias_init": "normal"}
    model = specnet.compile(specnet.load(document(*CONTEXT, cross)))
    p = {name: torch.tensor(array) for name, array in model.parameters.items()}
    x = torch.tensor(ROWS)
    sequence = x @ p["sequence.kernel"] + p["sequence.bias"]
    made = torch.nn.MultiheadAttention(FEATURES, HEADS, batch_first=True, dtype=x.dtype)
    three = ("query", "key", "value")
    weights = {
        "in_proj_weight": torch.cat([p[f"attention_1.{n}.kernel"].T for n in three]),
        "in_proj_bias": torch.cat([p[f"attention_1.{n}.bias"] for n in three]),
        "out_proj.weight": p["attention_1.output.kernel"].T,
        "out_proj.bias": p["attention_1.output.bias"],
    }
    meant, _ = torch.func.functional_call(made, weights, (sequence, x[:, :-2], x[:, :-2]))
    np.testing.assert_allclose(model.outputs_of("attention_1", ROWS), meant.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_block_of_a_decoder_is_pytorch_s(document, norm_first):
    torch = pytest.importorskip("torch")
    options = {"hidden_units": 7, "activation": "relu", "causal": True, "norm_first": norm_first}
    block = {
        "type": "transformer_block",
        "heads": HEADS,
        "inputs": ["sequence", "context"],
        "bias_init": "normal",
    }
    model = specnet.compile(specnet.load(document(*CONTEXT, {**block, **options, "name": "b"})))
    p = {name: torch.tensor(array) for name, array in model.parameters.items()}
    x = torch.tensor(ROWS)
    made = torch.nn.TransformerDecoderLayer(
        FEATURES, HEADS, 7, dropout=0.0, batch_first=True, norm_first=norm_first, dtype=x.dtype
    )
    weights = {}
    for theirs, ours in {"self_attn": "attention", "multihead_attn": "cross_attention"}.items():
        parts = [p[f"b.{ours}.{n}.kernel"].T for n in ("query", "key", "value")]
        weights[f"{theirs}.in_proj_weight"] = torch.cat(parts)
        parts = [p[f"b.{ours}.{n}.bias"] for n in ("query", "key", "value")]
        weights[f"{theirs}.in_proj_bias"] = torch.cat(parts)
        weights[f"{theirs}.out_proj.weight"] = p[f"b.{ours}.output.kernel"].T
        weights[f"{theirs}.out_proj.bias"] = p[f"b.{ours}.output.bias"]
    for number, name in enumerate(("hidden", "output"), 1):
        weights[f"linear{number}.weight"] = p[f"b.{name}.kernel"].T
        weights[f"linear{number}.bias"] = p[f"b.{name}.bias"]
    for number, name in enumerate(("attention_norm", "cross_norm", "mlp_norm"), 1):
        weights[f"norm{number}.weight"] = p[f"b.{name}.gamma"]
        weights[f"norm{number}.bias"] = p[f"b.{name}.beta"]
    sequence = x @ p["sequence.kernel"] + p["sequence.bias"]
    ahead = torch.ones(STEPS, STEPS, dtype=torch.bool).triu(1)
    meant = torch.func.functional_call(made, weights, (sequence, x[:, :-2]), {"tgt_mask": ahead})
    np.testing.assert_allclose(model.outputs_of("b", ROWS), meant.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["attention", "transformer_block"])
@pytest.mark.parametrize("options", [{}, {"positions": "rotary"}, {"positions": "alibi"}, {"window": 2}])
def test_a_causal_layer_sees_nothing_ahead(document, kind, options):
    layer = {"type": kind, "heads": HEADS, "causal": True, "name": "it", **options}
    model = specnet.compile(specnet.load(document(layer)))
    seen = model.outputs_of("it", ROWS)
    for step in range(STEPS):
        other = ROWS.copy()
        other[:, step] += 10.0
        changed = np.abs(model.outputs_of("it", other) - seen).max((0, 2))
        assert (changed[:step] == 0.0).all()
        assert changed[step] > 0.0
        if "window" in options:
            assert (changed[step + 2 :] == 0.0).all()


STACK = [
    {"type": "positional_embedding"},
    {
        "type": "sequential",
        "repeat": 2,
        "layers": [{"type": "transformer_block", "heads": HEADS, "causal": True, "dropout": 0.1}],
    },
    {
        "type": "transformer_block",
        "heads": HEADS,
        "kv_heads": 1,
        "positions": "rotary",
        "norm": "rms_norm",
        "gated": True,
        "activation": "silu",
    },
]


def test_its_gradients_agree_with_central_differences(document):
    checks = specnet.check_gradients(specnet.load(document(*STACK)))
    assert [check.name for check in checks if not check.ok] == []
    assert {"transformer_block_1.gate.kernel", "positional_embedding_1.embeddings"} <= {
        c.name for c in checks
    }


def test_it_resumes_to_the_bit(document):
    whole, resumed = whole_and_resumed(document(*STACK))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name])


def test_it_is_exported(document):
    found, expected, _ = by_program(document(*STACK), ROWS)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_it_is_exported_as_onnx(document):
    found, expected = by_onnx(document(*STACK), ROWS)
    # The epsilon of ONNX's LayerNormalization is a number of 32 bits.
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "code", "message"),
    [
        ({"type": "attention", "heads": 3}, "SN401", "cannot divide the 4 features"),
        ({"type": "attention", "heads": 4, "kv_heads": 3}, "SN208", "must divide the 4 heads"),
        ({"type": "attention", "heads": 4, "positions": "rotary"}, "SN401", "a head has 1"),
        ({"type": "attention", "rotary_base": 10.0}, "SN306", "would be ignored"),
        ({"type": "positional_embedding", "kind": "sinusoidal", "embeddings_init": "ones"}, "SN306", "no table"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_reported(document, layer, code, message):
    (found,) = (d for d in specnet.validate(document(layer)).diagnostics if d.severity == "error")
    assert found.code == code
    assert message in found.message


@pytest.mark.parametrize("kind", ["attention", "positional_embedding", "transformer_block"])
def test_they_take_sequences_alone(document, kind):
    report = specnet.validate(document({"type": "flatten"}, {"type": kind}))
    (found,) = (d for d in report.diagnostics if d.severity == "error")
    assert (found.code, found.path[:2]) == ("SN401", ("layers", 1))
    assert "needs sequences (batch, steps, features)" in found.message
