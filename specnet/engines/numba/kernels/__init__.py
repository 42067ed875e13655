"""Kernels of ops that are not element-wise, as compiled functions."""

from __future__ import annotations

from typing import Any

from specnet.engines.numba.kernels import (
    columns,
    convolution,
    groups,
    moments,
    normalising,
    pooling,
    reductions,
    scatter,
)

FUNCTIONS: dict[str, Any] = {
    "add_reduce": reductions.add_reduce,
    "add_slices": reductions.add_slices,
    "batch_moments": moments.batch_moments,
    "batch_norm": columns.batch_norm,
    "batch_norm_grad": columns.batch_norm_grad,
    "batch_norm_sums": columns.batch_norm_sums,
    "convolve": convolution.convolve,
    "convolve_input": convolution.convolve_input,
    "convolve_kernel": convolution.convolve_kernel,
    "group_moments": groups.group_moments,
    "group_norm": groups.group_norm,
    "group_norm_grad": groups.group_norm_grad,
    "layer_norm": normalising.layer_norm,
    "layer_norm_grad": normalising.layer_norm_grad,
    "log_softmax": reductions.log_softmax,
    "maximum_reduce": reductions.maximum_reduce,
    "pick_max": pooling.pick_max,
    "pool_max": pooling.pool_max,
    "pool_sum": pooling.pool_sum,
    "scatter_add": scatter.scatter_add,
    "shared_moments": moments.shared_moments,
    "softmax": reductions.softmax,
    "spread_sum": pooling.spread_sum,
    "sum_between": reductions.sum_between,
    "unpool_max": pooling.unpool_max,
}
"""Functions by the names and with the arguments that they have in `specnet.engines.numpy.functions`.

What is not in the table is NumPy's.
"""

STATEMENTS = {
    "log_softmax": "log_softmax({a}, {axis}, {o})",
    "softmax": "softmax({a}, {axis}, {o})",
}
"""Kernels of ops that NumPy computes by several functions, by the ops' names: texts as in their records."""
