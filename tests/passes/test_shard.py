"""Workers share the rows of a batch through whole passes: with the same results, and the same bits every time."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import specnet
from specnet.analysis.explanation import explain
from specnet.analysis.profiling import profile
from specnet.data import load_data
from specnet.engines import binding
from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.leaves import number
from specnet.graph.sizes import BATCH
from specnet.model.compiled import CompiledModel
from specnet.model.network import Network
from specnet.model.plans import plan_training
from specnet.model.programs import training_graph
from specnet.passes import cores, shard
from specnet.passes.pipeline import plan
from tests.support.compiled import checked
from tests.support.graphs import counted, drawn, graph_of, names_of
from tests.support.memory import growth_of_epochs

SHAPES = {"x": (BATCH, 4, 6), "w": (BATCH,), "W": (6, 6), "B": (6,)}

LEAST = {name: getattr(shard, name) for name in ("LEAST_FLOPS", "DENSE_FLOPS", "FLOPS_PER_SUM")}


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    """Let plans be made for so many cores, however little there is to do."""

    def several(count):
        monkeypatch.setattr(cores, "allowed", lambda: count)

    for name, least in {"LEAST_FLOPS": 0, "DENSE_FLOPS": 1_000, "FLOPS_PER_SUM": 0}.items():
        monkeypatch.setattr(shard, name, least)
    several(3)
    return several


def looped(x, W, B):
    """Return the states after each step of a loop over x, (batch, 4, 6)."""

    def step(states, slices):
        new = ops.tanh(states[0] @ W + slices[0])
        return [new], [new]

    zeros = ops.expand(ops.reduce_sum(B, axes=(0,)) * 0.0, shape=(BATCH, 6))
    _, outputs = ops.scan(step, [zeros], [ops.transpose(x, axes=(1, 0, 2)) + B])
    return ops.transpose(outputs[0], axes=(1, 0, 2))


def made_of(apply, **options):
    """Return a graph's plan, having checked its results."""
    graph, leaves = graph_of(SHAPES)
    wanted = apply(**leaves)
    for rows in (1, 2, 3, 7):
        checked(graph, drawn(graph, rows), wanted, rows)
    return plan(graph, 7, **options)


def bodies(made):
    return [ops.SHARD.of(node) for node in made.graph if node.op is ops.SHARD]


def test_rows_and_sums_are_found_each_by_its_workers():
    def apply(x, W, B, **_):
        y = looped(x, W, B)
        return [y, ops.reduce_sum(y, axes=(0, 1)), ops.reduce_sum(y, axes=(0, 1, 2)) * 0.5]

    made = made_of(apply)
    (settings,) = bodies(made)
    assert (settings.arrays, settings.rows) == (1, 1)
    assert made.workers == 3
    assert counted(settings.body, ops.SCAN) == 1
    assert "scan" not in names_of(made.graph)


def test_attention_is_shared():
    def apply(x, W, **_):
        weights = ops.softmax(ops.MATMUL(x @ W, x, b_t=True))
        return [ops.MATMUL(weights, x)]

    (settings,) = bodies(made_of(apply))
    assert names_of(settings.body).count("matmul") == 3


def test_what_reads_a_sum_comes_after():
    def apply(x, W, B, **_):
        total = ops.reduce_sum(looped(x, W, B), axes=(0, 1))
        return [ops.tanh(total)]

    made = made_of(apply)
    (settings,) = bodies(made)
    assert "tanh" not in names_of(settings.body)
    assert names_of(made.graph)[-1] == "tanh"


def test_what_is_the_same_for_all_rows_is_computed_once():
    def apply(x, W, B, **_):
        return [ops.reduce_sum(looped(x, ops.exp(W), B), axes=(0, 1, 2))]

    made = made_of(apply)
    assert names_of(made.graph)[0] == "exp"


def test_sums_that_follow_from_the_data_are_known_before():
    """As with how many steps exist: what a step counts depends on that."""

    def apply(x, w, W, B, **_):
        there = ops.maximum(ops.reduce_sum(w, axes=(0,)), 1.0)
        share = ops.reshape(w / there, shape=(BATCH, 1, 1))
        return [ops.reduce_sum(looped(x, W, B) * share, axes=(0, 1, 2))]

    made = made_of(apply)
    (settings,) = bodies(made)
    assert names_of(settings.body)[-1] == "reduce_sum"


def test_constants_mean_the_whole_batch():
    def apply(x, W, B, **_):
        y = looped(x, W, B)
        return [ops.mean_all(y), ops.mean(y, (0,))]

    assert bodies(made_of(apply))


