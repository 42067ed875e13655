"""The evaluation of a saved run: on its own splits, read again, or on other data."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from specnet.data import Dataset, load_data
from specnet.data.tables.frames import is_frame
from specnet.diagnostics import RunError, SpecError
from specnet.model.compiled import CompiledModel
from specnet.model.evaluation import Evaluation
from specnet.model.model import Model
from specnet.model.network import Network
from specnet.runs.averaging import load_together, paths_of
from specnet.runs.directory import RESOLVED
from specnet.runs.loading import load_models
from specnet.storage.origin import data_folder
from specnet.storage.resolved import load_resolved


def evaluate(
    run: str | PathLike[str] | Sequence[str | PathLike[str]],
    data: Any = None,
    *,
    name: str | None = None,
    threads: int | None = None,
    engine: str | None = None,
) -> Evaluation:
    """Return the figures of a saved run; see `specnet.evaluate`. `name` is what messages call a file of data."""
    if data is None:
        only = the_only(run)
        own = load_models(only, threads, engine)[0]  # a file, even of several models, has no data
        return own.measure(recorded_data(Path(only), own).splits)
    model = load_together(paths_of(run), threads, engine)
    inputs, targets, weights = given_data(model, data)
    return model.evaluate(inputs, targets, weights=weights, name=name)


def the_only(run: str | PathLike[str] | Sequence[str | PathLike[str]]) -> str | PathLike[str]:
    """Return the only one of some runs, which has data of its own; raise RunError where there are several."""
    paths = paths_of(run)
    if len(paths) > 1:
        raise RunError(f"{len(paths)} runs have no data in common: name the data to evaluate them on")
    return paths[0]


def given_data(model: Model, data: Any) -> tuple[Any, Any, Any]:
    """Return the inputs, targets and weights of data that a program passed; None for those that it did not."""
    if isinstance(data, (str, PathLike)) or is_frame(data) or model.spec.data.reproduces:
        return data, None, None
    try:
        inputs, targets, weights = data if len(data) > 2 else (*data, None)
    except (TypeError, ValueError):
        raise TypeError("data are a path, or a pair of inputs and targets, or these and weights") from None
    return inputs, targets, weights


def recorded_data(run: Path, model: CompiledModel, *, raw: bool = False) -> Dataset:
    """Return what `own_data` does; raise RunError also where a run does not record its data."""
    if not (run / RESOLVED).exists():
        raise RunError(f"{run} does not record its training data: name the data to evaluate it on")
    return own_data(run, model.network, raw=raw)


def own_data(run: Path, network: Network, *, raw: bool = False) -> Dataset:
    """Return the data that a run was trained on, read again; raise RunError if they cannot be read or have changed.

    With `raw`, they have the inputs before all transforms as well.
    """
    return located_data(run, network, raw=raw)[0]


def located_data(run: Path, network: Network, *, raw: bool = False) -> tuple[Dataset, Path]:
    """Return what `own_data` does, and the folder that relative paths in the document start from."""
    made_of = load_resolved(run / RESOLVED)
    if any(name.startswith(("frame:", "arrays:")) for name in made_of.get("data", {})):
        message = f"{run} was trained on data that a program passed, which were not saved"
        raise RunError(f"{message}: name the data to evaluate it on")
    base = data_folder(run, made_of)
    try:
        spec, arrays, target = network.spec, network.inputs, network.fed_targets.array
        data = load_data(
            spec.data, base, seed=spec.seed, dtype=spec.dtype, arrays=arrays, target=target, raw=raw
        )
    except SpecError as error:
        why = "; ".join(diagnostic.message for diagnostic in error.diagnostics)
        raise RunError(f"the training data of {run} cannot be read again: {why}") from error
    stored, now = made_of.get("data", {}), dict(data.sources)
    for name in sorted({*stored, *now}):
        if not isinstance(stored.get(name), dict) or stored[name].get("sha256") != now.get(name):
            raise RunError(
                f"the data have changed since {run} was trained on them: `{name}` in {base} has another SHA-256; "
                "name the data to evaluate it on"
            )
    return data, base
