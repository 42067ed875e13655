"""Layers over sequences whose length is another one in each batch compute what they do for padded rows."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.data.signature import ColumnSlice, Signature
from specnet.diagnostics import SpecError
from specnet.engines.execution import Executable
from specnet.graph.sizes import Forms
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.model.programs import gradient_graph
from specnet.passes.pipeline import plan
from specnet.vocabulary.layers import LAYERS

STEPS, FEATURES, LENGTHS = 9, 4, (9, 4, 3, 5, 4, 2)
MASKING, LAST = {"type": "masking"}, {"type": "last_step"}
POOLED = {"type": "global_average_pooling1d"}


def case(layer, *after, **options):
    return pytest.param(
        [{"type": layer, **options}, *after], id=" ".join([layer, *map(str, options.values())])
    )


CASES = [
    *(
        case(kind, *([LAST] if whole else []), units=3, return_sequences=whole, reverse=reverse)
        for kind in ("simple_rnn", "lstm", "gru")
        for whole in (False, True)
        for reverse in (False, True)
    ),
    case("lstm", units=3, layer_norm=True, dropout=0.0),
    case("bidirectional", layers=[{"type": "gru", "units": 3}], merge="add"),
    case("bidirectional", LAST, layers=[{"type": "gru", "units": 3, "return_sequences": True}]),
    *(case("attention", POOLED, heads=2, positions=name, causal=True) for name in ("rotary", "alibi")),
    case("attention", POOLED, heads=2, window=2, kv_heads=1),
    case("transformer_block", LAST, heads=2, norm="rms_norm", norm_first=False),
    *(case("positional_embedding", LAST, kind=kind) for kind in ("learned", "sinusoidal")),
    *(
        case("conv1d", POOLED, filters=4, kernel_size=3, padding=padding, dilation=dilation)
        for padding in ("valid", "same", "causal")
        for dilation in (1, 2)
    ),
    case(
        "conv1d", {"type": "conv1d", "filters": 2, "kernel_size": 2}, LAST, filters=4, kernel_size=3, groups=2
    ),
    case("conv1d", LAST, filters=2, kernel_size=1, use_bias=False),
    case("tcn_block", LAST, filters=3, kernel_size=2, dilation=2, weight_norm=True),
    case("global_max_pooling1d"),
    case("global_max_pooling1d", {"type": "flatten"}, keepdims=True),
    case("global_average_pooling1d"),
    case("last_step"),
    case("batch_norm", POOLED),
    case("layer_norm", POOLED),
    case("rms_norm", LAST),
    case("group_norm", POOLED, groups=2),
    case("instance_norm", LAST),
    case("dense", LAST, units=3, activation="gelu"),
    case("highway", LAST),
    case("glu", LAST),
    case("maxout", LAST, units=2),
    case("rbf", LAST, units=2),
    case("local_response_norm", LAST),
    case("prelu", LAST, shared_axes=[1]),
    case("activation", LAST, activation="softmax"),
    case("parametric_activation", LAST, activation="tanh"),
    case("scaling", LAST),
    *(
        case(kind, POOLED, inputs=["layers", "mlp"])
        for kind in ("add", "subtract", "multiply", "average", "maximum", "minimum", "concat")
    ),
    case("residual", LAST, layers=[{"type": "dense", "units": FEATURES}]),
    case(
        "parallel",
        POOLED,
        layers=[
            {"type": "dense", "units": 2},
            {"type": "conv1d", "filters": 2, "kernel_size": 2, "padding": "same"},
        ],
    ),
    case(
        "sequential",
        LAST,
        repeat=2,
        layers=[{"type": "gru", "units": 3, "return_sequences": True}, {"type": "dropout", "rate": 0.0}],
    ),
]

DRAWN = [
    case("dropout", LAST, rate=0.5),
    case("spatial_dropout", LAST, rate=0.5),
    case("gaussian_noise", LAST, stddev=0.5),
    case("lstm", units=3, dropout=0.5, recurrent_dropout=0.5),
    case("transformer_block", LAST, heads=2, dropout=0.5),
    case("stochastic_depth", LAST, rate=0.5),
]
"""Layers that draw other numbers for other shapes."""

REFUSED = [
    case("flatten"),
    case("reshape", shape=[36]),
    case("permute", LAST, dims=[2, 1]),
    case("min_gru", units=3),
    case("conv1d", LAST, filters=2, kernel_size=3, strides=2),
    case("max_pooling1d", LAST, pool_size=2),
    case("average_pooling1d", LAST, pool_size=2),
    case("adaptive_average_pooling1d", LAST, output_size=2),
    case("zero_padding1d", LAST, padding=1),
    case("cropping1d", LAST, cropping=1),
    case("upsampling1d", LAST, size=2),
    case("conv1d_transpose", LAST, filters=2, kernel_size=2),
    case("prelu", LAST),
    case("batch_norm", LAST, axis=1),
    case("layer_norm", LAST, axis=[1, 2]),
]


ROWS = {"ensemble", "feature_tokenizer", "periodic_embedding", "piecewise_linear_embedding"}
"""Layers that take rows of numbers alone, which have no length."""

UNTRIED = {"embedding", "sample", "dot"} | ROWS


def sequences():
    x = np.random.default_rng(0).normal(size=(len(LENGTHS), STEPS, FEATURES))
    x[np.arange(STEPS) >= np.array(LENGTHS)[:, None]] = 0.0
    return x, np.arange(len(LENGTHS)) % 2


def network(layers, masking=True):
    inner = [{"type": "dense", "units": FEATURES, "name": "mlp"}] if "inputs" in layers[0] else []
    first = [{"type": "masking", "name": "layers"}, *inner] if masking else []
    return Network(
        specnet.load(
            {
                "specnet": 1,
                "dtype": "float64",
                "data": {"type": "arrays"},
                "layers": [*first, *layers, {"type": "dense", "units": 2}],
                "loss": "cross_entropy",
                "training": {"batch_by": "length", "batch_size": 2},
            }
        ),
        Signature((STEPS, FEATURES), (), "class", integers=True, class_count=2),
    )


def steps_of(made, rows, *, training, varying):
    """Return the loss and the gradients of some rows, as long as the longest or as all may be."""
    graph = gradient_graph(made, training=training, varying=varying)
    x, y = sequences()
    most = max(made.shortest["steps"], *(LENGTHS[row] for row in rows)) if varying else STEPS
    # Many short rows, or a few long ones: never many long ones.
    room = Forms([{"batch": 3, "steps": STEPS}, {"batch": 5, "steps": 6}]) if varying else len(rows)
    executable = Executable(plan(graph, room), streams(graph))
    given = {"inputs": np.ascontiguousarray(x[rows, :most]), "targets": y[rows]}
    bound = executable.bind(
        {"batch": len(rows), "steps": most} if varying else len(rows), CompiledModel(made).leaves(**given)
    )
    with np.errstate(all="ignore"):
        return bound.step()[0], bound.arrays["gradients"].copy()


def streams(graph):
    return {node.attributes.stream: np.random.default_rng(1) for node in graph if node.op.random}


BATCHES = [[1, 2, 3, 4, 5], [0, 1, 5], [2, 5]]


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize("layers", CASES)
def test_losses_and_gradients_are_those_of_padded_rows(layers, training):
    made = network(layers)
    assert made.longest == {"steps": STEPS}
    for rows in BATCHES:
        loss, gradients = steps_of(made, rows, training=training, varying=True)
        expected, slopes = steps_of(made, rows, training=training, varying=False)
        assert loss == pytest.approx(expected, rel=1e-12)
        np.testing.assert_allclose(gradients, slopes, 1e-9, 1e-12)
        assert np.abs(slopes).max() > 0


@pytest.mark.parametrize("layers", DRAWN)
def test_layers_that_draw_take_them_too(layers):
    made = network(layers)
    for rows in BATCHES:
        assert np.isfinite(steps_of(made, rows, training=True, varying=True)[1]).all()


@pytest.mark.parametrize("layers", REFUSED)
def test_layers_that_need_one_length_say_so(layers):
    with pytest.raises(SpecError, match="and batches by length have others in each batch") as raised:
        network(layers)
    (found,) = raised.value.diagnostics
    assert (found.code, found.path) == ("SN401", ("layers", 1))


def test_layers_that_see_several_steps_need_a_mask():
    """An array that shares its steps with a padded one has none itself."""
    with pytest.raises(SpecError, match="not known which steps of what lstm takes are padding"):
        Network(
            specnet.load(
                {
                    "specnet": 1,
                    "data": {"type": "arrays"},
                    "inputs": {"a": {"array": "a"}, "b": {"array": "b"}},
                    "layers": [
                        {"type": "masking", "inputs": ["a"], "name": "there"},
                        {
                            "type": "lstm",
                            "units": 3,
                            "inputs": ["b"],
                            "return_sequences": True,
                            "name": "blind",
                        },
                        {"type": "add", "inputs": ["there", "blind"]},
                        LAST,
                        {"type": "dense", "units": 2},
                    ],
                    "loss": "cross_entropy",
                    "training": {"batch_by": "length"},
                }
            ),
            Signature(
                (54,),
                (),
                "class",
                integers=True,
                class_count=2,
                column_slices=tuple(
                    ColumnSlice(name, start, 27, "number", shape=(9, 3))
                    for name, start in (("a", 0), ("b", 27))
                ),
            ),
        )


def test_every_layer_that_takes_them_is_tried():
    tried = {layer["type"] for each in (*CASES, *DRAWN) for layer in each.values[0]} | {"masking"}
    for kind in LAYERS:
        name = kind.model_fields["type"].default
        if kind.lengths != "one" and (kind.lengths or kind.masking == "each"):
            assert name in tried | UNTRIED, name