def test_numbers_of_a_step_are_known_to_the_workers():
    graph, leaves = graph_of(SHAPES)
    share = number(graph, "share")
    y = ops.reduce_sum(looped(leaves["x"], leaves["W"], leaves["B"]) * share, axes=(0, 1, 2))
    checked(graph, drawn(graph, 5) | {"share": 0.25}, [y], 5)
    made = plan(graph, 5)
    assert bodies(made)
    assert "each_share(workers, shard_0, s6, share)" in emit(made).source


@pytest.mark.parametrize(
    "apply",
    [
        lambda x, W, B, **_: [ops.tanh(x)],
        lambda x, W, B, **_: [ops.transpose(looped(x, W, B), axes=(1, 0, 2))],
    ],
    ids=["no sequences", "rows of a worker apart"],
)
def test_other_graphs_stay_as_they_are(apply):
    assert not bodies(made_of(apply))


def test_little_is_not_handed_out(monkeypatch):
    monkeypatch.setattr(shard, "LEAST_FLOPS", 1_000_000)
    assert not bodies(made_of(lambda x, W, B, **_: [looped(x, W, B)]))


def test_one_thread_shares_nothing():
    assert not bodies(made_of(lambda x, W, B, **_: [looped(x, W, B)], threads=1))


# Trainings

LAYERS = {
    "lstm": [{"type": "lstm", "units": 5}],
    "gru": [{"type": "bidirectional", "layers": [{"type": "gru", "units": 3, "return_sequences": True}]}],
    "dropout": [{"type": "simple_rnn", "units": 4, "dropout": 0.3, "recurrent_dropout": 0.3}],
    "attention": [
        {"type": "transformer_block", "heads": 2, "hidden_units": 5, "causal": True, "dropout": 0.1}
    ],
    "dense": [
        {"type": "flatten"},
        {"type": "dense", "units": 9, "activation": "relu"},
        {"type": "dropout", "rate": 0.2},
        {"type": "dense", "units": 7, "activation": "tanh"},
    ],
}


def document(layers, **changes):
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(50, 4, 6)).round(3)
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "data": {
                    "type": "inline",
                    "inputs": inputs.tolist(),
                    "targets": rng.integers(0, 3, 50).tolist(),
                },
                "layers": [*layers, {"type": "flatten"}, {"type": "dense", "units": 3}],
                "loss": "cross_entropy",
                "training": {"epochs": 3, "batch_size": 20, "optimizer": "sgd", **changes},
            }
        )
    )


def plans_of(spec):
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    network = Network(spec, data.signature)
    rows = {"train": len(data.splits["train"])}
    return network, plan_training(network, rows, units=False), rows


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("changes", [{}, {"clip_norm": 0.1}, {"accumulate": 2}], ids=str)
def test_a_training_is_the_same_for_any_number_of_workers(layers, changes, workers):
    def parameters():
        return specnet.run(document(layers, **changes)).model.parameters.flat.copy()

    found = {}
    for count in (1, 2, 3):
        workers(count)
        found[count] = parameters()
        np.testing.assert_array_equal(parameters(), found[count])
    _, plans, _ = plans_of(document(layers, **changes))
    assert bodies(plans.step)
    assert bodies(plans.evaluation)
    rounding = 1e-4
    np.testing.assert_allclose(found[2], found[1], rounding, rounding)
    np.testing.assert_allclose(found[3], found[1], rounding, rounding)


def test_a_search_along_lines_is_the_same_for_any_number_of_workers(workers):
    spec = document(LAYERS["lstm"], optimizer="lbfgs", batch_size="full")
    found = []
    for count in (1, 3):
        workers(count)
        found.append(specnet.run(spec).model.parameters.flat.copy())
    np.testing.assert_allclose(found[1], found[0], 1e-3, 1e-3)


@pytest.mark.parametrize(
    ("units", "batch", "engine", "shared"),
    [
        (256, 2_048, "numpy", True),
        (256, 256, "numpy", False),
        (256, 2_048, "numba", False),
        (1_024, 2_048, "numpy", False),
    ],
    ids=["many rows", "few rows", "compiled", "large sums"],
)
def test_dense_networks_are_shared_where_it_pays(units, batch, engine, shared, monkeypatch):
    for name, least in LEAST.items():
        monkeypatch.setattr(shard, name, least)
    layers = [{"type": "flatten"}, *[{"type": "dense", "units": units, "activation": "relu"}] * 2]
    network, _, _ = plans_of(document(layers))
    made = plan(training_graph(network).graph, batch, guard="loss", engine=engine)
    assert bool(bodies(made)) == shared


def test_dense_layers_around_what_needs_all_rows_share_their_products(monkeypatch):
    monkeypatch.setattr(shard, "DENSE_FLOPS", 0)
    layers = [{"type": "flatten"}, {"type": "dense", "units": 9}, {"type": "batch_norm"}]
    _, plans, _ = plans_of(document(layers))
    assert not bodies(plans.step)


