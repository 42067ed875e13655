"""Sums in the bodies of loops of what an input comes to and what the state does, as recurrent layers have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from specnet.graph import ops
from specnet.graph.graph import Region, Value
from specnet.graph.leaves import ARGUMENT
from specnet.graph.ops.scan import ScanAttributes
from specnet.passes.rewriting import readers_of, wanted_indices


@dataclass(frozen=True, slots=True)
class DrivenSum:
    """A sum in the body of a loop, (gates, rows, units), that nothing else reads the terms of."""

    total: Value
    drive: Value
    """A slice of an array of all steps: what the input comes to."""
    product: Value
    """A matrix (rows, n) times kernels that stay the same, (gates, n, units)."""

    @property
    def kernel(self) -> Value:
        """The kernels that the matrix is multiplied by, an argument of the body."""
        return self.product.inputs[1]


def driven_sums(loop: ScanAttributes) -> Iterator[DrivenSum]:
    """Return the sums of slices and products in the body of a loop whose terms and kernels nothing else reads."""
    body: Region = loop.body
    readers, wanted = readers_of(body), wanted_indices(body)
    place = {value.index: number for number, value in enumerate(body.arguments)}
    first, last = loop.states, loop.states + loop.arrays

    def alone(value: Value) -> bool:
        return len(readers.get(value.index, ())) == 1 and value.index not in wanted

    for node in body.nodes:
        if node.op is not ops.add or node.value.index in wanted or node.value.rank != 3:
            continue
        product, drive = sorted(node.inputs, key=lambda value: value.op is ARGUMENT)
        if drive.op is not ARGUMENT or not first <= place[drive.index] < last:
            continue
        if product.op is not ops.MATMUL or ops.MATMUL.of(product) != ops.MatmulAttributes():
            continue
        matrix, kernel = product.inputs
        if kernel.op is not ARGUMENT or place[kernel.index] < last or (matrix.rank, kernel.rank) != (2, 3):
            continue
        same = {value.shape[0] for value in (node.value, drive, product, kernel)} == {node.value.shape[0]}
        if same and all(map(alone, (product, drive, kernel))):
            yield DrivenSum(node.value, drive, product)
