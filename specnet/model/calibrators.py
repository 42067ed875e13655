"""What makes probabilities come true as often as they say, as part of the graph that predicts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.sizes import BATCH
from specnet.model.costs import element_costs, whole_cost
from specnet.model.lowered import Lowered
from specnet.model.network import Network
from specnet.model.outputs import NetworkOutput, OutputValues

SMALLEST = {"float32": 2.0**-23, "float64": 2.0**-52}
"""The smallest probability that a loss is given: without a bound, a probability of 0 would cost infinitely much."""


class Calibrator(BaseModel):
    """A function from what a network gives to calibrated probabilities, and how it was fitted."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rows: int
    """The number of validation rows that it was fitted to."""
    before: float
    """The mean of -log p of these rows' classes before the calibration."""
    after: float
    """The same after it."""

    @abstractmethod
    def lower(self, own: OutputValues, activation: str) -> Value:
        """Append the calibrated probabilities of an output; `activation` is its loss's: softmax or sigmoid."""

    @abstractmethod
    def logits(self, own: OutputValues, prediction: Value, activation: str) -> Value:
        """Append logits of the calibrated probabilities, as the loss takes them."""

    @abstractmethod
    def fault(self, shape: tuple[int, ...], activation: str) -> str | None:
        """Say why it cannot calibrate an output of a shape, or return None."""

    @property
    def fitted(self) -> dict[str, Any]:
        """What was fitted, as far as it is a few numbers."""
        return {}


class TemperatureCalibrator(Calibrator):
    """Divides logits by a temperature (Guo et al., 2017)."""

    type: Literal["temperature"] = "temperature"
    temperature: Annotated[float, Field(gt=0)]
    note: str | None = None
    """Why it changes nothing, if no temperature could be fitted."""

    def lower(self, own: OutputValues, activation: str) -> Value:
        """Append softmax(logits / temperature), or the sigmoid of that."""
        scaled = self._scaled(own)
        return ops.softmax(scaled) if activation == "softmax" else ops.sigmoid(scaled)

    def logits(self, own: OutputValues, prediction: Value, activation: str) -> Value:
        """Append logits / temperature."""
        return self._scaled(own)

    def fault(self, shape: tuple[int, ...], activation: str) -> str | None:
        """Return None: one temperature fits outputs of all shapes."""
        return None

    @property
    def fitted(self) -> dict[str, Any]:
        """The temperature."""
        return {"temperature": self.temperature}

    def _scaled(self, own: OutputValues) -> Value:
        return own.output if self.temperature == 1.0 else own.output * (1.0 / self.temperature)


