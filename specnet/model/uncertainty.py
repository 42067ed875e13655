"""What is fitted on the validation split once a model is trained: calibrators, and intervals around predictions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, prod
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from specnet.model.calibrators import Calibrator, IsotonicCalibrator, TemperatureCalibrator

if TYPE_CHECKING:
    from specnet.model.network import Network
    from specnet.model.outputs import NetworkOutput


class NumberIntervals(BaseModel):
    """Half the widths of intervals around predicted numbers, such that a share of new targets lies inside."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["numbers"] = "numbers"
    half_widths: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)]
    """One for each number of a row."""
    transformed: bool
    """Whether they are in the units of the transformed targets, so that the ends of an interval are transformed back;
    else they are in the units of the data."""
    noise: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Of an `ensemble`, whose members' predictions have a spread s in the units of the transformed targets: half the
    width of an interval is `half_widths` times sqrt(noise^2 + s^2), for each number of a row."""


class SetIntervals(BaseModel):
    """The values from which on a class belongs to the prediction set of a row."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["sets"] = "sets"
    thresholds: Annotated[tuple[float, ...], Field(min_length=1)]
    """One for each class that a row has: its only one, or each of its labels."""


FittedIntervals = NumberIntervals | SetIntervals


class Uncertainty(BaseModel):
    """The calibrators and the intervals of a model, by output; the name of the only output is empty."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibrators: dict[
        str, Annotated[TemperatureCalibrator | IsotonicCalibrator, Field(discriminator="type")]
    ] = {}
    level: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of new rows that intervals are to cover."""
    rows: int = 0
    """The number of validation rows that the intervals were fitted to."""
    intervals: dict[str, Annotated[FittedIntervals, Field(discriminator="kind")]] = {}

    def faults(self, network: Network) -> Iterator[str]:
        """Yield why it is not of a network."""
        for name in [*self.calibrators, *self.intervals]:
            if name not in network.outputs:
                yield f"the network has no output `{name}`"
                return
        for name, calibrator in self.calibrators.items():
            output = network.outputs[name]
            problem = calibrator.fault(output.shape, output.loss.output_activation)
            if problem is not None:
                yield problem
        kinds = interval_kinds(network)
        for name, own in self.intervals.items():
            count = set_count(network.outputs[name])
            if own.kind != kinds.get(name) or (own.kind == "sets" and len(own.thresholds) != count):
                yield "its intervals are of another output"
            elif own.kind == "numbers" and own.noise is not None:
                lowered = network.forward(training=False).outputs[name]
                if lowered.members is None or len(own.noise) != len(own.half_widths):
                    yield "its intervals are of another output"

    def as_dict(self) -> dict[str, Any]:
        """Return what results say of it: no curves, but how much the calibration has gained."""
        found: dict[str, Any] = {}
        if self.calibrators:
            found["calibration"] = _by_output({n: _calibration(c) for n, c in self.calibrators.items()})
        if self.level is not None:
            own = {name: _interval(each) for name, each in self.intervals.items()}
            found["intervals"] = {"level": self.level, "rows": self.rows, **_by_output(own)}
        return found


def interval_kinds(network: Network) -> dict[str, Literal["numbers", "sets"]]:
    """Return the outputs that may have intervals, by name: around numbers, or sets of classes for a row or its labels.

    Inputs that are reproduced have none, nor have masks, in which each row has many classes.
    """
    found: dict[str, Literal["numbers", "sets"]] = {}
    for name, output in network.outputs.items():
        if output.of_inputs or network.spec.data.reproduces:
            continue
        if output.loss.targets == "real":
            found[name] = "numbers"
        elif output.loss.targets in ("classes", "binary") and len(output.shape) < 2:
            found[name] = "sets"
    return found


def set_count(output: NetworkOutput) -> int:
    """Return how many prediction sets a row has: one, or one for each label."""
    return 1 if output.loss.targets == "classes" else prod(output.shape)


def rank_of(level: float, rows: int) -> int:
    """Return which of the ascending scores of so many rows a new score exceeds with a probability of 1 - level at most.

    It is more than `rows` where there are too few of them.
    """
    return ceil(Fraction(str(level)) * (rows + 1))


def least_rows(level: float) -> int:
    """Return from how many rows on intervals of a level are finite."""
    share = Fraction(str(level))
    return ceil(share / (1 - share))


def _by_output(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the facts of the only output, or those of each by its name."""
    return found[""] if list(found) == [""] else found


def _calibration(calibrator: Calibrator) -> dict[str, Any]:
    kind = {"type": getattr(calibrator, "type", ""), **calibrator.fitted}
    log_loss = {"before": calibrator.before, "after": calibrator.after}
    note = getattr(calibrator, "note", None)
    return {**kind, "rows": calibrator.rows, "log_loss": log_loss, **({"note": note} if note else {})}


def _interval(own: FittedIntervals) -> dict[str, Any]:
    if own.kind == "sets":
        return {"kind": "sets", "thresholds": list(own.thresholds)}
    noise = {} if own.noise is None else {"noise": list(own.noise)}
    return {"kind": "numbers", "half_widths": list(own.half_widths), "transformed": own.transformed, **noise}
