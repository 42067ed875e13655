"""Whole sweeps, through the Python interface."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.sweeps import processes, stored
from specnet.sweeps.directory import read_sweep
from specnet.sweeps.events import (
    SweepEnded,
    SweepEvent,
    SweepStarted,
    TrialEnded,
    TrialReported,
    TrialStarted,
)
from specnet.sweeps.result import SweepResult

pytest.importorskip("optuna")


def result_of(events: list[SweepEvent]) -> SweepResult:
    (ended,) = (event for event in events if isinstance(event, SweepEnded))
    return ended.result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPECNET_STORAGE", raising=False)
    return tmp_path


@pytest.fixture
def arrays(document: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Data that trials are trained on in this process, without others that would have to start."""
    document["data"] = {"type": "arrays", "split": {"validation": 0.3}}
    x = np.random.default_rng(0).normal(size=(60, 2))
    return x, x[:, 0] > 0


def test_trials_are_runs_with_the_values_that_the_sweep_has_chosen(document: dict[str, Any]) -> None:
    events = list(specnet.sweep(document, jobs=2))
    assert isinstance(events[0], SweepStarted)
    assert events[0].directions == ("minimize",)
    result = result_of(events)
    assert [trial.state for trial in result.trials] == ["complete"] * 3
    assert result.stopped == "completed"
    for trial in result.trials:
        kept = json.loads((trial.runs[0] / "resolved.json").read_text())["spec"]
        assert kept["layers"][0]["units"] == trial.parameters["variables.width"]
        rate = trial.parameters["training.optimizer.learning_rate"]
        assert kept["training"]["optimizer"]["learning_rate"] == rate
        assert kept["training"]["batch_size"] == trial.parameters["training.batch_size"]
        # The same document trained by itself comes to the same number.
        own = specnet.run({**specnet.load(document).replace(trial.parameters).model_dump(mode="json")})
        assert trial.values == (own.splits["validation"]["loss"],)
    best = min(result.trials, key=lambda trial: trial.values or (np.inf,))
    assert result.best == (best,)
    assert read_sweep(Path("runs/small-sweep/001")).trials == result.trials


def test_one_process_alone_gives_the_same_values_again(document: dict[str, Any]) -> None:
    first = result_of(list(specnet.sweep(document, jobs=1)))
    second = result_of(list(specnet.sweep(document, jobs=1)))
    assert [trial.parameters for trial in first.trials] == [trial.parameters for trial in second.trials]
    assert [trial.values for trial in first.trials] == [trial.values for trial in second.trials]
    assert first.path != second.path


def test_a_grid_has_every_combination_once(document: dict[str, Any]) -> None:
    document["sweep"] = {
        "sampler": "grid",
        "parameters": {
            "variables.width": {"low": 2, "high": 6, "step": 2, "integer": True},
            "training.optimizer": {"choices": ["sgd", {"type": "adam", "learning_rate": 0.1}]},
        },
    }
    result = result_of(list(specnet.sweep(document, jobs=2)))
    found = {json.dumps(dict(trial.parameters), sort_keys=True) for trial in result.trials}
    assert len(result.trials) == len(found) == 6
    assert all(trial.state == "complete" for trial in result.trials)


def test_conditional_parameters_are_set_where_their_condition_holds(document: dict[str, Any]) -> None:
    document["sweep"] = {
        "trials": 12,
        "sampler": "random",
        "parameters": {
            "training.optimizer.momentum": {"low": 0.1, "high": 0.9, "when": {"training.optimizer": "sgd"}},
            "training.optimizer": {"choices": ["adam", {"type": "sgd", "nesterov": True, "momentum": 0.5}]},
        },
    }
    result = result_of(list(specnet.sweep(document, jobs=2)))
    chosen = [trial.parameters for trial in result.trials]
    assert {isinstance(own["training.optimizer"], dict) for own in chosen} == {True, False}
    for trial in result.trials:
        is_sgd = isinstance(trial.parameters["training.optimizer"], dict)
        assert ("training.optimizer.momentum" in trial.parameters) == is_sgd
        kept = json.loads((trial.runs[0] / "resolved.json").read_text())["spec"]["training"]["optimizer"]
        assert kept["type"] == ("sgd" if is_sgd else "adam")
        if is_sgd:
            assert kept["nesterov"]
            assert kept["momentum"] == trial.parameters["training.optimizer.momentum"]


