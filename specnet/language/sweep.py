"""The table `[sweep]` of a document, which `specnet run` takes no notice of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_core import PydanticCustomError

from specnet.diagnostics.spelling import closest
from specnet.diagnostics.text import clipped, listed
from specnet.language.overrides import key_path
from specnet.language.sweep_parameter import GRID, SweepParameter, meets
from specnet.language.wording import shown
from specnet.vocabulary.kind import Table, Words, fault, table_check
from specnet.vocabulary.pruners import PRUNERS, Pruner
from specnet.vocabulary.samplers import SAMPLERS, Sampler

Seed = Annotated[int, Field(ge=0, lt=2**63), Words("a whole number from 0 to below 2^63")]


class Sweep(Table):
    """What to search for, over which values of the document, and for how long."""

    objective: str | Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        default="validation.loss", examples=["validation.accuracy"]
    )
    """What to improve: a figure of a split at the end of a training, or `parameters`, the number of parameters; or
    several, for their Pareto front. Whether it is minimized or maximized depends on the figure."""
    trials: PositiveInt | None = Field(default=None, examples=[30])
    """The number of trials, in all processes together; by default as many as a grid has."""
    max_seconds: PositiveFloat | None = Field(default=None, examples=[600])
    """Seconds after which no trial is started; those that run are finished."""
    sampler: Annotated[Sampler, SAMPLERS] = SAMPLERS.field("tpe")
    """How the values of the next trial are chosen."""
    pruner: Annotated[Pruner, PRUNERS] = PRUNERS.field("none")
    """When a trial is ended early."""
    seeds: PositiveInt | Annotated[tuple[Seed, ...], Field(min_length=1)] = Field(default=1, examples=[3])
    """How many trainings of different seeds a trial consists of, from the document's seed on; or the seeds. The
    objective is their mean."""
    folds: PositiveInt | None = Field(default=None, examples=[2])
    """How many of the split's `folds` a trial trains, from the first on; by default all."""
    parameters: Annotated[dict[str, SweepParameter], Field(min_length=1)] = Field(
        examples=[{"training.batch_size": {"choices": [16, 32, 64]}}]
    )
    """What is varied, by its key path as `--set` takes it, such as `"layers.dense_1.units"`, or as `variables.NAME`."""

    @property
    def objectives(self) -> tuple[str, ...]:
        """The objectives."""
        return (self.objective,) if isinstance(self.objective, str) else self.objective

    @property
    def grid_size(self) -> int | None:
        """The number of combinations of all values; None if some parameter has a continuous range."""
        size = 1
        for parameter in self.parameters.values():
            values = parameter.values
            if values is None:
                return None
            size = min(size * len(values), GRID + 1)
        return size

    @property
    def budget(self) -> int | None:
        """The number of trials; None if only time limits it."""
        size = self.grid_size if self.sampler.type == "grid" else None
        return size if self.trials is None else self.trials if size is None else min(self.trials, size)

    def seeds_from(self, seed: int) -> tuple[int, ...]:
        """Return the seeds of a trial, given the document's."""
        if isinstance(self.seeds, int):
            return tuple((seed + n) % 2**63 for n in range(self.seeds))
        return self.seeds

    @table_check(each="parameters")
    def _is_key(self, name: str, _: SweepParameter) -> Iterator[PydanticCustomError]:
        path = key_path(name)
        if path is None:
            message = f"`{clipped(name)}` is not a key path"
            yield fault(message, key=("parameters", name), part="key", code="SN240")
        elif path[0] in ("sweep", "extends", "name", "specnet", "$schema"):
            message = f"`{path[0]}` cannot be varied"
            yield fault(message, key=("parameters", name), part="key", code="SN240")

    @table_check()
    def _conditions(self) -> Iterator[PydanticCustomError]:
        for name, parameter in self.parameters.items():
            for other, wanted in parameter.when.items():
                here = ("parameters", name, "when", other)
                if other not in self.parameters or other == name:
                    known = [each for each in self.parameters if each != name]
                    meant = closest(other, known)
                    help = f"did you mean `{clipped(meant)}`?" if meant else f"the others are {listed(known)}"
                    message = f"`{clipped(other)}` is not another parameter of the sweep"
                    yield fault(message, key=here, part="key", help=help)
                    continue
                choices = self.parameters[other].choices
                if choices is None:
                    message = f"`{clipped(other)}` has a range, and a condition needs `choices`"
                    yield fault(message, key=here, part="key")
                    continue
                for each in wanted if isinstance(wanted, list) else [wanted]:
                    if not any(meets(choice, each) for choice in choices):
                        help = f"the choices are {listed([shown(choice) for choice in choices], mark='')}"
                        yield fault(f"`{clipped(other)}` is never {shown(each)}", key=here, help=help)

    @table_check()
    def _no_circle(self) -> Iterator[PydanticCustomError]:
        for name in self.parameters:
            seen, pending = set[str](), [name]
            while pending:
                for other in self.parameters[pending.pop()].when:
                    if other == name:
                        message = f"whether `{clipped(name)}` is set depends on itself"
                        yield fault(message, key=("parameters", name, "when"))
                        return
                    if other in self.parameters and other not in seen:
                        seen.add(other)
                        pending.append(other)

    @table_check()
    def _grid(self) -> Iterator[PydanticCustomError]:
        if self.sampler.type != "grid":
            return
        for name, parameter in self.parameters.items():
            if parameter.low is not None and parameter.high is not None and parameter.values is None:
                message = f"a grid needs single values, and `{clipped(name)}` has a continuous range"
                help = "give it `choices`, a `step`, or `integer = true`"
                yield fault(message, key=("parameters", name), code="SN242", help=help)
            if parameter.when:
                message = "a grid has every combination, and `when` leaves some out"
                help = "leave `when` out, or choose another sampler"
                yield fault(message, key=("parameters", name, "when"), part="key", code="SN242", help=help)
        size = self.grid_size
        if size is not None and size > GRID:
            yield fault(f"the grid has more than {GRID:,} combinations", key="parameters", code="SN242")

    @table_check()
    def _length(self) -> Iterator[PydanticCustomError]:
        if self.trials is None and self.max_seconds is None and self.sampler.type != "grid":
            help = "give `trials`, `max_seconds`, or both"
            yield fault("a sweep needs a length", part="table", code="SN242", help=help)

    @table_check()
    def _objectives_once(self) -> Iterator[PydanticCustomError]:
        for place, name in enumerate(self.objectives):
            if name in self.objectives[:place]:
                yield fault(f"`{clipped(name)}` is listed twice", key=("objective", place))

    @table_check()
    def _pruned_by_one(self) -> Iterator[PydanticCustomError]:
        if len(self.objectives) > 1 and self.pruner.type != "none":
            message = "a pruner goes by one objective, and there are several"
            yield fault(message, key="pruner", code="SN242", help="leave `pruner` out, or name one objective")

    @table_check()
    def _sampled_for_one(self) -> Iterator[PydanticCustomError]:
        most = self.sampler.objectives
        if most is not None and len(self.objectives) > most:
            message = f"the sampler `{self.sampler.type}` searches for one objective, and there are several"
            yield fault(message, key="sampler", code="SN242", help='"tpe" and "nsgaii" take several')

    @table_check()
    def _pruned_during_training(self) -> Iterator[PydanticCustomError]:
        if self.pruner.type == "none" or len(self.objectives) > 1:
            return
        if not self.objectives[0].startswith("validation."):
            message = (
                f"`{clipped(self.objectives[0])}` is not measured during a training, and a pruner goes by it"
            )
            help = "name a figure of the validation split, or leave `pruner` out"
            yield fault(message, key="objective", code="SN242", help=help)

    @table_check()
    def _seeds_once(self) -> Iterator[PydanticCustomError]:
        for place, seed in enumerate(self.seeds) if isinstance(self.seeds, tuple) else ():
            if seed in self.seeds[:place]:  # type: ignore[index]
                yield fault(f"{seed} is listed twice", key=("seeds", place))
