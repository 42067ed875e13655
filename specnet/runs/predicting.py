"""Predictions for files of rows, as tables and lines that name the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from specnet.data.collector import LIMIT
from specnet.data.new_rows import RowBlock
from specnet.diagnostics import Diagnostic, SpecError
from specnet.model.averaged import AveragedModel
from specnet.model.compiled import CompiledModel
from specnet.model.conformal import Intervals, PredictionSets
from specnet.model.intervals import intervals_of
from specnet.model.joined_intervals import mean_and_std, widest
from specnet.runs.output_reading import Array, OutputReading

WRITTEN = 1 << 22
"""Numbers that are predicted before they are written: as text, each takes about a hundred bytes."""

Readings = dict[str, OutputReading]
"""How each output of a model is read, by its name; that of the only one has none."""

Predictions = Mapping[str, Array]
"""The predictions of some rows, by output."""


@dataclass(frozen=True, slots=True)
class PredictedRows:
    """The predictions of some rows, and where these come from."""

    made: Predictions
    files: Sequence[str] | None
    """The file of each row, where each has one of its own."""
    kept: Sequence[Sequence[Any]] | None = None
    """For each row the cells of its columns that are kept."""
    spread: Predictions | None = None
    """The standard deviations of what several models or members of an ensemble predict, where `made` is their mean; of
    the outputs that have some."""
    intervals: Mapping[str, Intervals | PredictionSets] = field(default_factory=dict)
    """The intervals or the prediction sets of each output that has some."""


def one_of(model: CompiledModel | AveragedModel) -> CompiledModel:
    """Return a model, or of several the first: all read rows and write predictions alike."""
    return model.compiled[0] if isinstance(model, AveragedModel) else model


def readings(model: CompiledModel | AveragedModel) -> Readings:
    """Return how a model's predictions are read."""
    network, cutoffs = one_of(model).network, model.cutoffs
    target = getattr(network.spec.data, "target", None)
    if network.spec.data.reproduces and not network.several:
        count, features = prod(network.outputs[""].shape), network.signature.features or ()
        target = features if len(features) == count else tuple(f"input_{n}" for n in range(count))
    fitted = one_of(model).uncertainty
    fitted_outputs = set() if fitted is None else set(fitted.intervals)
    return {
        name: replace(
            OutputReading.of(
                output.loss,
                output.shape,
                None if output.of_inputs else network.signature.classes,
                None if name else target,
                tuple(cutoffs[name].tolist()) if name in cutoffs else None,
                labels=not network.spec.data.reproduces,
            ),
            has_intervals=name in fitted_outputs,
        )
        for name, output in network.outputs.items()
    }


def predictions(
    model: CompiledModel | AveragedModel, blocks: Iterator[RowBlock], file: str
) -> Iterator[PredictedRows]:
    """Yield the predictions for blocks of rows, of several models their means and standard deviations.

    Raises SpecError naming the rows of `file` that have none, after the predictions for those before them.
    """
    models = model.compiled if isinstance(model, AveragedModel) else (model,)
    outputs = models[0].network.outputs.values()
    most = max(1, WRITTEN // max(1, sum(prod(output.shape) for output in outputs)))
    for block in (part for whole in blocks for part in whole.parts(most)):
        try:
            made = _predicted(models, block)
        except SpecError as error:
            faults, sound = _faults(models[0], block, file)
            if sound:
                yield _predicted(models, block.first(sound))
            raise SpecError(faults or error.diagnostics) from None
        yield made


def _predicted(models: Sequence[CompiledModel], block: RowBlock) -> PredictedRows:
    """Return the predictions of a block, of several models their means; raise SpecError where a row has none."""
    made = [_of_model(each, block) for each in models]
    if len(made) == 1:
        predicted, intervals, spread = made[0]
        return PredictedRows(predicted, block.files, block.kept, spread, intervals)
    both = {name: mean_and_std([each[name] for each, _, _ in made]) for name in made[0][0]}
    means, stds = ({name: pair[i] for name, pair in both.items()} for i in (0, 1))
    return PredictedRows(means, block.files, block.kept, stds, widest([own for _, own, _ in made]))


def _of_model(
    model: CompiledModel, block: RowBlock
) -> tuple[dict[str, Array], dict[str, Intervals | PredictionSets], dict[str, Array] | None]:
    """Return its predictions, their intervals, and the spread of the members of ensembles, if it has any."""
    encoding = model.encoding
    assert encoding is not None
    encoded = encoding.encode(block.rows)
    dtype = model.network.spec.dtype
    made = {name: array.astype(dtype, copy=False) for name, array in model.predictions(encoded).items()}
    spread = {name: array.astype(dtype, copy=False) for name, array in model.spreads(encoded).items()}
    return made, intervals_of(model, encoded, made), spread or None


def _faults(model: CompiledModel, block: RowBlock, file: str) -> tuple[list[Diagnostic], int]:
    """Return what is wrong with a block, row by row, since its rows' places are the file's.

    With it comes how many rows are before the first that something is wrong with.
    """
    encoding = model.encoding
    assert encoding is not None
    found: list[Diagnostic] = []
    sound = len(block.places)
    for n, (place, row) in enumerate(zip(block.places, block.rows, strict=True)):
        try:
            encoding.encode([row])
        except SpecError as error:
            sound = min(sound, n)
            for d in error.diagnostics:
                said = d.message.removeprefix("row 1, ").removeprefix("row 1 ")
                where = f"`{place}`" if block.files is not None else f"{place} of `{file}`"
                message = f"{where}{'' if said.startswith('has ') else ':'} {said}"
                found.append(Diagnostic(d.code, message, file=file, help=d.help))
        if len(found) >= LIMIT:
            break
    return found, sound if found else 0