def test_the_objective_is_the_mean_over_seeds_and_folds(document: dict[str, Any]) -> None:
    document["data"]["split"] = {"folds": 3}
    document["sweep"] |= {"trials": 1, "seeds": 2, "folds": 2, "objective": ["test.loss", "parameters"]}
    (trial,) = result_of(list(specnet.sweep(document, jobs=1))).trials
    assert [run.name for run in trial.runs] == [
        "seed-0-fold-1",
        "seed-0-fold-2",
        "seed-1-fold-1",
        "seed-1-fold-2",
    ]
    losses = []
    for run in trial.runs:
        result = json.loads((run / "result.json").read_text())
        losses.append(result["splits"]["test"]["loss"])
        assert trial.values is not None
        assert trial.values[1] == result["parameters"]
    assert trial.values is not None
    assert trial.values[0] == pytest.approx(np.mean(losses), rel=1e-12)
    assert [own[0] for own in trial.each] == losses
    seeds = [json.loads((run / "resolved.json").read_text())["spec"]["seed"] for run in trial.runs]
    assert seeds == [0, 0, 1, 1]


def test_an_accuracy_is_maximized(document: dict[str, Any]) -> None:
    document["sweep"]["objective"] = "validation.accuracy"
    document["metrics"] = ["accuracy"]
    result = result_of(list(specnet.sweep(document, jobs=1)))
    assert result.directions == ("maximize",)
    assert result.best[0].values == max(trial.values for trial in result.trials if trial.values)


def test_a_trial_that_falls_behind_is_ended_early(document: dict[str, Any]) -> None:
    document["training"] |= {"epochs": 20_000, "batch_size": 8}
    del document["sweep"]["parameters"]["training.batch_size"]
    document["sweep"] |= {"trials": 2, "pruner": {"type": "threshold", "upper": 1e-6, "n_warmup_steps": 150}}
    events = list(specnet.sweep(document, jobs=1))
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert [event.state for event in ended] == ["pruned", "pruned"]
    result = result_of(events)
    for trial in result.trials:
        assert trial.values is None
        assert trial.curve
        assert all(step % 100 == 0 for step, _ in trial.curve)  # 200 of all epochs
        assert not list((trial.runs[0] / "checkpoints").glob("*"))
        assert json.loads((trial.runs[0] / "result.json").read_text())["epochs"] < 20_000


def test_stopping_keeps_all_and_resuming_continues(document: dict[str, Any]) -> None:
    document["training"] |= {"epochs": 3000, "batch_size": 8}
    document["sweep"] |= {"trials": 2}
    del document["sweep"]["parameters"]["training.batch_size"]
    seen: list[SweepEvent] = []
    events = []
    for event in specnet.sweep(document, jobs=1, stop=lambda: bool(seen)):
        events.append(event)
        if isinstance(event, TrialReported) and event.epoch > 5:
            seen.append(event)
    result = result_of(events)
    assert result.stopped == "interrupted"
    (run,) = events[-1].result.trials[0].runs  # type: ignore[union-attr]
    done = len((run / "metrics.jsonl").read_text().splitlines())
    assert 5 < done < 3000
    resumed = result_of(list(specnet.sweep(document, jobs=2, resume=True)))
    assert [trial.state for trial in resumed.trials] == ["complete"] * 2
    assert resumed.path == result.path
    again = next(trial for trial in resumed.trials if trial.retry_of == 0)
    assert again.runs == (run,)
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 3000
    whole = specnet.run(specnet.load(document).replace(again.parameters))
    assert again.values == (whole.splits["validation"]["loss"],)


def test_closing_the_iterator_lets_the_trials_be_continued(document: dict[str, Any]) -> None:
    document["training"] |= {"epochs": 2000, "batch_size": 8}
    del document["sweep"]["parameters"]["training.batch_size"]
    document["sweep"]["trials"] = 1
    events = specnet.sweep(document, jobs=1)
    for event in events:
        if isinstance(event, TrialReported):
            break
    events.close()
    document["training"]["epochs"] = 2000
    resumed = result_of(list(specnet.sweep(document, jobs=1, resume=True)))
    assert [trial.state for trial in resumed.trials] == ["complete"]


def test_a_killed_trial_is_taken_up_again(document: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    document["training"] |= {"epochs": 2000, "batch_size": 8}
    del document["sweep"]["parameters"]["training.batch_size"]
    document["sweep"]["trials"] = 1
    started: list[processes._Worker] = []
    start = processes.Processes._start

    def starting(self: processes.Processes) -> Any:
        started.append(start(self))
        return started[-1]

    monkeypatch.setattr(processes.Processes, "_start", starting)
    events: list[SweepEvent] = []
    for event in specnet.sweep(document, jobs=1):
        events.append(event)
        if isinstance(event, TrialReported) and len(started) == 1:
            os.kill(started[0].process.pid, signal.SIGKILL)
    ended = [event for event in events if isinstance(event, TrialEnded)]
    assert [event.state for event in ended] == ["lost", "complete"]
    assert "SIGKILL" in (ended[0].why or "")
    assert [event.retry_of for event in events if isinstance(event, TrialStarted)] == [None, 0]
    assert [trial.state for trial in result_of(events).trials] == ["complete"]


def test_a_trial_that_fails_is_recorded_and_the_sweep_goes_on(
    document: dict[str, Any], arrays: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from specnet.runs import directory

    save = directory.RunDirectory.save

    def full(self: directory.RunDirectory, result: Any) -> None:
        if self.path.name == "0001":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path / "model.npz"))
        save(self, result)

    monkeypatch.setattr(directory.RunDirectory, "save", full)
    result = result_of(list(specnet.sweep(document, data=arrays)))
    assert [trial.state for trial in result.trials] == ["complete", "failed", "complete"]
    assert "No space left on device" in (result.trials[1].why or "")


