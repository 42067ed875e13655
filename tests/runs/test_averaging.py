"""Several runs predict and are exported as one."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet as package
from tests.support.command_line import environment, run_command

RNG = np.random.default_rng(5)

HEAD = "size,colour,weight,price,kind,dear\n"


def _row(number: int) -> str:
    colour, size = ("red", "green", "blue")[number % 3], number / 10
    weight = "" if number % 7 == 0 else f"{(number * 13) % 17 / 4}"
    return f"{size},{colour},{weight},{3 * size + number % 3},{'small' if number < 30 else 'large'},{number % 2}\n"


TABLE = HEAD + "".join(map(_row, range(60)))
NEW = "size,colour,weight\n0.3,red,1.5\n4.1,blue,\n2.2,green,3.0\n"

PRICE: dict[str, Any] = {
    "specnet": 1,
    "name": "price",
    "loss": "mse",
    "layers": [{"type": "dense", "units": 5, "activation": "tanh"}, {"type": "dense", "units": 1}],
    "training": {"epochs": 3},
    "data": {
        "type": "csv",
        "path": "table.csv",
        "target": "price",
        "features": ["size", "colour", "weight"],
        "missing": "mean",
        "scale": "standardize",
        "split": {"validation": 0.2},
        "transforms": [{"type": "standardize", "on": "targets"}],
    },
}
KIND = {
    **PRICE,
    "name": "kind",
    "loss": "cross_entropy",
    "layers": [{"type": "dense", "units": 2}],
    "data": {**PRICE["data"], "target": "kind", "transforms": []},
}
DEAR = {
    **PRICE,
    "name": "dear",
    "loss": "binary_cross_entropy",
    "output": {"threshold": "f1"},
    "layers": [{"type": "dense", "units": 1}],
    "data": {**PRICE["data"], "target": "dear", "transforms": []},
}
BOTH = {
    "specnet": 1,
    "name": "both",
    "layers": [
        {"type": "dense", "units": 4, "name": "trunk", "activation": "tanh"},
        {"type": "dense", "units": 2, "name": "out"},
        {"type": "dense", "units": 3, "name": "again", "inputs": ["trunk"]},
    ],
    "outputs": {"out": {"loss": "mse"}, "again": {"loss": "mse", "target": "inputs"}},
    "training": {"epochs": 2},
    "data": {
        "type": "npz",
        "path": "both.npz",
        "split": {"validation": 0.3},
        "transforms": [{"type": "standardize", "on": "inputs"}, {"type": "standardize", "on": "targets"}],
    },
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of all documents."""
    folder = tmp_path_factory.mktemp("averaged")
    (folder / "table.csv").write_text(TABLE, encoding="utf-8")
    (folder / "new.csv").write_text(NEW, encoding="utf-8")
    np.savez(folder / "both.npz", inputs=RNG.normal(3.0, 2.0, (40, 3)), targets=RNG.normal(9.0, 4.0, (40, 2)))
    for document in (PRICE, KIND, DEAR, BOTH):
        path = folder / f"{document['name']}.json"
        path.write_text(json.dumps(document), encoding="utf-8")
        for seed in (1, 2, 3):
            spec = package.load(path, overrides={"seed": seed})
            package.run(spec, out=folder / "runs" / document["name"] / str(seed))
    return folder


def _specnet(folder: Path, *arguments: str | Path, given: str | None = None) -> Any:
    return run_command([*map(str, arguments)], folder, environment(), given=given)


def _runs(folder: Path, name: str) -> list[Path]:
    return [folder / "runs" / name / str(seed) for seed in (1, 2, 3)]


ROWS = [[0.3, "red", 1.5], [4.1, "blue", None], [2.2, "green", 3.0]]


@pytest.mark.parametrize("name", ["price", "kind", "dear"])
def test_the_mean_and_the_spread_are_those_of_the_runs(kept: Path, name: str) -> None:
    runs = _runs(kept, name)
    each = np.stack([package.load_run(run).predict(ROWS) for run in runs]).astype(float)
    assert each.std(axis=0).min() > 0
    model = package.load_run(runs)
    assert isinstance(model, package.AveragedModel)
    assert len(model.models) == 3
    assert repr(model) == f"<AveragedModel {name}: 3 models>"
    np.testing.assert_allclose(model.predict(ROWS), each.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.spread(ROWS), each.std(axis=0, ddof=1), rtol=1e-5)


