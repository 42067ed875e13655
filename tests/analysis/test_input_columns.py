"""Which columns a model's inputs have, of every kind of data, and what is permuted as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specnet
from specnet.analysis.input_columns import InputColumn, input_columns
from specnet.analysis.permutation import _grid
from tests.support.reversing import reverse_permutations

RNG = np.random.default_rng(1)


def run(folder: Path, layers: list[Any], data: Any, **more: Any) -> Path:
    spec = {
        "specnet": 1,
        "data": {"type": "arrays", **more.pop("described", {})},
        "layers": layers,
        "loss": "mse",
        "training": {"epochs": 2},
        **more,
    }
    specnet.run(spec, data=data).model.save(folder / "model")
    return folder / "model"


@pytest.fixture
def reversing(monkeypatch: pytest.MonkeyPatch) -> None:
    reverse_permutations(monkeypatch)


def squares(model: Path, inputs: Any, targets: np.ndarray) -> float:
    return float(np.mean(np.square(specnet.load_model(model).predict(inputs)[:, 0] - targets)))


@pytest.mark.usefixtures("reversing")
def test_several_arrays_have_the_columns_of_vectors_and_are_else_a_whole(tmp_path: Path) -> None:
    inputs = {
        "v": RNG.normal(size=(40, 2)),
        "one": RNG.normal(size=40),
        "image": RNG.normal(size=(40, 3, 3, 1)),
    }
    targets = inputs["v"][:, 1] + inputs["image"].mean(axis=(1, 2, 3))
    branch = [{"type": "flatten"}, {"type": "dense", "units": 4}]
    model = run(
        tmp_path,
        [
            {"type": "sequential", "name": "seen", "inputs": ["image"], "layers": branch},
            {"type": "concat", "inputs": ["v", "one", "seen"]},
            {"type": "dense", "units": 1},
        ],
        (inputs, targets),
        inputs={name: {"array": name} for name in inputs},
    )
    found = specnet.permutation_importance(model, (inputs, targets), metric="loss", repeats=1)
    by_name = {each.column: each for each in found.columns}
    assert by_name.keys() == {"v[0]", "v[1]", "one", "image"}
    assert by_name["image"].dependence is None
    assert by_name["one"].dependence is not None
    second = np.column_stack([inputs["v"][:, 0], inputs["v"][::-1, 1]])
    for name, changed in {"image": {"image": inputs["image"][::-1]}, "v[1]": {"v": second}}.items():
        drop = squares(model, {**inputs, **changed}, targets) - squares(model, inputs, targets)
        assert by_name[name].drops[0] == pytest.approx(drop, abs=1e-5)
        assert abs(drop) > 1e-3


@pytest.mark.usefixtures("reversing")
def test_a_sequence_has_channels_and_images_have_no_columns(tmp_path: Path) -> None:
    inputs = RNG.normal(size=(40, 6, 2))
    targets = inputs[:, :, 1].mean(axis=1)
    layers = [
        {"type": "conv1d", "filters": 4, "kernel_size": 3, "activation": "relu"},
        {"type": "flatten"},
        {"type": "dense", "units": 1},
    ]
    model = run(tmp_path, layers, (inputs, targets))
    found = specnet.permutation_importance(model, (inputs, targets), metric="loss", repeats=1)
    by_name = {each.column: each for each in found.columns}
    assert by_name.keys() == {"channel 0", "channel 1"}
    for i in range(2):
        changed = inputs.copy()
        changed[:, :, i] = inputs[::-1, :, i]
        drop = squares(model, changed, targets) - squares(model, inputs, targets)
        assert by_name[f"channel {i}"].drops[0] == pytest.approx(drop, abs=1e-5)
        assert by_name[f"channel {i}"].dependence is None
    flat = [{"type": "flatten"}, {"type": "dense", "units": 1}]
    images = RNG.normal(size=(40, 4, 4, 1))
    seen = run(tmp_path, flat, (images, targets))
    with pytest.raises(
        ValueError, match=r"arrays of shape \[4, 4, 1\], such as images, which have no columns"
    ):
        specnet.permutation_importance(seen, (images, targets))


def test_names_outlast_transforms_of_their_columns() -> None:
    spec = {
        "specnet": 1,
        "data": {
            "type": "builtin",
            "name": "iris",
            "transforms": [{"type": "bin", "on": ["petal_width"], "bins": 3}],
        },
        "layers": [{"type": "dense", "units": 3}],
        "loss": "cross_entropy",
    }
    encoding = specnet.compile(spec).encoding
    assert [column.name for column in input_columns(encoding)] == [
        "sepal_length", "sepal_width", "petal_length", "petal_width",
    ]  # fmt: skip


def test_the_grid_has_values_of_rows_and_the_most_frequent_categories() -> None:
    values = RNG.normal(size=(500, 1))
    grid = _grid(InputColumn("a", slice(0, 1)), values)
    assert len(grid) == 20
    assert np.isin(grid, values).all()
    assert np.mean(values <= grid[0]) == pytest.approx(0.05, abs=0.003)
    assert np.mean(values <= grid[-1]) == pytest.approx(0.95, abs=0.003)
    codes = RNG.integers(0, 80, 500) // 2 * 2
    names = tuple(map(str, range(90)))
    counts = np.bincount(codes, minlength=90)
    one_hot = np.zeros((501, 90))
    one_hot[np.arange(500), codes] = 1  # and a row whose category is not known
    for column, rows in (
        (InputColumn("c", slice(0, 1), "index", names), np.append(codes, -1)[:, None].astype(float)),
        (InputColumn("c", slice(0, 90), "onehot", names), one_hot),
    ):
        grid = _grid(column, rows)
        assert len(grid) == 50
        assert counts[grid].min() >= np.delete(counts, grid).max()


def test_all_parts_of_a_date_move_together(tmp_path: Path) -> None:
    days = [f"20{10 + n % 12}-{1 + n % 9:02}-{1 + n % 28:02}" for n in range(40)]
    lines = ["day,a,y", *(f"{day},{n % 7},{n % 12}" for n, day in enumerate(days))]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    spec = {
        "specnet": 1,
        "data": {
            "type": "csv",
            "path": str(tmp_path / "rows.csv"),
            "target": "y",
            "columns": {"day": {"type": "date"}},
        },
        "layers": [{"type": "dense", "units": 1}],
        "loss": "mse",
        "training": {"epochs": 1},
    }
    specnet.run(spec, out=tmp_path / "run")
    found = specnet.permutation_importance(tmp_path / "run", repeats=1)
    by_name = {each.column: each for each in found.columns}
    assert by_name.keys() == {"day", "a"}
    assert by_name["day"].dependence is None
    assert by_name["a"].dependence is not None
