"""Ops in which the processes of a distributed training take part together: each has its own rows of every batch.

Only training and evaluation are distributed, so that none of these stands in a graph of predictions. Plans are made of
them by `passes/distribute.py` and `passes/share_update.py`, after differentiation: they have no gradients.
"""

from __future__ import annotations

from specnet.graph.attributes import Attributes
from specnet.graph.graph import Op, Value
from specnet.graph.portions import Portion
from specnet.graph.record import Unexportable
from specnet.graph.rules import like_first, per_input
from specnet.graph.sizes import Dim, Kind, Size

_DISTRIBUTED = Unexportable("it is part of a distributed training, which predictions never are")


class PortionAttributes(Attributes):
    """Of which vector a process has a portion, and which."""

    portion: Portion


def _of(dim: Dim, name: str, other: str) -> Size:
    """Return a dimension in which one named size stands for another."""
    assert isinstance(dim, Size)
    assert name in dim.names, f"{dim} does not hold the {name}"
    return Size(dim.times, tuple(sorted(other if each == name else each for each in dim.names)))


def _infer_gathered(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    (x,) = inputs
    return (_of(x.shape[0], "batch", "global_batch"), *x.shape[1:]), x.dtype


def _infer_own(inputs: tuple[Value, ...], _: Attributes) -> Kind:
    (x,) = inputs
    return (_of(x.shape[0], "global_batch", "batch"), *x.shape[1:]), x.dtype


def _infer_portion(inputs: tuple[Value, ...], attributes: PortionAttributes) -> Kind:
    (x,) = inputs
    assert x.shape == (attributes.portion.size,)
    return (len(attributes.portion),), x.dtype


def _infer_joined(inputs: tuple[Value, ...], attributes: PortionAttributes) -> Kind:
    (x,) = inputs
    assert x.shape == (len(attributes.portion),)
    return (attributes.portion.size,), x.dtype


all_reduce: Op[Attributes] = Op(
    "all_reduce",
    like_first,
    lambda value: "ranks.add({a:flat}, {o:flat})" if value.shape else "{o} = ranks.total({a})",
    flops=per_input(1),
    noun="total",
    printed="comm.allreduce({a})",
    onnx=_DISTRIBUTED,
)
"""The sum over all processes of what each of them has, which each of them gets."""

all_gather: Op[Attributes] = Op(
    "all_gather",
    _infer_gathered,
    "ranks.gather({a:flat}, {o:flat})",
    flops=0,
    noun="gathered",
    printed="np.concatenate(comm.allgather({a}))",
    onnx=_DISTRIBUTED,
)
"""The rows of all processes one after the other, which each of them gets: (batch, ...) to (global_batch, ...)."""

own_rows: Op[Attributes] = Op(
    "own_rows",
    _infer_own,
    "ranks.own({a}, {o})",
    flops=0,
    noun="own_rows",
    printed="np.array_split({a}, comm.size)[comm.rank]",
    onnx=_DISTRIBUTED,
)
"""A process's own rows of what all of them have: (global_batch, ...) to (batch, ...)."""

reduce_scatter: Op[PortionAttributes] = Op(
    "reduce_scatter",
    _infer_portion,
    "ranks.scatter({a}, {o}, {s})",
    attributes=PortionAttributes,
    scratch=lambda value: [(value.shape, value.dtype)],
    flops=per_input(1),
    noun="portion",
    printed="np.array_split(comm.allreduce({a}), comm.size)[comm.rank]",
    onnx=_DISTRIBUTED,
)
"""A process's portion of the sum over all processes of a vector that each of them has: (n,) to about (n / ranks,)."""

join_portions: Op[PortionAttributes] = Op(
    "join_portions",
    _infer_joined,
    "ranks.join({a}, {o})",
    attributes=PortionAttributes,
    flops=0,
    noun="joined",
    printed="np.concatenate(comm.allgather({a}))",
    onnx=_DISTRIBUTED,
)
"""The portions of all processes one after the other, which each of them gets: the inverse of cutting a vector."""

add_portions: Op[Attributes] = Op(
    "add_portions",
    like_first,
    "{o} = ranks.added({a})",
    noun="total",
    printed="comm.allreduce({a})",
    onnx=_DISTRIBUTED,
)
"""The sum over all processes of what is a scalar of each one's portion, whether it has rows of the batch or not."""