class CalibrationCurve(BaseModel):
    """A function that is linear between knots, and constant before the first and after the last."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    x: Annotated[tuple[float, ...], Field(min_length=1)]
    """The knots, ascending."""
    y: Annotated[tuple[float, ...], Field(min_length=1)]
    """The values at the knots, not descending, from 0 to 1."""


class IsotonicCalibrator(Calibrator):
    """Passes the probability of each class through an increasing function of its own (Zadrozny and Elkan, 2002).

    Those of exclusive classes are then divided by their sum; where all are 0, they become equal.
    """

    type: Literal["isotonic"] = "isotonic"
    curves: Annotated[tuple[CalibrationCurve, ...], Field(min_length=1)]
    """One for each class, or for each binary label."""

    def lower(self, own: OutputValues, activation: str) -> Value:
        """Append the values of the curves, found by a binary search for the last knot that is not above x."""
        x, count = own.prediction, len(self.curves)
        size = max(2, 1 << (max(len(curve.x) for curve in self.curves) - 1).bit_length())
        knots, values, slopes = self._tables(size)
        graph = x.graph
        low = ops.fixed(graph, tuple(curve.x[0] for curve in self.curves))
        high = ops.fixed(graph, tuple(curve.x[-1] for curve in self.curves))
        place = ops.fixed(graph, tuple(float(n * size) for n in range(count)))
        x = ops.minimum(ops.maximum(x, low), high)
        at = ops.fixed(graph, knots)
        step = size // 2
        while step:
            middle = place + float(step)
            place = place + ops.greater_equal(x, ops.gather(at, _index(middle))) * float(step)
            step //= 2
        index = _index(place)
        rise = (x - ops.gather(at, index)) * ops.gather(ops.fixed(graph, slopes), index)
        y = ops.gather(ops.fixed(graph, values), index) + rise
        return _shares(y) if activation == "softmax" else y

    def logits(self, own: OutputValues, prediction: Value, activation: str) -> Value:
        """Append the logarithms of the probabilities, or of their odds, which are kept away from 0."""
        least = SMALLEST[prediction.graph.dtype]
        if activation == "softmax":
            return ops.log(ops.maximum(prediction, least))
        return ops.log(ops.maximum(prediction, least)) - ops.log(ops.maximum(1.0 - prediction, least))

    def fault(self, shape: tuple[int, ...], activation: str) -> str | None:
        """Say why the curves are none of an output of a shape, or return None."""
        wanted = curve_count(shape, activation)
        if len(self.curves) != wanted:
            return f"it has {len(self.curves)} curves, and the output needs {wanted}"
        for curve in self.curves:
            x, y = curve.x, curve.y
            rising = all(a < b for a, b in pairwise(x)) and all(a <= b for a, b in pairwise(y))
            if len(x) != len(y) or not rising or not 0 <= y[0] <= y[-1] <= 1:
                return "its curves do not ascend from 0 to 1"
        return None

    def _tables(self, size: int) -> tuple[tuple[float, ...], ...]:
        """Return the knots of all curves end to end, each filled up to one size, and the values and slopes there."""
        knots: list[float] = []
        values: list[float] = []
        slopes: list[float] = []
        for curve in self.curves:
            spare = size - len(curve.x)
            spans = zip(pairwise(curve.x), pairwise(curve.y), strict=True)
            rises = [(above - below) / (after - before) for (before, after), (below, above) in spans]
            knots += [*curve.x, *[2.0] * spare]  # no probability reaches 2
            values += [*curve.y, *[0.0] * spare]
            slopes += [*rises, 0.0, *[0.0] * spare]
        return tuple(knots), tuple(values), tuple(slopes)


Calibrators = Mapping[str, TemperatureCalibrator | IsotonicCalibrator]
"""What calibrates each output of a network, by its name; outputs that are not calibrated are left out."""


def calibrated(
    network: Network, lowered: Lowered, calibrators: Calibrators, *, costs: bool = False
) -> Lowered:
    """Return a forward graph whose predictions are calibrated; with `costs`, what rows cost is that of these."""
    if not calibrators:
        return lowered
    outputs = dict(lowered.outputs)
    for name, calibrator in calibrators.items():
        own, loss = outputs[name], network.outputs[name].loss
        prediction = calibrator.lower(own, loss.output_activation)
        outputs[name] = replace(own, prediction=prediction)
        if costs:
            logits = calibrator.logits(own, prediction, loss.output_activation)
            elements, _ = element_costs(loss, logits, own.target, own.exists)
            outputs[name] = replace(own, output=logits, prediction=prediction, elements=elements)
    lowered = replace(lowered, outputs=outputs)
    if not costs:
        return lowered
    penalties = lowered.builder.row_penalties
    elements, rest = whole_cost(network.outputs, outputs, penalties, network.spec.loss)
    return replace(lowered, elements=elements, rest=rest)


def calibratable(network: Network) -> dict[str, NetworkOutput]:
    """Return the outputs that are probabilities of the data's classes, or of yes and no, by name."""
    return {
        name: output
        for name, output in network.outputs.items()
        if output.loss.output_activation in ("softmax", "sigmoid")
        and output.loss.by_step
        and not (output.of_inputs or network.spec.data.reproduces)
    }


def curve_count(shape: tuple[int, ...], activation: str) -> int:
    """Return how many curves an output of a shape has: one for each class or label, and one for masks of yes and no."""
    if activation == "softmax":
        return shape[-1]
    return shape[0] if len(shape) == 1 else 1


def _index(place: Value) -> Value:
    return ops.cast(place, to="int64")


def _shares(y: Value) -> Value:
    """Append values divided by their sum along the last axis; equal shares where all of them are 0."""
    last = y.rank - 1
    classes = y.shape[-1]
    assert isinstance(classes, int)
    summed = ops.reshape(ops.reduce_sum(y, axes=(last,)), shape=(BATCH, *y.shape[1:-1], 1))
    none = ops.less_equal(summed, 0.0)
    return ops.where(none, 1.0 / classes, y / ops.where(none, 1.0, summed))
