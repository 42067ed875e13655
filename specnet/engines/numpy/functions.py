"""The functions that a plan's statements may name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from specnet.engines.numpy import normalising, normalising_groups
from specnet.engines.numpy.calls import (
    add_slices,
    add_up,
    choose,
    clip,
    maximum_reduce,
    perform,
    sum_between,
    sum_rows,
)
from specnet.engines.numpy.convolution import convolve, convolve_input, convolve_kernel
from specnet.engines.numpy.erf import erf
from specnet.engines.numpy.moments import batch_moments, shared_moments
from specnet.engines.numpy.pooling import pick_max, pool_max, pool_sum, spread_sum, unpool_max
from specnet.engines.numpy.scatter import as_indices, scatter_add
from specnet.engines.workers import add_shares, each_piece, each_share, shared_dot

Array = np.ndarray[Any, Any]


def draw_uniform(generator: np.random.Generator, out: Array) -> None:
    """Fill an array with numbers uniform in [0, 1)."""
    generator.random(dtype=out.dtype, out=out)


def draw_normal(generator: np.random.Generator, out: Array) -> None:
    """Fill an array with numbers from the standard normal distribution."""
    generator.standard_normal(dtype=out.dtype, out=out)


def resolve(name: str) -> Any:
    """Return the function that a statement names; what is not in the table is NumPy's, element by element."""
    found = FUNCTIONS.get(name)
    if found is None and name.startswith("scalar_"):
        return _scalar(name.removeprefix("scalar_"))
    if found is None:
        found = getattr(np, name, None)
        assert isinstance(found, np.ufunc), f"there is no function {name}"
    return found


def _scalar(name: str) -> Callable[[float], float]:
    """Return a function of a Python number. Where Python's raises, it is NaN or infinite as NumPy's.

    A diverged step shows in its loss, not as an exception.
    """
    ufunc = getattr(np, name)
    own: Callable[[float], float] | None = getattr(math, name, None)

    def numpy(x: float) -> float:
        with np.errstate(all="ignore"):
            return float(ufunc(x))

    if own is None:
        return numpy

    def function(x: float) -> float:
        try:
            return own(x)
        except (ValueError, OverflowError):
            return numpy(x)

    return function


FUNCTIONS: dict[str, Any] = {
    "abs": abs,
    "add_reduce": np.add.reduce,
    "add_shares": add_shares,
    "add_slices": add_slices,
    "add_up": add_up,
    "argmax": np.argmax,
    "as_indices": as_indices,
    "batch_moments": batch_moments,
    "batch_norm": normalising.batch_norm,
    "batch_norm_grad": normalising.batch_norm_grad,
    "batch_norm_sums": normalising.batch_norm_sums,
    "choose": choose,
    "clip": clip,
    "convolve": convolve,
    "convolve_input": convolve_input,
    "convolve_kernel": convolve_kernel,
    "copyto": np.copyto,
    "count_nonzero": np.count_nonzero,
    "dot": np.dot,
    "draw_normal": draw_normal,
    "draw_uniform": draw_uniform,
    "each_piece": each_piece,
    "each_share": each_share,
    "erf": erf,
    "float": float,
    "group_moments": normalising_groups.group_moments,
    "group_norm": normalising_groups.group_norm,
    "group_norm_grad": normalising_groups.group_norm_grad,
    "max": max,
    "maximum_reduce": maximum_reduce,
    "min": min,
    "perform": perform,
    "pick_max": pick_max,
    "pool_max": pool_max,
    "pool_sum": pool_sum,
    "put": np.put,
    "layer_norm": normalising.layer_norm,
    "layer_norm_grad": normalising.layer_norm_grad,
    "scatter_add": scatter_add,
    "shared_dot": shared_dot,
    "shared_moments": shared_moments,
    "spread_sum": spread_sum,
    "sum_between": sum_between,
    "sum_rows": sum_rows,
    "take": np.take,
    "unpool_max": unpool_max,
}
