"""Which kernel computes an op in a plan: the op's own, or one that does the same sooner there."""

from __future__ import annotations

from specnet.graph import ops
from specnet.graph.graph import Value
from specnet.graph.leaves import scalar_of
from specnet.graph.sizes import Sizes
from specnet.passes.fuse import is_shared

_BOUNDS = {
    "maximum({a}, {b}, out={o})": "clip({a}, {b}, {=inf}, {o})",
    "minimum({a}, {b}, out={o})": "clip({a}, {=-inf}, {b}, {o})",
}
"""Kernels that take a constant `b`, and what does the same in a third of the time."""

_SHARED = {
    ops.MATMUL: ("dot(", "shared_dot({workers}, "),
    ops.batch_moments: ("batch_moments(", "shared_moments({workers}, "),
}
"""Ops that workers share each by itself, with the function in their kernel, and what stands in its place."""


_COMPARISONS = {ops.greater, ops.greater_equal, ops.less, ops.less_equal, ops.equal}
"""Ops whose results change from element to element. Other conditions say which rows or steps exist, in long runs."""

_BY_RUNS = "copyto({o}, {c})\ncopyto({o}, {b}, where={a})"
"""What chooses between `b` and `c` for a run of equal conditions at a time."""


def kernel_of(value: Value, sizes: Sizes, workers: int) -> str:
    """Return the kernel of an op in a plan for these sizes, whose ops so many workers share."""
    kernel = value.op.kernel if isinstance(value.op.kernel, str) else value.op.kernel(value)
    if kernel in _BOUNDS and scalar_of(value.inputs[1]) is not None:
        return _BOUNDS[kernel]
    if value.op is ops.where and value.inputs[0].op not in _COMPARISONS:
        return _BY_RUNS
    if workers > 1 and value.op in _SHARED and is_shared(value, sizes):
        return kernel.replace(*_SHARED[value.op])
    return kernel
