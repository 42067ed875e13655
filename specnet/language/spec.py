from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, PrivateAttr, model_validator

from specnet.data import READERS, Reader
from specnet.language.origin import Origin
from specnet.language.warnings import unknown_warning
from specnet.vocabulary.kind import Table, Words, fault
from specnet.vocabulary.layers import LAYERS, Layer
from specnet.vocabulary.layers.layer import NAME as LAYER_NAME
from specnet.vocabulary.losses import LOSSES, Loss
from specnet.vocabulary.losses.multi_output import MultiOutput, NamedOutput
from specnet.vocabulary.metrics import METRICS, Metric
from specnet.vocabulary.optimizers import OPTIMIZERS, Optimizer
from specnet.vocabulary.schedules import SCHEDULES, Schedule

NAME = r"""^[^\x00-\x20/\\:*?"<>|.]([^\x00-\x1f/\\:*?"<>|]*[^\x00-\x20/\\:*?"<>|.])?$"""
"""A name that can be a folder's name anywhere."""


@cache
def _made() -> Loss:
    """Return what stands for the loss of several outputs until it can be made."""
    return LOSSES.validate("mse")


class Entry(Table):
    """One input of a network that has several: some columns of the data's inputs, or one of several arrays."""

    columns: Annotated[tuple[str | int, ...], Field(min_length=1)] | None = None
    """The columns of a table that it holds, in this order; without a header, their places."""
    array: Annotated[str, Field(min_length=1)] | None = None
    """In the place of `columns`, the one of several arrays (`inputs = [...]` of npz data) that it holds."""
    shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    """What their elements are laid out as; if left out, one axis of all for columns, and an array's own shape."""

    @model_validator(mode="after")
    def _of_one_kind(self) -> Entry:
        if (self.columns is None) == (self.array is None):
            both = self.array is not None
            message = (
                "`columns` and `array` both say what it holds: keep one of them"
                if both
                else ("it does not say what it holds: `columns` of a table, or an `array`")
            )
            raise fault(message, key="array" if both else (), part=None if both else "table")
        return self


class EarlyStopping(Table):
    """End a run once a monitored value has stopped getting better."""

    monitor: str = "validation.loss"
    """What is watched: a split and a value of it, such as `validation.loss` or `validation.accuracy`."""
    patience: PositiveInt = 10
    """How many validations in a row may pass without getting better."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """How much a value must change to count as better."""
    restore_best: bool = True
    """Whether the parameters of the best validation are put back at the end."""


class Checkpoint(Table):
    """Save all that a run needs to go on after a crash, now and then; the last and the one before are kept.

    A checkpoint is written whenever one of the three intervals is over, and after every epoch where none is
    given.
    """

    every_epochs: PositiveInt | None = None
    """Epochs from one checkpoint to the next."""
    every_steps: PositiveInt | None = None
    """Steps from one checkpoint to the next."""
    every_seconds: PositiveFloat | None = None
    """Seconds from one checkpoint to the next; the step under way is finished."""
    keep: PositiveInt = 2
    """How many checkpoints are kept; with 1, none is left where the last is damaged."""
    best: str | None = None
    """A split and a value of it, such as `validation.loss`: the checkpoint of its best epoch is kept as well."""

    @property
    def epochs(self) -> int | None:
        """Epochs from one checkpoint to the next, where epochs count."""
        alone = self.every_steps is None and self.every_seconds is None
        return 1 if alone and self.every_epochs is None else self.every_epochs


class InitFrom(Table):
    """An earlier run whose parameters a training starts from."""

    run: Annotated[str, Field(min_length=1)]
    """The run's directory, or a file that `export --to specnet` wrote; relative to the document, then to the current
    folder."""
    layers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The layers that start from it; all that the two have by the same names if left out."""


class Training(Table):
    """How the parameters are fitted."""

    epochs: PositiveInt = 10
    """How many times the training split is gone through."""
    batch_size: PositiveInt | Literal["full"] = 32
    """Rows a step, or `"full"` for the whole training split in one step."""
    optimizer: Annotated[Optimizer, OPTIMIZERS] = Field(default_factory=OPTIMIZERS.default("sgd"))
    """The rule that turns gradients into steps."""
    schedule: Annotated[Schedule, SCHEDULES] = Field(default_factory=SCHEDULES.default("constant"))
    """How the learning rate changes from step to step."""
    shuffle: bool = True
    """Whether the rows are drawn in a new order in each epoch; a full batch has one order only."""
    drop_last: bool = False
    """Whether a last batch smaller than the others is left out."""
    accumulate: PositiveInt = 1
    """How many batches' gradients are averaged into one step."""
    clip_norm: PositiveFloat | None = None
    """The largest Euclidean norm that the whole gradient may have; a larger one is scaled down to it."""
    clip_value: PositiveFloat | None = None
    """The largest magnitude that any one element of the gradient may have."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The share of itself that a running mean of the parameters keeps at each step (Polyak and Juditsky, 1992).

    mean + (1 - ema_decay) * (p - mean), from the initial parameters on, is what validation, early stopping and the
    results see, and what the model ends as. Keras (`use_ema`) validates with p unless `SwapEMAWeights` is among
    the callbacks; timm averages running statistics as well."""
    validate_every: PositiveInt = 1
    """Epochs from one validation to the next."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the last epoch."""
    max_seconds: PositiveFloat | None = None
    """How long the training may take, validation included: it ends after the step under way, be it in the middle of
    an epoch. At least one step is made."""
    init_from: Annotated[str, Field(min_length=1)] | InitFrom | None = None
    """A run whose parameters, and running statistics, the layers of the same names start from: its directory, or a
    table that also says which layers. What it does not have starts as the document says."""
    checkpoint: Checkpoint | None = None
    """When to save what the run needs to go on after a crash."""


