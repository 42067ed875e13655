"""The table `[training]` of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.graph.parameter import name_matches
from specnet.vocabulary.kind import NamesFile, Table, fault, table_check
from specnet.vocabulary.optimizers import OPTIMIZERS, Optimizer
from specnet.vocabulary.schedules import SCHEDULES, Schedule


class EarlyStopping(Table):
    """Stop a run when a monitored value no longer improves."""

    monitor: str = "validation.loss"
    """What to monitor: a value of a split, such as `validation.loss` or `validation.accuracy`."""
    patience: PositiveInt = 10
    """How many validations without an improvement to wait."""
    min_delta: Annotated[float, Field(ge=0)] = Field(default=0.0, examples=[0.001])
    """The minimum change that counts as an improvement."""
    restore_best: bool = True
    """Whether to restore the parameters of the best validation at the end."""


class Checkpoint(Table):
    """Save at intervals what a run needs to resume after a crash; by default the last two checkpoints are kept.

    A checkpoint is written whenever one of the three intervals is over. If none is given, it is written after every
    epoch, with `steps` at every validation.
    """

    every_epochs: PositiveInt | None = Field(default=None, examples=[5])
    """Epochs from one checkpoint to the next."""
    every_steps: PositiveInt | None = Field(default=None, examples=[1000])
    """Steps from one checkpoint to the next."""
    every_seconds: PositiveFloat | None = Field(default=None, examples=[600])
    """Seconds from one checkpoint to the next; the current step is finished first."""
    keep: PositiveInt = 2
    """How many checkpoints to keep; with 1, a damaged one leaves none."""
    best: str | None = Field(default=None, examples=["validation.loss"])
    """A value of a split, such as `validation.loss`: the checkpoint of its best epoch, or with `steps` its best
    validation, is kept as well."""

    @property
    def each_validation(self) -> bool:
        """Whether no interval is given: each epoch, or with `steps` each validation, is followed by a checkpoint."""
        return self.every_epochs is None and self.every_steps is None and self.every_seconds is None


class InitFrom(Table):
    """An earlier run whose parameters are the initial values."""

    run: Annotated[str, Field(min_length=1), NamesFile()] = Field(examples=["runs/iris/001"])
    """The run's directory, or a file that `export --to specnet` wrote; relative to the document, then to the
    current folder."""
    layers: Annotated[tuple[str, ...], Field(min_length=1)] | None = Field(
        default=None, examples=[["dense_1"]]
    )
    """The layers to load; by default all whose names occur in both."""


class ParameterGroup(Table):
    """Parameters that are trained in another way than the rest; each belongs to the first group that matches it."""

    match: Annotated[str, Field(min_length=1)] | Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        examples=["encoder*"]
    )
    """A pattern of names of layers or parameters, such as `encoder*`, `dense_1` or `*.kernel`, or several."""
    learning_rate_multiplier: PositiveFloat = Field(default=1.0, examples=[0.1])
    """A factor for their learning rate, in addition to the layers' own."""
    weight_decay: Annotated[float, Field(ge=0)] | None = Field(default=None, examples=[0.0])
    """Their weight decay; by default the optimizer's."""
    trainable: bool | None = Field(default=None, examples=[False])
    """Whether they are trained; by default as their layers say."""

    def matches(self, name: str) -> bool:
        """Say whether a parameter or a layer of this name belongs to it."""
        return name_matches(self.patterns, name)

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of `match`."""
        return (self.match,) if isinstance(self.match, str) else self.match


class Training(Table):
    """How the parameters are trained."""

    epochs: PositiveInt | None = 10
    """The number of passes through the training split, unless `steps` is given."""
    steps: PositiveInt | None = Field(default=None, examples=[2000])
    """The number of steps, instead of `epochs`. Then results are reported at each validation, not at each epoch."""
    batch_size: PositiveInt | Literal["full"] | None = 32
    """The number of rows per step, or `"full"` for the whole training split in one step."""
    batch_by: Literal["length"] | None = None
    """What the rows of a batch have in common: with "length", batches are made of sequences of similar length, each
    padded to its own longest one only. In each epoch, rows of equal length are shuffled among their batches, and the
    batches among each other."""
    batch_tokens: PositiveInt | None = Field(default=None, examples=[4096])
    """The maximum number of tokens, or steps, of a batch, padding included, instead of `batch_size`: batches of short
    sequences have more rows. It needs `batch_by = "length"`."""
    optimizer: Annotated[Optimizer, OPTIMIZERS] = OPTIMIZERS.field("sgd")
    """The rule that turns gradients into steps."""
    groups: tuple[ParameterGroup, ...] = Field(
        default=(), examples=[[{"match": "encoder*", "learning_rate_multiplier": 0.1}]]
    )
    """Groups of parameters with settings of their own."""
    schedule: Annotated[Schedule, SCHEDULES] = SCHEDULES.field("constant")
    """How the learning rate changes from step to step."""
    shuffle: bool = True
    """Whether to draw a new order of the rows for each epoch; a full batch has only one order."""
    drop_last: bool = False
    """Whether to drop a last batch that is smaller than the others."""
    accumulate: PositiveInt = Field(default=1, examples=[4])
    """How many batches' gradients to average for one step."""
    clip_norm: PositiveFloat | None = Field(default=None, examples=[1.0])
    """The maximum Euclidean norm of the whole gradient; a larger one is scaled down to it."""
    clip_value: PositiveFloat | None = Field(default=None, examples=[0.5])
    """The maximum magnitude of each element of the gradient."""
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = Field(default=None, examples=[0.999])
    """The fraction that a running mean of the parameters keeps at each step (Polyak and Juditsky, 1992).

    mean + (1 - ema_decay) * (p - mean), starting from the initial parameters, is used for validation, early stopping
    and the results, and is the final model. Keras (`use_ema`) validates with p unless `SwapEMAWeights` is among
    the callbacks; timm averages running statistics as well.
    """
    validate_every: PositiveInt | None = Field(default=1, examples=[5])
    """Epochs from one validation to the next. With `steps` it counts steps, by default those of an epoch; the last
    step is always followed by a validation."""
    track_training: bool = False
    """Whether to measure the training split as well, whenever a validation is due: its loss and metrics
    with the parameters of that moment, without dropout. This takes about a third of the time of an epoch more, and no
    more memory."""
    early_stopping: EarlyStopping | None = None
    """When to stop before the end."""
    max_seconds: PositiveFloat | None = Field(default=None, examples=[600])
    """The maximum time of the training, including validation: it ends after the current step, even in the middle of
    an epoch. At least one step is made."""
    init_from: Annotated[str, Field(min_length=1), NamesFile()] | InitFrom | None = Field(
        default=None, examples=["runs/iris/001"]
    )
    """A run whose parameters and running statistics are the initial values of layers with the same names: its
    directory, or a table that also lists layers. All others are initialised as the document says."""
    checkpoint: Checkpoint | None = None
    """When to save what the run needs to resume after a crash."""

    @property
    def by_length(self) -> bool:
        """Whether batches are made of sequences of similar length."""
        return self.batch_by == "length"

    @property
    def unit(self) -> Literal["epoch", "step"]:
        """What the length of the training and `validate_every` count."""
        return "epoch" if self.steps is None else "step"

    def model_post_init(self, _: Any) -> None:
        """Leave out the defaults of keys that others take the place of."""
        own, given = vars(self), self.model_fields_set
        if own.get("batch_tokens") is not None and "batch_size" in own and "batch_size" not in given:
            own["batch_size"] = None
        if vars(self).get("steps") is not None:
            for name in ("epochs", "validate_every"):
                if name in vars(self) and name not in self.model_fields_set:
                    vars(self)[name] = None

    @table_check()
    def _one_batch_size(self) -> Iterator[PydanticCustomError]:
        if self.batch_size is not None and self.batch_tokens is not None:
            yield fault(
                "the size of a batch is given in rows or in tokens, not both",
                key="batch_size",
                help="remove `batch_size` for batches of `batch_tokens`, or remove `batch_tokens`",
            )
        elif self.batch_size is None and self.batch_tokens is None:
            yield fault("a batch needs a size", key="batch_size", help="give `batch_size` or `batch_tokens`")

    @table_check()
    def _tokens_by_length(self) -> Iterator[PydanticCustomError]:
        if self.batch_tokens is not None and self.batch_by is None:
            message = '`batch_tokens` counts the steps of sequences, and needs `batch_by = "length"`'
            yield fault(message, key="batch_tokens", part="key", help='give `batch_by = "length"` too')

    @table_check()
    def _some_of_the_rows(self) -> Iterator[PydanticCustomError]:
        if self.batch_by is not None and self.batch_size == "full":
            message = '`batch_by` would be ignored with `batch_size = "full"`: one batch has all rows'
            yield fault(message, key="batch_by", part="key", help="leave one of them out")

    @table_check()
    def _last_by_length(self) -> Iterator[PydanticCustomError]:
        if self.batch_by is not None and self.drop_last:
            message = "`drop_last` would leave out the shortest rows in every epoch: the last batch by length has these"
            yield fault(message, key="drop_last", help="leave `drop_last` or `batch_by` out")

    @table_check()
    def _one_length(self) -> Iterator[PydanticCustomError]:
        if self.epochs is not None and self.steps is not None:
            yield fault(
                "the length of a training is given in epochs or in steps, not both",
                key="epochs",
                help="remove `epochs` to train for `steps`, or remove `steps`",
            )
        elif self.epochs is None and self.steps is None:
            yield fault("a training needs a length", key="epochs", help="give `epochs` or `steps`")
