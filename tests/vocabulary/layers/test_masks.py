"""Every layer over sequences with padding: it has no influence, and each row is what it would be alone, without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from specnet.graph import ops
from specnet.graph.builder import Builder
from specnet.graph.graph import Graph
from specnet.graph.leaves import constant, leaf
from specnet.graph.sizes import BATCH
from specnet.passes.differentiate import differentiate
from specnet.vocabulary.layers import LAYERS
from specnet.vocabulary.layers.masks import beside
from tests.support.compiled import run

STEPS, LENGTHS = 7, (7, 3, 1, 5, 2, 6)
FEATURES, MERGED = (4,), ("add", "subtract", "multiply", "average", "maximum", "minimum", "concat")


@dataclass(frozen=True)
class Case:
    options: dict[str, Any]
    shape: tuple[int, ...] = FEATURES
    """What there is at each step."""
    alone: bool = True
    """Whether a shorter sequence means the same to it, so that rows can be tried without their padding."""
    least: int = 1
    """How many steps it needs without a mask."""
    batched: bool = False
    """Whether rows depend on the others of the batch in training."""

    def __str__(self) -> str:
        shown = (f"{k}={v}" for k, v in self.options.items() if k not in ("type", "inputs"))
        return "-".join([self.options["type"], *shown]).replace(" ", "")


def case(kind: str, options: dict[str, Any] | None = None, *shape: int, **more: Any) -> Case:
    return Case({"type": kind, **(options or {})}, shape or FEATURES, **more)


STATES = {"units": 3, "return_sequences": True}
CONV = {"filters": 4, "kernel_size": 3}

CASES = [
    case("dense", {"units": 3, "activation": "tanh"}),
    case("activation", {"activation": "softmax"}),
    case("parametric_activation", {"activation": "tanh"}),
    case("scaling"),
    case("dropout"),
    case("flatten", alone=False),
    case("reshape", {"shape": [STEPS, 2, 2]}, alone=False),
    case("reshape", {"shape": [2, 2 * STEPS]}, alone=False),
    *(case(kind, {"inputs": ["x", "z"]}) for kind in MERGED),
    case("concat", {"inputs": ["x", "z"], "axis": 1}, alone=False),
    case("sequential", {"repeat": 2, "layers": [{"type": "gru", "units": 4, "return_sequences": True}]}),
    case("residual", {"layers": [{"type": "conv1d", **CONV, "padding": "same"}]}),
    case(
        "residual",
        {
            "layers": [{"type": "conv1d", **CONV, "padding": "causal", "strides": 2}],
            "shortcut": [{"type": "conv1d", "filters": 4, "kernel_size": 1, "strides": 2}],
        },
    ),
    case("parallel", {"layers": [{"type": "dense", "units": 2}, {"type": "lstm", **STATES}]}),
    case(
        "parallel",
        {"layers": [{"type": "max_pooling1d"}, {"type": "average_pooling1d"}], "merge": "add"},
        least=2,
    ),
    case("parallel", {"layers": 2 * [{"type": "dense", "units": 2}], "axis": 1}, alone=False),
    *(case("permute", {"dims": dims}, STEPS, alone=False) for dims in ([1, 2], [2, 1])),
    *(case("zero_padding1d", {"padding": padding}) for padding in (2, [1, 0], [0, 3])),
    *(case("cropping1d", {"cropping": cropping}, least=4) for cropping in (1, [2, 1], [0, 2])),
    case("channel_zero_padding", {"padding": 1}),
    case("upsampling1d", {"size": 3}),
    *(
        case(norm, options)
        for norm in ("layer_norm", "rms_norm")
        for options in ({}, {"gamma_init": "normal"})
    ),
    *(
        case(norm, {"axis": axis}, alone=False)
        for norm in ("layer_norm", "rms_norm")
        for axis in (1, [1, 2], [2, 1])
    ),
    case("batch_norm", batched=True),
    case("batch_norm", {"axis": 1}, alone=False),
    case("group_norm", {"groups": 2}),
    case("group_norm", {"groups": 1}),
    case("instance_norm"),
    case("local_response_norm"),
    case("spatial_dropout"),
    case("gaussian_noise", {"stddev": 0.3}),
    case("stochastic_depth", {"rate": 0.4}),
    case("sample"),
    case("prelu", alone=False),
    case("prelu", {"shared_axes": [1]}),
    case("glu"),
    case("maxout", {"units": 3}),
    case("highway"),
    case("rbf", {"units": 3}),
    *(
        case(kind, {"units": 3, **options})
        for kind in ("simple_rnn", "lstm", "gru", "min_gru")
        for options in (
            {},
            {"reverse": True},
            {"return_sequences": True},
            {"return_sequences": True, "reverse": True, "dropout": 0.2},
        )
    ),
    *(case(kind, {"units": 3, "layer_norm": True}) for kind in ("simple_rnn", "lstm", "gru")),
    *(
        case("bidirectional", {"layers": [{"type": kind, "units": 3, "return_sequences": sequences}]})
        for kind in ("gru", "min_gru")
        for sequences in (False, True)
    ),
    case("last_step"),
    case("masking", {"mask_value": 9.0}),
    case("positional_embedding", alone=False),
    case("positional_embedding", {"kind": "sinusoidal"}),
    *(
        case(kind, options)
        for kind in ("attention", "transformer_block")
        for options in (
            {"heads": 2, "dropout": 0.2},
            {"heads": 2, "causal": True},
            {"heads": 2, "window": 2, "positions": "rotary"},
        )
    ),
    case("transformer_block", {"norm_first": False, "gated": True}),
    *(
        case("conv1d", {**CONV, **options})
        for options in (
            {"padding": "same"},
            {"padding": "causal", "dilation": 2, "activation": "tanh"},
            {"padding": "causal", "strides": 3},
        )
    ),
    case("conv1d", CONV, least=3),
    case("conv1d", {**CONV, "strides": 2, "dilation": 2}, least=5),
    case("conv1d", {**CONV, "padding": "same", "strides": 2}, alone=False),
    case("tcn_block", {**CONV, "dilation": 2}),
    case("tcn_block", {"filters": 3, "kernel_size": 2, "weight_norm": True, "dropout": 0.2}),
    *(
        case("conv1d_transpose", {**CONV, **options})
        for options in (
            {},
            {"strides": 2},
            {"strides": 4},
            {"strides": 2, "padding": "same"},
            {"strides": 2, "output_padding": 1},
        )
    ),
    *(
        made
        for kind in ("max_pooling1d", "average_pooling1d")
        for made in (
            case(kind, least=2),
            case(kind, {"pool_size": 3, "strides": 1}, least=3),
            case(kind, {"pool_size": 3, "strides": 1, "padding": "same"}),
            case(kind, {"padding": "same"}),
            case(kind, {"pool_size": 3, "strides": 2, "padding": "same"}, alone=False),
        )
    ),
    *(
        case(f"global_{what}_pooling1d", {"keepdims": keepdims})
        for what in ("max", "average")
        for keepdims in (False, True)
    ),
    *(
        case(f"adaptive_{what}_pooling1d", {"output_size": size})
        for what in ("max", "average")
        for size in (1, 2, 3, STEPS)
    ),
    # What lies at each step is an image's row or plane.
    *(
        case(kind, {**options, "kernel_size": 3, **more}, 4, 2, **least)
        for kind, options in (
            ("conv2d", {"filters": 2}),
            ("depthwise_conv2d", {}),
            ("separable_conv2d", {"filters": 2}),
        )
        for more, least in (
            ({"padding": "same"}, {}),
            ({}, {"least": 3}),
            ({"strides": 2}, {"least": 3}),
            ({"strides": [2, 1], "padding": "same"}, {"alone": False}),
        )
    ),
    case("conv2d", {"filters": 2, "kernel_size": [3, 2], "dilation": [2, 1]}, 4, 2, least=5),
    case("conv2d_transpose", {"filters": 2, "kernel_size": 2, "strides": 2}, 4, 2, alone=False),
    case("zero_padding2d", {}, 4, 2, alone=False),
    case("cropping2d", {"cropping": 1}, 4, 2, alone=False),
    case("upsampling2d", {}, 4, 2, alone=False),
    *(
        made
        for kind, sides in (
            ("max_pooling2d", (4, 2)),
            ("average_pooling2d", (4, 2)),
            ("max_pooling3d", (4, 3, 2)),
            ("average_pooling3d", (4, 3, 2)),
        )
        for made in (
            case(kind, {}, *sides, least=2),
            case(kind, {"pool_size": 3, "strides": 1}, *sides, least=3),
            case(kind, {"pool_size": 3, "strides": 1, "padding": "same"}, *sides),
            case(kind, {"padding": "same"}, *sides),
            case(kind, {"pool_size": 3, "strides": 2, "padding": "same"}, *sides, alone=False),
        )
    ),
    *(
        case(f"global_{what}_pooling{len(sides)}d", {"keepdims": keepdims}, *sides)
        for what in ("max", "average")
        for sides in ((4, 2), (4, 3, 2))
        for keepdims in (False, True)
    ),
    case("adaptive_max_pooling2d", {"output_size": [STEPS, 2]}, 4, 2, alone=False),
    case("adaptive_average_pooling2d", {"output_size": [STEPS, 2]}, 4, 2, alone=False),
    case("batch_norm", {}, 3, 2, batched=True),
    case("group_norm", {"groups": 2}, 3, 4),
    case("conv3d", {"filters": 2, "kernel_size": 3, "padding": "same"}, 4, 3, 2),
    case("conv3d", {"filters": 2, "kernel_size": 2, "strides": [2, 1, 1]}, 4, 3, 2, least=2),
    case("conv3d", {"filters": 2, "kernel_size": 2, "strides": 3, "padding": "same"}, 4, 3, 2, alone=False),
    case("adaptive_max_pooling3d", {"output_size": [STEPS, 2, 2]}, 4, 4, 1, alone=False),
    case("adaptive_average_pooling3d", {"output_size": [STEPS, 2, 2]}, 4, 4, 1, alone=False),
]
NO_SEQUENCES = {"dot", "ensemble", "feature_tokenizer", "periodic_embedding", "piecewise_linear_embedding"}
"""Layers that take rows of numbers alone."""
INDICES = {"embedding"}
"""Layers that take indices of tokens, whose masks are in tests/runs/test_masks.py."""

EVERY = pytest.mark.parametrize("tried", [pytest.param(each, id=str(each)) for each in CASES])


def test_every_layer_is_tried() -> None:
    assert {each.options["type"] for each in CASES} == set(LAYERS.kinds) - NO_SEQUENCES - INDICES


@dataclass
class Found:
    """What a layer makes of sequences."""

    output: np.ndarray
    mask: np.ndarray
    """Which steps of it exist; all of a result that is no sequence."""
    loss: np.ndarray
    slopes: dict[str, np.ndarray]
    penalties: np.ndarray
    observed: list[np.ndarray]


def applied(tried: Case, x: np.ndarray, mask: np.ndarray | None, *, training: bool) -> Found:
    """Return what the layer makes of x (batch, steps, ...), and the gradients of a sum over the steps that exist."""
    graph = Graph("float64")
    build = Builder(graph, training)
    steps = x.shape[1]
    value = leaf(graph, "x", "input", (BATCH, steps, *tried.shape))
    given = {"x": x}
    if mask is not None:
        build.mask(value, leaf(graph, "mask", "input", (BATCH, steps)))
        given["mask"] = mask
    layer = LAYERS.validate(tried.options)
    if layer.inputs is None:
        y = build.run([layer], value, "layers")
    else:
        other = build.without_padding(value)
        # Where sequences follow each other, the second one has no padding.
        other = (
            ops.sin(other * 3.0)
            if tried.options.get("axis") == 1
            else build.mask(other * 3.0, build.mask_of(value))
        )
        y = build.enter([layer], {"x": value, "z": other}, "layers")
    there = build.mask_of(y)
    w = leaf(graph, "w", "input", y.shape)
    # The weights of a step are the same in a shorter sequence.
    weights = np.random.default_rng(7).normal(size=(1, 60, *[4 * STEPS] * (y.rank - 2)))
    if y.rank > 1:
        same = weights[(slice(None), *(slice(d) for d in y.shape[1:]))]
        given["w"] = np.ascontiguousarray(np.broadcast_to(same, (len(x), *y.shape[1:])))
    shown = w if there is None else w * beside(there, y)
    loss = ops.sum_all(ops.sin(y) * shown)
    names = list(build.parameters)
    fitted = [name for name in names if build.parameters[name].role == "parameter"]
    rng = np.random.default_rng(1)
    for name in names:
        made = rng.normal(size=build.parameters[name].shape)
        given[name] = np.abs(made) + 0.1 if build.parameters[name].role == "statistic" else made
    slopes = differentiate(graph, loss, [value, *(build.leaves[name] for name in fitted)])
    one = ops.expand(constant(graph, 1.0), shape=(BATCH, y.shape[1] if y.rank > 2 else 1))
    penalties = [penalty * 1.0 for penalty in build.row_penalties] or [one * 1.0]
    observed = [each.observed * 1.0 for each in build.followed]
    wanted = [y * 1.0, (one if there is None else there) * 1.0, loss, *slopes, penalties[0], *observed]
    results = run(graph, given, wanted, len(x))
    ends = 3 + len(slopes)
    return Found(
        results[0],
        results[1],
        results[2],
        dict(zip(["x", *fitted], results[3:ends], strict=True)),
        results[ends],
        results[ends + 1 :],
    )


def drawn(tried: Case) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(3).normal(size=(len(LENGTHS), STEPS, *tried.shape))
    return x, (np.arange(STEPS) < np.array(LENGTHS)[:, None]).astype(float)


def existing(found: Found) -> np.ndarray:
    """Return the elements of the steps that exist."""
    if found.output.ndim < 3 or found.mask.shape[1] != found.output.shape[1]:
        return found.output
    return found.output[found.mask > 0]


@EVERY
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("gaps", [False, True])
def test_padding_has_no_influence(tried: Case, training: bool, gaps: bool) -> None:
    x, mask = drawn(tried)
    if gaps:  # as `masking` finds them
        mask[[0, 3], 2] = mask[5, [1, 4]] = 0.0
    other = x.copy()
    other[mask == 0] = np.random.default_rng(4).normal(scale=30.0, size=other[mask == 0].shape)
    one, two = (applied(tried, each, mask, training=training) for each in (x, other))
    np.testing.assert_array_equal(one.mask, two.mask)
    np.testing.assert_array_equal(existing(one), existing(two))
    assert np.isfinite(existing(one)).all()
    assert one.loss == two.loss
    assert not one.slopes["x"][mask == 0].any()
    for name, slope in one.slopes.items():
        np.testing.assert_array_equal(slope, two.slopes[name], err_msg=name)
        assert slope.any() or name.endswith(("key.bias", "beta")) or training
    np.testing.assert_array_equal(one.penalties, two.penalties)
    for here, there in zip(one.observed, two.observed, strict=True):
        np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("tried", [pytest.param(c, id=str(c)) for c in CASES if c.alone])
def test_a_row_is_what_it_is_without_padding(tried: Case) -> None:
    x, mask = drawn(tried)
    whole = applied(tried, x, mask, training=False)
    sums: dict[str, np.ndarray] = {}
    for row, length in enumerate(LENGTHS):
        if length < tried.least:
            continue
        alone = applied(tried, x[row : row + 1, :length], None, training=False)
        part = Found(
            whole.output[row : row + 1], whole.mask[row : row + 1], whole.loss, {}, whole.penalties, []
        )
        found, expected = existing(part), existing(alone)
        np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(
            whole.slopes["x"][row, :length], alone.slopes["x"][0], rtol=1e-9, atol=1e-11
        )
        for name, slope in alone.slopes.items():
            if name != "x":
                sums[name] = sums.get(name, 0.0) + slope
    if tried.least == 1:
        for name, total in sums.items():
            np.testing.assert_allclose(whole.slopes[name], total, rtol=1e-9, atol=1e-11, err_msg=name)
