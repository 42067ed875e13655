"""A finished run that is resumed gives the result that it ended with; what a crash has left of one is finished."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.runs import directory
from specnet.runs.directory import RunDirectory
from specnet.runs.resuming import newest
from specnet.storage.files import finite
from tests.support.resuming import after

MOONS = {"type": "synthetic", "kind": "moons", "samples": 60, "noise": 0.2, "split": {"validation": 0.25}}
FAST = {"type": "sgd", "learning_rate": 2.0, "momentum": 0.9}

ENDS: dict[str, dict[str, Any]] = {
    "completed": {"epochs": 4},
    "completed, with checkpoints": {"epochs": 4, "checkpoint": {"best": "validation.loss"}},
    "completed, now and then validated": {"epochs": 7, "validate_every": 3, "batch_size": "full"},
    "early_stopping": {"epochs": 50, "early_stopping": {"patience": 1}, "optimizer": FAST},
    "diverged": {"epochs": 4, "optimizer": {"type": "sgd", "learning_rate": 1e38}},
}


def document(**training: Any) -> specnet.Spec:
    """Return a spec of two moons; `data`, `loss` and `outputs` among the options are not the training's."""
    more = {key: training.pop(key) for key in ("data", "seed", "output") if key in training}
    layers = [{"type": "dense", "units": 4, "activation": "tanh"}, {"type": "dense", "units": 2}]
    return specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "name": "moons",
                "data": MOONS,
                "layers": layers,
                "loss": "cross_entropy",
                "metrics": ["accuracy", "confusion"],
                "training": {"batch_size": 8, **training},
                **more,
            }
        )
    )


def files(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def learnt(run: Path) -> tuple[bytes, list[Any], Any]:
    """Return all that a run's directory says of what was learnt, but for times and its own path."""
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    result = json.loads((run / "result.json").read_text())
    for row in (*rows, result):
        del row["seconds"]
    return (run / "model.npz").read_bytes(), rows, {**result, "run": None}


@pytest.mark.parametrize("name", ENDS)
def test_the_result_is_the_one_that_the_run_ended_with(tmp_path: Path, name: str) -> None:
    spec, events = document(**ENDS[name]), []
    ended = specnet.run(spec, out=tmp_path)
    before = files(tmp_path)
    found = specnet.run(spec, resume=tmp_path, listener=events.append)
    assert events == []
    assert files(tmp_path) == before
    assert found.stopped == ended.stopped == name.partition(",")[0]
    assert json.dumps(finite(found.as_dict())) == json.dumps(finite(ended.as_dict()))
    assert [{**row, "seconds": 0} for row in found.history] == [
        {**row, "seconds": 0} for row in ended.history
    ]
    np.testing.assert_array_equal(found.model.parameters.flat, ended.model.parameters.flat)
    assert {name: len(split) for name, split in found.data.splits.items()} == {"train": 45, "validation": 15}
    assert found.model.predict([[0.5, 0.5]]).tolist() == ended.model.predict([[0.5, 0.5]]).tolist()


def test_parameters_that_were_not_finite_are_nan(tmp_path: Path) -> None:
    spec = document(optimizer={"type": "sgd", "learning_rate": 1e30, "weight_decay": 0.1})
    ended = specnet.run(spec, out=tmp_path)
    assert ended.stopped == "diverged"
    assert not (tmp_path / "model.npz").exists()
    found = specnet.run(spec, resume=tmp_path)
    assert finite(found.as_dict()) == finite(ended.as_dict())
    assert np.isnan(found.model.parameters.flat).all()


def test_figures_that_were_not_finite_are_nan(tmp_path: Path) -> None:
    specnet.run(document(epochs=2), out=tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    result["splits"]["train"]["loss"] = None
    (tmp_path / "result.json").write_text(json.dumps(result))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) | {"train": {"loss": None}} for line in lines]
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = specnet.run(document(epochs=2), resume=tmp_path)
    assert np.isnan(found.splits["train"]["loss"])
    assert np.isnan(found.history.loss).all()


