from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, PrivateAttr, model_validator

from specnet.data import FORMATS, DataFormat
from specnet.language.spec_source import SpecSource
from specnet.language.warnings import unknown_warning
from specnet.vocabulary.kind import Table, Words, fault
from specnet.vocabulary.layers import LAYERS, Layer
from specnet.vocabulary.layers import NAME as LAYER_NAME
from specnet.vocabulary.losses import LOSSES, Loss
from specnet.vocabulary.metrics import METRICS, Metric
from specnet.vocabulary.optimizers import OPTIMIZERS, Optimizer
from specnet.vocabulary.outputs import MultiOutput, NamedOutput
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
    """The columns of a table that it contains, in this order; without a header, their indices."""
    array: Annotated[str, Field(min_length=1)] | None = None
    """Instead of `columns`, the one of several arrays (`inputs = [...]` of npz data) that it contains."""
    shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] | None = None
    """The shape of the input; by default one axis for columns, and an array's own shape."""

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
    """Stop a run when a monitored value no longer improves."""

    monitor: str = "validation.loss"
    """What to monitor: a value of a split, such as `validation.loss` or `validation.accuracy`."""
    patience: PositiveInt = 10
    """How many validations without an improvement to wait."""
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    """The minimum change that counts as an improvement."""
    restore_best: bool = True
    """Whether to restore the parameters of the best validation at the end."""


class Checkpoint(Table):
    """Save at intervals what a run needs to resume after a crash; by default the last two checkpoints are kept.

    A checkpoint is written whenever one of the three intervals is over, and after every epoch if none is
    given.
    """

    every_epochs: PositiveInt | None = None
    """Epochs from one checkpoint to the next."""
    every_steps: PositiveInt | None = None
    """Steps from one checkpoint to the next."""
    every_seconds: PositiveFloat | None = None
    """Seconds from one checkpoint to the next; the current step is finished first."""
    keep: PositiveInt = 2
    """How many checkpoints to keep; with 1, a damaged one leaves none."""
    best: str | None = None
    """A value of a split, such as `validation.loss`: the checkpoint of its best epoch is kept as well."""

    @property
    def epochs(self) -> int | None:
        """Epochs from one checkpoint to the next, where epochs count."""
        alone = self.every_steps is None and self.every_seconds is None
        return 1 if alone and self.every_epochs is None else self.every_epochs


class InitFrom(Table):
    """An earlier run whose parameters are the initial values."""

    run: Annotated[str, Field(min_length=1)]
    """The run's directory, or a file that `export --to specnet` wrote; relative to the document, then to the
    current folder."""
    layers: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The layers to load; by default all whose names occur in both."""


class Training(Table):
    """How the parameters are trained."""

    epochs: PositiveInt = 10
    """The number of passes through the training split."""
    batch_size: PositiveInt | Literal["full"] = 32
    """The number of rows per step, or `"full"` for the whole training split in one step."""
    optimizer: Annotated[Optimizer, OPTIMIZERS] = OPTIMIZERS.field("sgd")
    """The rule that turns gradients into steps."""
    schedule: Annotated[Schedule, SCHEDULES] = SCHEDULES.field("constant")
    """How the learning rate changes from step to step."""
    shuffle: bool = True
    """Whether to draw a new order of the rows for each epoch; a full batch has only one order."""
    drop_last: bool = False
    """Whether to drop a last batch that is smaller than the others."""
    accumulate: PositiveInt = 1
    """How many batches' gradients to average for one step."""
    clip_norm: PositiveFloat | None = None
    """The maximum Euclidean norm of the whole gradient; a larger one is scaled down to it."""
    clip_value: PositiveFloat | None = None
    """The maximum magnitude of each element of the gradient."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    """The fraction that a running mean of the parameters keeps at each step (Polyak and Juditsky, 1992).

    mean + (1 - ema_decay) * (p - mean), starting from the initial parameters, is used for validation, early stopping
    and the results, and is the final model. Keras (`use_ema`) validates with p unless `SwapEMAWeights` is among
    the callbacks; timm averages running statistics as well.
    """
    validate_every: PositiveInt = 1
    """Epochs from one validation to the next."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the last epoch."""
    max_seconds: PositiveFloat | None = None
    """The maximum time of the training, including validation: it ends after the current step, even in the middle of
    an epoch. At least one step is made."""
    init_from: Annotated[str, Field(min_length=1)] | InitFrom | None = None
    """A run whose parameters and running statistics are the initial values of layers with the same names: its
    directory, or a table that also lists layers. All others are initialised as the document says."""
    checkpoint: Checkpoint | None = None
    """When to save what the run needs to resume after a crash."""


