from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.engines.numpy.names import Names
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.interchange.exporting import Exported, numpy_program, write_numpy
from specnet.interchange.numpy.updating import UpdateLines, kept_between_steps
from specnet.model.updates import Update
from specnet.training.events import EpochEnded
from specnet.vocabulary.metrics import METRICS
from tests.support.exports import SMALL, SPECS, bare


def agrees(path, tmp_path, rtol=1e-9, **overrides):
    """Run a document here, and its training as a program by itself; compare all parameters."""
    spec = specnet.load(path, overrides=overrides)
    result = specnet.run(spec, out=tmp_path / "run")
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py")
    if rtol is None:  # the variables are called otherwise than the parameters: compare what they predict
        rows = np.random.default_rng(0).normal(size=(5, *result.model.network.signature.inputs))
        predicted = bare(tmp_path / "made.py", rows)["predicted"]
        np.testing.assert_allclose(predicted, result.model.predict(rows), rtol=1e-12)
        return result
    for name, expected in result.model.parameters.items():
        actual = found[name.replace(".", "_")]
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol, err_msg=name)
    return result


def test_the_tutorials_program_ends_where_the_run_ends(tmp_path):
    result = agrees(SPECS / "mlp.toml", tmp_path, 1e-12)
    assert result.steps == 20000


def test_the_tutorials_program_reads_like_one():
    text = numpy_program(Exported.of(SPECS / "mlp.toml"), training=True, beside=None).text
    lines = [line for line in text.split("\n") if line.strip()]
    assert len(lines) <= 100
    assert max(map(len, lines)) <= 100
    for line in (
        "    hidden_sum = inputs @ dense_1_kernel + dense_1_bias             # (rows, 2)",
        "    hidden = sigmoid(hidden_sum)                                    # (rows, 2)",
        "    d_dense_1_kernel = inputs.T @ d_hidden_sum                      # (4, 2)",
        "    dense_1_kernel -= learning_rate * d_dense_1_kernel",
        "for epoch in range(1, 20001):",
    ):
        assert line in lines


@pytest.mark.parametrize("name", SMALL)
def test_every_shipped_document_trains_as_it_runs(name, tmp_path):
    """In float64: in float32 two orders of the same sums part after some hundred steps."""
    epochs = min(specnet.load(SPECS / name).training.epochs, 6)
    agrees(SPECS / name, tmp_path, dtype="float64", **{"training.epochs": epochs})


def test_early_stopping_stops_at_the_same_epoch(tmp_path):
    result = agrees(SPECS / "iris.toml", tmp_path, dtype="float64")
    assert result.stopped == "early_stopping"