def test_the_version_is_that_of_the_training(tmp_path: Path) -> None:
    specnet.run(document(epochs=1), out=tmp_path)
    result = json.loads((tmp_path / "result.json").read_text())
    (tmp_path / "result.json").write_text(json.dumps({**result, "specnet": "0.0.9"}))
    assert specnet.run(document(epochs=1), resume=tmp_path).as_dict()["specnet"] == "0.0.9"


@pytest.mark.parametrize("end", ["completed", "early_stopping", "diverged"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 9}, r"another experiment.*`training\.batch_size` is 9, and was 8"),
        ({"seed": 5}, "another experiment.*`seed` is 5, and was 0"),
        ({"max_seconds": 1.0}, r"another experiment.*`training\.max_seconds` is 1\.0"),
    ],
)
def test_another_experiment_is_still_refused(tmp_path: Path, end: str, changes: Any, message: str) -> None:
    specnet.run(document(**ENDS[end]), out=tmp_path)
    before = files(tmp_path)
    with pytest.raises(specnet.RunError, match=message):
        specnet.run(document(**ENDS[end], **changes), resume=tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    ("end", "changes", "message"),
    [
        ("completed", {"epochs": 5}, "is finished and kept no checkpoint"),
        ("early_stopping", {"epochs": 60}, "is finished .validation.loss .*: there is nothing to resume"),
        ("diverged", {"epochs": 5}, "is finished .the loss became .*: there is nothing to resume"),
    ],
)
def test_more_than_there_can_be_is_still_refused(
    tmp_path: Path, end: str, changes: Any, message: str
) -> None:
    specnet.run(document(**ENDS[end]), out=tmp_path)
    before = files(tmp_path)
    with pytest.raises(specnet.RunError, match=message):
        specnet.run(document(**ENDS[end] | changes), resume=tmp_path)
    assert files(tmp_path) == before


def test_more_seconds_are_nothing_to_a_run_that_has_completed(tmp_path: Path) -> None:
    specnet.run(document(epochs=2, max_seconds=100.0), out=tmp_path)
    with pytest.raises(specnet.RunError, match=r"is finished .*raise training\.epochs to continue"):
        specnet.run(document(epochs=2, max_seconds=200.0), resume=tmp_path)


def test_what_is_only_shown_may_differ(tmp_path: Path) -> None:
    ended = specnet.run(document(epochs=2), out=tmp_path)
    found = specnet.run(document(epochs=2, output={"show": ["weights"]}), resume=tmp_path)
    assert found.as_dict() == ended.as_dict()
    assert found.model.network.spec.output.show == ("weights",)


def test_other_data_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a,kind\n" + "".join(f"{n},{'xy'[n % 2]}\n" for n in range(30)))
    spec = document(epochs=2, data={"type": "csv", "path": str(table), "target": "kind"})
    specnet.run(spec, out=tmp_path / "run")
    table.write_text(table.read_text().replace("29,", "28,"))
    with pytest.raises(specnet.RunError, match="the data have changed since"):
        specnet.run(spec, resume=tmp_path / "run")


def test_a_run_in_use_is_refused(tmp_path: Path) -> None:
    from specnet.runs.lock import locked

    specnet.run(document(epochs=1), out=tmp_path)
    with locked(tmp_path), pytest.raises(specnet.RunError, match="is in use by process"):
        specnet.run(document(epochs=1), resume=tmp_path)


@pytest.mark.parametrize("name", ["model.npz", "metrics.jsonl"])
def test_damage_is_named(tmp_path: Path, name: str) -> None:
    specnet.run(document(epochs=2), out=tmp_path)
    damaged = {"model.npz": "x", "metrics.jsonl": '{"epoch": 1}\n'}
    (tmp_path / name).write_text(damaged[name])
    with pytest.raises(specnet.RunError, match=r"is damaged"):
        specnet.run(document(epochs=2), resume=tmp_path)


