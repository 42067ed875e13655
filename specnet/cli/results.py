"""What a run came to, as a reader takes it in."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from specnet.analysis.curves import Unit
from specnet.analysis.importance import Importance
from specnet.cli.curve import Series, draw
from specnet.cli.numbers import DIGITS, column, duration, entries, number
from specnet.cli.tables import TextTable, paragraph, section
from specnet.cli.terminal import WIDEST, line, plain, say
from specnet.diagnostics.text import counted
from specnet.model.evaluation import Evaluation, Figures
from specnet.reporting.outcome import remark
from specnet.runs.result import CompletedRun, Result
from specnet.training.history import History

if TYPE_CHECKING:
    from specnet.model.model import Model

VERDICTS = {"good": "bold green", "overfit": "bold yellow", "underfit": "bold yellow", "unknown": "bold"}

MAXIMUM_CLASSES = 12
"""Classes of a confusion matrix that is still shown."""

CURVE_ROWS = 10

MAXIMUM_COLUMNS = 30
"""Columns whose importance is shown."""


def show_result(console: Console, result: CompletedRun) -> None:
    """Print the table of results, a confusion matrix, and the curves."""
    text = f"{counted(result.parameter_count, 'parameter')}, {_ending(result)}"
    paragraph(console, result.name, "bold", text, min(console.width, WIDEST))
    console.print()
    rows = {name: len(split) for name, split in result.data.splits.items()}
    results_table(result.splits, rows, console.width).show(console)
    show_targets(console, result.splits)
    show_thresholds(console, result.model)
    show_certainty(console, result.uncertainty)
    names = result.data.signature.classes
    for metric, split, matrix in _matrices(result.splits):
        if len(matrix) <= MAXIMUM_CLASSES:
            section(console, f"{metric} of {split}: true classes in rows, predicted ones in columns")
            confusion_table(matrix, names, console.width).show(console)
    _curves(console, result.history, result.best_epoch)


def show_certainty(console: Console, uncertainty: Mapping[str, Any]) -> None:
    """Print how a model was calibrated, and what its intervals cover; nothing if it has neither."""
    if not uncertainty:
        return
    from specnet.reporting.certainty import certainty

    console.print()
    for what, sentence in certainty(uncertainty):
        paragraph(console, what, "bold", sentence, min(console.width, WIDEST))


def _ending(result: CompletedRun) -> str:
    """Say how long the training was, and why it ended early, if it did."""
    if result.stopped == "interrupted":
        return f"{result.why} ({duration(result.seconds)})"
    epochs, steps = counted(result.epochs, "epoch"), counted(result.steps, "step")
    length = epochs if result.steps == result.epochs else f"{epochs} ({steps})"
    if isinstance(result.epochs, float):
        length = f"{steps} ({epochs})"
    ending = {
        "completed": remark(result.why),
        "diverged": ", diverged",
        "early_stopping": f", stopped early: {result.why}",
    }
    return f"{length} in {duration(result.seconds)}{ending.get(result.stopped, '')}"


def show_folds(console: Console, result: Result) -> None:
    """Print the means of all folds, with their standard deviations, and how each fold was tested."""
    count, size = counted(len(result.folds), "fold"), counted(result.parameter_count, "parameter")
    ending = "" if result.stopped == "completed" else f": {result.why}"
    text = f"{count} of {size} each, {counted(result.steps, 'step')} in {duration(result.seconds)}{ending}"
    paragraph(console, result.name, "bold", text, min(console.width, WIDEST))
    console.print()
    figures = list(next(iter(result.std.values())))
    _means(result.splits, result.std, console.width).show(console)
    split = list(result.splits)[-1]
    section(console, f"{split} of each fold")
    lines = [
        [str(fold), *(_number(own.splits[split], name) for name in figures), own.stopped.replace("_", " ")]
        for fold, own in enumerate(result.folds, 1)
    ]
    _table(["fold", *figures, "ended"], lines, console.width).show(console)
    show_targets(console, result.splits)
    show_thresholds(console, result.model)


def show_evaluation(console: Console, found: Evaluation) -> None:
    """Print the figures of each split, and of the mean of several models what each comes to by itself."""
    results_table(found.splits, found.rows, console.width).show(console)
    if not found.members:
        return
    count = next(iter(found.members.values())).count
    section(console, f"the {count} models by themselves, as means ± standard deviations")
    means = {name: each.mean for name, each in found.members.items()}
    stds = {name: each.std for name, each in found.members.items()}
    _means(means, stds, console.width).show(console)


def _means(
    means: Mapping[str, Mapping[str, Any]], stds: Mapping[str, Mapping[str, Any]], columns: int
) -> TextTable:
    """Return one row for each split, with the mean and the standard deviation of each figure that is a number."""
    figures = list(next(iter(stds.values())))
    lines = [
        [split, *(f"{_number(own, name)} ± {_number(stds[split], name, 2)}" for name in figures)]
        for split, own in means.items()
    ]
    return _table(["split", *figures], lines, columns)


def _number(figures: Mapping[str, Any], name: str, digits: int = DIGITS) -> str:
    return number(figures[name], digits)


def _table(heads: Sequence[str], lines: list[list[str]], columns: int) -> TextTable:
    """Return a table, or where that is wider than there are columns, the table turned."""
    upright = TextTable(heads, "<" + ">" * (len(heads) - 1), list(lines))
    if upright.width <= columns:
        return upright
    turned = list(zip(heads, *lines, strict=True))
    return TextTable(turned[0], "<" + ">" * len(lines), list(turned[1:]))


def show_end(console: Console, result: Result) -> None:
    """Print the verdict, and where the run is kept."""
    console.print()
    lead = f"fit: {result.fit.verdict}"
    paragraph(console, lead, VERDICTS[result.fit.verdict], result.fit.why, min(console.width, WIDEST))
    if result.run is not None:
        say(console, f" saved in {result.run}")


def show_importance(console: Console, found: Importance) -> None:
    """Print the most important columns of the inputs."""
    section(console, f"importance: {found.meaning} ({found.basis})")
    shown = found.columns[:MAXIMUM_COLUMNS]
    numbers = entries([*(each.mean for each in shown), *(each.std for each in shown)])
    means, stds = numbers[: len(shown)], numbers[len(shown) :]
    rows = [(each.column, mean, std) for each, mean, std in zip(shown, means, stds, strict=True)]
    TextTable(["column", "importance", "std"], "<>>", list(rows)).show(console)
    more = len(found.columns) - len(shown)
    if more:
        say(console, f" and {counted(more, 'more column')}; --output json has all of them")


def results_table(
    splits: Mapping[str, Mapping[str, Any]], rows: Mapping[str, int], columns: int, head: str = "split"
) -> TextTable:
    """Return one row a split, below its `head`, with its loss and every metric that is a number.

    Where that is wider than there are columns, it is turned: one column a split.
    """
    names = list(splits)
    figures = [name for name, value in next(iter(splits.values())).items() if not isinstance(value, list)]
    by_figure = [column([splits[split].get(name) for split in names]) for name in figures]
    lines = [[split, f"{rows[split]:,}", *(texts[n] for texts in by_figure)] for n, split in enumerate(names)]
    return _table([head, "rows", *figures], lines, columns)


def target_table(by_target: Mapping[str, Mapping[str, float]], columns: int) -> TextTable:
    """Return one row for each target column, with its metrics."""
    metrics = list(dict.fromkeys(name for figures in by_target.values() for name in figures))
    texts = [column([figures.get(name) for figures in by_target.values()]) for name in metrics]
    lines = [[name, *(own[n] for own in texts)] for n, name in enumerate(by_target)]
    return _table(["target", *metrics], lines, columns)


def show_thresholds(console: Console, model: Model) -> None:
    """Print the thresholds that the document sets or that the run has chosen, if any."""
    if not model.thresholds:
        return
    spec = model.spec
    asked = [spec.output.threshold, *(output.threshold for output in (spec.outputs or {}).values())]
    measures = list(dict.fromkeys(each for each in asked if isinstance(each, str)))
    why = f", chosen on validation for {' and '.join(measures)}" if measures else ""
    values = [f"{name} {number(value)}" for name, value in model.thresholds.items()]
    lead = "threshold" if len(values) == 1 else "thresholds"
    console.print()
    paragraph(console, lead, "bold", f"{', '.join(values)}{why}", min(console.width, WIDEST))


def show_targets(console: Console, splits: Mapping[str, Figures]) -> None:
    """Print the metrics of each target column, for the split that says most about new data."""
    split, figures = list(splits.items())[-1]
    if figures.by_target:
        section(console, f"{split} by target column")
        target_table(figures.by_target, console.width).show(console)


def confusion_table(
    matrix: Sequence[Sequence[float]], names: Sequence[str] | None, columns: int
) -> TextTable:
    """Return counts with the classes' names, or their numbers where the names leave no room."""
    numbers = [str(n) for n in range(len(matrix))]
    named = list(names) if names is not None and len(names) == len(matrix) else numbers
    cells = [[f"{count:,.0f}" if count else "." for count in row] for row in matrix]
    sides = "<" + ">" * len(matrix)
    lines = [[name, *row] for name, row in zip(named, cells, strict=True)]
    full = TextTable(["", *named], sides, list(lines))
    if full.width <= columns:
        return full
    lines = [
        [f"{name} = {n}" if name != n else n, *row]
        for n, name, row in zip(numbers, named, cells, strict=True)
    ]
    return TextTable(["", *numbers], sides, list(lines))


