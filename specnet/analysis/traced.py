"""What a trace of a training holds: data that the command line shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class TracedLine:
    """One line of a step: a name, its formula, and the numbers that it has for the row."""

    name: str
    """The name of the value."""
    formula: str
    """The expression as the graph has it."""
    value: Array
    """The row's part of it; all of it where it belongs to no single row."""
    of_row: bool
    """Whether it is the row's part."""
    written: tuple[str, ...] = ()
    """For a few elements, the formula with numbers instead of names."""


@dataclass(frozen=True, slots=True)
class TracedLayer:
    """The lines of one layer in one pass."""

    name: str
    """The layer's name; `loss` for what lies behind the layers."""
    type: str
    """The layer's kind."""
    summary: str
    """The first paragraph of what `specnet docs` says of the kind."""
    lines: tuple[TracedLine, ...]
    """The lines in the order in which they are computed."""


@dataclass(frozen=True, slots=True)
class TracedParameter:
    """What one step makes of one parameter."""

    name: str
    """The parameter's name, such as `dense_1.kernel`."""
    before: Array
    """The parameter before the step."""
    gradient: Array
    """The gradient of the whole batch, penalties included."""
    share: Array | None
    """The row's share in it; None where the loss is not one of rows."""
    slots: Mapping[str, Array]
    """What the optimizer's slots hold after the step, by the names of the formulas."""
    after: Array
    """The parameter after the step."""
    written: tuple[str, ...] = ()
    """The update of the first elements, with numbers."""


@dataclass(frozen=True, slots=True)
class TracedStep:
    """One step of the training."""

    step: int
    """Counted from 1."""
    epoch: int
    """The epoch of the step, from 1."""
    rows: tuple[int, ...]
    """The rows of the training split that its batch holds, from 0, in their order."""
    learning_rate: float
    """The learning rate of the step."""
    loss: float
    """The loss of the batch, without penalties, as the run computes it."""
    penalty: float
    """The penalties of regularizers, which are added to the loss."""
    share: float | None
    """The row's share in it; None where the row is not in the batch, or the loss is not one of rows."""
    mean: bool
    """Whether the loss, and so the gradient, is the mean over the rows, not their sum."""
    inputs: Mapping[str, Array]
    """What the network takes of the row, transformed and augmented; {} where the row is not in the batch."""
    targets: Mapping[str, Array]
    """The row's targets, by output; {} where the row is not in the batch."""
    comes: int | None
    """The step of this epoch whose batch holds the row; None where it is dropped."""
    forward: tuple[TracedLayer, ...]
    """The layers from the input to the loss."""
    backward: tuple[TracedLayer, ...]
    """The layers from the loss to the input."""
    update: tuple[tuple[str, str], ...]
    """The formulas of the update, as names and expressions; () where the batch only adds to a later step's gradient."""
    parameters: tuple[TracedParameter, ...]
    """All trained parameters."""
    outputs: Mapping[str, Array] = field(default_factory=dict)
    """The output of each layer for the row, by its name."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One row's way through the first steps of a training, as `specnet.trace` returns it."""

    name: str
    """The name of the experiment."""
    row: int
    """The row of the training split, from 0."""
    rows: int
    """How many rows the training split has."""
    steps: tuple[TracedStep, ...]
    """The traced steps, in order."""
    ended: str
    """Why the training ended before all of the steps; empty if it did not."""


@dataclass(frozen=True, slots=True)
class Observed:
    """All that a step begins with."""

    step: int
    epoch: int
    rows: Array
    """The rows of the training split, in the order of the batch."""
    place: int | None
    """Where the traced row is among them."""
    comes: int | None
    """The step of this epoch whose batch holds the row."""
    arrays: Mapping[str, Array]
    """What the plan reads of the batch, augmented."""
    parameters: Array
    """All that is kept with the model, as one vector."""
    slots: Mapping[str, Array]
    streams: Mapping[str, np.random.Generator]
    """The generators of the layers' random numbers."""
    rate: float
    accumulated: Array | None = None
    """The gradient that several batches have added up, where they share the step."""
