"""Steps of dense networks as one compiled function: which plans have one, and what it makes."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

import specnet
from specnet.engines import help_pace
from specnet.engines.numba import team
from specnet.training import steps
from tests.support.trainings import MOONS, document, trainer

LAYERS = [{"type": "dense", "units": 3, "activation": "tanh"}, {"type": "dense", "units": 2}]
WIDE = [
    {"type": "dense", "units": 300, "activation": "tanh"},
    {"type": "dense", "units": 301, "activation": "relu"},
    {"type": "dense", "units": 2},
]
CONVOLUTIONAL = [
    {"type": "reshape", "shape": [2, 1, 1]},
    {"type": "conv2d", "filters": 2, "kernel_size": 1},
    {"type": "flatten"},
    {"type": "dense", "units": 2},
]
LARGE_BATCH = {
    "data": {**MOONS, "samples": 1027},
    "layers": [{**LAYERS[0], "units": 16}, LAYERS[1]],
    "epochs": 1,
    "batch_size": 1024,
}
PENALTY = [{**LAYERS[0], "kernel_regularizer": {"type": "l2", "factor": 0.01}}, LAYERS[1]]

CASES = {
    "full batch": {"batch_size": "full"},
    "batches": {"batch_size": 7},
    "adam, single precision": {"batch_size": "full", "optimizer": "adam", "dtype": "float32"},
    "a rate that changes": {"batch_size": "full", "schedule": {"type": "exponential", "gamma": 0.9}},
    "a penalty": {"batch_size": "full", "layers": PENALTY},
    "clipped": {"batch_size": 16, "clip_norm": 0.5, "optimizer": "adamw"},
    "large products": {"batch_size": 30, "layers": WIDE, "optimizer": "adam", "epochs": 3},
    "large products, single precision": {
        "batch_size": 30,
        "layers": WIDE,
        "optimizer": "adam",
        "dtype": "float32",
        "epochs": 3,
    },
}

DROPPED = [LAYERS[0], {"type": "dropout", "rate": 0.3}, LAYERS[1]]
CASES |= {
    "dropout": {"batch_size": 7, "layers": DROPPED},
    "dropout, full batch, single precision": {"batch_size": "full", "layers": DROPPED, "dtype": "float32"},
}


@pytest.fixture
def engine(monkeypatch):
    """Return how to choose the engine from here on."""
    return lambda name: monkeypatch.setenv("SPECNET_ENGINE", name)


def learnt(fitted):
    return fitted.model.parameters.flat.copy()


def run(options, events="spans"):
    """Train to the end; return whether whole steps were made at once, the last event, and the parameters."""
    fitted = trainer(document(**{"layers": LAYERS, "epochs": 40, **options}))
    *others, ended = getattr(fitted, events)()
    return fitted.feed.batches[0].bound.many is not None, others, ended, learnt(fitted)


def losses(events):
    """Return the loss of each epoch."""
    found = []
    for event in events:
        if isinstance(event, specnet.EpochEnded):
            found.append(event.loss)
        elif not isinstance(event, specnet.Started) and hasattr(event, "losses"):
            found += event.losses
    return found


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_they_make_what_the_numpy_engine_makes(options, engine):
    tolerance = 1e-4 if options.get("dtype") == "float32" else 1e-10
    engine("numpy")
    whole, before, expected, parameters = run(options)
    assert not whole
    engine("numba")
    whole, events, ended, found = run(options)
    assert whole
    np.testing.assert_allclose(found, parameters, tolerance, tolerance)
    np.testing.assert_allclose(losses(events), losses(before), tolerance, tolerance)
    assert ended.steps == expected.steps


@pytest.mark.parametrize("options", CASES.values(), ids=CASES)
def test_step_by_step_they_make_the_same_bits(options, engine):
    engine("numba")
    _, events, _, parameters = run(options)
    _, singly, _, again = run(options, "events")
    assert losses(events) == losses(singly)
    assert parameters.tobytes() == again.tobytes()


def test_convolutions_go_without(engine):
    engine("numba")
    whole, *_ = run({"layers": CONVOLUTIONAL, "batch_size": "full", "epochs": 1})
    assert not whole


def test_large_products_go_without_where_the_matrix_library_is_not_known(engine, monkeypatch):
    engine("numba")
    options = {"layers": WIDE, "batch_size": "full", "epochs": 1}
    assert run(options)[0]
    monkeypatch.setattr("specnet.engines.numba.whole.product_addresses", lambda: None)
    assert not run(options)[0]


@pytest.mark.parametrize("threads", ["1", "3"])
def test_who_helps_makes_no_difference(threads, engine, monkeypatch):
    """How a step is cut into parts follows from the number of threads; which of them do it does not matter."""
    engine("numba")
    monkeypatch.setenv("SPECNET_THREADS", threads)
    options = {"layers": WIDE, "batch_size": 30, "epochs": 30, "optimizer": "adam"}
    found = []
    for helped in (True, False, None):
        with monkeypatch.context() as patch:
            if helped is not None:
                patch.setattr(
                    help_pace.HelpPace,
                    "made",
                    lambda self, *_, helped=helped: setattr(self, "helped", helped),
                )
            *_, parameters = run(options)
        found.append(parameters.tobytes())
    assert len(set(found)) == 1


def test_fewer_rows_than_threads_are_computed():
    """The last rows of a split may be fewer than the parts that a loop over 1,024 of them is cut into."""
    spec = document(**LARGE_BATCH)
    found = [specnet.run(spec, engine=engine, threads=8) for engine in ("numpy", "numba")]
    losses = [each.splits["train"]["loss"] for each in found]
    np.testing.assert_allclose(losses[1], losses[0], 1e-10)


def test_no_more_threads_help_than_there_are_cores(engine, monkeypatch):
    """Others would only take turns with those that there are."""
    engine("numba")
    monkeypatch.setenv("SPECNET_THREADS", "8")
    monkeypatch.setattr("specnet.engines.execution.allowed", lambda: 3)
    teams = []
    monkeypatch.setattr(team.Team, "__init__", lambda self, count: teams.append(count))
    monkeypatch.setattr(team.Team, "wake", lambda *_: None)
    run(LARGE_BATCH)
    assert set(teams) == {3}


def test_a_step_that_diverges_is_the_last_and_changes_nothing(engine):
    options = {
        "batch_size": "full",
        "optimizer": {"type": "sgd", "learning_rate": 1e6},
        "layers": [LAYERS[1]],
    }
    found = {}
    for name in ("numpy", "numba"):
        engine(name)
        _, events, ended, parameters = run(options)
        found[name] = ended.stopped, ended.steps, len(losses(events))
        assert np.isfinite(parameters).all()
    assert found["numba"] == found["numpy"]


def test_whoever_asks_to_stop_waits_for_one_call(engine, monkeypatch):
    engine("numba")
    monkeypatch.setattr(steps, "MOST", 8)
    asked = []
    fitted = trainer(
        document(layers=LAYERS, epochs=1_000, batch_size="full"), lambda: len(asked.append(0) or asked) == 5
    )
    *_, ended = fitted.spans()
    assert ended.stopped == "interrupted"
    assert 5 <= ended.steps <= 1 + 2 + 4 + 8 + 8


def test_classes_are_predicted_and_counted_as_with_numpy(engine):
    """The plans of evaluation and prediction have a softmax, the place of the largest, and how many are right."""
    layers = [
        {"type": "dense", "units": 300, "activation": "gelu"},
        {"type": "dense", "units": 10, "activation": "softmax"},
    ]
    spec = {
        "specnet": 1,
        "data": {"type": "builtin", "name": "digits", "split": {"validation": 0.5}},
        "layers": layers,
        "loss": "cross_entropy",
        "metrics": ["accuracy"],
        "training": {"epochs": 2, "batch_size": 100, "optimizer": "adam"},
    }
    found = {}
    for name in ("numpy", "numba"):
        engine(name)
        result = specnet.run(spec)
        found[name] = result.model.predict(np.eye(64)), result.splits["validation"]
    np.testing.assert_allclose(found["numba"][0], found["numpy"][0], 1e-4, 1e-6)
    assert found["numba"][1]["accuracy"] == found["numpy"][1]["accuracy"]
