"""Layers that see a step and those before it: nothing after a step changes what they give for it."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.vocabulary.layers.min_gru import linear_recurrence
from tests.support.compiled import run
from tests.support.lowering import lowered

STEPS, FEATURES = 9, 3

CAUSAL = [
    {"type": "conv1d", "filters": 4, "kernel_size": 3, "padding": "causal"},
    {"type": "conv1d", "filters": 6, "kernel_size": 2, "padding": "causal", "dilation": 3, "groups": 3},
    {"type": "tcn_block", "filters": 4, "kernel_size": 3, "dilation": 2},
    {"type": "tcn_block", "filters": FEATURES, "kernel_size": 2, "weight_norm": True},
    {"type": "min_gru", "units": 4, "return_sequences": True},
    {"type": "gru", "units": 4, "return_sequences": True},
    {"type": "lstm", "units": 4, "return_sequences": True},
    {"type": "simple_rnn", "units": 4, "return_sequences": True},
    {"type": "attention", "causal": True, "positions": "rotary", "head_dim": 4},
    {"type": "transformer_block", "causal": True, "window": 4},
]


@pytest.mark.parametrize("options", CAUSAL, ids=str)
@pytest.mark.parametrize("optimise", [True, False])
def test_steps_ahead_change_nothing(options, optimise):
    rng = np.random.default_rng(0)
    graph, build, _, y = lowered(options, (STEPS, FEATURES))
    arrays = {name: rng.normal(size=p.shape) for name, p in build.parameters.items()}
    inputs = rng.normal(size=(2, STEPS, FEATURES))

    def given(x):
        (made,) = run(graph, {"x": x, **arrays}, [y], 2, optimise=optimise)
        return made

    whole = given(inputs)
    for ahead in range(1, STEPS):
        other = inputs.copy()
        other[:, ahead:] = rng.normal(scale=10.0, size=other[:, ahead:].shape)
        made = given(other)
        np.testing.assert_array_equal(made[:, :ahead], whole[:, :ahead])
        assert (made[:, ahead] != whole[:, ahead]).any()


@pytest.mark.parametrize("steps", [1, 2, 3, 63, 64, 65, 1000])
@pytest.mark.parametrize("reverse", [False, True])
def test_all_states_at_once_are_those_one_after_the_other(steps, reverse):
    rng = np.random.default_rng(steps)
    graph = Graph("float64")
    kept, added = (leaf(graph, name, "input", (BATCH, steps, 2)) for name in ("kept", "added"))
    made = linear_recurrence(kept, added, reverse=reverse)
    assert [node.op.name for node in graph].count("pad") == 2 * (steps - 1).bit_length()
    factors, terms = rng.uniform(size=(3, steps, 2)), rng.normal(size=(3, steps, 2))
    state, expected = np.zeros((3, 2)), np.empty((3, steps, 2))
    for t in reversed(range(steps)) if reverse else range(steps):
        state = expected[:, t] = factors[:, t] * state + terms[:, t]
    (found,) = run(graph, {"kept": factors, "added": terms}, [made * 1.0], 3)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