def test_of_several_outputs_each_is_averaged(kept: Path) -> None:
    rows = RNG.normal(3.0, 2.0, (5, 3))
    model = package.load_run(_runs(kept, "both"))
    each = [own.predict(rows) for own in model.models]
    for name in ("out", "again"):
        values = np.stack([own[name] for own in each]).astype(float)
        np.testing.assert_allclose(model.predict(rows)[name], values.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(model.spread(rows, output=name), values.std(axis=0, ddof=1), rtol=1e-5)


@pytest.mark.parametrize("beside", [None, "made.npz"])
@pytest.mark.parametrize("name", ["price", "kind", "dear", "both"])
def test_a_program_predicts_as_the_mean(kept: Path, tmp_path: Path, name: str, beside: str | None) -> None:
    from specnet.interchange.exporting import Exported, numpy_program

    rows: Any = RNG.normal(3.0, 2.0, (5, 3)) if name == "both" else ROWS
    model = package.load_run(_runs(kept, name))
    made = numpy_program(Exported.of(*_runs(kept, name)), training=False, beside=beside)
    if beside is not None:
        np.savez(tmp_path / beside, **made.arrays)
    scope: dict[str, Any] = {"__file__": str(tmp_path / "made.py")}
    exec(made.text, scope)
    for function, expected in (("predict", model.predict(rows)), ("spread", model.spread(rows))):
        found = scope[function](rows)
        for output in ("out", "again") if name == "both" else ("",):
            own, values = (found[output], expected[output]) if output else (found, expected)
            np.testing.assert_allclose(own, values, rtol=1e-4, atol=1e-6)
    if name == "dear":
        decided = model.predict(ROWS) >= model.thresholds["prediction"]
        np.testing.assert_array_equal(scope["decide"](model.predict(ROWS)), decided.astype(int))


@pytest.mark.parametrize("name", ["price", "kind", "dear", "both"])
def test_onnx_predicts_as_the_mean(kept: Path, tmp_path: Path, name: str) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from specnet.interchange.exporting import WRITERS, Exported
    from tests.support.exports import session

    runs = _runs(kept, name)
    WRITERS["onnx"](tmp_path / "made.onnx", Exported.of(*runs))
    made, model = session(tmp_path / "made.onnx"), package.load_run(runs)
    width = made.get_inputs()[0].shape[1]
    rows = RNG.normal(3.0, 2.0, (5, width)).astype(np.float32)
    outputs = [output.name for output in made.get_outputs()]
    found = dict(zip(outputs, made.run(None, {"inputs": rows}), strict=True))
    assert isinstance(model, package.AveragedModel)
    for output in ("out", "again") if name == "both" else ("",):
        each = np.stack(
            [
                own.predictions(
                    own.encoding.inputs.apply(rows, np.float32) if own.encoding.inputs.transforms else rows
                )[output]
                for own in model.compiled
            ]
        ).astype(float)
        std = f"{output}.std" if output else "std"
        np.testing.assert_allclose(
            found.pop(output or "predictions"), each.mean(axis=0), rtol=1e-4, atol=1e-6
        )
        np.testing.assert_allclose(found.pop(std), each.std(axis=0, ddof=1), rtol=1e-3, atol=1e-5)
    assert list(found) == (["labels"] if name == "dear" else [])


def test_onnx_needs_the_same_numbers_for_the_same_cells(kept: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from specnet.interchange.exporting import WRITERS, Exported, numpy_program

    data = {**KIND["data"], "path": str(kept / "table.csv")}
    data["columns"] = {"colour": {"values": ["red", "blue", "green"]}}
    package.run({**KIND, "data": data}, out=tmp_path / "other")
    both = Exported.of(kept / "runs/kind/1", tmp_path / "other")
    with pytest.raises(package.RunError, match="the models read `colour` as other categories"):
        WRITERS["onnx"](tmp_path / "made.onnx", both)
    scope: dict[str, Any] = {}
    exec(numpy_program(both, training=False, beside=None).text, scope)
    np.testing.assert_allclose(scope["predict"](ROWS), both.model.predict(ROWS), rtol=1e-4)


def test_one_file_holds_all_models(kept: Path, tmp_path: Path) -> None:
    runs = _runs(kept, "price")
    model = package.load_model(runs)
    model.save(tmp_path / "a.specnet")
    again = package.load_model(tmp_path / "a.specnet")
    np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))
    np.testing.assert_array_equal(again.spread(ROWS), model.spread(ROWS))
    again.save(tmp_path / "b.specnet")
    assert (tmp_path / "a.specnet").read_bytes() == (tmp_path / "b.specnet").read_bytes()
    document = {**PRICE, "training": {"init_from": "a.specnet"}}
    document["data"] = {**PRICE["data"], "path": str(kept / "table.csv")}
    done = _specnet(tmp_path, "evaluate", "a.specnet")
    assert done.stderr.startswith("error: a.specnet does not record its training data: name the data")
    found = _specnet(tmp_path, "evaluate", "a.specnet", kept / "table.csv", "--output", "json")
    assert found.stdout == _specnet(kept, "evaluate", *runs, "table.csv", "--output", "json").stdout
    done = _specnet(tmp_path, "generate", "a.specnet")
    assert done.stderr == (
        "error: a.specnet contains 3 models, and each generates samples of its own: name the run of one\n"
    )
    (tmp_path / "next.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(package.SpecnetError, match="contains 3 models, and one is needed"):
        package.compile(tmp_path / "next.json")


def test_safetensors_have_the_arrays_of_all_models(kept: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    from specnet.interchange.exporting import WRITERS, Exported

    runs = _runs(kept, "price")
    WRITERS["safetensors"](tmp_path / "m.safetensors", Exported.of(*runs))
    with safetensors.safe_open(tmp_path / "m.safetensors", "numpy") as file:
        notes = file.metadata()
        for number, run in enumerate(runs, 1):
            kernel = package.load_run(run).parameters["dense_1.kernel"]
            np.testing.assert_array_equal(file.get_tensor(f"{number}.dense_1.kernel"), kernel)
            assert json.loads(notes[f"{number}.spec"])["seed"] == number


def test_a_run_with_folds_counts_each_fold(kept: Path, tmp_path: Path) -> None:
    data = {**PRICE["data"], "path": str(kept / "table.csv"), "split": {"folds": 2}}
    package.run({**PRICE, "data": data}, out=tmp_path / "folds")
    model = package.load_run([tmp_path / "folds", *_runs(kept, "price")])
    assert isinstance(model, package.AveragedModel)
    assert len(model.models) == 5
    each = [own.predict(ROWS) for own in model.models]
    np.testing.assert_allclose(model.predict(ROWS), np.mean(each, axis=0), rtol=1e-6)


def test_the_command_predicts_as_python_does(kept: Path, tmp_path: Path) -> None:
    runs = [f"runs/kind/{seed}" for seed in (1, 2, 3)]
    done = _specnet(kept, "predict", *runs, "new.csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert list(rows[0]) == ["prediction", "P(large)", "P(small)", "std(P(large))", "std(P(small))"]
    model = package.load_run(_runs(kept, "kind"))
    found = [[float(row[f"P({name})"]) for name in ("large", "small")] for row in rows]
    np.testing.assert_allclose(found, model.predict(ROWS), rtol=1e-6)
    spread = [[float(row[f"std(P({name}))"]) for name in ("large", "small")] for row in rows]
    np.testing.assert_allclose(spread, model.spread(ROWS), rtol=1e-6)
    assert _specnet(kept, "predict", *runs, "-", given=NEW).stdout == done.stdout
    out = tmp_path / "m.specnet"
    assert _specnet(kept, "export", *runs, "--to", "specnet", "-o", out).returncode == 0
    assert _specnet(kept, "predict", out, "new.csv").stdout == done.stdout


def test_the_command_evaluates_the_mean_of_several(kept: Path) -> None:
    runs = [f"runs/kind/{seed}" for seed in (1, 2, 3)]
    done = _specnet(kept, "evaluate", *runs, "table.csv")
    assert (done.returncode, done.stderr) == (0, "")
    found = package.evaluate(_runs(kept, "kind"), kept / "table.csv")
    figures, alone = found.splits["data"], found.members["data"]
    title, *table = done.stdout.split("the 3 models by themselves, as means ± standard deviations")
    assert f"{figures['accuracy']:.4f}" in title
    assert f" {alone.mean['loss']:.4g} ± {alone.std['loss']:.2g}" in table[0]
    assert _specnet(kept, "evaluate", *runs, "-", given=TABLE).stdout == done.stdout
    done = _specnet(kept, "evaluate", *runs, "table.csv", "--output", "json")
    assert json.loads(done.stdout) == found.as_dict()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("evaluate", "runs/kind/1", "runs/kind/2"),
            2,
            "runs/kind/2 is a run: the rows to evaluate on come last",
        ),
        (("evaluate", "runs/kind/1", "runs/kind/1", "table.csv"), 1, "runs/kind/1 is named twice"),
        (
            ("evaluate", "runs/kind/1", "runs/price/1", "table.csv"),
            1,
            "their predictions differ: the first has",
        ),
        (("predict", "runs/kind/1", "runs/kind/1", "new.csv"), 1, "runs/kind/1 is named twice"),
        (("predict", "runs/kind/1", "runs/none", "new.csv"), 2, "runs/none: no such file or directory"),
        (("predict", "runs/kind/1"), 2, "Missing argument"),
        (("predict", "runs/kind/1", "kind.json", "new.csv"), 1, "this is a spec, not a run"),
        (("export", "runs/kind/1", "kind.json", "--to", "numpy"), 2, "kind.json is a document"),
        (
            ("export", "runs/kind/1", "runs/kind/2", "--to", "numpy", "--training"),
            2,
            "the training of one run",
        ),
        (
            ("predict", "runs/kind/1", "runs/price/1", "new.csv"),
            1,
            "their predictions differ: the first has probabilities of classes",
        ),
        (
            ("predict", "runs/kind/1", "runs/both/1", "new.csv"),
            1,
            "their types of data differ: the first has a table, the second `npz`",
        ),
    ],
)
def test_what_is_refused(kept: Path, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = _specnet(kept, *arguments)
    assert done.returncode == code
    assert message in " ".join(done.stderr.split())
    assert done.stdout == ""


KINDS = [
    (
        {"data": {"features": ["size", "weight"]}},
        r"columns differ: the first has `size`, `colour`, `weight`, the second `size`, `weight`",
    ),
    (
        {"data": {"columns": {"size": {"type": "category"}}}},
        "types of columns differ: .*`size` as a number.*`size` as a category",
    ),
    ({"data": {"replace": {"x": "y"}}}, "ways to read cells differ"),
    (
        {"data": {"target": "dear", "columns": {"dear": {"type": "category"}}}},
        "classes differ: the first has `large`, `small`, the second `0`, `1`",
    ),
    ({"dtype": "float64"}, "dtypes differ: the first has `float32`, the second `float64`"),
    ({"output": {"intervals": 0.5}}, "levels of `intervals` differ: the first has none, the second 0.5"),
]


@pytest.mark.parametrize(("changes", "message"), KINDS)
def test_runs_that_differ_are_refused(
    kept: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    data = {**KIND["data"], "path": str(kept / "table.csv"), **changes.get("data", {})}
    package.run({**KIND, **changes, "data": data}, out=tmp_path / "other")
    with pytest.raises(package.RunError, match=message):
        package.load_run([kept / "runs/kind/1", tmp_path / "other"])


def test_no_run_is_no_model() -> None:
    with pytest.raises(package.RunError, match="no run is named"):
        package.load_run([])