class Lint(Table):
    """How likely mistakes that are not errors are reported."""

    ignore: tuple[str, ...] = ()
    """The codes of warnings to suppress, such as `SN701`."""

    @model_validator(mode="after")
    def _known(self) -> Lint:
        for place, code in enumerate(self.ignore):
            unknown = unknown_warning(code)
            if unknown is not None:
                message, help = unknown
                raise fault(message, key=("ignore", place), code="SN207", help=help)
        return self


class Output(Table):
    """What to show at the end of a run."""

    show: tuple[Literal["predictions", "weights"], ...] = ()
    """Tables to print, for models and data small enough to read."""


class Spec(Table):
    """Everything about one experiment."""

    # Python takes true and 1.0 for the literal 1, and so would a Literal.
    specnet: Annotated[int, Field(ge=1, le=1, json_schema_extra={"const": 1})]
    """The version of the language."""
    name: Annotated[str, Field(pattern=NAME), Words("a string that can be a folder's name")] = "spec"
    """The name of the experiment and of the folder of its runs; by default the file's stem."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """The only source of randomness."""
    dtype: Literal["float32", "float64"] = "float32"
    """The type of every parameter and activation."""
    metrics: tuple[Annotated[Metric, METRICS], ...] | None = None
    """What to measure besides the loss; by default chosen by the loss."""
    input_shape: tuple[PositiveInt, ...] | None = None
    """The shape of one example's input, without the batch axis; if given, the data must match it."""
    inputs: (
        Annotated[
            dict[str, Entry],
            Field(min_length=1, json_schema_extra={"propertyNames": {"pattern": LAYER_NAME}}),
        ]
        | None
    ) = None
    """The inputs of a network that has several, by name; by default all of the data's inputs are one."""
    data: Annotated[DataFormat, FORMATS]
    """The data to train on."""
    layers: tuple[Annotated[Layer, LAYERS], ...] = Field(min_length=1)
    """The network, from its input to its output."""
    loss: Annotated[Loss, LOSSES]
    """What training minimizes; left out if `outputs` has a loss for each output."""
    outputs: (
        Annotated[
            dict[str, NamedOutput],
            Field(min_length=1, json_schema_extra={"propertyNames": {"pattern": LAYER_NAME}}),
        ]
        | None
    ) = None
    """The outputs of a network that has several, by name; by default the output of the last layer is the only one."""
    training: Training = Field(default_factory=Training)
    """How the parameters are trained."""
    output: Output = Field(default_factory=Output)
    """What to show at the end of a run."""
    lint: Lint = Field(default_factory=Lint)
    """How likely mistakes that are not errors are reported."""

    _source: SpecSource = PrivateAttr(default_factory=SpecSource)

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
    def source(self) -> SpecSource:
        """Where it was read from: it turns key paths into places in the document."""
        return self._source

    @property
    def needed(self) -> tuple[str, ...] | None:
        """The names of the layers that the outputs are taken from; None where it is the last layer."""
        if self.outputs is None:
            return None
        return tuple(head.layer or name for name, head in self.outputs.items())

    @property
    def folder(self) -> Path:
        """The folder that relative paths in it start from."""
        return self._source.folder
