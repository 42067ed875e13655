"""The Python interface to finished runs: load their models, evaluate them, and see which inputs matter to them."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from specnet.analysis.importance import Importance
    from specnet.model.evaluation import Evaluation
    from specnet.model.model import Model

__all__ = ["evaluate", "load_model", "load_run", "permutation_importance"]


def load_model(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    threads: int | None = None,
    engine: str | None = None,
    plugins: bool = False,
) -> Model:
    """Return the model in a file that `Model.save` wrote, or of a finished run, ready to use; no data are needed.

    `path` is the file, which `specnet export --to specnet` writes, too, or the run's directory; `threads` and `engine`
    are as in `compile`. The model of a run with folds is an `AveragedModel`, and so is that of a list of paths: the
    mean of the models of several runs, which must take the same rows and predict the same. Nothing in these is
    executed. With `plugins`, the plugins that they name are imported; without, nothing is, and their kinds must be
    registered already. Raises RunError if there is no such file or run, or it is damaged, or consists of kinds that
    are not registered, or runs differ in what they take or predict.
    """
    from specnet.runs.averaging import load_together

    paths = [path] if isinstance(path, (str, PathLike)) else list(path)
    if plugins:
        from specnet.storage.plugins import import_plugins

        for each in paths:
            import_plugins(each)
    return load_together(paths, threads, engine)


def load_run(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    *,
    threads: int | None = None,
    engine: str | None = None,
    plugins: bool = False,
) -> Model:
    """Return the model of a finished run, or the mean of several; it is the same function as `load_model`."""
    return load_model(path, threads=threads, engine=engine, plugins=plugins)


def evaluate(
    run: str | PathLike[str] | Sequence[str | PathLike[str]],
    data: Any = None,
    *,
    threads: int | None = None,
    engine: str | None = None,
    plugins: bool = False,
) -> Evaluation:
    """Return the loss and the metrics of a finished run, or of a model in a file, or of the mean of several.

    Without `data` they are those of the run's own splits, read again from the files that it was trained on. `data` is
    what `Model.evaluate` takes: a file, a frame, or raw inputs and targets as a pair, or as a triple with sample
    weights (only inputs, if these are the targets). Of a list of runs, and of a run with folds, the predictions are
    averaged as by `load_model`, and judged by the first one's loss and metrics; `members` of the result says what the
    models come to by themselves. `threads`, `engine` and `plugins` are as in `load_model`. Raises RunError if there is
    no valid run, its data have changed, or several are named without data, and otherwise what `load_model` and
    `Model.evaluate` raise.
    """
    from specnet.runs.averaging import paths_of
    from specnet.runs.evaluating import evaluate as measure

    if plugins:
        from specnet.storage.plugins import import_plugins

        for path in paths_of(run):
            import_plugins(path)
    return measure(run, data, threads=threads, engine=engine)


def permutation_importance(
    run: str | PathLike[str] | Sequence[str | PathLike[str]] | Model,
    data: Any = None,
    *,
    metric: str | None = None,
    repeats: int = 5,
    seed: int = 0,
    partial_dependence: bool = True,
    threads: int | None = None,
    engine: str | None = None,
    plugins: bool = False,
) -> Importance:
    """Return how much worse a metric of a finished run, or of a model, is when the values of one column are permuted.

    The columns are those of the table that the model was trained on, before all transforms: a category is one column,
    however it is encoded. Of arrays, each number of a vector is a column, or each channel of a sequence. Without
    `data`, it is measured on the run's own test split, else on its validation split, else on its training split;
    `data` is as in `evaluate`, and a model needs it. Of more than 10,000 rows, that many are drawn at random. Each
    column is permuted `repeats` times, by permutations that follow from `seed`. Of several runs, and of folds, it is
    the mean over their models. `metric` is a metric of the run that is a number, or `loss`; by default the metric that
    early stopping monitors, else the first one of the run.

    With `partial_dependence`, the result also has the mean prediction for each category of a column, or for up to 20
    values of a column of numbers between its 5% and 95% quantiles. `threads`, `engine` and `plugins` are as in
    `load_model`. Raises ValueError for inputs without columns, such as images, for an unknown metric, and for less
    than one repeat, TypeError for a model without data, and otherwise what `evaluate` raises.
    """
    from specnet.analysis.permutation import ImportanceSettings
    from specnet.runs.importance import measured_run

    if repeats < 1:
        raise ValueError(f"there must be at least one repeat, not {repeats}")
    if plugins and isinstance(run, (str, PathLike, Sequence)):
        from specnet.runs.averaging import paths_of
        from specnet.storage.plugins import import_plugins

        for path in paths_of(run):
            import_plugins(path)
    settings = ImportanceSettings(repeats, seed, metric, dependences=None if partial_dependence else 0)
    return measured_run(run, data, threads=threads, engine=engine).importance(settings)
