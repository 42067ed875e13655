from __future__ import annotations

from dataclasses import dataclass, replace

from specnet.graph.builder import Builder
from specnet.graph.graph import Graph, Value
from specnet.graph.scopes import LayerInfo
from specnet.model.outputs import OutputValues
from specnet.passes.rewriting import Copying


@dataclass(frozen=True, slots=True)
class Lowered:
    """The forward part of a graph: what a network makes of its inputs, and what that costs."""

    graph: Graph
    builder: Builder
    layers: tuple[LayerInfo, ...]
    outputs: dict[str, OutputValues]
    """The values of each output, by its name."""
    elements: Value
    """What each row or element costs, times the row's weight where rows have weights."""
    rest: Value | None = None
    """The same without outputs that have steps of padding, which evaluation adds up by themselves; None for nothing."""
    weights: Value | None = None
    """(batch,): the weights of the rows, in programs that weight them."""

    def copy(self) -> Lowered:
        """Return the same values in a graph of their own, to which a program can append."""
        copy = Copying(self.graph)
        graph, new = copy.run(), copy.of
        builder = self.builder
        return replace(
            self,
            graph=graph,
            builder=replace(
                builder,
                graph=graph,
                leaves={name: new(value) for name, value in builder.leaves.items()},
                given={place: new(value) for place, value in builder.given.items()},
                penalties=[new(value) for value in builder.penalties],
                row_penalties=[new(value) for value in builder.row_penalties],
                outputs={name: new(value) for name, value in builder.outputs.items()},
                entering=tuple(new(value) for value in builder.entering),
                masks={new(value): new(mask) for value, mask in builder.masks.items()},
                ensembles={new(value): count for value, count in builder.ensembles.items()},
                columns={new(value): columns for value, columns in builder.columns.items()},
                observed={
                    name: each._replace(value=new(each.value)) for name, each in builder.observed.items()
                },
                vocabularies={new(value): count for value, count in builder.vocabularies.items()},
                followed=[
                    each._replace(statistic=new(each.statistic), observed=new(each.observed))
                    for each in builder.followed
                ],
            ),
            outputs={name: values.copy(new) for name, values in self.outputs.items()},
            elements=new(self.elements),
            rest=self.rest and new(self.rest),
        )