class Lint(Table):
    """What is made of likely mistakes that are no errors."""

    ignore: tuple[str, ...] = ()
    """The codes of warnings that are not wanted, such as `SN701`."""

    @model_validator(mode="after")
    def _known(self) -> Lint:
        for place, code in enumerate(self.ignore):
            unknown = unknown_warning(code)
            if unknown is not None:
                message, cure = unknown
                raise fault(message, key=("ignore", place), code="SN207", help=cure)
        return self


class Output(Table):
    """What the end of a run shows."""

    show: tuple[Literal["predictions", "weights"], ...] = ()
    """Tables for models and data small enough to read."""


class Spec(Table):
    """Everything about one experiment."""

    # Python takes true and 1.0 for the literal 1, and so would a Literal.
    specnet: Annotated[int, Field(ge=1, le=1, json_schema_extra={"const": 1})]
    """The version of the language."""
    name: Annotated[str, Field(pattern=NAME), Words("a string that can be a folder's name")] = "spec"
    """What the experiment is called, and its runs' folder; the file's stem if left out."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The one source of all randomness."""
    dtype: Literal["float32", "float64"] = "float32"
    """The type of every parameter and activation."""
    metrics: tuple[Annotated[Metric, METRICS], ...] | None = None
    """What is measured beside the loss; chosen by the loss if left out."""
    input_shape: tuple[PositiveInt, ...] | None = None
    """The shape of one example's input, without the batch axis; pins what the data would tell."""
    inputs: (
        Annotated[
            dict[str, Entry],
            Field(min_length=1, json_schema_extra={"propertyNames": {"pattern": LAYER_NAME}}),
        ]
        | None
    ) = None
    """The inputs of a network that has several, by the names that its layers take them by; all of the data's inputs
    are one if left out."""
    data: Annotated[Reader, READERS]
    """What the model learns from."""
    layers: tuple[Annotated[Layer, LAYERS], ...] = Field(min_length=1)
    """The network, from its input to its output."""
    loss: Annotated[Loss, LOSSES]
    """What the training makes small; left out where `outputs` has a loss for each output."""
    outputs: (
        Annotated[
            dict[str, NamedOutput],
            Field(min_length=1, json_schema_extra={"propertyNames": {"pattern": LAYER_NAME}}),
        ]
        | None
    ) = None
    """The outputs of a network that has several, by their names; the only one is the last layer's if left out."""
    training: Training = Field(default_factory=Training)
    """How the parameters are fitted."""
    output: Output = Field(default_factory=Output)
    """What the end of a run shows and keeps."""
    lint: Lint = Field(default_factory=Lint)
    """What is made of likely mistakes that are no errors."""

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @model_validator(mode="before")
    @classmethod
    def _without_loss(cls, data: Any) -> Any:
        """Let `outputs` stand for `loss`, which is made of them once they are sound."""
        if not isinstance(data, dict) or not isinstance(data.get("outputs"), dict):
            return data
        own = data.get("loss")
        made = isinstance(own, MultiOutput) or (isinstance(own, dict) and own.get("type") == "heads")
        return data if "loss" in data and not made else {**data, "loss": _made()}

    @model_validator(mode="after")
    def _named(self) -> Spec:
        for key, names in (("inputs", self.inputs), ("outputs", self.outputs)):
            for name in names or ():
                if re.match(LAYER_NAME, name) is None:
                    rule = "letters, digits, `_` and `-`, and does not start with a digit"
                    message = f"an {key[:-1]}'s name consists of {rule}"
                    raise fault(message, key=(key, name), code="SN209", part="key")
        if self.inputs is not None and self.input_shape is not None:
            message = "`input_shape` pins a single input, and there are named `inputs`"
            raise fault(message, key="input_shape", part="key", help="leave `input_shape` out")
        return self

    @model_validator(mode="after")
    def _with_heads(self) -> Spec:
        if self.outputs is None:
            return self
        if self.loss is not _made():
            message = "`loss` would be ignored: each of the `outputs` has a loss of its own"
            raise fault(message, key="loss", part="key", help="leave `loss` out")
        if self.metrics is not None:
            message = "`metrics` would be ignored: each of the `outputs` has metrics of its own"
            raise fault(
                message, key="metrics", part="key", help="put them below the output that they measure"
            )
        # Pydantic's own way of setting a field of a frozen model while it is validated.
        self.__dict__["loss"] = MultiOutput(type="heads", outputs=self.outputs)
        return self

    @property
    def origin(self) -> Origin:
        """Where it was read from: it turns key paths into places in the document."""
        return self._origin

    @property
    def needed(self) -> tuple[str, ...] | None:
        """The names of the layers that the outputs are taken from; None where it is the last layer."""
        if self.outputs is None:
            return None
        return tuple(head.layer or name for name, head in self.outputs.items())

    @property
    def folder(self) -> Path:
        """The folder that relative paths in it start from."""
        return self._origin.folder
