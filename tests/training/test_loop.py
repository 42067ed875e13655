from __future__ import annotations

import json
import math

import numpy as np
import pytest

import specnet
from specnet.data import load_data
from tests.support.memory import growth_of_epochs, taken, trainer_maker

MOONS = {
    "type": "synthetic",
    "kind": "moons",
    "samples": 400,
    "noise": 0.2,
    "split": {"validation": 0.25, "test": 0.25},
}
LAYERS = [{"type": "dense", "units": 8, "activation": "tanh"}, {"type": "dense", "units": 2}]


def document(**changes):
    base = {
        "specnet": 1,
        "name": "moons",
        "data": MOONS,
        "layers": LAYERS,
        "loss": "cross_entropy",
        "training": {},
    }
    return specnet.load(json.dumps(base | changes))


def train(spec, **options):
    events = list(specnet.train(spec, **options))
    epochs = [event for event in events if isinstance(event, specnet.EpochEnded)]
    return events[0], epochs, events[-1]


def test_the_stream_of_events():
    started, epochs, ended = train(document(training={"epochs": 3, "validate_every": 2}))
    assert isinstance(started, specnet.Started)
    assert started.rows == {"train": 200, "validation": 100, "test": 100}
    assert started.steps_per_epoch == 7
    assert [event.epoch for event in epochs] == [1, 2, 3]
    assert [event.step for event in epochs] == [7, 14, 21]
    assert [event.validation is None for event in epochs] == [True, False, False]
    assert isinstance(ended, specnet.Ended)
    assert (ended.stopped, ended.epochs, ended.steps) == ("completed", 3, 21)
    assert set(ended.splits) == {"train", "validation", "test"}
    assert set(ended.splits["test"]) == {"loss", "accuracy"}
    assert ended.splits["validation"] == epochs[-1].validation


def test_the_same_document_gives_the_same_bits():
    layers = [LAYERS[0], {"type": "dropout", "rate": 0.2}, LAYERS[1]]
    spec = document(layers=layers, training={"epochs": 4, "optimizer": "adam"})
    (first, one, end), (second, other, again) = train(spec), train(spec)
    assert first.model.parameters.flat.tobytes() == second.model.parameters.flat.tobytes()
    assert [e.loss for e in one] == [e.loss for e in other]
    assert end.splits == again.splits


def test_the_seed_matters():
    one, other = (train(document(seed=seed, training={"epochs": 1}))[1][0].loss for seed in (0, 1))
    assert one != other


def test_a_new_layer_leaves_the_starts_of_the_others():
    first, last = (layer | {"name": name} for layer, name in zip(LAYERS, ("first", "last"), strict=True))
    extra = {"type": "dense", "units": 8}
    small = specnet.compile(document(layers=[first, last]))
    large = specnet.compile(document(layers=[first, extra, last]))
    for name, array in small.parameters.items():
        assert np.array_equal(array, large.parameters[name])


