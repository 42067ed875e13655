"""Whole training steps: every plan of a network must agree with PyTorch, and with itself unoptimised."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import specnet
from specnet.data import load_data
from specnet.engines.execution import Executable
from specnet.engines.random import streams
from specnet.model.arrays import as_targets
from specnet.model.building import build
from specnet.model.compiled import CompiledModel
from specnet.model.plans import plan_training
from specnet.model.programs import training_graph
from specnet.passes.pipeline import plan
from specnet.training.rates import Rates
from specnet.vocabulary.schedules import RunLength
from tests.support.examples import examples

DATA = {"type": "synthetic", "kind": "blobs", "classes": 3, "features": 5, "samples": 60, "noise": 1.0}


def spec_of(layers, loss="cross_entropy", dtype="float64", data=None, **training):
    import json

    document = {
        "specnet": 1,
        "dtype": dtype,
        "data": data or DATA,
        "layers": layers,
        "loss": loss,
        "training": {"epochs": 3, "batch_size": 16, **training},
    }
    return specnet.load(json.dumps(document))


def step_with(spec, batch, rows, steps, *, optimise=True, whole=False, given=None):
    """Train some steps on the same rows by one plan; return losses and the final parameters.

    The plan computes the learning rates, unless they are given.
    """
    data = load_data(spec.data, spec.source.folder, seed=spec.seed, dtype=spec.dtype)
    model = CompiledModel(build(spec, data.signature))
    update = training_graph(model.network, RunLength(1, steps) if given is None else None)
    compiled = plan(update.graph, batch, guard="loss", optimise=optimise, fixed_inputs=whole)
    slots = {
        f"slot/{name}": np.full(shape, first, spec.dtype) for name, (shape, first) in update.slots.items()
    }
    split = data.splits["train"]
    x, t = split.inputs[:rows], as_targets(model.network, split.targets[:rows], split.inputs[:rows])
    executable = Executable(compiled, streams(spec.seed, compiled.streams))
    bound = executable.bind(rows, model.leaves(inputs=x, **t, **slots))
    assert ("rate" in compiled.numbers) == (given is not None)
    numbers = [{"step": step, "rate": given and given[step - 1]} for step in range(1, steps + 1)]
    with np.errstate(all="ignore"):
        losses = [bound.step(*(each[name] for name in compiled.numbers)) for each in numbers]
    return np.array(losses), model.parameters.flat.copy()


ACTIVATIONS = st.sampled_from(["relu", "tanh", "sigmoid", "gelu", "linear", "softplus", "leaky_relu", "mish"])
HIDDEN = st.builds(
    lambda units, activation, use_bias, l2, rate: [
        {
            "type": "dense",
            "units": units,
            "activation": activation,
            "use_bias": use_bias,
            **({"kernel_regularizer": {"type": "l2", "factor": 0.01}} if l2 else {}),
        },
        *([{"type": "dropout", "rate": 0.3}] if rate else []),
    ],
    st.sampled_from([1, 2, 7, 700]),
    ACTIVATIONS,
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
# Where a gradient is nearly 0, g / (sqrt(v) + epsilon) is rounding magnified by 1 / epsilon: at the default of 1e-8
# two ways to sum are then 1e-3 apart, and tell nothing of the plans.
OPTIMIZERS = st.sampled_from(
    [
        {"type": "sgd", "learning_rate": 0.05},
        *(
            {"type": kind, "epsilon": 1e-3, "learning_rate": 0.05}
            for kind in ("adam", "rmsprop", "nadam", "adamw")
        ),
    ]
)


@settings(max_examples=examples(25), deadline=None)
@given(
    hidden=st.lists(HIDDEN, max_size=3),
    optimizer=OPTIMIZERS,
    clip=st.sampled_from(
        [{}, {"clip_norm": 0.1}, {"clip_value": 0.01}, {"clip_norm": 0.1, "clip_value": 0.05}]
    ),
    rows=st.sampled_from([1, 9, 48, 60]),
    whole=st.booleans(),
    schedule=st.sampled_from(["constant", "cosine", {"type": "one_cycle", "warmup_steps": 1}]),
)
def test_optimised_plans_agree_with_unoptimised_ones(hidden, optimizer, clip, rows, whole, schedule):
    layers = [layer for block in hidden for layer in block] + [{"type": "dense", "units": 3}]
    spec = spec_of(layers, optimizer=optimizer, schedule=schedule, **clip)
    plain = step_with(spec, 60, rows, 4, optimise=False)
    fast = step_with(spec, 60, rows, 4, optimise=True, whole=whole)
    np.testing.assert_allclose(fast[0], plain[0], rtol=1e-9)
    np.testing.assert_allclose(fast[1], plain[1], rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize(
    "optimizer", ["sgd", "adam", "adamw", "rmsprop", "nadam", "lion", "adadelta", "adagrad"]
)
@pytest.mark.parametrize(
    "schedule",
    [
        "linear",
        {"type": "exponential", "gamma": 0.83, "unit": "step"},
        {"type": "polynomial", "power": 1.7},
        {"type": "constant", "warmup_steps": 3, "warmup_from": 0.1},
    ],
    ids=lambda schedule: schedule if isinstance(schedule, str) else schedule["type"],
)
def test_a_rate_that_is_computed_and_one_that_is_given_lead_to_the_same_bits(optimizer, schedule):
    rule = {"type": optimizer, "learning_rate": 0.037}
    rule |= {"weight_decay": 0.013} if optimizer in ("adamw", "lion") else {}
    spec = spec_of([{"type": "dense", "units": 3}], optimizer=rule, schedule=schedule)
    rates = Rates(spec.training.schedule, 0.037, RunLength(1, 9))
    given = step_with(spec, 60, 60, 9, given=[rates.at(step) for step in range(1, 10)])
    np.testing.assert_array_equal(step_with(spec, 60, 60, 9)[1], given[1])


def torch_model(torch, spec, parameters):
    """Return the same network in PyTorch, with the same parameters."""
    functions = {
        "relu": torch.nn.ReLU,
        "tanh": torch.nn.Tanh,
        "sigmoid": torch.nn.Sigmoid,
        "linear": torch.nn.Identity,
    }
    modules = []
    for number, layer in enumerate(spec.layers, 1):
        kernel = torch.tensor(np.array(parameters[f"dense_{number}.kernel"]))
        linear = torch.nn.Linear(*kernel.shape, bias=layer.use_bias, dtype=kernel.dtype)
        linear.weight.data = kernel.T.clone()
        if layer.use_bias:
            linear.bias.data = torch.tensor(np.array(parameters[f"dense_{number}.bias"]))
        modules += [linear, functions[layer.activation.type]()]
    return torch.nn.Sequential(*modules)


@pytest.mark.parametrize(("dtype", "rtol"), [("float64", 1e-9), ("float32", 2e-4)])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("batch_size", [16, "full"])
def test_a_whole_training_equals_pytorch(dtype, rtol, activation, use_bias, batch_size):
    torch = pytest.importorskip("torch")
    layers = [
        {"type": "dense", "units": 8, "activation": activation, "use_bias": use_bias},
        {"type": "dense", "units": 6, "activation": activation},
        {"type": "dense", "units": 3},
    ]
    spec = spec_of(layers, dtype=dtype, batch_size=batch_size, shuffle=False, optimizer={"type": "adam"})
    start = specnet.compile(spec)
    peer = torch_model(torch, spec, start.parameters)
    optimizer = torch.optim.Adam(peer.parameters(), lr=1e-3)
    split = load_data(spec.data, spec.source.folder, seed=0, dtype=dtype).splits["train"]
    x, t = torch.tensor(split.inputs), torch.tensor(split.targets)
    size = len(x) if batch_size == "full" else batch_size
    losses = []
    for _ in range(3):
        total = 0.0
        for begin in range(0, len(x), size):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(peer(x[begin : begin + size]), t[begin : begin + size])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x[begin : begin + size])
        losses.append(total / len(x))
    events = list(specnet.train(spec))
    ours = [event.loss for event in events if isinstance(event, specnet.EpochEnded)]
    np.testing.assert_allclose(ours, losses, rtol=rtol)
    model = events[0].model
    for number in (1, 2, 3):
        weight = peer[2 * (number - 1)].weight.detach().numpy().T
        np.testing.assert_allclose(model.parameters[f"dense_{number}.kernel"], weight, rtol=rtol, atol=rtol)


def test_accumulated_batches_equal_one_large_batch():
    layers = [{"type": "dense", "units": 4, "activation": "tanh"}, {"type": "dense", "units": 3}]
    large = spec_of(layers, batch_size=30, shuffle=False, optimizer="adam")
    shared = spec_of(layers, batch_size=10, accumulate=3, shuffle=False, optimizer="adam")
    one, other = (list(specnet.train(spec)) for spec in (large, shared))
    assert one[-1].steps == other[-1].steps == 6
    np.testing.assert_allclose(one[0].model.parameters.flat, other[0].model.parameters.flat, rtol=1e-11)


def test_plans_are_made_without_arrays_of_the_data():
    spec = spec_of([{"type": "dense", "units": 3}])
    data = load_data(spec.data, spec.source.folder, seed=0, dtype="float64")
    network = build(spec, data.signature)
    plans = plan_training(network, {"train": 10**9}, units=False)
    assert plans.step.batch == 16
