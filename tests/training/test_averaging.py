"""`ema_decay`: a running mean of the parameters, which is what is measured and kept."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from specnet.model.arrays import as_targets
from specnet.model.training_memory import memory
from specnet.training.loop import Trainer
from tests.support.memory import growth

DECAY = 0.7


def document(layers=None, **training):
    data = {"type": "synthetic", "kind": "moons", "samples": 80, "noise": 0.2, "split": {"validation": 0.25}}
    layers = layers or [{"type": "dense", "units": 5, "activation": "tanh"}, {"type": "dense", "units": 2}]
    training = {"epochs": 5, "batch_size": 16, "optimizer": {"type": "sgd", "learning_rate": 0.3}} | training
    base = {"specnet": 1, "dtype": "float64", "data": data, "layers": layers, "loss": "cross_entropy"}
    return specnet.load(json.dumps(base | {"training": training}))


def trainer(spec):
    data = load_data(spec.data, spec.folder, seed=spec.seed, dtype=spec.dtype)
    return Trainer(specnet.compile(spec), data), data


def plain(spec, data, *, share=1):
    """Return the parameters' running mean after every epoch, step by step from the gradients alone."""
    model, settings = specnet.compile(spec), spec.training
    train = data.splits["train"]
    targets = as_targets(model.network, train.targets, train.inputs)["targets"]
    p = model.parameters.trained
    mean = p.copy()
    means = []
    size = len(targets) if settings.batch_size == "full" else settings.batch_size
    batches = [slice(i, i + size) for i in range(0, len(targets), size)]
    for _ in range(settings.epochs):
        for first in range(0, len(batches), share):
            group = batches[first : first + share]
            gradient = np.zeros_like(p)
            for rows in group:
                _, parts = model.loss_and_gradients(train.inputs[rows], targets[rows])
                gradient += np.concatenate([g.ravel() for g in parts.values()]) / len(group)
            p -= settings.optimizer.learning_rate * gradient
            mean = DECAY * mean + (1 - DECAY) * p
        means.append(mean)
    return means


@pytest.mark.parametrize(
    "training",
    [{"shuffle": False}, {"batch_size": "full"}, {"shuffle": False, "accumulate": 3}],
    ids=["batches", "full", "accumulate"],
)
def test_the_model_ends_as_the_mean_of_its_steps(training):
    spec = document(ema_decay=DECAY, **training)
    fitted, data = trainer(spec)
    ended = list(fitted.events())[-1]
    means = plain(spec, data, share=spec.training.accumulate)
    np.testing.assert_allclose(fitted.model.parameters.flat, means[-1], 1e-11)
    last = specnet.compile(spec)
    last.parameters.flat[...] = means[-1]
    for name, split in data.splits.items():
        loss, _ = last.loss_and_gradients(split.inputs, split.targets)
        assert ended.splits[name]["loss"] == pytest.approx(loss, 1e-11)


def test_validation_and_early_stopping_see_the_mean():
    stopping = {"monitor": "validation.loss", "patience": 2}
    spec = document(
        ema_decay=DECAY, shuffle=False, epochs=12, early_stopping=stopping,
        optimizer={"type": "sgd", "learning_rate": 6.0},
    )  # fmt: skip
    fitted, data = trainer(spec)
    events = list(fitted.events())
    means = plain(spec, data)
    model, split = specnet.compile(spec), data.splits["validation"]
    losses = []
    for mean in means:
        model.parameters.flat[...] = mean
        losses.append(model.loss_and_gradients(split.inputs, split.targets)[0])
    epochs = [event for event in events if isinstance(event, specnet.EpochEnded)]
    np.testing.assert_allclose([e.validation["loss"] for e in epochs], losses[: len(epochs)], 1e-9)
    best = int(np.argmin(losses[: len(epochs)]))
    assert (events[-1].stopped, events[-1].best_epoch) == ("early_stopping", best + 1)
    assert best + 1 < len(epochs)
    np.testing.assert_allclose(fitted.model.parameters.flat, means[best], 1e-9)


def test_frozen_parameters_stay_and_shared_ones_are_averaged_once():
    frozen = {"type": "dense", "units": 2, "activation": "tanh", "trainable": False}
    shared = {"type": "dense", "units": 2, "name": "twice"}
    layers = [
        frozen,
        shared,
        {"type": "activation", "activation": "tanh"},
        {"type": "dense", "units": 2, "share": "twice"},
    ]
    spec = document(layers, ema_decay=DECAY, shuffle=False, early_stopping={"patience": 3})
    fitted, data = trainer(spec)
    before = {name: array.copy() for name, array in fitted.model.parameters.items()}
    *_, ended = fitted.events()
    mean = plain(spec, data)[(ended.best_epoch or spec.training.epochs) - 1]
    np.testing.assert_allclose(fitted.model.parameters.trained, mean, 1e-11)
    np.testing.assert_array_equal(fitted.model.parameters["dense_1.kernel"], before["dense_1.kernel"])
    assert fitted.model.network.trained_size == 6 < fitted.model.parameters.flat.size


def test_the_training_itself_is_the_same():
    """The mean follows the parameters, and they do not follow it."""
    with_mean, without = (
        [e.loss for e in specnet.train(document(**extra)) if isinstance(e, specnet.EpochEnded)]
        for extra in ({"ema_decay": DECAY}, {})
    )
    assert with_mean == without


def test_whole_epochs_at_once_end_the_same():
    data = {"type": "synthetic", "kind": "moons", "samples": 40, "noise": 0.2}
    ends = []
    for early in (None, {"monitor": "train.loss", "patience": 50, "restore_best": False}):
        spec = document(ema_decay=DECAY, batch_size="full", epochs=30, early_stopping=early)
        spec = specnet.load(json.dumps({**spec.model_dump(exclude_unset=True), "data": data}))
        fitted, _ = trainer(spec)
        assert (fitted._free(0) > 0) == (early is None)
        list(fitted.events())
        ends.append(fitted.model.parameters.flat.tobytes())
    assert ends[0] == ends[1]


def test_memory_counts_it_and_no_step_allocates():
    spec, bare = document(ema_decay=DECAY), document()
    sizes = []
    for each in (spec, bare):
        fitted, _ = trainer(each)
        sizes.append(memory(fitted.model.network, fitted.plans, fitted.rows)["slots"])
    assert sizes[0] - sizes[1] == 8 * fitted.model.network.trained_size
    fitted, _ = trainer(document(ema_decay=DECAY, epochs=40))
    events = fitted.events()
    for _ in range(6):
        next(events)
    assert growth(lambda: next(events)) < 12_000


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1])
def test_a_decay_lies_between_0_and_1(decay):
    with pytest.raises(specnet.SpecError):
        document(ema_decay=decay)