def test_what_is_too_large_for_an_extra_is_named_where_it_is_missing(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    document["sweep"]["sampler"] = "gp"
    with pytest.raises(specnet.RunError, match=r"the sampler `gp` needs torch, .*pip install torch"):
        list(specnet.sweep(document, jobs=1))
    assert not Path("runs").exists()


def test_a_training_that_diverges_is_no_result(document: dict[str, Any]) -> None:
    rate = {"choices": [1e38, 0.1]}
    document["training"]["optimizer"] = "sgd"
    document["loss"] = "mse"
    document["sweep"] = {"sampler": "grid", "parameters": {"training.optimizer.learning_rate": rate}}
    result = result_of(list(specnet.sweep(document, jobs=1)))
    assert sorted(trial.state for trial in result.trials) == ["complete", "diverged"]


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "cma_es", "gp", "nsgaii"])
@pytest.mark.filterwarnings("error")
def test_every_sampler_searches(document: dict[str, Any], arrays: Any, sampler: str) -> None:
    chosen: Any = sampler
    if sampler == "gp":
        pytest.importorskip("torch")
        chosen = {"type": "gp", "n_startup_trials": 2}
    document["sweep"] |= {"sampler": chosen, "trials": 4}
    result = result_of(list(specnet.sweep(document, data=arrays)))
    assert [trial.state for trial in result.trials] == ["complete"] * 4
    assert len({json.dumps(dict(trial.parameters)) for trial in result.trials}) > 1


PRUNERS = [
    "median", "percentile", "successive_halving", "hyperband", {"type": "patient", "pruner": "median", "patience": 1},
    {"type": "patient", "patience": 0}, {"type": "threshold", "lower": 0.0, "upper": 100},
]  # fmt: skip


@pytest.mark.parametrize("pruner", PRUNERS, ids=str)
@pytest.mark.filterwarnings("error")
def test_every_pruner_prunes(document: dict[str, Any], arrays: Any, pruner: Any) -> None:
    document["sweep"] |= {"pruner": pruner, "trials": 4}
    document["training"]["epochs"] = 6
    result = result_of(list(specnet.sweep(document, data=arrays)))
    assert {trial.state for trial in result.trials} <= {"complete", "pruned"}
    assert all(trial.curve for trial in result.trials)


def test_a_sweep_of_another_document_is_not_joined(document: dict[str, Any]) -> None:
    list(specnet.sweep(document, jobs=1))
    document["training"]["epochs"] = 4
    with pytest.raises(specnet.RunError, match="is of another document"):
        list(specnet.sweep(document, jobs=1, resume=True))


def test_a_longer_sweep_goes_on_from_the_same_trials(document: dict[str, Any]) -> None:
    first = result_of(list(specnet.sweep(document, jobs=1)))
    document["sweep"]["trials"] = 5
    more = result_of(list(specnet.sweep(document, jobs=1, resume=True)))
    assert more.trials[:3] == first.trials
    assert len(more.trials) == 5
    assert result_of(list(specnet.sweep(document, jobs=1, resume=True))).trials == more.trials


def test_nothing_begins_where_a_value_is_faulty(document: dict[str, Any]) -> None:
    document["sweep"]["parameters"]["training.epochs"] = {"choices": [3, 0]}
    with pytest.raises(specnet.SpecError, match="SN241"):
        specnet.sweep(document)
    del document["sweep"]
    with pytest.raises(specnet.SpecError, match="no `\\[sweep\\]`"):
        specnet.sweep(document)
    assert not Path("runs").exists()


def test_no_trial_begins_after_max_seconds(document: dict[str, Any]) -> None:
    document["sweep"] |= {"trials": 500, "max_seconds": 2.0}
    began = time.monotonic()
    result = result_of(list(specnet.sweep(document, jobs=1)))
    assert result.stopped == "max_seconds"
    assert time.monotonic() - began < 30
    assert len(result.trials) < 500


def test_importances_need_some_trials_that_differ(document: dict[str, Any]) -> None:
    document["sweep"] |= {"trials": stored.MIN_IMPORTANCE, "sampler": "random"}
    result = result_of(list(specnet.sweep(document, jobs=2)))
    assert set(result.importances) == set(document["sweep"]["parameters"])
    assert sum(result.importances.values()) == pytest.approx(1.0)
