"""A program that uses the whole Python interface, for type checkers; `main` runs it in a folder."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import assert_never, assert_type

import numpy as np
from numpy.typing import NDArray

import specnet

DOCUMENT: dict[str, object] = {
    "specnet": 1,
    "data": {"type": "arrays", "split": {"validation": 0.2}, "transforms": ["standardize"]},
    "layers": [{"type": "dense", "units": 8, "activation": "relu"}, {"type": "dense", "units": 3}],
    "loss": "cross_entropy",
    "metrics": ["accuracy", "confusion"],
    "training": {"epochs": 3, "batch_size": 16},
}

Rows = tuple[NDArray[np.float64], NDArray[np.str_]]


def rows() -> Rows:
    """Return inputs and the names of their classes."""
    inputs = np.random.default_rng(0).normal(size=(60, 4))
    return inputs, np.array(["small", "medium", "large"])[np.digitize(inputs[:, 0], [-0.5, 0.5])]


def documents() -> specnet.Spec:
    """Read, check and change documents."""
    assert_type(specnet.__version__, str)
    spec = specnet.load(DOCUMENT, overrides={"training.epochs": 2})
    assert_type(spec.replace({"training.epochs": 3}), specnet.Spec)
    report = specnet.validate(spec, data=False)
    assert_type(report, specnet.Report)
    assert report.ok, str(report)
    try:
        specnet.load({**DOCUMENT, "loss": "none"})
    except specnet.SpecError as error:
        assert_type(error.diagnostics, tuple[specnet.Diagnostic, ...])
        assert [diagnostic.code for diagnostic in error.diagnostics] == ["SN204"]
    try:
        specnet.load("absent.toml")
    except specnet.SpecFileError as error:
        assert isinstance(error, specnet.SpecnetError)
    return spec


def line(event: specnet.Event | specnet.Span) -> str:
    """Return an event as a line; the type checker knows that there are no others."""
    match event:
        case specnet.FoldStarted():
            return f"fold {event.fold} of {event.folds}"
        case specnet.FoldEnded():
            return f"{event.stopped}: {event.splits['test']['loss']:.3f}"
        case specnet.Resumed():
            return f"resuming {event.run} at step {event.step}"
        case specnet.Started():
            assert_type(event.model, specnet.Model)
            return f"{event.parameter_count} parameters, {event.rows['train']} rows"
        case specnet.StepsDone():
            return f"epoch {event.epoch}: {event.loss:.3f} so far"
        case specnet.EpochEnded():
            accuracy = "" if event.validation is None else f", {event.validation['accuracy']:.0%}"
            return f"epoch {event.epoch}: {event.loss:.3f}{accuracy}"
        case specnet.Span():
            return f"{len(event)} epochs: {event.losses[-1]:.3f}"
        case specnet.Ended():
            assert_type(event.model, specnet.Model)
            return f"{event.why}: {event.splits['train']['loss']:.3f}"
        case _:
            assert_never(event)


def training(spec: specnet.Spec, data: Rows) -> None:
    """Follow a training event by event, and leave it."""
    with closing(specnet.train(spec, data=data)) as events:
        for event in events:
            assert_type(
                event,
                specnet.FoldStarted
                | specnet.FoldEnded
                | specnet.Resumed
                | specnet.Started
                | specnet.StepsDone
                | specnet.EpochEnded
                | specnet.Ended,
            )
            assert isinstance(event, specnet.Event)
            if isinstance(event, specnet.EpochEnded):
                break


def using(model: specnet.Model, data: Rows, folder: Path) -> None:
    """Predict, evaluate, look inside, save, load and copy."""
    inputs, names = data
    probabilities = model.predict(inputs)
    assert model.classes is not None
    indices: list[int] = probabilities.argmax(axis=1).tolist()
    assert len([model.classes[index] for index in indices]) == len(names)
    assert_type(model.predict(inputs, output="dense_2"), NDArray[np.floating])
    evaluation = model.evaluate(inputs, names)
    assert_type(evaluation, specnet.Evaluation)
    figures = evaluation.splits["data"]
    assert_type(figures, specnet.Figures)
    assert_type(figures["loss"], float)
    assert_type(figures["confusion"], list[list[float]])
    assert_type(figures["top_5" if "top_5" in figures else "loss"], float | list[list[float]])
    assert figures["accuracy"] <= 1.0
    assert_type(model.outputs_of("dense_1", inputs), NDArray[np.floating])
    assert_type(model.parameters, Mapping[str, NDArray[np.floating]])
    model.parameters["dense_1.bias"][...] += 0.5
    loss, gradients = model.loss_and_gradients(np.zeros((2, 4)), [0, 1])
    assert loss > 0.0
    assert gradients.keys() == model.parameters.keys()
    model.save(folder / "model.specnet")
    loaded = specnet.load_model(folder / "model.specnet")
    for twin in (loaded, copy.deepcopy(model), copy.copy(model), pickle.loads(pickle.dumps(model))):
        assert isinstance(twin, specnet.Model)
        assert np.array_equal(twin.predict(inputs), model.predict(inputs))
    assert specnet.evaluate(folder / "model.specnet", data) == model.evaluate(inputs, names)
    importance = specnet.permutation_importance(model, data, repeats=2)
    assert_type(importance, specnet.Importance)
    assert_type(importance.columns[0].mean, float)
    try:
        model.predict(np.zeros((1, 9)))
    except specnet.SpecError as error:
        assert error.diagnostics[0].code == "SN572"
    assert model.spec.name == "spec"
    assert model.columns is None


def runs(spec: specnet.Spec, data: Rows, folder: Path) -> specnet.Result:
    """Run, save, resume and read runs."""
    lines: list[str] = []
    result = specnet.run(
        spec, data=data, out=folder / "run", listener=lambda event: lines.append(line(event))
    )
    assert_type(result, specnet.Result)
    assert len(lines) >= 3
    again = specnet.run(spec, data=data, resume=folder / "run")
    assert again.splits == result.splits
    assert_type(result.splits["validation"]["loss"], float)
    assert_type(result.history, specnet.History)
    assert len(result.history.to_dict()["epoch"]) == result.epochs
    assert result.parameters is result.model.parameters
    assert result.run == folder / "run"
    model = specnet.load_run(folder / "run")
    assert np.array_equal(model.parameters["dense_1.kernel"], result.parameters["dense_1.kernel"])
    try:
        specnet.load_model(folder / "absent")
    except specnet.RunError as error:
        assert "no such file" in str(error)
    return result


def uncertainty(spec: specnet.Spec, data: Rows) -> None:
    """Put sets around classes, and intervals around numbers."""
    inputs, names = data
    model = specnet.run(spec.replace({"output.intervals": 0.9}), data=data).model
    sets = model.predict_sets(inputs)
    assert_type(sets, specnet.PredictionSets)
    assert len(sets.members) == len(names)
    numbers: dict[str, object] = {"loss": "mse", "metrics": ["mae"], "output": {"intervals": 0.9}}
    model = specnet.run({**DOCUMENT, **numbers}, data=(inputs, inputs[:, :3])).model
    intervals = model.predict_intervals(inputs)
    assert_type(intervals, specnet.Intervals)
    assert np.all(intervals.lower <= intervals.upper)


def generating() -> None:
    """Continue a sequence of tokens."""
    tokens = np.arange(48).reshape(6, 8) % 3
    layers: list[dict[str, object]] = [
        {"type": "embedding", "input_dim": 3, "output_dim": 2},
        {"type": "gru", "units": 2, "return_sequences": True},
        {"type": "dense", "units": 3},
    ]
    document: dict[str, object] = {"specnet": 1, "data": {"type": "arrays"}, "loss": "cross_entropy"}
    model = specnet.compile({**document, "layers": layers}, data=(tokens, (tokens + 1) % 3))
    made = model.generate([0, 1], tokens=4, n=2)
    assert_type(made, specnet.Generation)
    assert_type(next(made), specnet.GeneratedToken)
    assert_type(made.finish().samples, tuple[specnet.GeneratedSequence, ...])
    assert [len(sample.tokens) for sample in made.samples] == [4, 4]


def forecasting(folder: Path) -> None:
    """Forecast a series, and test forecasts from earlier steps of it."""
    (folder / "series.csv").write_text("y\n" + "".join(f"{i % 7}\n" for i in range(60)))
    path = str(folder / "series.csv")
    document: dict[str, object] = {
        "specnet": 1,
        "data": {"type": "series", "path": path, "target": "y", "lookback": 6, "horizon": 2},
        "layers": [{"type": "flatten"}, {"type": "dense", "units": "auto"}],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    model = specnet.run(document).model
    made = model.forecast(path)
    assert_type(made, specnet.Forecast)
    assert made.values.shape == (1, 2, 1)
    tested = model.backtest(path, origins=2)
    assert_type(tested, specnet.Backtest)
    assert_type(tested.evaluation, specnet.Evaluation)


def folds(data: Rows, folder: Path) -> None:
    """Train a model for each fold, and use their mean."""
    spec = specnet.load(DOCUMENT, overrides={"data.split": {"folds": 3, "stratify": True}})
    lines: list[str] = []
    result = specnet.run(
        spec, data=data, out=folder / "folds", listener=lambda event: lines.append(line(event))
    )
    assert_type(result.folds, tuple[specnet.Result, ...])
    assert_type(result.std["test"]["loss"], float)
    assert result.out_of_fold is not None
    assert_type(result.out_of_fold, specnet.OutOfFold)
    assert len(result.out_of_fold.predictions) == len(data[0])
    model = specnet.load_run(folder / "folds")
    assert isinstance(model, specnet.AveragedModel)
    assert_type(model.models, tuple[specnet.Model, ...])
    assert_type(model.spread(data[0], output="dense_2"), NDArray[np.floating])
    assert np.array_equal(model.predict(data[0]), result.model.predict(data[0]))


def checks(spec: specnet.Spec, data: Rows) -> None:
    """Check gradients and trace a step."""
    found = specnet.check_gradients(spec, data=data, rows=4, entries=2)
    assert_type(found, list[specnet.GradientCheck])
    assert all(check.ok for check in found)
    assert_type(specnet.trace(DOCUMENT, data=data), specnet.Trace)


def said(event: specnet.SweepEvent) -> str:
    """Return an event of a sweep as a line; the type checker knows that there are no others."""
    match event:
        case specnet.SweepStarted():
            return f"{event.done} of {event.trials} trials, to improve {', '.join(event.objectives)}"
        case specnet.TrialStarted():
            return f"{event.number}: {dict(event.parameters)}"
        case specnet.TrialReported():
            return f"{event.number}: epoch {event.epoch} of {event.epochs}"
        case specnet.TrialEnded():
            assert_type(event.values, tuple[float, ...] | None)
            return f"{event.number}: {event.state}"
        case specnet.SweepNoted():
            return event.text
        case specnet.SweepEnded():
            assert_type(event.result, specnet.SweepResult)
            assert_type(event.result.best[0], specnet.TrialRecord)
            return f"the best is {event.result.best[0].number}"
        case _:
            assert_never(event)


def sweeping(data: Rows, folder: Path) -> None:
    """Search for a number of units."""
    parameters = {"layers.0.units": {"choices": [4, 8]}}
    document = {**DOCUMENT, "sweep": {"trials": 2, "sampler": "random", "parameters": parameters}}
    lines = [said(event) for event in specnet.sweep(document, data=data, folder=folder / "sweeps")]
    assert lines[-1].startswith("the best is")


def main(folder: Path) -> None:
    """Do all of it."""
    spec, data = documents(), rows()
    training(spec, data)
    using(specnet.compile(spec, data=data), data, folder)
    using(runs(spec, data, folder).model, data, folder)
    uncertainty(spec, data)
    folds(data, folder)
    generating()
    forecasting(folder)
    if find_spec("optuna") is not None:
        sweeping(data, folder)
    checks(spec, data)