@pytest.mark.parametrize("batch_size", [16, "full"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_array_is_allocated_after_the_first_epoch(batch_size, dtype):
    layers = [
        {"type": "dense", "units": 300, "activation": "gelu", "kernel_regularizer": "l2"},
        {"type": "dropout", "rate": 0.2},
        {"type": "dense", "units": 300, "activation": "relu"},
        {"type": "dense", "units": 2},
    ]
    training = {"epochs": 6, "batch_size": batch_size, "optimizer": "adamw", "clip_norm": 1.0}
    spec = document(dtype=dtype, layers=layers, training=training, metrics=["accuracy", "f1", "confusion"])
    peaks = growth_of_epochs(specnet.train(spec))
    # The smallest array that a step passes on here, 16 rows of 300 float32, has 19,200 bytes.
    assert max(peaks) < 12_000


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("batch_size", [48, "full"])
def test_the_memory_predicted_is_the_memory_taken(batch_size, accumulate):
    data = MOONS | {"samples": 12_000}
    # Python's objects take half a megabyte, which are not predicted.
    layers = [{"type": "dense", "units": 512, "activation": "relu"}] * 3 + [{"type": "dense", "units": 2}]
    stopping = {"monitor": "validation.loss", "patience": 50}
    training = {"epochs": 1, "batch_size": batch_size, "optimizer": "adam", "early_stopping": stopping}
    spec = document(data=data, layers=layers, training=training | {"accumulate": accumulate})
    took = taken(trainer_maker(spec))
    predicted = sum(took.predicted.values())
    assert took.trainer.memory == predicted
    assert abs(took.peak - predicted) < 0.05 * took.peak


def test_early_stopping_puts_the_best_parameters_back():
    stopping = {"monitor": "validation.loss", "patience": 3}
    training = {
        "epochs": 200,
        "early_stopping": stopping,
        "optimizer": {"type": "adam", "learning_rate": 0.1},
    }
    layers = [{"type": "dense", "units": 64, "activation": "relu"}] * 2 + [{"type": "dense", "units": 2}]
    _, epochs, ended = train(document(layers=layers, training=training))
    assert ended.stopped == "early_stopping"
    losses = [event.validation["loss"] for event in epochs]
    assert ended.best_epoch == 1 + int(np.argmin(losses)) == len(losses) - 3
    assert ended.splits["validation"]["loss"] == min(losses)
    assert [event.epoch for event in epochs if event.best][-1] == ended.best_epoch
    assert "validation.loss" in ended.why


ONE_CLASS = {
    "type": "inline",
    "inputs": [[0.0], [1.0], [2.0], [3.0]],
    "targets": [0, 1, 0, 1],
    "validation": {"inputs": [[1.0], [2.0]], "targets": [1, 1]},
}
"""Data whose validation rows have no area under the curve."""


def blind(training):
    layers = [{"type": "dense", "units": 1}]
    return document(
        data=ONE_CLASS, layers=layers, loss="binary_cross_entropy", metrics=["auc"], training=training
    )


def test_a_value_that_is_always_nan_is_named_where_it_stops_a_training():
    stopping = {"monitor": "validation.auc", "patience": 3}
    _, epochs, ended = train(blind({"epochs": 10, "early_stopping": stopping}))
    assert all(math.isnan(event.validation["auc"]) for event in epochs)
    assert (ended.stopped, ended.epochs, ended.best_epoch) == ("early_stopping", 3, None)
    assert ended.why == (
        "validation.auc was NaN in every validation (monitor another value, such as validation.loss)"
    )


def test_a_value_that_is_always_nan_is_named_where_all_epochs_are_done():
    stopping = {"monitor": "validation.auc", "patience": 30}
    schedule = {"type": "plateau", "monitor": "validation.auc", "patience": 1}
    training = {"epochs": 6, "early_stopping": stopping, "schedule": schedule}
    _, _, ended = train(blind(training))
    assert ended.stopped == "completed"
    assert ended.why.startswith(
        "all 6 epochs are done; early stopping had nothing to go by, as validation.auc"
    )
    assert "; the plateau schedule had nothing to go by, as validation.auc was NaN" in ended.why
    stopping = {"monitor": "validation.loss", "patience": 30}
    _, _, ended = train(blind({"epochs": 6, "early_stopping": stopping}))
    assert ended.why == "all 6 epochs are done"


def test_early_stopping_on_a_metric_goes_up():
    stopping = {"monitor": "validation.accuracy", "patience": 4, "restore_best": False}
    _, epochs, ended = train(document(training={"epochs": 300, "early_stopping": stopping}))
    assert ended.stopped == "early_stopping"
    assert ended.best_epoch is None
    best = [event.validation["accuracy"] for event in epochs if event.best]
    assert best == sorted(best)


def test_stopping_from_outside_keeps_what_was_learned():
    asked = iter([False] * 10 + [True] * 1000)
    started, epochs, ended = train(document(training={"epochs": 50}), stop=lambda: next(asked))
    assert ended.stopped == "interrupted"
    assert ended.steps == 11
    assert ended.epochs == len(epochs) == 1
    assert ended.splits["train"]["loss"] > 0
    assert np.isfinite(started.model.parameters.flat).all()


def test_stopping_a_full_batch_training_from_outside():
    asked = iter([False] * 10 + [True] * 1000)
    data = MOONS | {"split": {"test": 0.5}}
    spec = document(data=data, training={"epochs": 50, "batch_size": "full"})
    _, epochs, ended = train(spec, stop=lambda: next(asked))
    assert (ended.stopped, ended.epochs, ended.steps, len(epochs)) == ("interrupted", 11, 11, 11)


def test_spans_and_single_epochs_are_the_same():
    data = MOONS | {"split": {"test": 0.5}}
    training = {"epochs": 30, "batch_size": "full", "optimizer": "adam"}
    _, fast, end = train(document(data=data, training=training))
    # A warm-up of no length to speak of makes the rate one that is asked for at every step.
    slow_training = training | {"schedule": {"type": "step", "step_size": 1000, "gamma": 0.5}}
    _, slow, other = train(document(data=data, training=slow_training))
    np.testing.assert_allclose([e.loss for e in fast], [e.loss for e in slow], rtol=1e-6)
    assert [e.step for e in fast] == [e.step for e in slow] == list(range(1, 31))
    assert end.epochs == other.epochs == 30


@pytest.mark.parametrize("batch_size", [16, "full"])
def test_divergence_is_reported_with_step_layer_and_help(batch_size):
    training = {"epochs": 500, "batch_size": batch_size, "optimizer": {"type": "sgd", "learning_rate": 1e30}}
    layers = [
        {"type": "dense", "units": 8, "activation": "relu", "name": "hidden"},
        {"type": "dense", "units": 2},
    ]
    _, epochs, ended = train(document(layers=layers, training=training))
    assert ended.stopped == "diverged"
    assert f"step {ended.steps + 1} " in ended.why
    assert "`hidden`" in ended.why or "`dense_2`" in ended.why
    assert "smaller learning rate than 1e+30" in ended.why
    assert all(np.isfinite(event.loss) for event in epochs)


def test_drop_last_leaves_out_the_smaller_batch():
    _, epochs, _ = train(document(training={"epochs": 1, "batch_size": 64, "drop_last": True}))
    assert epochs[0].step == 3


def test_drop_last_without_any_full_batch_is_an_error():
    with pytest.raises(specnet.SpecError, match="drop_last"):
        specnet.compile(document(training={"batch_size": 201, "drop_last": True}))


def test_a_sum_is_not_averaged_over_batches():
    spec = document(
        loss={"type": "cross_entropy", "reduction": "sum"}, training={"epochs": 1, "optimizer": "adam"}
    )
    mean = document(training={"epochs": 1, "optimizer": "adam"})
    total, average = train(spec)[1][0].loss, train(mean)[1][0].loss
    # Adam's steps are the same for a loss of any scale, but for epsilon.
    assert total == pytest.approx(200 * average, rel=1e-3)


def test_closing_the_generator_ends_the_training():
    events = specnet.train(document(training={"epochs": 10**9}))
    next(events)
    events.close()
    with pytest.raises(StopIteration):
        next(events)


def test_metrics_of_scaled_targets_are_in_the_data_s_units():
    data = {"type": "synthetic", "kind": "linear", "samples": 200, "noise": 0.1}
    scaled = data | {"transforms": [{"type": "standardize", "on": "targets"}]}
    layers = [{"type": "dense", "units": 1}]
    spec = document(
        data=scaled, layers=layers, loss="mse", metrics=["mse", "r2", "mae"], training={"epochs": 20}
    )
    started, _, ended = train(spec)
    raw = load_data(
        specnet.load(json.dumps({**json.loads(spec_text(data, layers))})).data,
        spec.source.folder,
        seed=0,
        dtype="float32",
    )
    split = raw.splits["train"]
    predicted = started.model.predict(split.inputs)
    targets = split.targets.reshape(predicted.shape)
    assert ended.splits["train"]["mse"] == pytest.approx(float(np.mean((predicted - targets) ** 2)), rel=1e-4)
    assert ended.splits["train"]["mae"] == pytest.approx(
        float(np.mean(np.abs(predicted - targets))), rel=1e-4
    )


def spec_text(data, layers):
    return json.dumps({"specnet": 1, "data": data, "layers": layers, "loss": "mse"})
