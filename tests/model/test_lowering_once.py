"""That each forward graph that a training needs is built once, and that programs do not see each other's ops."""

from __future__ import annotations

import json

import pytest

import specnet
from specnet.data import inspect_data
from specnet.graph import ops
from specnet.graph.printing import text
from specnet.model import network as module
from specnet.model.building import build
from specnet.model.lowered import Lowered
from specnet.model.programs import evaluation_graph, prediction_graph, training_graph

LAYERS = [
    {"type": "dense", "units": 6, "kernel_regularizer": "l2"},
    {"type": "batch_norm"},
    {"type": "activation", "activation": "relu"},
    {"type": "dropout", "rate": 0.2},
    {"type": "dense", "units": 10},
]


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "small.json"
    made = {
        "specnet": 1,
        "data": {"type": "builtin", "name": "digits", "split": {"validation": 0.2}},
        "layers": LAYERS,
        "loss": "cross_entropy",
        "training": {"epochs": 1},
    }
    found.write_text(json.dumps(made), encoding="utf-8")
    return found


@pytest.fixture
def built(monkeypatch):
    """Return a list to which each lowering of layers adds whether it was for training."""
    found = []
    lower = module.lower_layers

    def watched(*given, training, **options):
        found.append(training)
        return lower(*given, training=training, **options)

    monkeypatch.setattr(module, "lower_layers", watched)
    return found


def network_of(path):
    spec = specnet.load(path)
    return build(spec, inspect_data(spec.data, spec.folder))


def test_a_run_builds_each_forward_graph_once(path, built):
    result = specnet.run(specnet.load(path))
    result.model.forward(result.data.splits["train"].inputs)
    assert sorted(built) == [False, True]


def test_validation_builds_no_graph_twice(path, built):
    assert not specnet.validate(path).diagnostics
    assert len(built) == len(set(built))


def test_programs_do_not_see_each_others_ops(path):
    fresh = [text(make(network_of(path))) for make in (evaluation_graph, prediction_graph)]
    network = network_of(path)
    first = text(training_graph(network).graph)
    assert [text(make(network)) for make in (evaluation_graph, prediction_graph)] == fresh
    assert text(training_graph(network).graph) == first


@pytest.mark.parametrize("training", [False, True])
def test_a_copy_holds_values_of_its_own_graph_alone(path, training):
    lowered = network_of(path).lower(training=training)
    copy = lowered.copy()
    assert isinstance(copy, Lowered)
    assert text(copy.graph) == text(lowered.graph)
    builder = copy.builder
    held = [*copy.graph.values, copy.elements]
    held += [
        v for own in copy.outputs.values() for v in (own.target, own.output, own.prediction, own.elements)
    ]
    held += [*builder.leaves.values(), *builder.penalties, *builder.outputs.values(), *builder.entering]
    held += [value for kept, seen, _, _ in builder.followed for value in (kept, seen)]
    assert all(value.graph is copy.graph and value is copy.graph.values[value.index] for value in held)
    assert all(source.graph is copy.graph for value in held for source in value.inputs)
    assert builder.graph is copy.graph
    assert len(builder.followed) == (2 if training else 0)
    before = len(lowered.graph)
    copy.graph.outputs["sum"] = ops.sum_all(copy.elements)
    assert (len(lowered.graph), lowered.graph.outputs) == (before, {})
