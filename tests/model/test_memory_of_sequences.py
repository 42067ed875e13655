"""The memory that recurrent layers and attention are said to need is what their training takes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.model.network import Network
from specnet.model.plans import plan_training
from specnet.model.programs import training_graph
from specnet.model.training_memory import memory
from specnet.passes import cores
from specnet.passes.pipeline import plan
from specnet.runs.compiling import network_of
from tests.support.memory import taken, trainer_maker

LAYERS = {
    "lstm": {"type": "lstm", "units": 48, "return_sequences": True},
    "gru": {"type": "bidirectional", "layers": [{"type": "gru", "units": 32}]},
    "attention": {"type": "transformer_block", "heads": 4, "causal": True},
}


def document(folder, layer, steps=48, rows=160, **more):
    rng = np.random.default_rng(0)
    np.savez(folder / "rows.npz", x=rng.normal(size=(rows, steps, 32)), y=rng.integers(0, 3, rows))
    content = {
        "specnet": 1,
        "metrics": [],
        "data": {"type": "npz", "path": "rows.npz", "inputs": "x", "targets": "y"},
        "layers": [layer, {"type": "flatten"}, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "training": {"epochs": 3, "batch_size": 64, "optimizer": "adam", **more},
    }
    path = folder / "document.json"
    path.write_text(json.dumps(content))
    return specnet.load(path)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_the_prediction_is_within_five_per_cent(layer, workers, tmp_path, monkeypatch):
    monkeypatch.setattr(cores, "allowed", lambda: workers)
    found = taken(trainer_maker(document(tmp_path, layer)))
    assert found.trainer.plans.step.workers == (workers if workers > 1 else 0)
    assert sum(found.predicted.values()) == pytest.approx(found.peak, rel=0.05)


LAST = {"lstm": {"type": "lstm", "units": 48}, "gru": LAYERS["gru"]}


@pytest.mark.parametrize("layer", LAST.values(), ids=LAST)
def test_a_plan_for_a_thousand_steps_has_as_many_instructions_as_one_for_twenty(layer, tmp_path):
    """So that it is made as fast."""

    def counted(steps):
        spec = document(tmp_path, layer, steps=steps, rows=64)
        data = specnet.data.load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
        graph = training_graph(Network(spec, data.signature)).graph
        return len(graph), len(plan(graph, 64, guard="loss").steps)

    assert counted(1_000) == counted(20)


def test_the_numba_engine_needs_no_memory_for_what_stays_in_registers(tmp_path):
    pytest.importorskip("numba")
    spec = document(tmp_path, LAYERS["lstm"], steps=6, rows=20)
    parts = {
        engine: memory(network, plan_training(network, rows, units=False), rows)
        for engine in ("numpy", "numba")
        for network in [network_of(spec, engine=engine)]
        for rows in [network.signature.rows]
    }
    assert parts["numba"]["bindings"] > 0
    assert parts["numba"]["arena"] < parts["numpy"]["arena"]
