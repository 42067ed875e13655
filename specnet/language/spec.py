from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PositiveInt, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from specnet.data import FORMATS, DataFormat
from specnet.diagnostics import Diagnostic, SpecError, html
from specnet.language.composing import compose, recompose, with_escapes
from specnet.language.magnitudes import real_faults, whole_faults
from specnet.language.names import NAME, name_faults, stem_name
from specnet.language.overrides import Overrides, read_overrides
from specnet.language.parsing import ParsedText
from specnet.language.plugins import NAME as PLUGIN_NAME
from specnet.language.plugins import loaded_plugins, normalized
from specnet.language.sections import Entry, Lint, Output
from specnet.language.set_options import set_options
from specnet.language.spec_source import SpecSource
from specnet.language.sweep import Sweep
from specnet.language.training import Training
from specnet.vocabulary.kind import Table, Words, fault, table_check
from specnet.vocabulary.layers import LAYERS, Layer
from specnet.vocabulary.layers import NAME as LAYER_NAME
from specnet.vocabulary.losses import LOSSES, Loss
from specnet.vocabulary.metrics import METRICS, Metric
from specnet.vocabulary.outputs import MultiOutput, NamedOutput

if TYPE_CHECKING:
    from specnet.language.recovery import Lost


@cache
def _made() -> Loss:
    """Return what stands for the loss of several outputs until it can be made."""
    return LOSSES.validate("mse")


