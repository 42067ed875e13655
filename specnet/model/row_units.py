"""The units of the data in the graph that measures predictions of numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from specnet.data import Signature
from specnet.graph import ops
from specnet.graph.graph import Graph, Value
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.model.figures import MeasuredValues
from specnet.model.outputs import SCALES, scales_shape


@dataclass(frozen=True, slots=True)
class RowUnits:
    """How the targets of each row are scaled, for windows of series."""

    center: Value
    """(batch, targets)."""
    span: Value
    naive: Value
    """(batch, targets): the errors of the seasonal naive forecast, in the units of the data."""

    def of(self, x: Value, *, beside: int = 0) -> Value:
        """Return targets (batch, horizon) or (batch, horizon, targets) in the data's units.

        With so many axes `beside` them, these come after those of the targets.
        """
        batch, targets = self.center.shape
        several = (targets,) if x.rank - beside > 2 else ()
        shape = (batch, 1, *several, *[1] * beside)
        return x * ops.reshape(self.span, shape=shape) + ops.reshape(self.center, shape=shape)


def row_units(graph: Graph, signature: Signature) -> RowUnits:
    """Append the leaf `scales` (batch, 3, targets), and return what it holds."""
    rows, targets = scales_shape(signature)
    scales = leaf(graph, SCALES, "weight", (BATCH, rows, targets))
    parts = [
        ops.reshape(ops.crop(scales, margins=((0, 0), (i, rows - 1 - i), (0, 0))), shape=(BATCH, targets))
        for i in range(rows)
    ]
    return RowUnits(*parts)


def in_data_units(
    graph: Graph, signature: Signature, *, units: bool
) -> Callable[[MeasuredValues, tuple[int, ...]], MeasuredValues]:
    """Return what brings the numbers of an output, with targets of a shape, into the units of the data.

    With `units`, they are multiplied by the leaf `units/scale`, and `units/offset` is added: the way back through the
    transforms of the targets. Those of windows of series are then scaled row by row.
    """
    rows = row_units(graph, signature) if signature.scaled else None
    leaves: list[Value] = []

    def back(measured: MeasuredValues, shape: tuple[int, ...]) -> MeasuredValues:
        if units:
            if not leaves:
                leaves.extend(leaf(graph, f"units/{of}", "constant", shape) for of in ("scale", "offset"))
            scale, offset = leaves
            quantiles = measured.quantiles
            if quantiles is not None:
                each, beside = (ops.reshape(value, shape=(*shape, 1)) for value in leaves)
                quantiles = quantiles * each + beside
            measured = MeasuredValues(
                measured.prediction * scale + offset, measured.target * scale + offset, quantiles
            )
        if rows is None:
            return measured
        quantiles = None if measured.quantiles is None else rows.of(measured.quantiles, beside=1)
        return MeasuredValues(rows.of(measured.prediction), rows.of(measured.target), quantiles, rows.naive)

    return back
