"""What is drawn is what the model and the run hold, measured by other means."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import specnet
from specnet import api
from specnet.analysis.importance import ColumnImportance, Importance, PartialDependence
from specnet.data.streamed import whole_inputs
from specnet.reporting.drawing import Colours, Drawing
from specnet.reporting.drawings.importance import dependence_drawing, importance_drawing
from specnet.runs.kept import read_run
from tests.support.command_line import SPECS

figures = pytest.importorskip("matplotlib.figure")


def drawn(drawing: Drawing) -> Any:
    figure = figures.Figure(figsize=drawing.size, layout="constrained")
    drawing.draw(figure, Colours())
    figure.canvas.draw_idle()
    return figure


@pytest.fixture(scope="module")
def moons(tmp_path_factory: pytest.TempPathFactory) -> specnet.Result:
    spec = api.load(SPECS / "moons.toml", {"training.epochs": 30})
    return api.run(spec, folder=tmp_path_factory.mktemp("runs"))


def test_the_boundary_lies_where_both_classes_are_as_likely(moons: specnet.Result) -> None:
    from specnet.reporting.drawings.boundary import boundary_drawing

    axes = drawn(boundary_drawing(moons.model, moons.data, "train")).axes[0]
    (contour,) = [each for each in axes.collections if type(each).__name__ == "QuadContourSet"]
    points = np.concatenate([path.vertices for path in contour.get_paths()])
    assert len(points) > 50
    assert np.abs(moons.model.predict(points)[:, 0] - 0.5).max() < 0.06
    # A grid of 160 points: between two of them the probability is nearly linear.
    assert np.abs(moons.model.predict(points)[:, 0] - 0.5).mean() < 0.01


def test_misclassified_rows_are_marked(moons: specnet.Result) -> None:
    from specnet.reporting.drawings.boundary import boundary_drawing

    drawing = boundary_drawing(moons.model, moons.data, "train")
    axes = drawn(drawing).axes[0]
    marked = [c.get_offsets() for c in axes.collections if c.get_label() == "misclassified"]
    split = moons.data.splits["train"]
    inputs, targets = whole_inputs(split.inputs), np.asarray(split.targets)
    assert isinstance(inputs, np.ndarray)
    read = moons.model.predict(inputs)[:, 0] >= 0.5
    wrong = inputs[read != targets.reshape(-1).astype(bool)]
    assert len(wrong)
    np.testing.assert_allclose(np.sort(marked[0], axis=0), np.sort(wrong, axis=0), rtol=1e-6)
    assert f"{len(wrong)} of {len(targets)} rows are misclassified" in drawing.description


def test_curves_are_those_of_the_log(moons: specnet.Result) -> None:
    from specnet.reporting.drawings.curves import curves_drawing

    assert moons.run is not None
    run = read_run(moons.run)
    history = run.history()
    axes = drawn(curves_drawing(run, history, "loss")).axes[0]
    lines = {line.get_label(): line for line in axes.lines}
    for split in ("train", "validation"):
        np.testing.assert_array_equal(lines[split].get_ydata(), [row[split]["loss"] for row in history])
    assert any(f"epoch {moons.best_epoch}" in str(label) for label in lines)


def test_confusion_is_what_scikit_learn_counts(moons: specnet.Result) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    from specnet.reporting.drawings.judging import confusion_drawing
    from specnet.reporting.predictions import predicted

    axes = drawn(confusion_drawing(predicted(moons.model, moons.data, "test"))).axes[0]
    counts = [int(text.get_text()) for text in axes.texts]
    split = moons.data.splits["test"]
    read = moons.model.predict(whole_inputs(split.inputs))[:, 0] >= 0.5
    wanted = metrics.confusion_matrix(np.asarray(split.targets).reshape(-1), read)
    assert counts == wanted.reshape(-1).tolist()


def test_weights_are_the_kernels(moons: specnet.Result) -> None:
    from specnet.reporting.drawings.weights import weights_drawing

    figure = drawn(weights_drawing(moons.model))
    images = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    kernels = [array for name, array in moons.model.parameters.items() if name.endswith("kernel")]
    assert len(images) == len(kernels) == 3
    for image, kernel in zip(images, kernels, strict=True):
        np.testing.assert_allclose(np.asarray(image), kernel)


def test_activations_are_what_the_layers_give(moons: specnet.Result) -> None:
    p = moons.model.parameters
    x = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    hidden = np.tanh(x @ p["dense_1.kernel"] + p["dense_1.bias"])
    np.testing.assert_allclose(moons.model.hidden("dense_1", x), hidden, atol=1e-5)
    deeper = np.tanh(hidden @ p["dense_2.kernel"] + p["dense_2.bias"])
    np.testing.assert_allclose(moons.model.hidden("dense_2", x), deeper, atol=1e-5)


def test_a_convolution_has_filters_and_feature_maps() -> None:
    from specnet.reporting.drawings.activations import activations_drawing
    from specnet.reporting.drawings.weights import filters_drawing, weights_drawing

    grid = np.random.default_rng(1).random((6, 8, 8, 3)).round(3)
    spec = specnet.load(
        json.dumps(
            {
                "specnet": 1,
                "data": {"type": "inline", "inputs": grid.tolist(), "targets": [0, 1] * 3},
                "layers": [
                    {"type": "conv2d", "filters": 5, "kernel_size": 3},
                    {"type": "flatten"},
                    {"type": "dense", "units": 2},
                ],
                "loss": "cross_entropy",
                "training": {"epochs": 1},
            }
        )
    )
    result = specnet.run(spec)
    drawing = filters_drawing(result.model)
    assert drawing is not None
    assert drawing.title == "Filters of conv2d_1"
    (image,) = drawn(drawing).axes[0].images
    assert image.get_array().shape[-1] == 4  # colours, and what lies between the filters is transparent
    assert drawn(weights_drawing(result.model, "dense_1")).axes[0].images[0].get_array().shape == (180, 2)
    maps = drawn(activations_drawing(result.model, result.data, "train"))
    assert len([axes for axes in maps.axes if axes.images]) == 8  # four rows, each with its image


def test_numbers_of_one_input_are_a_line() -> None:
    from specnet.reporting.drawings.boundary import boundary_drawing

    spec = api.load(SPECS / "regression.toml", {"training.epochs": 3})
    result = api.run(spec)
    axes = drawn(boundary_drawing(result.model, result.data, "train")).axes[0]
    (line,) = [each for each in axes.lines if each.get_label() == "prediction"]
    made = result.model.predict(np.asarray(line.get_xdata())[:, None])[:, 0]
    np.testing.assert_allclose(line.get_ydata(), made, rtol=1e-5)


def column(
    drops: tuple[float, ...], values: tuple[Any, ...] = (), **means: tuple[float, ...]
) -> ColumnImportance:
    dependence = PartialDependence(values, means) if values else None
    return ColumnImportance("a_b", drops, dependence)


def test_bars_are_as_long_as_columns_are_important() -> None:
    columns = tuple(column((0.5 / n, 0.3 / n)) for n in range(1, 25))
    found = Importance("test", 30, 30, "accuracy", "higher", 0.9, 2, 0, columns)
    axes = drawn(importance_drawing(found)).axes[0]
    assert [bar.get_width() for bar in axes.patches] == [each.mean for each in columns[:20]]
    (spread,) = [each for each in axes.collections if len(each.get_segments()) == 20]
    ends = np.array([segment[:, 0] for segment in spread.get_segments()])
    np.testing.assert_allclose((ends[:, 1] - ends[:, 0]) / 2, [each.std for each in columns[:20]])
    assert axes.get_xlabel() == "decrease of accuracy"
    low, high = axes.get_ylim()
    assert low > high, "the first column is at the top"


def test_mean_predictions_are_curves_over_numbers_and_dots_over_categories() -> None:
    numbers = column((0.1,), (1.0, 2.5, 7.0), prediction=(3.0, 4.0, 2.0))
    assert numbers.dependence is not None
    axes = drawn(dependence_drawing(numbers, numbers.dependence)).axes[0]
    (line,) = axes.lines
    assert (line.get_xdata().tolist(), line.get_ydata().tolist()) == ([1.0, 2.5, 7.0], [3.0, 4.0, 2.0])
    assert (line.get_linestyle(), axes.get_ylabel(), axes.get_xlabel()) == ("-", "mean prediction", "a_b")
    means = {f"P({n})": (0.5, 0.5 + n / 100) for n in range(10)}
    categories = column((0.1,), ("x", "$y$"), **means)
    assert categories.dependence is not None
    drawing = dependence_drawing(categories, categories.dependence)
    axes = drawn(drawing).axes[0]
    assert [line.get_label() for line in axes.lines] == [f"P({n})" for n in range(2, 10)]
    assert {line.get_linestyle() for line in axes.lines} == {"None"}
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["x", r"\$y\$"]
    assert axes.get_ylabel() == "mean probability"
    assert "the 8 of 10 predictions that vary the most" in drawing.title
    assert "P(9) from 0.5 to 0.59" in drawing.description
