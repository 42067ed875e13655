"""Metrics and losses that do not fit what they measure, or the weights of its rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from specnet.diagnostics import Diagnostic, KeyPath, Label
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.leaves import leaf
from specnet.graph.ops.weighting import of_rows
from specnet.graph.sizes import BATCH
from specnet.model.figures import MeasuredValues, OutputFigure
from specnet.model.lowered import Lowered
from specnet.model.output_lowering import figure_values, quantile_values
from specnet.model.outputs import WEIGHTS, NetworkOutput


def figure_faults(
    figures: Iterable[OutputFigure], lowered: Lowered, naive: Value | None
) -> Iterator[Diagnostic]:
    """Yield the metrics that do not fit their outputs, or are called like another one."""
    labels: dict[str, KeyPath] = {}
    for figure in figures:
        label, path, own = figure.label, figure.path, lowered.outputs[figure.output]
        first = labels.setdefault(label, path)
        if first != path:
            where = Label("the first one is here", first)
            message = f"two metrics would be reported as `{label}`"
            yield Diagnostic("SN302", message, path, help="leave one out", labels=(where,))
        try:
            quantiles = quantile_values(figure.loss, own.output)
            values = MeasuredValues(own.prediction, own.target, quantiles, naive)
            tuple(figure_values(figure, own, values))
        except ShapeFault as fault:
            yield Diagnostic("SN412", f"{label}: {fault}", path, help=fault.help)


def unweighted_metrics(
    figures: Iterable[OutputFigure], outputs: Mapping[str, NetworkOutput], *, weighted: bool
) -> Iterator[Diagnostic]:
    """Yield the metrics of a program's own that count all rows alike where these are weighted, or padded."""
    for figure in figures:
        padded = outputs[figure.output].is_masked
        if not figure.unweighted or not (padded or weighted):
            continue
        why, help = "and the data have some", "leave it out, or leave out the weights"
        if padded:
            why, help = "which leave out steps that are padding", "leave it out"
        message = f"{figure.label}: its `sums` and `keeps` take no sample weights, {why}"
        yield Diagnostic("SN412", message, figure.path, help=help)


def weighting_faults(outputs: Mapping[str, NetworkOutput], lowered: Lowered) -> Iterator[Diagnostic]:
    """Yield the losses that cannot be weighted row by row."""
    weights = leaf(lowered.graph, WEIGHTS, "weight", (BATCH,))
    for name, own in lowered.outputs.items():
        try:
            of_rows(weights, own.elements)
        except ShapeFault as fault:
            path: KeyPath = ("outputs", name, "loss") if name else ("loss",)
            message = f"{outputs[name].loss.type}: {fault}"
            yield Diagnostic("SN401", message, path, part="type", help="leave out the weights")
