"""`track_training`: the training split measured after epochs, in events, logs, histories and curves."""

from __future__ import annotations

import json

import numpy as np
import pytest

import specnet
from specnet.training.events import EpochEnded, Started
from specnet.training.history import AFTER
from tests.support.exports import SPECS

TRACKED = {"training.track_training": True}
SHORT = {"training.epochs": 6, "training.early_stopping": None}


def spec(document="iris.toml", **changes):
    return specnet.load(SPECS / document, overrides={**SHORT, **changes})


def epochs(**changes):
    return [event for event in specnet.train(spec(**changes)) if isinstance(event, EpochEnded)]


@pytest.mark.parametrize("count", [1, 3, 6])
def test_it_is_what_a_run_that_ends_there_measures(count):
    """`training.epochs` changes nothing else of a training with a constant rate."""
    tracked = epochs(**TRACKED)[count - 1]
    ended = specnet.run(spec(**{"training.epochs": count}))
    assert tracked.train == ended.splits["train"]
    assert tracked.validation == ended.splits["validation"]


def test_it_is_off_by_default_and_changes_no_bit():
    plain, tracked = (specnet.run(spec(**changes)) for changes in ({}, TRACKED))
    assert not plain.history.train
    assert all(row["train"].keys() == {"loss"} for row in plain.history)
    assert plain.model.parameters.flat.tobytes() == tracked.model.parameters.flat.tobytes()
    assert plain.splits == tracked.splits
    assert plain.history.loss == tracked.history.loss


@pytest.mark.parametrize("validation", [0.2, 0.0])
@pytest.mark.parametrize("size", [16, "full"])
def test_it_is_measured_whenever_a_validation_is_due(size, validation):
    changes = {
        **TRACKED,
        "training.validate_every": 4,
        "training.batch_size": size,
        "data.split": {"validation": validation, "test": 0.2},
    }
    if not validation:
        del changes["data.split"]["validation"]
    found = epochs(**changes)
    assert [event.epoch for event in found if event.train is not None] == [4, 6]
    result = specnet.run(spec(**changes))
    assert list(result.history.tracked) == [4, 6]
    assert list(result.history.validated) == ([4, 6] if validation else [])


def test_dropout_does_not_drop_in_it():
    changes = {**TRACKED, "layers.0.activation": "relu"}
    layers = spec().model_dump(mode="json", exclude_unset=True)["layers"]
    changes["layers"] = [layers[0], {"type": "dropout", "rate": 0.5}, layers[1]]
    *_, last = epochs(**changes)
    assert last.train == specnet.run(spec(**changes)).splits["train"]


def test_a_running_mean_is_what_is_measured():
    *_, last = epochs(**TRACKED, **{"training.ema_decay": 0.9})
    assert last.train == specnet.run(spec(**{"training.ema_decay": 0.9})).splits["train"]


def test_it_takes_no_memory():
    started = [next(iter(specnet.train(spec(**changes)))) for changes in ({}, TRACKED)]
    assert all(isinstance(event, Started) for event in started)
    assert started[0].memory == started[1].memory


def test_every_line_of_the_log_says_it(tmp_path):
    result = specnet.run(spec(**TRACKED, **{"training.validate_every": 2}), out=tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    for line, row in zip(lines, result.history, strict=True):
        assert line["train"] == row["train"]
        assert (AFTER in line["train"]) == ("accuracy" in line["train"]) == (line["epoch"] % 2 == 0)
        assert line["train"]["loss"] == row["train"]["loss"]
    assert lines[-1]["train"][AFTER] == result.splits["train"]["loss"]


@pytest.mark.parametrize("batch", [7, 20])
def test_it_goes_on_where_it_was_interrupted(tmp_path, batch):
    changes = {**TRACKED, "training.validate_every": 2, "training.checkpoint": {"every_steps": 5}}
    whole = specnet.run(spec(**changes), out=tmp_path / "whole")
    left = iter(range(batch))
    specnet.run(spec(**changes), out=tmp_path / "cut", stop=lambda: next(left, None) is None)
    resumed = specnet.run(spec(**changes), resume=tmp_path / "cut")

    def rows(history):
        return [{**row, "seconds": 0} for row in history]

    assert rows(resumed.history) == rows(whole.history)
    assert resumed.model.parameters.flat.tobytes() == whole.model.parameters.flat.tobytes()
    again = specnet.run(spec(**changes), resume=tmp_path / "cut")
    assert rows(again.history) == rows(whole.history)
    assert again.history.train == whole.history.train


def test_a_report_draws_both_accuracies(tmp_path):
    pytest.importorskip("matplotlib")
    from specnet.reporting.html.page import write_report

    specnet.run(spec(**TRACKED), out=tmp_path / "run")
    page = write_report(tmp_path / "run").read_text()
    assert "Accuracy by epoch: train from" in page
    assert "train, after the epoch from" in page


def test_a_program_prints_it_after_every_epoch():
    from specnet.interchange.exporting import Exported, numpy_program

    document = spec(**TRACKED, dtype="float64")
    text = numpy_program(Exported.of_spec(SPECS / "iris.toml", document), training=True, beside="a").text
    assert "train accuracy {train_accuracy:.6f}" in text
    assert "validation accuracy {validation_accuracy:.6f}" in text
    written = numpy_program(Exported.of_spec(SPECS / "iris.toml", document), training=True, beside=None).text
    scope: dict[str, object] = {}
    exec(written[: written.index("try:  # the curve of the loss")], scope)
    *_, last = epochs(**TRACKED, dtype="float64")
    for name in ("loss", "accuracy", "f1"):
        np.testing.assert_allclose(scope[f"train_{name}"], last.train[name], rtol=1e-9)
