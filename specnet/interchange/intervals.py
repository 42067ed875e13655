"""Intervals and prediction sets as values of the graph that an export writes."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import BATCH, at
from specnet.model.compiled import CompiledModel
from specnet.model.lowered import Lowered
from specnet.model.outputs import OutputValues
from specnet.model.uncertainty import FittedIntervals, NumberIntervals, SetIntervals

SET, LOWER, UPPER, HALF = "prediction_set", "lower", "upper", "half_width"


def fitted_intervals(model: CompiledModel) -> dict[str, FittedIntervals]:
    """Return the intervals of a model by output; none if it has none."""
    return {} if model.uncertainty is None else model.uncertainty.intervals


def interval_values(model: CompiledModel, lowered: Lowered) -> dict[str, Value]:
    """Append the prediction sets and the ends of intervals of each output, and return them by name.

    `lowered` is the graph before any calibration. Ends are in the units of the transformed targets. Where half widths
    are in the units of the data, they have no values, since they are added to predictions in these; but of an ensemble
    they differ from row to row, and `half_width` is what they are.
    """
    found: dict[str, Value] = {}
    for name, own in fitted_intervals(model).items():
        prediction = lowered.outputs[name].prediction
        if isinstance(own, SetIntervals):
            found[named(name, SET)] = _members(model, name, prediction, own)
        elif is_lowered(model, name, own):
            half = _half_widths(lowered.outputs[name], own)
            found[named(name, LOWER)] = prediction - half
            found[named(name, UPPER)] = prediction + half
        elif own.noise is not None:
            found[named(name, HALF)] = _half_widths(lowered.outputs[name], own)
    return found


def _half_widths(output: OutputValues, own: NumberIntervals) -> Value:
    """Append half the widths of intervals, of an ensemble those of each row."""
    prediction, members = output.prediction, output.members
    shape = at(prediction.shape[1:], 1)

    def fixed(numbers: tuple[float, ...]) -> Value:
        values = ops.fixed(prediction.graph, numbers)
        return values if prediction.rank == 2 else ops.reshape(values, shape=shape)

    if own.noise is None or members is None:
        return fixed(own.half_widths)
    count = members.shape[1]
    assert isinstance(count, int)
    mean = ops.reshape(ops.mean(members, axes=(1,)), shape=(BATCH, 1, *shape))
    squares = ops.reduce_sum(ops.square(members - mean), axes=(1,)) / (count - 1)
    return ops.sqrt(squares + ops.square(fixed(own.noise))) * fixed(own.half_widths)


def is_lowered(model: CompiledModel, name: str, own: NumberIntervals) -> bool:
    """Return whether half widths are in the units of what the network gives."""
    return own.transformed or model.way_back(model.network.outputs[name]) is None


def named(output: str, what: str) -> str:
    """Return the name of an array beside the predictions of an output."""
    return f"{output}.{what}" if output else what


def _members(model: CompiledModel, name: str, prediction: Value, own: SetIntervals) -> Value:
    """Append which classes are in the set of each row: (batch, classes), or (batch, labels, 2)."""
    graph, loss = prediction.graph, model.network.outputs[name].loss
    if loss.targets == "classes":
        return ops.greater_equal(prediction, own.thresholds[0])
    count = len(own.thresholds)
    yes = ops.reshape(prediction, shape=(BATCH, count, 1))
    both = ops.concat(2.0 * loss.threshold - yes, yes, axis=2)
    thresholds = ops.reshape(ops.fixed(graph, own.thresholds), shape=(count, 1))
    held = ops.greater_equal(both, thresholds)
    return ops.reshape(held, shape=(BATCH, 2)) if count == 1 else held
