"""A document with folds: a run for each fold, and what they come to together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.runs import fold_workers
from specnet.training.events import Event, Span

SPLIT = {"folds": 3, "stratify": True, "validation": 0.25}


def document(split: dict[str, Any] = SPLIT, **more: Any) -> dict[str, Any]:
    return {
        "specnet": 1,
        "name": "folded",
        "data": {
            "type": "builtin",
            "name": "iris",
            "split": split,
            "transforms": ["standardize"],
            **more.pop("data", {}),
        },
        "layers": [{"type": "dense", "units": 4, "activation": "relu"}, {"type": "dense", "units": 3}],
        "loss": "cross_entropy",
        "metrics": ["accuracy", "confusion"],
        "training": {"epochs": 4, "optimizer": {"type": "adam", "learning_rate": 0.02}, **more},
    }


def result_of(run: Path) -> dict[str, Any]:
    return json.loads((run / "result.json").read_text(encoding="utf-8"))


def untimed(result: dict[str, Any]) -> dict[str, Any]:
    """A result without what differs between equal runs."""
    plain = {key: value for key, value in result.items() if key not in ("seconds", "run", "specnet")}
    return {**plain, "folds": [untimed(fold) for fold in plain["folds"]]} if "folds" in plain else plain


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> specnet.Result:
    """A finished run, which no test changes."""
    return specnet.run(document(), out=tmp_path_factory.mktemp("runs") / "whole")


class Stop:
    """Asks for the end of the training at some step of some fold."""

    def __init__(self, fold: int, steps: int) -> None:
        self.fold, self.steps = fold, steps
        self.events: list[Event | Span] = []

    def listen(self, event: Event | Span) -> None:
        self.events.append(event)

    def __call__(self) -> bool:
        now = [event.fold for event in self.events if isinstance(event, specnet.FoldStarted)]
        self.steps -= bool(now) and now[-1] == self.fold
        return self.steps < 0


def test_each_fold_is_a_run_of_its_own(whole):
    assert whole.run is not None
    names = sorted(path.name for path in whole.run.iterdir())
    assert names == ["folds", "predictions.npz", "resolved.json", "result.json", "spec.json"]
    assert sorted(path.name for path in (whole.run / "folds").iterdir()) == ["1", "2", "3"]
    for number, fold in enumerate(whole.folds, 1):
        place = whole.run / "folds" / str(number)
        alone = specnet.run(document({**SPLIT, "fold": number}))
        assert fold.run == place
        assert fold.splits == alone.splits
        assert specnet.evaluate(place).splits == fold.splits
        for name, array in specnet.load_run(place).parameters.items():
            np.testing.assert_array_equal(array, alone.parameters[name])


def test_figures_are_means_with_standard_deviations(whole):
    for split in ("train", "validation", "test"):
        losses = [fold.splits[split]["loss"] for fold in whole.folds]
        assert whole.splits[split]["loss"] == pytest.approx(np.mean(losses))
        assert whole.std[split]["loss"] == pytest.approx(np.std(losses, ddof=1))
        matrices = [fold.splits[split]["confusion"] for fold in whole.folds]
        np.testing.assert_allclose(whole.splits[split]["confusion"], np.mean(matrices, axis=0))
        assert "confusion" not in whole.std[split]
    assert whole.epochs == 12
    assert (whole.stopped, whole.why) == ("completed", "all 3 folds completed")


def test_the_result_is_written_as_the_command_prints_it(whole):
    assert whole.run is not None
    stored = result_of(whole.run)
    assert stored == json.loads(json.dumps(whole.as_dict()))
    assert stored["splits"]["test"]["std"]["accuracy"] == whole.std["test"]["accuracy"]
    assert stored["splits"]["test"]["loss"] == whole.splits["test"]["loss"]
    assert [fold["stopped"] for fold in stored["folds"]] == ["completed"] * 3
    assert [fold["splits"] for fold in stored["folds"]] == [dict(fold.splits) for fold in whole.folds]


def test_each_row_is_predicted_by_the_model_that_has_not_seen_it(whole):
    given = whole.out_of_fold
    assert given is not None
    assert sorted(given.rows.tolist()) == list(range(150))
    iris = specnet.run(document({}, epochs=1)).data.splits["train"]
    np.testing.assert_array_equal(given.targets, iris.targets[given.rows])
    right = given.predictions.argmax(axis=1) == given.targets
    for number, fold in enumerate(whole.folds, 1):
        own = given.folds == number
        assert right[own].mean() == pytest.approx(fold.splits["test"]["accuracy"])
    assert whole.run is not None
    with np.load(whole.run / "predictions.npz") as stored:
        assert set(stored) == {"rows", "folds", "targets", "predictions"}
        np.testing.assert_array_equal(stored["predictions"], given.predictions)


def test_numbers_are_out_of_fold_in_the_units_of_the_data(tmp_path):
    x = np.arange(30.0)[:, None]
    spec = {
        "specnet": 1,
        "data": {
            "type": "arrays",
            "split": {"folds": 3, "repeats": 2},
            "transforms": ["standardize", {"type": "standardize", "on": "targets"}],
        },
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 30, "optimizer": {"type": "sgd", "learning_rate": 0.1}},
    }
    result = specnet.run(spec, data=(x, 1000 + 3 * x[:, 0]), out=tmp_path / "run")
    given = result.out_of_fold
    assert given is not None
    np.testing.assert_allclose(given.targets, 1000 + 3.0 * given.rows, rtol=1e-6)
    assert np.abs(given.predictions[:, 0] - given.targets).max() < 20
    assert sorted(given.rows.tolist()) == sorted([*range(30), *range(30)])
    assert len(result.folds) == 6


def test_the_model_is_the_mean_of_the_folds(whole, tmp_path):
    assert whole.run is not None
    rows = [[5.1, 3.5, 1.4, 0.2], [6.3, 2.8, 5.1, 1.5]]
    each = np.array([specnet.load_run(whole.run / "folds" / str(n)).predict(rows) for n in (1, 2, 3)])
    for model in (whole.model, specnet.load_run(whole.run)):
        assert isinstance(model, specnet.AveragedModel)
        np.testing.assert_allclose(model.predict(rows), each.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(model.spread(rows), each.std(axis=0, ddof=1), rtol=1e-4)
        assert model.classes == ("setosa", "versicolor", "virginica")
        assert len(model.models) == 3
        assert "2.dense_1.kernel" in model.parameters
        found = model.evaluate(rows, ["setosa", "virginica"])
        assert found.splits["data"]["loss"] == pytest.approx(
            -np.log(model.predict(rows)[[0, 1], [0, 2]]).mean()
        )
        own = [m.evaluate(rows, ["setosa", "virginica"]).splits["data"]["loss"] for m in model.models]
        assert found.members["data"].mean["loss"] == pytest.approx(np.mean(own))
        with pytest.raises(ValueError, match=r"model.models\[0\].outputs_of"):
            model.outputs_of("dense_1", rows)
        model.save(tmp_path / "model.specnet")
        again = specnet.load_model(tmp_path / "model.specnet")
        np.testing.assert_array_equal(again.predict(rows), model.predict(rows))


@pytest.mark.parametrize(("fold", "steps"), [(1, 3), (2, 0), (2, 7), (3, 5)])
def test_an_interrupted_run_resumes_to_the_bit(whole, tmp_path, fold, steps):
    run, stop = tmp_path / "run", Stop(fold, steps)
    broken = specnet.run(document(), out=run, stop=stop, listener=stop.listen)
    assert broken.stopped == "interrupted"
    assert result_of(run)["stopped"] == "interrupted"
    assert not (run / "predictions.npz").exists()
    events: list[Event | Span] = []
    result = specnet.run(document(), resume=run, listener=events.append)
    again = [event.fold for event in events if isinstance(event, specnet.FoldStarted)]
    assert again == list(range(fold, 4))
    assert untimed(result_of(run)) == untimed(whole.as_dict())
    assert (run / "predictions.npz").read_bytes() == (whole.run / "predictions.npz").read_bytes()
    assert result.out_of_fold is not None


def test_a_finished_run_is_read_and_not_trained(whole):
    events: list[Event | Span] = []
    result = specnet.run(document(), resume=whole.run, listener=events.append)
    assert {type(event) for event in events} == {specnet.FoldEnded}
    assert result.as_dict() == whole.as_dict()


def test_a_fold_without_its_predictions_gets_them_again(whole, tmp_path):
    run = tmp_path / "run"
    specnet.run(document(), out=run)
    (run / "folds" / "2" / "predictions.npz").unlink()
    (run / "result.json").unlink()
    result = specnet.run(document(), resume=run)
    assert untimed(result.as_dict()) == untimed(whole.as_dict())
    assert (run / "predictions.npz").read_bytes() == (whole.run / "predictions.npz").read_bytes()


def test_workers_come_to_the_same_bits(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(fold_workers, "PAYS", 0.0)
    monkeypatch.setattr(fold_workers, "allowed", lambda: 2)
    start, workers = fold_workers._start, []
    monkeypatch.setattr(fold_workers, "_start", lambda *asked: workers.append(start(*asked)) or workers[-1])
    events: list[Event | Span] = []
    result = specnet.run(document(), out=tmp_path / "run", listener=events.append)
    assert [worker.returncode for worker in workers] == [0, 0]
    assert [event.fold for event in events if isinstance(event, specnet.FoldStarted)] == [1]
    ended = [event.fold for event in events if isinstance(event, specnet.FoldEnded)]
    assert (ended[0], sorted(ended)) == (1, [1, 2, 3])
    assert untimed(result.as_dict()) == untimed(whole.as_dict())
    for fold in "123":
        mine, theirs = (run / "folds" / fold / "model.npz" for run in (tmp_path / "run", whole.run))
        assert mine.read_bytes() == theirs.read_bytes()


def test_workers_stop_when_the_run_stops(whole, tmp_path, monkeypatch):
    """The run is stopped as soon as a worker has begun with the second fold, which saves what it has."""
    monkeypatch.setattr(fold_workers, "PAYS", 0.0)
    monkeypatch.setattr(fold_workers, "allowed", lambda: 2)
    began: list[Path] = []
    start = fold_workers._start

    def noted(spec: Any, place: Path, *asked: Any) -> Any:
        assert asked == (2, "numpy")
        began.append(place)
        return start(spec, place, *asked)

    monkeypatch.setattr(fold_workers, "_start", noted)
    run = tmp_path / "run"
    result = specnet.run(document(), out=run, stop=lambda: bool(began), threads=2, engine="numpy")
    assert began == [run / "folds" / "2", run / "folds" / "3"]
    assert (result.stopped, len(result.folds)) == ("interrupted", 1)
    assert result_of(run / "folds" / "2")["stopped"] == "interrupted"
    ended = specnet.run(document(), resume=run)
    assert untimed(ended.as_dict()) == untimed(whole.as_dict())


def test_a_faulty_fold_is_reported_as_it_is(tmp_path, monkeypatch):
    """What a worker cannot train, its parent tries again, and so sees why."""
    monkeypatch.setattr(fold_workers, "PAYS", 0.0)
    monkeypatch.setattr(fold_workers, "allowed", lambda: 2)
    monkeypatch.setattr(fold_workers, "COMMAND", "raise SystemExit(3)")
    result = specnet.run(document(), out=tmp_path / "run")
    assert result.stopped == "completed"


def test_changed_data_are_refused_between_folds(tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("x,y\n" + "".join(f"{i},{i / 2}\n" for i in range(12)), encoding="utf-8")
    spec = {
        "specnet": 1,
        "data": {"type": "csv", "path": str(table), "target": "y", "split": {"folds": 3}},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
    }

    def change(event: Event | Span) -> None:
        if isinstance(event, specnet.FoldEnded) and event.fold == 2:
            table.write_text(table.read_text(encoding="utf-8").replace("5.5", "6.5"), encoding="utf-8")

    with pytest.raises(specnet.RunError, match=r"data have changed between the folds.*for fold 3"):
        specnet.run(spec, out=tmp_path / "run", listener=change)


def test_another_experiment_is_not_resumed(whole):
    with pytest.raises(specnet.RunError, match="another experiment"):
        specnet.run(document({**SPLIT, "folds": 4}), resume=whole.run)
    with pytest.raises(specnet.RunError, match="another experiment"):
        specnet.run(document({**SPLIT, "fold": 1}), resume=whole.run)


def test_a_run_replaces_an_earlier_one_with_its_folds(tmp_path):
    run = tmp_path / "run"
    specnet.run(document({"folds": 4}), out=run)
    (run / "folds" / "notes.txt").write_text("mine", encoding="utf-8")
    specnet.run(document({"folds": 2}), out=run)
    assert sorted(path.name for path in (run / "folds").iterdir()) == ["1", "2", "notes.txt"]
    specnet.run(document({"test": 0.2}), out=run)
    assert sorted(path.name for path in (run / "folds").iterdir()) == ["notes.txt"]
    assert not (run / "predictions.npz").exists()


def test_more_epochs_are_trained_from_where_each_fold_was(tmp_path):
    run = tmp_path / "run"
    kept = {"checkpoint": {"every_epochs": 1}}
    specnet.run(document(**kept), out=run)
    result = specnet.run(document(epochs=6, **kept), resume=run)
    other = specnet.run(document(epochs=6, **kept), out=tmp_path / "other")
    assert untimed(result.as_dict()) == untimed(other.as_dict())


def test_nothing_is_written_without_a_directory(tmp_path, monkeypatch, whole):
    monkeypatch.chdir(tmp_path)
    result = specnet.run(document())
    assert list(tmp_path.iterdir()) == []
    assert untimed(result.as_dict())["splits"] == untimed(whole.as_dict())["splits"]


def test_a_frame_is_split_into_folds(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": np.arange(24.0), "y": np.arange(24.0) / 2, "who": np.arange(24) // 4})
    spec = {
        "specnet": 1,
        "data": {"type": "frame", "target": "y", "split": {"folds": 3, "group": "who", "validation": 0.3}},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
    }
    result = specnet.run(spec, data=frame, folder=tmp_path)
    assert result.out_of_fold is not None
    for fold in (1, 2, 3):
        rows = result.out_of_fold.rows[result.out_of_fold.folds == fold]
        assert len(set((rows // 4).tolist())) == 2
    assert specnet.run(spec, data=frame, resume=result.run).splits == result.splits


def test_a_fold_that_diverges_is_named(tmp_path):
    wild = document(epochs=30)
    wild["training"]["optimizer"] = {"type": "sgd", "learning_rate": 1e30}
    wild["dtype"] = "float32"
    result = specnet.run(wild, out=tmp_path / "run")
    assert result.stopped == "diverged"
    assert result.why.startswith("folds 1, 2 and 3 diverged: ")
    (tmp_path / "run" / "folds" / "1" / "model.npz").unlink(missing_ok=True)
    with pytest.raises(specnet.RunError, match="has no model of fold 1"):
        specnet.load_run(tmp_path / "run")


def test_a_document_is_compiled_and_trained_with_its_first_fold():
    first = document({**SPLIT, "fold": 1})
    *_, ended = specnet.train(document())
    *_, alone = specnet.train(first)
    assert ended.splits == alone.splits
    np.testing.assert_array_equal(
        specnet.compile(document()).parameters["dense_1.kernel"],
        specnet.compile(first).parameters["dense_1.kernel"],
    )


def test_what_is_wrong_with_any_fold_is_found_before_the_first(tmp_path):
    """Beside one of the folds, only one group is left to validate on."""
    rows = "".join(f"{i},{i / 2},{group}\n" for i, group in enumerate("aaaabbc"))
    (tmp_path / "t.csv").write_text(f"x,y,who\n{rows}", encoding="utf-8")
    split = {"folds": 2, "group": "who", "validation": 0.3}
    spec = {
        "specnet": 1,
        "data": {"type": "csv", "path": str(tmp_path / "t.csv"), "target": "y", "split": split},
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
    }
    messages = [d.message for d in specnet.validate(spec).diagnostics]
    assert messages == ["the validation split of fold 2 needs 2 groups, and there is 1"]
    with pytest.raises(specnet.SpecError, match="of fold 2 needs 2 groups"):
        specnet.run(spec, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_early_stopping_needs_a_validation_split_in_the_folds():
    report = specnet.validate(document({"folds": 3}, early_stopping={"patience": 2}))
    assert [d.code for d in report.diagnostics if d.severity == "error"] != []
    assert specnet.validate(document(early_stopping={"patience": 2})).ok


def test_a_result_of_folds_is_shown_in_notebooks(whole):
    shown = whole._repr_html_()
    assert "all 3 folds" in shown or "completed" in shown