class Spec(Table):
    """A validated document: everything about one experiment.

    `specnet.load` returns it. It cannot be changed; `replace` returns another one.
    """

    # Python takes true and 1.0 for the literal 1, and so would a Literal.
    specnet: Annotated[int, Field(ge=1, le=1, json_schema_extra={"const": 1}), Words("the number 1")] = Field(
        examples=[1]
    )
    """The version of the language."""
    extends: (
        Annotated[str, Field(min_length=1)]
        | Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
        | None
    ) = Field(default=None, exclude=True, examples=["base.toml"])
    """The document, or documents, that this one extends: .toml or .json files, relative to this one. Tables are merged
    key by key, and everything else is replaced: by later documents, and at last by this one. A spec has none, since
    they are merged before it is made."""
    variables: dict[str, Any] | None = Field(default=None, exclude=True, examples=[{"width": 32}])
    """Values by name, for references in strings: `"${width}"` has the variable's type, `"${2 * width}"` is computed,
    and `"run-${width}"` is text. A spec has none, since references are resolved before it is made."""
    name: Annotated[str, Field(pattern=NAME), Words("a string that can be a folder's name")] = "spec"
    """The name of the experiment and of the folder of its runs; by default the file's stem."""
    seed: Annotated[int, Field(ge=0, lt=2**63), Words("a whole number from 0 to below 2^63")] = Field(
        default=0, examples=[7]
    )
    """The only source of randomness."""
    dtype: Literal["float32", "float64"] = "float32"
    """The type of every parameter and activation."""
    plugins: Annotated[
        tuple[
            Annotated[str, Field(pattern=PLUGIN_NAME), Words("the name of an installed distribution")], ...
        ],
        Words("an array of names of installed distributions"),
        Field(examples=[["my-package"]]),
    ] = ()
    """The installed distributions that are imported for the kinds that they register."""
    metrics: tuple[Annotated[Metric, METRICS], ...] | None = None
    """What to measure besides the loss; by default chosen by the loss."""
    input_shape: tuple[PositiveInt, ...] | None = Field(default=None, examples=[[28, 28, 1]])
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
    sweep: Sweep | None = Field(default=None, exclude=True)
    """What `specnet sweep` searches for; a single run takes no notice of it, and does not record it."""
    output: Output = Field(default_factory=Output)
    """What to show at the end of a run, how predictions are read, and how sure they are."""
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
    def _plugins_once(self) -> Spec:
        seen: dict[str, str] = {}
        for place, name in enumerate(self.plugins):
            earlier = seen.setdefault(normalized(name), name)
            if normalized(name) in map(normalized, self.plugins[:place]):
                spelled = "" if name == earlier else f", as `{earlier}`"
                raise fault(f"`plugins` names `{name}` twice{spelled}", key=("plugins", place))
        return self

    @table_check(each="inputs")
    def _input_named(self, name: str, _: Entry) -> Iterator[PydanticCustomError]:
        return name_faults("inputs", name)

    @table_check(each="outputs")
    def _output_named(self, name: str, _: NamedOutput) -> Iterator[PydanticCustomError]:
        return name_faults("outputs", name)

    @table_check()
    def _pinned(self) -> Iterator[PydanticCustomError]:
        if self.inputs is not None and self.input_shape is not None:
            message = "`input_shape` pins a single input, and there are named `inputs`"
            yield fault(message, key="input_shape", part="key", help="leave `input_shape` out")

    @table_check()
    def _loss_of_each(self) -> Iterator[PydanticCustomError]:
        if self.outputs is not None and self.loss is not _made():
            message = "`loss` would be ignored: each of the `outputs` has a loss of its own"
            yield fault(message, key="loss", part="key", help="leave `loss` out")

    @table_check()
    def _metrics_of_each(self) -> Iterator[PydanticCustomError]:
        if self.outputs is not None and self.metrics is not None:
            message = "`metrics` would be ignored: each of the `outputs` has metrics of its own"
            yield fault(
                message, key="metrics", part="key", help="put them below the output that they measure"
            )

    @table_check()
    def _threshold_of_each(self) -> Iterator[PydanticCustomError]:
        if self.outputs is not None and self.output.threshold is not None:
            message = "`threshold` would be ignored: each of the `outputs` has a threshold of its own"
            yield fault(
                message,
                key=("output", "threshold"),
                part="key",
                help="put it below the output that it is about",
            )

    @table_check(each="layers")
    def _layer_is_finite(self, index: int, layer: Layer) -> Iterator[PydanticCustomError]:
        return real_faults(layer, ("layers", index), self.dtype)

    @table_check(each="outputs")
    def _output_is_finite(self, name: str, output: NamedOutput) -> Iterator[PydanticCustomError]:
        return real_faults(output, ("outputs", name), self.dtype)

    @table_check()
    def _loss_is_finite(self) -> Iterator[PydanticCustomError]:
        return real_faults(self.loss, ("loss",), self.dtype)

    @table_check()
    def _training_is_finite(self) -> Iterator[PydanticCustomError]:
        for key in ("optimizer", "clip_norm", "clip_value"):
            yield from real_faults(vars(self.training).get(key), ("training", key), self.dtype)

    @table_check()
    def _intervals_of_one_model(self) -> Iterator[PydanticCustomError]:
        split = self.data.split
        if self.output.intervals is not None and split is not None and split.is_whole:
            yield fault(
                "`intervals` are those of one model, and `folds` train several, whose mean no row has tested",
                key=("output", "intervals"),
                code="SN632",
                help="leave `intervals` or `folds` out, or train one fold with `fold = 1`",
            )

    @table_check()
    def _training_is_counted(self) -> Iterator[PydanticCustomError]:
        return whole_faults(self.training, ("training",))

    @table_check()
    def _sweep_is_counted(self) -> Iterator[PydanticCustomError]:
        for key in ("trials", "sampler", "pruner", "folds"):
            yield from whole_faults(vars(self.sweep).get(key) if self.sweep else None, ("sweep", key))

    @model_validator(mode="after")
    def _with_heads(self) -> Spec:
        if self.outputs is None:
            return self
        # Pydantic's own way of setting a field of a frozen model while it is validated.
        self.__dict__["loss"] = MultiOutput(type="heads", outputs=self.outputs)
        return self

    @property
    def source(self) -> SpecSource:
        """The document that it was read from, which turns key paths into positions."""
        return self._source

    @property
    def needed(self) -> tuple[str, ...] | None:
        """The names of the layers whose outputs are the network's; None if it is the last layer."""
        if self.outputs is None:
            return None
        return tuple(head.layer or name for name, head in self.outputs.items())

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self._source.folder

    def starting_from(self, folder: Path) -> Spec:
        """Return the same spec, with relative paths that start from a folder, and without places in a document."""
        spec = self.model_copy()
        spec._source = SpecSource(None, (), folder)  # noqa: SLF001  its own
        return spec

    def in_folder(self, folder: Path) -> Spec:
        """Return the same spec with its document, with relative paths that start from another folder."""
        source, text = self._source, self._source.source
        if text is not None:
            text = replace(text, path=folder / Path(text.file).name)
        spec = self.model_copy()
        spec._source = replace(source, source=text, start=folder)  # noqa: SLF001  its own
        return spec

    def _repr_html_(self) -> str:
        """Return what it says, section by section, for notebooks."""
        layers = [[number, layer.type, set_options(layer)] for number, layer in enumerate(self.layers)]
        training = self.training
        facts = [
            ["data", self.data.type, set_options(self.data)],
            ["loss", self.loss.type, set_options(self.loss)],
            ["optimizer", training.optimizer.type, set_options(training.optimizer)],
            ["schedule", training.schedule.type, set_options(training.schedule)],
        ]
        title = html.heading(self.name, f"seed {self.seed}, {self.dtype}")
        return (
            title
            + html.table(["", "type", "options"], facts)
            + html.table(["layer", "type", "options"], layers)
        )

    @classmethod
    def of_data(
        cls, data: dict[str, Any], source: SpecSource, lost: Lost | None = None, *, imports: bool = True
    ) -> Spec:
        """Return the spec of a document's data; raises SpecError whose findings have no positions yet.

        `lost` is what syntax errors leave unknown of the data: it is not reported as faulty or missing. The plugins
        that it names are imported; without `imports`, each that is not imported yet is an error.
        """
        text = source.source
        if (text is None or text.syntax == "json") and isinstance(data.get("$schema"), str):
            data = {key: value for key, value in data.items() if key != "$schema"}
        found: list[Diagnostic] = []
        if data.get("plugins") and data.get("specnet") == 1:
            from specnet.language.named_plugins import load_named

            found = load_named(data, imports=imports)
        try:
            spec = cls.model_validate({"name": stem_name("spec" if text is None else text.stem), **data})
        except ValidationError as error:
            from specnet.language.faults import model_faults
            from specnet.language.named_plugins import with_plugins_considered

            faults = model_faults(cls, data, error, [each.path for each in source.overrides], lost)
            raise SpecError([*found, *with_plugins_considered(faults, data)]) from None
        if loaded_plugins():
            from specnet.language.named_plugins import unnamed_faults

            found += unnamed_faults(spec, data)
        if found:
            raise SpecError(found)
        spec._source = source  # noqa: SLF001  its own
        return spec

    def replace(self, changes: Overrides) -> Spec:
        """Return a new spec with some values replaced, validated as a whole; this one stays as it is.

        `changes` maps key paths to values, as `{"training.epochs": 5, "layers.0.units": 32}`, or is a list of
        strings, as `--set` takes them. Relative paths in it start from the same folder. Raises SpecError with all that
        is wrong with the result.
        """
        wanted, faults = read_overrides(changes)
        earlier = list(self._source.overrides)
        composed = recompose(self._source, earlier, Spec)
        if composed is None or Spec.of_data(composed.data, composed.source) != self:
            # It was made in Python, or changed since by Pydantic's own means.
            data = with_escapes(self.model_dump(mode="json"), Spec)
            composed = compose(ParsedText(data), None, wanted, Spec, start=self._source.folder)
        else:
            composed = recompose(self._source, [*earlier, *wanted], Spec)
            assert composed is not None
        faults += composed.override_faults
        source = composed.source
        try:
            spec = Spec.of_data(composed.data, source, composed.lost)
        except SpecError as error:
            found = [*source.place((*composed.faults, *error.diagnostics)), *faults]
            raise SpecError(found, source.texts) from None
        if faults or composed.faults:
            raise SpecError([*source.place(composed.faults), *faults], source.texts)
        return spec