OPTIMIZERS = [
    {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": True},
    {"type": "sgd", "learning_rate": 0.05, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    {"type": "adam", "amsgrad": True, "weight_decay": 0.01},
    {"type": "adamw"},
    {"type": "nadam"},
    {"type": "rmsprop"},
    {"type": "adagrad"},
    {"type": "adadelta", "learning_rate": 1.0},
    {"type": "lion"},
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: "-".join(map(str, o.values())))
def test_every_optimizer_steps_as_it_does(optimizer, tmp_path):
    agrees(
        SPECS / "iris.toml",
        tmp_path,
        dtype="float64",
        **{"training.epochs": 5, "training.optimizer": optimizer},
    )


SCHEDULES = [
    {"type": "constant", "warmup_steps": 7},
    {"type": "cosine", "warmup_epochs": 2, "minimum": 0.001},
    {"type": "cosine", "t_0": 3, "t_mult": 2},
    {"type": "linear"},
    {"type": "linear", "every": "epoch", "length": 4},
    {"type": "polynomial", "power": 2.0},
    {"type": "exponential", "gamma": 0.9},
    {"type": "step", "step_size": 3},
    {"type": "multistep", "milestones": [2, 5]},
    {"type": "inverse_sqrt", "warmup_steps": 5},
    {"type": "one_cycle"},
    {"type": "plateau", "patience": 1, "threshold": 0.2, "cooldown": 1},
    {"type": "plateau", "patience": 0, "threshold": 0.3, "warmup_epochs": 2.5, "warmup_from": 0.1},
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: "-".join(map(str, s.values())))
def test_every_schedule_goes_as_it_does(schedule, tmp_path):
    agrees(
        SPECS / "iris.toml",
        tmp_path,
        dtype="float64",
        **{"training.epochs": 8, "training.schedule": schedule},
    )


LOSSES = ["mse", "mae", "huber", "log_cosh"]


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_of_numbers_trains_as_it_does(loss, tmp_path):
    agrees(SPECS / "regression.toml", tmp_path, dtype="float64", **{"training.epochs": 3, "loss": loss})


@pytest.mark.parametrize(
    "settings",
    [
        {"training.accumulate": 4, "training.clip_norm": 0.5},
        {"training.accumulate": 2, "training.batch_size": "full"},
        {"training.clip_value": 0.1, "training.drop_last": True, "training.shuffle": False},
        {
            "training.early_stopping": {"monitor": "validation.accuracy", "patience": 2},
            "training.validate_every": 2,
        },
        {"training.early_stopping": {"monitor": "train.loss", "patience": 2, "min_delta": 0.05}},
        {
            "training.early_stopping": {"monitor": "train.loss", "patience": 2, "min_delta": 0.05},
            "training.schedule": {"type": "plateau", "patience": 0, "threshold": 0.5},
            "training.validate_every": 2,
        },
        {"layers.0.kernel_regularizer": {"type": "l2", "factor": 0.01}, "layers.1.bias_regularizer": "l1"},
        {"loss": {"type": "cross_entropy", "label_smoothing": 0.1, "class_weights": [1.0, 2.0, 0.5]}},
        {"loss": {"type": "cross_entropy", "reduction": "sum", "scale": 0.1}},
        {"loss": "kl_divergence"},
        {"training.clip_value": 0.05, "training.clip_norm": 0.1},
        {"training.ema_decay": 0.9},
        {"training.ema_decay": 0.9, "training.early_stopping.restore_best": False, "training.accumulate": 4},
        {
            "training.ema_decay": 0.5,
            "training.early_stopping": {"monitor": "train.loss", "patience": 1, "min_delta": 0.2},
        },
        {"layers.0.learning_rate_multiplier": 0.1},
        {"training.groups": [{"match": "dense_1.kernel", "weight_decay": 0.1}]},
        {
            "training.groups": [{"match": "dense_2", "learning_rate_multiplier": 0.1}],
            "training.optimizer": {"type": "sgd", "weight_decay": 0.1, "weight_decay_exclude": ["bias"]},
        },
        {
            "layers.0.learning_rate_multiplier": 0.1,
            "training.optimizer": {"type": "sgd", "learning_rate": 0.1},
        },
    ],
    ids="-".join,
)
def test_every_setting_has_its_lines(settings, tmp_path):
    agrees(SPECS / "iris.toml", tmp_path, dtype="float64", **{"training.epochs": 9}, **settings)


def test_a_rate_of_its_own_is_in_the_line_of_a_parameter():
    changes = {"layers.0.learning_rate_multiplier": 0.1}
    spec = specnet.load(SPECS / "mlp.toml", overrides=changes)
    exported = Exported.of_spec(SPECS / "mlp.toml", spec)
    lines = numpy_program(exported, training=True, beside=None).text.split("\n")
    assert "    dense_1_kernel -= learning_rate * 0.1 * d_dense_1_kernel" in lines
    assert "    dense_2_kernel -= learning_rate * 1.0 * d_dense_2_kernel" in lines


def test_running_means_of_statistics_and_parameters(tmp_path):
    """Where a running mean takes the parameters' place, the statistics stay what they are."""
    layers = [{"type": "dense", "units": 4}, {"type": "batch_norm"}, {"type": "dense", "units": 3}]
    agrees(
        SPECS / "iris.toml",
        tmp_path,
        dtype="float64",
        **{"training.epochs": 12, "training.ema_decay": 0.8, "layers": layers},
    )


def test_slots_that_change_places_are_first_read():
    """Whatever an update reads is what was there before it."""
    network = specnet.compile(specnet.load(SPECS / "perceptron.toml")).network
    size = network.trained_size
    graph = Graph("float64")
    graph.phase = "update"
    p, a, b = (leaf(graph, name, "state", (size,)) for name in ("parameters", "slot/left", "slot/right"))
    graph.assign(a, b * 2.0)
    graph.assign(b, a + p)
    graph.assign(p, p - a)
    names = Names()
    slots = dict.fromkeys(("left", "right"), ((size,), 0.0))
    kept = kept_between_steps(network, Update(graph, slots), names)
    update = UpdateLines(graph, network, names, kept, {p.name: p.name for p in network.trained}, {}, [])
    scope = {
        "parameters": [np.array([1.0])],
        "lefts": [np.array([10.0])],
        "rights": [np.array([100.0])],
        "np": np,
    }
    exec("\n".join(update.lines), scope)
    assert [scope[name][0].item() for name in ("parameters", "lefts", "rights")] == [-9.0, 200.0, 11.0]


STOPPING = {"monitor": "validation.loss", "patience": 20}


@pytest.mark.parametrize("limit", [1, 2.5, 8, 12, 24, 31.5])
@pytest.mark.parametrize(
    ("settings", "batches"),
    [
        ({}, 6),
        ({"early_stopping": STOPPING}, 6),
        ({"early_stopping": {"monitor": "train.loss", "patience": 20}, "drop_last": True}, 5),
        ({"early_stopping": STOPPING, "validate_every": 3}, 6),
        ({"early_stopping": STOPPING, "accumulate": 4}, 6),
        ({"accumulate": 4, "schedule": {"type": "plateau", "patience": 0}}, 6),
        ({"early_stopping": STOPPING, "validate_every": 3, "batch_size": "full"}, 1),
    ],
    ids=["batches", "stopping", "drop-last", "validate-every", "accumulate", "plateau", "full"],
)
def test_the_time_is_over_after_the_same_step(settings, batches, limit, monkeypatch):
    """With a clock that counts the batches that the program has taken."""
    training = {"epochs": 40, "early_stopping": None, **settings}
    changes = {"dtype": "float64", **{f"training.{key}": value for key, value in training.items()}}
    # A step that several batches share is finished.
    share, last = training.get("accumulate", 1), math.ceil(limit)
    while last % batches % share and last % batches:
        last += 1
    asked = itertools.count(1)
    free = specnet.load(SPECS / "iris.toml", overrides=changes)
    expected = specnet.run(free, stop=lambda: next(asked) == last)
    assert expected.stopped == "interrupted"
    limited = specnet.load(SPECS / "iris.toml", overrides=changes | {"training.max_seconds": limit})
    exported = Exported.of_spec(SPECS / "iris.toml", limited)
    text = without_curve(numpy_program(exported, training=True, beside=None).text)
    found: dict[str, Any] = {}

    def clock() -> float:
        done = (found["epoch"] - 1) * batches + found.get("start", 0) // 16 + 1 if "epoch" in found else 0
        return float(done)

    monkeypatch.setattr(time, "perf_counter", clock)
    exec(text, found)
    for name, array in expected.model.parameters.items():
        np.testing.assert_allclose(found[name.replace(".", "_")], array, rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize(
    "loss", ["hinge", "squared_hinge", {"type": "binary_cross_entropy", "positive_weight": 2.0}]
)
def test_losses_of_two_classes(loss, tmp_path):
    agrees(
        SPECS / "moons.toml",
        tmp_path,
        dtype="float64",
        loss=loss,
        metrics=["accuracy"],
        **{"training.epochs": 3},
    )


LETTERS = np.eye(3)[np.random.default_rng(3).integers(0, 3, (24, 4))]
SPELT = {"type": "inline", "inputs": LETTERS.tolist(), "split": {"validation": 0.5}}
"""Sequences of letters as one-hot vectors."""
LABELLED = {
    "data": {**SPELT, "targets": LETTERS.argmax(axis=2).tolist()},
    "layers": [{"type": "dense", "units": 3}],
    "training.optimizer": {"type": "adam", "learning_rate": 0.01},
}
"""A network that has learnt some of the letters when it is measured."""
ALIGNED = {
    **LABELLED,
    "data": {**SPELT, "targets": [[1 + row[0], 1 + row[-1]] for row in LETTERS.argmax(axis=2).tolist()]},
    "layers": [{"type": "gru", "units": 8, "return_sequences": True}, {"type": "dense", "units": 4}],
    "loss": "ctc",
    "training.optimizer": {"type": "adam", "learning_rate": 0.1},
}
QUANTILES = {"loss": "quantile", "layers": [{"type": "dense", "units": 3}]}

WATCHED = [
    ("iris.toml", "accuracy", {}),
    ("iris.toml", "precision", {}),
    ("iris.toml", {"type": "recall", "average": "micro"}, {}),
    ("moons.toml", {"type": "f1", "threshold": 0.3}, {}),
    ("iris.toml", "auc", {}),
    ("iris.toml", "iou", {}),
    ("iris.toml", "dice", {}),
    ("iris.toml", {"type": "top_k", "k": 2}, {}),
    ("iris.toml", "perplexity", {}),
    ("iris.toml", "bits_per_character", {}),
    ("regression.toml", "mse", {}),
    ("regression.toml", "rmse", {"data.transforms": [{"type": "standardize", "on": "targets"}]}),
    ("regression.toml", "mae", {"data.transforms": [{"type": "scale", "factor": 3.0, "on": "targets"}]}),
    ("regression.toml", "r2", {}),
    ("regression.toml", "cosine_similarity", {}),
    ("regression.toml", "smape", {}),
    ("forecast.toml", "smape", {}),
    ("forecast.toml", "mase", {}),
    ("regression.toml", "wql", QUANTILES),
    ("regression.toml", "quantile_coverage", QUANTILES),
    ("iris.toml", "edit_distance", LABELLED),
    ("iris.toml", "edit_distance", ALIGNED),
    ("iris.toml", "exact_match", LABELLED),
    ("iris.toml", "exact_match", ALIGNED),
]


def test_every_metric_that_can_be_watched_is_tried():
    kinds = {metric if isinstance(metric, str) else metric["type"] for _, metric, _ in WATCHED}
    assert kinds == METRICS.kinds.keys() - {"confusion"}


def without_curve(text):
    """A program that draws nothing, whether matplotlib is there or not."""
    start = text.index("try:  # the curve of the loss")
    return text[:start]


def executed(document, spec, tmp_path):
    """Run the program of a training here; return its variables."""
    exported = Exported.of_spec(SPECS / document, spec)
    written = numpy_program(exported, training=True, beside="made.npz")
    np.savez(tmp_path / "made.npz", **written.arrays)
    found: dict[str, Any] = {"__file__": str(tmp_path / "made.py")}
    exec(without_curve(written.text), found)
    if "stored" in found:
        found["stored"].close()
    return found


@pytest.mark.parametrize(("document", "metric", "changes"), WATCHED, ids=str)
def test_every_metric_is_measured_as_the_run_measures_it(document, metric, changes, tmp_path):
    label = METRICS.validate(metric).label
    training = {"epochs": 3, "early_stopping": {"monitor": f"validation.{label}", "patience": 9}}
    changes = {"dtype": "float64", "metrics": [metric], **changes}
    changes |= {f"training.{key}": value for key, value in training.items()}
    spec = specnet.load(SPECS / document, overrides=changes)
    found = executed(document, spec, tmp_path)
    *_, last = (event for event in specnet.train(spec) if isinstance(event, EpochEnded))
    assert found[f"validation_{label}"] == pytest.approx(last.validation[label], rel=1e-9)


@pytest.mark.parametrize("figure", ["image.loss", "digit.loss", "digit.accuracy"])
def test_one_of_several_outputs_is_watched_while_its_inputs_are_augmented(figure, tmp_path):
    shaped = {"type": "reshape", "shape": [8, 8, 1]}
    scaled = {"type": "scale", "factor": 0.0625}
    plain = specnet.load(SPECS / "two-heads.toml", overrides={"training.epochs": 2, "dtype": "float64"})
    layers = plain.model_dump(mode="json", exclude_unset=True)["layers"]
    changes = {
        "data.transforms": [scaled, shaped],
        "data.augmentations": [{"type": "flip"}],
        "data.split": {"validation": 0.5, "test": 0.4},
        "layers": [{"type": "flatten"}, *layers],
        "outputs": {
            "digit": {"loss": "cross_entropy", "metrics": ["accuracy"]},
            "image": {"loss": "mse", "layer": "shaped", "target": "inputs"},
        },
        "training.epochs": 2,
        "training.early_stopping": {"monitor": f"validation.{figure}"},
        "dtype": "float64",
    }
    changes["layers"].append({"type": "reshape", "name": "shaped", "shape": [8, 8, 1]})
    spec = specnet.load(SPECS / "two-heads.toml", overrides=changes)
    found = executed("two-heads.toml", spec, tmp_path)
    *_, last = (event for event in specnet.train(spec) if isinstance(event, EpochEnded))
    assert found["validation_" + figure.replace(".", "_")] == pytest.approx(last.validation[figure], rel=1e-9)


def test_a_metric_that_is_no_plain_numpy_is_named(monkeypatch):
    def finish(self, totals, rows):
        return len(repr(self)) + len(totals) + rows

    monkeypatch.setattr(METRICS.kinds["accuracy"], "finish", finish)
    spec = specnet.load(
        SPECS / "iris.toml", overrides={"training.early_stopping.monitor": "validation.accuracy"}
    )
    with pytest.raises(specnet.RunError, match="no plain form in NumPy"):
        numpy_program(Exported.of_spec(SPECS / "iris.toml", spec), training=True, beside="a")


@pytest.mark.parametrize(
    ("document", "changes"),
    [
        ("iris.toml", {"training.epochs": 4}),
        ("iris.toml", {"layers.0.kernel_regularizer": "l2", "training.early_stopping.monitor": "train.loss"}),
        ("iris.toml", {"layers.0.trainable": False, "training.early_stopping.patience": 2}),
        ("moons.toml", {"training.epochs": 12}),
        ("perceptron.toml", {"training.optimizer": {"type": "lbfgs", "history": 2, "max_evaluations": 3}}),
        ("regression.toml", {"training.optimizer.tolerance_change": 1e-3, "dtype": "float32"}),
    ],
)
def test_lbfgs_searches_as_it_does(document, changes, tmp_path):
    training = {"batch_size": "full", "optimizer": {"type": "lbfgs"}, "epochs": 30}
    early = specnet.load(SPECS / document).training.early_stopping
    if early is not None:
        training["early_stopping"] = early.model_dump()
    spec = specnet.load(SPECS / document, overrides={"training": training, "dtype": "float64", **changes})
    result = specnet.run(spec, out=tmp_path / "run")
    write_numpy(tmp_path / "made.py", Exported.of(tmp_path / "run"), training=True)
    found = bare(tmp_path / "made.py")
    within = 1e-9 if spec.dtype == "float64" else 1e-4
    for name, expected in result.model.parameters.items():
        actual = found[name.replace(".", "_")]
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=within, atol=within, err_msg=name)


def test_changed_data_are_not_taken_for_the_runs(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{2 * i}\n" for i in range(20)))
    (tmp_path / "a.toml").write_text(
        'specnet = 1\nloss = "mse"\n[data]\ntype = "csv"\npath = "t.csv"\ntarget = "b"\n'
        '[[layers]]\ntype = "dense"\nunits = 1\n[training]\nepochs = 2\n'
    )
    specnet.run(specnet.load(tmp_path / "a.toml"), out=tmp_path / "run")
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{3 * i}\n" for i in range(20)))
    with pytest.raises(specnet.RunError, match="the data have changed"):
        numpy_program(Exported.of(tmp_path / "run"), training=True, beside=None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("for", "np"),
        ("parameter", "gradient"),
        ("inputs", "learning_rate"),
        ("sigmoid", "mean"),
        ("a-b", "a_b"),
    ],
)
def test_layers_may_bear_any_name(first, second, tmp_path):
    names = {"layers.0.name": first, "layers.1.name": second}
    agrees(SPECS / "xor.json", tmp_path, None, **names, **{"training.epochs": 5})
    plain = {"training.optimizer": {"type": "sgd", "learning_rate": 0.1}, "training.epochs": 5}
    agrees(SPECS / "xor.json", tmp_path, None, **names, **plain)


STEPWISE: dict[str, dict[str, Any]] = {
    "batches": {},
    "an interval that ends within epochs": {"training.validate_every": 5},
    "less than an epoch": {"training.steps": 3},
    "full batches": {"training.batch_size": "full", "training.validate_every": 4},
    "shared steps": {"training.accumulate": 3, "training.validate_every": 2},
    "the last batch dropped": {"training.drop_last": True},
    "in order": {"training.shuffle": False},
    "a plateau on the training loss": {
        "training.schedule": {"type": "plateau", "monitor": "train.loss", "patience": 0, "threshold": 0.1},
        "training.validate_every": 5,
    },
    "a plateau on a sum": {
        "training.schedule": {"type": "plateau", "monitor": "train.loss", "patience": 0, "threshold": 0.1},
        "training.validate_every": 5,
        "loss": {"type": "cross_entropy", "reduction": "sum"},
        "training.optimizer.learning_rate": 0.001,
    },
    "early stopping": {
        "training.early_stopping": {"patience": 2, "min_delta": 0.05},
        "training.validate_every": 4,
    },
    "running means": {"training.ema_decay": 0.9, "training.early_stopping": {"patience": 3}},
    "cosine": {"training.schedule": "cosine"},
    "the training split measured": {"training.track_training": True},
    "a limit of time": {"training.max_seconds": 1000.0, "training.accumulate": 2},
    "a search": {
        "training.optimizer": {"type": "lbfgs", "history": 3},
        "training.batch_size": "full",
        "training.validate_every": 4,
    },
}


@pytest.mark.parametrize("name", STEPWISE)
def test_a_training_in_steps_is_a_loop_over_steps(name, tmp_path):
    changes = {"training.steps": 23, **STEPWISE[name]}
    document = specnet.load(SPECS / "iris.toml").model_dump(exclude_unset=True, mode="json")
    training = {"batch_size": 16, "optimizer": document["training"]["optimizer"]}
    path = tmp_path / "iris.json"
    path.write_text(json.dumps({**document, "specnet": 1, "training": {**training, "steps": 23}}))
    result = agrees(path, tmp_path, dtype="float64", **changes)
    text = (tmp_path / "made.py").read_text()
    assert f"while step < {changes['training.steps']}:" in text
    printed = subprocess.run(
        [sys.executable, tmp_path / "made.py"], capture_output=True, text=True, cwd=tmp_path, check=True
    ).stdout
    assert f"after {result.steps} steps:" in printed
    first, *_ = result.history
    width = len(str(changes["training.steps"]))
    assert f"step {first['step']:{width}}: loss {first['train']['loss']:.6f}" in printed