def show_curves(
    console: Console,
    series: Sequence[Series],
    title: str,
    height: int,
    *,
    ascii_only: bool,
    unit: str = "epoch",
    mark: tuple[float, str] | None = None,
) -> None:
    """Print curves from epoch to epoch, or from step to step, if there is something to draw."""
    width = min(console.width, WIDEST)
    drawn = draw(
        series, title=title, x_name=unit, width=width, height=height, ascii_only=ascii_only, mark=mark
    )
    if drawn:
        console.print()
    for parts in drawn:
        line(console, *parts)


def _curves(console: Console, history: History, best_epoch: float | None) -> None:
    """Print the losses of training and validation, epoch by epoch; with `track_training` the first metric as well.

    Where the training split is measured after its epochs, its loss is that of the same moment as the validation's.
    """
    unit: Unit = "step" if history.by_steps else "epoch"

    def places(epochs: Sequence[float]) -> Sequence[float]:
        return history.steps_at(epochs) if history.by_steps else epochs

    mark = None
    if best_epoch is not None:
        (place,) = places([best_epoch])
        mark = (float(place), f"{unit} {place}: its parameters are kept")
    metrics = [
        name for name, column in history.train.items() if name != "loss" and not isinstance(column[0], list)
    ]
    for name in ["loss", *metrics[:1]]:
        epochs, values = history.epochs, history.loss
        if history.tracked:
            epochs, values = history.tracked, array("d", history.train[name])
        series = [Series("train", places(epochs), values, "cyan", "*")]
        if history.validated:
            figures = history.validation[name]
            series.append(
                Series("validation", places(history.validated), figures, "magenta", "o", dashed=True)
            )
        show_curves(console, series, name, CURVE_ROWS, ascii_only=plain(console), unit=unit, mark=mark)


def _matrices(splits: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, list[list[float]]]]:
    """Return each metric that is a table, for the split that says most about new data."""
    split = list(splits)[-1]
    return [(name, split, value) for name, value in splits[split].items() if isinstance(value, list)]
