"""Several processes that each update a portion of the parameters train as one does."""

from __future__ import annotations

import numpy as np
import pytest

import specnet
from specnet.graph import ops
from specnet.model.plans import plan_training
from specnet.model.training_memory import memory
from specnet.passes import share_update
from specnet.runs.compiling import compile_spec, network_of
from specnet.training.loop import Trainer
from specnet.vocabulary.optimizers.sgd import SGD
from tests.support.distributed import close, collectives, compare, trained
from tests.support.ranks import together

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(31, 6)), RNG.integers(0, 3, 31)


@pytest.fixture(autouse=True)
def _always_shared(monkeypatch):
    """Small networks would each keep one sum of the whole gradient."""
    monkeypatch.setattr(share_update, "sharing_pays", lambda *_: True)


def document(**training):
    return {
        "specnet": 1,
        "dtype": "float64",
        "data": {"type": "inline", "inputs": X.tolist(), "targets": LABELS.tolist(), "split": {"validation": 0.2}},
        "layers": [
            {"type": "dense", "units": 5, "name": "first", "activation": "tanh"},
            {"type": "batch_norm"},
            {"type": "dense", "units": 4, "trainable": False, "kernel_regularizer": {"type": "l2", "factor": 0.1}},
            {"type": "dense", "units": 3, "bias_regularizer": {"type": "l1", "factor": 0.01}},
        ],
        "loss": "cross_entropy",
        "training": {"epochs": 3, "batch_size": 11, **training},
    }  # fmt: skip


OPTIMIZERS = {
    "sgd": {"momentum": 0.9, "nesterov": True},
    "adam": {"amsgrad": True},
    "adamw": {"weight_decay": 0.1, "weight_decay_exclude": ["bias", "norm"]},
    "nadam": {},
    "adagrad": {},
    "rmsprop": {"centered": True, "momentum": 0.9},
    "adadelta": {},
    "lion": {"weight_decay": 0.1},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_updates_portions(name):
    optimizer = {"type": name, "learning_rate": 0.01, **OPTIMIZERS[name]}
    groups = [{"match": "first.*", "learning_rate_multiplier": 0.5}]
    trainer = compare(document(optimizer=optimizer, groups=groups, clip_norm=0.1), 2)
    assert trainer.plans.portion is not None
    assert "all_reduce" not in [
        node.op.name
        for node in trainer.plans.step.graph
        if node.phase == "update" and node.op is ops.all_reduce
    ]


SETTINGS = {
    "plain": {"optimizer": "sgd"},
    "clipped": {"clip_norm": 0.1, "clip_value": 0.01},
    # The last batch of 25 rows has one row, so that two of three processes have none.
    "one row": {"batch_size": 8, "clip_norm": 0.1},
    "accumulated": {"accumulate": 2, "clip_norm": 0.1, "ema_decay": 0.9, "batch_size": 8},
    "averaged": {"ema_decay": 0.9, "early_stopping": {"patience": 1, "monitor": "train.loss"}, "epochs": 5},
    "tracked": {"ema_decay": 0.9, "track_training": True, "validate_every": 2, "epochs": 4},
    "by a schedule": {"schedule": {"type": "cosine", "warmup_steps": 3}, "optimizer": "adamw"},
    "full batches": {"batch_size": "full", "ema_decay": 0.5},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_mean_what_they_mean_for_one_process(name):
    trainer = compare(document(**{"optimizer": "adam", **SETTINGS[name]}))
    assert trainer.plans.portion is not None


def test_a_gradient_is_scattered_and_parameters_are_joined():
    trainer = compare(document(optimizer="adam", clip_norm=0.1), 2)
    last = collectives(trainer.plans.step)[-3:]
    assert last == ["reduce_scatter", "add_portions", "join_portions"]
    trainer = compare(document(optimizer="adam", clip_norm=0.1, accumulate=2), 2)
    assert collectives(trainer.plans.step)[-1] == "reduce_scatter"
    assert collectives(trainer.plans.update) == ["add_portions", "join_portions"]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_process_keeps_its_portion_of_the_slots_alone(accumulate):
    spec = specnet.load(document(optimizer="adam", accumulate=accumulate))
    network = network_of(spec)
    size, rows = network.trained_size, network.signature.rows
    count = 1 + accumulate
    for rank, trainer in enumerate(together(3, lambda ranks: trained(spec, ranks)[0])):
        held = [slot.size for slot in trainer.program.slots.values()]
        assert held == [len(range(rank, size, 3))] * count
    plans = [plan_training(network, rows, units=False, ranks=ranks) for ranks in (1, 3)]
    alone, each = (memory(network, made, rows)["slots"] for made in plans)
    assert (alone, each) == (8 * count * size, 8 * count * -(-size // 3))


def test_an_optimizer_that_needs_whole_vectors_updates_all_in_each_process(monkeypatch):
    def step(_, build, p, g, lr, __):
        largest = ops.sqrt(ops.reduce_max(ops.square(g), axis=-1))
        velocity = build.keep(slot := build.slot("velocity"), slot * 0.5 + g / largest)
        return p - velocity * lr

    monkeypatch.setattr(SGD, "step", step)
    trainer = compare(document(optimizer={"type": "sgd", "learning_rate": 0.01}), 2)
    assert trainer.plans.portion is None
    assert not {"reduce_scatter", "join_portions"} & set(collectives(trainer.plans.step))


def test_an_optimizer_that_searches_updates_all_in_each_process():
    made = document(optimizer="lbfgs", batch_size="full")
    del made["layers"][1]  # whose statistics each evaluation would update
    network = network_of(specnet.load(made))
    assert plan_training(network, network.signature.rows, units=False, ranks=2).portion is None


def test_a_state_is_whole_and_goes_on_with_any_number_of_processes():
    spec = specnet.load(document(optimizer="adam", ema_decay=0.9, epochs=4))

    def cut(ranks):
        model, data = compile_spec(spec, threads=1)
        trainer = Trainer(model, data, ranks=ranks)
        events = trainer.events()
        while trainer.epoch < 2:
            next(events)
        state = trainer.state()
        return {name: array.copy() for name, array in state.arrays.items()}, state.plain

    def rest(ranks, arrays, plain):
        model, data = compile_spec(spec, threads=1)
        trainer = Trainer(model, data, ranks=ranks)
        trainer.resume(arrays, plain)
        list(trainer.events())
        return model.parameters.flat.copy()

    states = together(3, cut)
    wanted = together(3, lambda ranks: trained(spec, ranks)[1])[0]
    alone, _ = cut(None)
    for arrays, _ in states:
        assert {name: array.shape for name, array in arrays.items()} == {
            name: array.shape for name, array in alone.items()
        }
        for name in arrays:
            close(arrays[name], alone[name])
    assert together(3, lambda ranks: rest(ranks, *states[0]))[0].tobytes() == wanted.tobytes()
    close(together(2, lambda ranks: rest(ranks, *states[0]))[0], wanted)
    close(rest(None, *states[0]), wanted)
