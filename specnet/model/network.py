"""A document's layers and loss over data of known shapes."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

from specnet.data import Signature
from specnet.diagnostics import Diagnostic, Label, SpecError
from specnet.graph.graph import Graph
from specnet.graph.parameter import Parameter
from specnet.graph.portions import Portion
from specnet.graph.sizes import Sizes, count
from specnet.language.spec import Spec
from specnet.model.augmenting import mixing_faults, shape_faults
from specnet.model.costs import whole_cost
from specnet.model.fed_targets import FedTargets
from specnet.model.figure_faults import figure_faults, unweighted_metrics, weighting_faults
from specnet.model.figures import OutputFigure
from specnet.model.inputs import input_arrays, read_as_indices, seen_whole, whole_numbers
from specnet.model.layer_lowering import lower_layers
from specnet.model.lowered import Lowered
from specnet.model.output_lowering import lower_outputs
from specnet.model.outputs import NetworkOutput
from specnet.model.row_units import row_units
from specnet.model.setting_faults import initial_faults, unused_settings
from specnet.model.topology import every
from specnet.model.units import settled
from specnet.model.varying import least_lengths, longest_of, possible_lengths
from specnet.passes.collecting import no_collection
from specnet.passes.cores import requested
from specnet.passes.engine import requested_engine
from specnet.passes.pipeline import plan
from specnet.passes.plan import Plan
from specnet.vocabulary.optimizers import WeightDecaying


class Network:
    """A document's layers and loss over data of known shapes.

    Creating one lowers the network once, to find its parameters and every fault of shape; SpecError holds the
    faults. With `found`, those that leave the network what it is are added to it instead: initial values, unused
    settings, and metrics that do not fit. Each `lower` gives a graph of its own to build a program on, copied from
    one that is built once.
    """

    def __init__(
        self,
        spec: Spec,
        signature: Signature,
        threads: int | None = None,
        engine: str | None = None,
        *,
        found: list[Diagnostic] | None = None,
    ) -> None:
        spec = self.spec = settled(spec, signature)
        self.threads = requested(threads)
        """How many threads its plans are made for; None for the default."""
        self.engine = requested_engine(engine)
        """What executes its plans."""
        self.signature = signature
        error = shape_faults(spec, signature.inputs)
        if error:
            raise SpecError(error)
        self.inputs = input_arrays(spec, signature)
        """The arrays that it takes."""
        self._lowered: dict[tuple[bool, bool, bool, bool], Lowered] = {}
        self.lengths: dict[str, str] = {}
        """The named sizes that stand for the lengths of input arrays, by array, where batches are made by length."""
        self.longest: dict[str, int] = {}
        """The most that these can be."""
        self.outputs: dict[str, NetworkOutput] = {}
        """The outputs by their names; the only one has none where the document names none."""
        lowered = self._typed(self.lower(training=False))
        self.figures: tuple[OutputFigure, ...] = tuple(
            figure for output in self.outputs.values() for figure in output.figures
        )
        """What is measured beside the loss."""
        self.layers = lowered.layers
        declared = lowered.builder.parameters.values()
        self.trained: tuple[Parameter, ...] = tuple(p for p in declared if p.role == "parameter")
        """What training fits."""
        self.parameters: tuple[Parameter, ...] = (*self.trained, *(p for p in declared if p.role == "frozen"))
        """That, and what `trainable = false` leaves as it is."""
        self.arrays: tuple[Parameter, ...] = (
            *self.parameters,
            *(p for p in declared if p.role == "statistic"),
        )
        """All that is kept with the model, running statistics too, in the order of the parameter vector."""
        self.elements_per_row: int = lowered.elements.count.each
        beside = self._check(lowered)
        if spec.training.by_length:
            self._name_lengths(lowered)
        if found is not None:
            found += beside
        elif beside:
            raise SpecError(beside)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the graphs, which are built again when a copy is asked for one: ops are the same everywhere."""
        return {**self.__dict__, "_lowered": {}}

    @cached_property
    def size(self) -> int:
        """How many numbers its parameters hold."""
        return sum(p.size for p in self.parameters)

    @cached_property
    def trained_size(self) -> int:
        """How many numbers training fits."""
        return sum(p.size for p in self.trained)

    @cached_property
    def widest(self) -> int:
        """How many numbers the widest layer takes or gives for one row."""
        shapes = [shape for layer in self.layers for shape in (*layer.inputs, layer.output)]
        return max((count(shape[1:]).each for shape in shapes), default=1)

    @property
    def rates_differ(self) -> bool:
        """Whether some layer's parameters have a learning rate of their own."""
        return any(p.rate != 1.0 for p in self.trained)

    @cached_property
    def weight_decays(self) -> tuple[float, ...] | None:
        """The weight decay of each array that training fits; None if all have the optimizer's."""
        optimizer = self.spec.training.optimizer
        if not isinstance(optimizer, WeightDecaying):
            return None
        decays = tuple(optimizer.decay_of(p) for p in self.trained)
        return None if set(decays) <= {optimizer.decay_value} else decays

    @property
    def varies(self) -> bool:
        """Whether its plans take sequences of another length in each batch."""
        return bool(self.lengths)

    @cached_property
    def shortest(self) -> dict[str, int]:
        """The minimum of each named length, by name."""
        return least_lengths(self.forward(training=False, varying=True).graph, self.longest)

    @property
    def weighted(self) -> bool:
        """Whether the rows that it is trained on have weights."""
        return self.signature.weighted

    @property
    def fed_targets(self) -> FedTargets:
        """The targets that training is fed."""
        return FedTargets(self.spec, self.signature, self.outputs)

    @property
    def several(self) -> bool:
        """Whether the document names outputs, so that what is made of them goes by names."""
        return "" not in self.outputs

    def _typed(self, lowered: Lowered) -> Lowered:
        """Return the forward graph whose inputs of whole numbers that it reads as indices are integers."""
        indices = {
            name
            for name in whole_numbers(self.inputs, self.signature)
            if read_as_indices(lowered.builder, name)
        }
        if not indices or seen_whole(self.spec):
            return lowered
        self.inputs = tuple(
            replace(array, dtype="int64") if array.name in indices else array for array in self.inputs
        )
        self._lowered.clear()
        return self.lower(training=False)

    def better(self, figure: str) -> Literal["lower", "higher"]:
        """Return which direction of a figure is good: a metric's own, and lower for a loss."""
        return {each.label: each.better for each in self.figures}.get(figure, "lower")

    @cached_property
    def keeps_states(self) -> bool:
        """Whether batches go on where the batch before them ended, in parallel streams."""
        return any(layer.keeps_states for _, layer in every(self.spec.layers))

    def plan(
        self,
        graph: Graph,
        sizes: Sizes,
        *,
        guard: str | None = None,
        fixed_inputs: bool = False,
        optimise: bool = True,
        threads: int | None = None,
        ranks: int = 1,
        portion: Portion | None = None,
    ) -> Plan:
        """Return the plan of a graph of this network, for its engine and `threads`, by default the network's.

        See `passes.pipeline.plan`.
        """
        return plan(
            graph,
            sizes,
            guard=guard,
            fixed_inputs=fixed_inputs,
            optimise=optimise,
            threads=self.threads if threads is None else threads,
            engine=self.engine,
            ranks=ranks,
            portion=portion,
        )

    def lower(
        self, *, training: bool, spread: bool = False, keeping: bool = False, varying: bool = False
    ) -> Lowered:
        """Return the forward graph, as it is in training or in evaluation, for the caller to append to.

        With `spread`, targets are rows of probabilities where they else are class indices. With `keeping`, stateful
        layers begin with the states that the last batch left, the leaves `carried/...`. With `varying`, the lengths of
        sequences are the named sizes of `lengths`.
        """
        with no_collection():
            return self.forward(training=training, spread=spread, keeping=keeping, varying=varying).copy()

    def forward(
        self, *, training: bool, spread: bool = False, keeping: bool = False, varying: bool = False
    ) -> Lowered:
        """Return what `lower` copies, for callers that only read it."""
        kind = training, spread, keeping, varying
        with no_collection():
            if kind not in self._lowered:
                self._lowered[kind] = self._lower(
                    training=training, spread=spread, keeping=keeping, varying=varying
                )
        return self._lowered[kind]

    def _lower(self, *, training: bool, spread: bool, keeping: bool, varying: bool) -> Lowered:
        spec = self.spec
        x, builder, layers = lower_layers(
            spec,
            self.inputs,
            training=training,
            signature=self.signature,
            keeping=keeping,
            lengths=self.lengths if varying else {},
        )
        if spec.data.reproduces and spec.loss.targets == "classes" and spec.loss.type == "cross_entropy":
            message = "cross_entropy needs classes, and the targets are the inputs, which have none"
            where = Label("the targets are the inputs", ("data", spec.data.aim))
            help = "mse takes numbers; binary_cross_entropy takes inputs from 0 to 1"
            raise SpecError(
                [Diagnostic("SN401", message, ("loss",), part="type", help=help, labels=(where,))]
            )
        made = lower_outputs(spec, builder, x, self.signature, spread=spread, known=self.outputs)
        if not self.outputs:
            self.outputs = {name: output for name, (output, _) in made.items()}
        values = {name: own for name, (_, own) in made.items()}
        elements, rest = whole_cost(self.outputs, values, builder.row_penalties, spec.loss)
        return Lowered(builder.graph, builder, layers, values, elements, rest)

    def _name_lengths(self, lowered: Lowered) -> None:
        """Find the inputs whose lengths are named sizes; raise SpecError where a layer needs these to be one length."""
        ways = possible_lengths(lowered.copy(), self.inputs)
        for number, self.lengths in enumerate(ways, start=1):
            self.longest = longest_of(self.lengths, self.inputs)
            try:
                self.forward(training=False, varying=True)
            except SpecError:
                if number == len(ways):
                    raise
                continue
            return

    def _check(self, lowered: Lowered) -> list[Diagnostic]:
        """Return what is wrong beside shapes: initial values and metrics that do not fit."""
        found = [
            *unused_settings(self.layers, self.spec, lowered.builder.parameters),
            *initial_faults(self.arrays),
            *mixing_faults(
                self.spec,
                self.fed_targets.spread_fault(),
                several=self.several,
                weighted=self.weighted,
            ),
            *(self.fed_targets.moving_faults() if self.several else ()),
        ]
        if not self.trained:
            message = "there is nothing to train: no layer has trainable parameters"
            found.append(Diagnostic("SN308", message, ("layers",), part="key"))
        naive = row_units(lowered.graph, self.signature).naive if self.signature.scaled else None
        found += figure_faults(self.figures, lowered, naive)
        found += unweighted_metrics(self.figures, self.outputs, weighted=self.weighted)
        return [*found, *weighting_faults(self.outputs, lowered)] if self.weighted else found
