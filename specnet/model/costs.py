"""What rows and elements cost: by the loss of each output, and by what layers add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from specnet.graph import ops
from specnet.graph.graph import ShapeFault, Value
from specnet.graph.leaves import constant
from specnet.graph.sizes import BATCH
from specnet.model.outputs import NetworkOutput, OutputValues
from specnet.vocabulary.losses import Loss


def element_costs(loss: Loss, output: Value, target: Value, mask: Value | None) -> tuple[Value, Value | None]:
    """Return what each row or element costs, 0 at steps that are padding, and the mask if steps count as rows."""
    if mask is None:
        return loss.elements(output, target), None
    if not loss.by_step:
        return loss.elements_of_sequences(output, target, mask), None
    elements = loss.elements(output, target)
    if elements.shape[:2] != mask.shape:
        raise ShapeFault(f"{loss.type} does not compare step by step, and some steps are padding", output)
    return elements * ops.reshape(mask, shape=(*mask.shape, *(1 for _ in elements.shape[2:]))), mask


def whole_cost(
    outputs: Mapping[str, NetworkOutput],
    values: Mapping[str, OutputValues],
    penalties: Sequence[Value],
    loss: Loss,
) -> tuple[Value, Value | None]:
    """Return what rows or elements cost, given the values of each output and what layers add for each row.

    Of outputs with steps that are padding, elements are such that their mean is that over the other steps of a batch.
    The second is the same without these outputs; None for nothing.
    """
    elements = {name: _balanced(own, outputs[name].loss) for name, own in values.items()}
    whole = _penalised(total(outputs, elements), penalties, loss)
    there = {name: own for name, own in elements.items() if values[name].mask is None}
    if len(there) == len(elements):
        return whole, whole
    rest = total({name: outputs[name] for name in there}, there) if there else None
    if penalties:
        zeros = ops.zeros_like(penalties[0]) if rest is None else rest
        rest = _penalised(zeros, penalties, loss)
    return whole, rest


def _balanced(own: OutputValues, loss: Loss) -> Value:
    """Return what elements cost, those of steps that exist sharing the weight of those that are padding."""
    mask = own.mask
    if mask is None or loss.reduction == "sum":
        return own.elements
    whole = constant(mask.graph, float(mask.count.each), mask.count.powers)
    return own.elements * (whole / ops.sum_all(mask))


def total(outputs: Mapping[str, NetworkOutput], elements: Mapping[str, Value]) -> Value:
    """Return what rows or elements cost, given the elements of each output.

    Of several outputs it is the sum over them for each row, each with its scale and weight.
    """
    if "" in outputs:
        return elements[""]
    summed: Value | None = None
    for name, output in outputs.items():
        own = elements[name]
        axes = tuple(range(1, own.rank))
        row = own if not axes else ops.reduce_sum(own, axes=axes)
        cost = row * (output.loss.scale * output.weight / own.count.each)
        summed = cost if summed is None else summed + cost
    assert summed is not None
    return summed


def _penalised(elements: Value, penalties: Iterable[Value], loss: Loss) -> Value:
    """Return what rows or elements cost with what layers add for each row, (batch,).

    The loss grows by the mean of the additions over rows, or by their sum if it is a sum, whatever its scale is: each
    element gets what has that effect.
    """
    each = elements.count.each if loss.reduction == "sum" else 1
    for penalty in penalties:
        share = penalty * (1.0 / (each * loss.scale))
        elements = elements + ops.reshape(share, shape=(BATCH, *(1,) * (elements.rank - 1)))
    return elements