def test_calls_made_at_every_step_give_the_bits_of_calls_made_ready(monkeypatch):
    spec = document(LAYERS["attention"])
    first = specnet.run(spec).model.parameters.flat.copy()
    monkeypatch.setattr(binding, "READY", 0)
    np.testing.assert_array_equal(specnet.run(spec).model.parameters.flat, first)


def test_sums_of_large_arrays_are_shared_out_as_well(monkeypatch):
    spec = document(LAYERS["lstm"])
    first = specnet.run(spec).model.parameters.flat.copy()
    monkeypatch.setattr(binding, "SHARED", 0)
    np.testing.assert_array_equal(specnet.run(spec).model.parameters.flat, first)


def test_the_loss_is_checked_before_the_update():
    spec = document(LAYERS["lstm"])
    _, plans, _ = plans_of(spec)
    lines = [line.strip() for line in emit(plans.step).source.splitlines()]
    (share,) = (n for n, line in enumerate(lines) if "each_share" in line)
    (guard,) = (n for n, line in enumerate(lines) if line.startswith("if "))
    assert share < guard
    assert not any("scalar_sqrt" in line or "sqrt(" in line for line in lines[:guard])


def test_what_steps_of_padding_leave_is_known_before_the_loss():
    # How much each step counts is a part of the backward pass, and follows from the data alone.
    rng = np.random.default_rng(0)
    x = rng.integers(1, 9, (30, 6))
    x[np.arange(6) >= rng.integers(1, 7, 30)[:, None]] = 0
    layers = [
        {"type": "embedding", "input_dim": 9, "output_dim": 4, "padding_index": 0},
        {"type": "lstm", "units": 4, "return_sequences": True},
        {"type": "dense", "units": 9},
    ]
    spec = {"specnet": 1, "data": "arrays", "layers": layers, "loss": "cross_entropy"}
    result = specnet.run({**spec, "training": {"epochs": 1, "batch_size": 10}}, data=(x, np.roll(x, -1, 1)))
    assert np.isfinite(result.splits["train"]["loss"])


def test_nothing_is_allocated_at_a_step():
    spec = document([{"type": "lstm", "units": 400, "return_sequences": True}], epochs=6)
    _, plans, _ = plans_of(spec)
    assert bodies(plans.step)
    # Events take some thousand bytes, and more where coverage is measured.
    state = 10 * 400 * 4
    assert max(growth_of_epochs(specnet.train(spec))) < state, "less than a worker's state at one step"


def test_a_worker_has_the_memory_of_its_rows():
    spec = document(LAYERS["lstm"])
    network, plans, _ = plans_of(spec)
    (each,) = (i for i in plans.step.instructions if hasattr(i, "sums"))
    scratch = each.allocations.scratch
    assert scratch.size == 3 * each.allocations.each
    graph = training_graph(network).graph
    alone = plan(graph, 7, guard="loss", threads=1)
    assert each.allocations.each < 1.3 * alone.arena, "of 7 of 20 rows"


def test_what_an_op_computes_is_counted_once():
    spec = document(LAYERS["attention"])
    network, plans, _ = plans_of(spec)
    alone = plan(training_graph(network).graph, 20, guard="loss", threads=1)
    shared = plans.step.flops()
    assert shared == pytest.approx(alone.flops(), rel=0.01)


@pytest.mark.parametrize("layers", LAYERS.values(), ids=LAYERS)
def test_workers_meet_once(layers, workers):
    """Also where elements are dropped at random, which are drawn for all rows in one stream."""
    workers(2)
    _, plans, _ = plans_of(document(layers))
    source = emit(plans.step).source
    assert source.count("each_share(workers") == 1
    assert not re.search(r"each_piece\(workers|shared_dot\(workers", source)


def test_workers_meet_once_where_sequences_are_padded(workers):
    workers(2)
    layers = [{"type": "masking"}, *LAYERS["attention"]]
    _, plans, _ = plans_of(document(layers))
    assert emit(plans.step).source.count("each_share(workers") == 1


def test_a_profile_has_the_time_of_what_workers_do():
    spec = document(LAYERS["gru"])
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    network = Network(spec, data.signature)
    explanation = explain(network)
    made = explanation.plans.step
    times = profile(CompiledModel(network, data.encoding), data, explanation)["step"]
    program = emit(made)
    assert {step.shard for step in made.steps} == {None, "shard_0"}
    for step, code, taken in zip(made.steps, program.code, times.steps, strict=True):
        assert taken == 0 or code, step
    within = sum(t for step, t in zip(made.steps, times.steps, strict=True) if step.shard)
    assert 0 < within <= sum(times.steps)