# What a crash leaves


class Killed(BaseException):
    """Stands for the end of a process; nothing in the program catches it."""


def killed(*_: Any) -> None:
    raise Killed


@pytest.mark.parametrize("checkpoint", [None, {"every_epochs": 2}])
def test_killed_between_the_model_and_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: dict[str, Any] | None
) -> None:
    spec = document(epochs=5, checkpoint=checkpoint) if checkpoint else document(epochs=5)
    whole = specnet.run(spec, out=tmp_path / "whole")
    write = directory.write_json
    with monkeypatch.context() as patch:
        patch.setattr(
            directory,
            "write_json",
            lambda path, data: (killed if path.name == "result.json" else write)(path, data),
        )
        with pytest.raises(Killed):
            specnet.run(spec, out=tmp_path / "cut")
    assert (tmp_path / "cut" / "model.npz").exists()
    assert not (tmp_path / "cut" / "result.json").exists()
    events: list[Any] = []
    result = specnet.run(spec, resume=tmp_path / "cut", listener=events.append)
    assert result.stopped == "completed"
    assert events[0].epoch == (4 if checkpoint else 0)
    assert learnt(tmp_path / "cut") == learnt(tmp_path / "whole")
    np.testing.assert_array_equal(result.model.parameters.flat, whole.model.parameters.flat)


def test_killed_between_the_result_and_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a run was interrupted and went on, its checkpoint is removed last; resuming it makes up for that."""
    spec = document(epochs=5)
    specnet.run(spec, out=tmp_path, stop=after(8))
    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "forget_checkpoints", killed)
        with pytest.raises(Killed):
            specnet.run(spec, resume=tmp_path)
    assert (tmp_path / "checkpoints").is_dir()
    before = learnt(tmp_path)
    assert specnet.run(spec, resume=tmp_path).stopped == "completed"
    assert learnt(tmp_path) == before
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("stop", [11, 10**9], ids=["interrupted", "finished"])
@pytest.mark.parametrize("torn", ["", "{", "[]", "{}", '{"stopped": "completed"}', "half"])
@pytest.mark.parametrize("checkpoint", [None, {"every_epochs": 2}])
def test_a_torn_result_is_made_again(tmp_path: Path, stop: int, torn: str, checkpoint: Any) -> None:
    spec = document(epochs=5, checkpoint=checkpoint) if checkpoint else document(epochs=5)
    specnet.run(spec, out=tmp_path / "whole")
    specnet.run(spec, out=tmp_path / "cut", stop=after(stop))
    path = tmp_path / "cut" / "result.json"
    text = path.read_text()
    path.write_text(text[: len(text) // 2] if torn == "half" else torn)
    events: list[Any] = []
    result = specnet.run(spec, resume=tmp_path / "cut", listener=events.append)
    (problem,) = events[0].problems
    assert problem.startswith(f"{path} is damaged, so that the run counts as unfinished: ")
    assert result.stopped == "completed"
    assert learnt(tmp_path / "cut") == learnt(tmp_path / "whole")


def test_the_newest_unfinished_run_comes_first_and_else_the_newest(tmp_path: Path) -> None:
    spec = document(epochs=2)
    with pytest.raises(specnet.RunError, match=r"there is no run in .*moons to resume"):
        newest(tmp_path, "moons")
    for stop in (3, 5, 10**9, 10**9):
        specnet.run(spec, folder=tmp_path, stop=after(stop))
    (tmp_path / "moons" / "005").mkdir()
    (tmp_path / "moons" / "notes").mkdir()
    assert newest(tmp_path, "moons") == tmp_path / "moons" / "002"
    (tmp_path / "moons" / "003" / "result.json").write_text("{")
    assert newest(tmp_path, "moons") == tmp_path / "moons" / "003"
    for number in ("001", "002", "003"):
        specnet.run(spec, resume=tmp_path / "moons" / number)
    assert newest(tmp_path, "moons") == tmp_path / "moons" / "004"
