"""The functions that a plan's statements may name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from specnet.runtime import normalising
from specnet.runtime.calls import add_up, perform, sum_rows
from specnet.runtime.convolution import convolve, convolve_input, convolve_kernel
from specnet.runtime.erf import erf
from specnet.runtime.pooling import pick_max, pool_max, pool_sum, spread_sum, unpool_max
from specnet.runtime.scatter import as_indices, scatter_add
from specnet.runtime.workers import each_piece, shared_dot

Array = np.ndarray[Any, Any]


def draw_uniform(generator: np.random.Generator, out: Array) -> None:
    """Fill an array with numbers uniform in [0, 1)."""
    generator.random(dtype=out.dtype, out=out)


def draw_normal(generator: np.random.Generator, out: Array) -> None:
    """Fill an array with numbers from the standard normal distribution."""
    generator.standard_normal(dtype=out.dtype, out=out)


def scalar_sqrt(x: float) -> float:
    """Return the root, NaN below 0: a step that has diverged is told by its loss, not by an exception."""
    return math.sqrt(x) if x >= 0.0 else math.nan


def scalar_exp(x: float) -> float:
    """Return e**x, infinite where that leaves the range."""
    return math.exp(x) if x < 709.78 else (math.nan if math.isnan(x) else math.inf)


def scalar_log(x: float) -> float:
    """Return the natural logarithm, -inf at 0 and NaN below."""
    return math.log(x) if x > 0.0 else (-math.inf if x == 0.0 else math.nan)


FUNCTIONS: dict[str, Any] = {
    "abs": abs,
    "absolute": np.absolute,
    "add": np.add,
    "add_reduce": np.add.reduce,
    "add_up": add_up,
    "argmax": np.argmax,
    "as_indices": as_indices,
    "batch_moments": normalising.batch_moments,
    "batch_norm": normalising.batch_norm,
    "batch_norm_grad": normalising.batch_norm_grad,
    "batch_norm_sums": normalising.batch_norm_sums,
    "convolve": convolve,
    "convolve_input": convolve_input,
    "convolve_kernel": convolve_kernel,
    "copyto": np.copyto,
    "cos": np.cos,
    "count_nonzero": np.count_nonzero,
    "divide": np.divide,
    "dot": np.dot,
    "draw_normal": draw_normal,
    "draw_uniform": draw_uniform,
    "each_piece": each_piece,
    "equal": np.equal,
    "erf": erf,
    "exp": np.exp,
    "expm1": np.expm1,
    "float": float,
    "floor_divide": np.floor_divide,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "group_norm": normalising.group_norm,
    "group_norm_grad": normalising.group_norm_grad,
    "less": np.less,
    "less_equal": np.less_equal,
    "log": np.log,
    "log1p": np.log1p,
    "matmul": np.matmul,
    "max": max,
    "maximum": np.maximum,
    "maximum_reduce": np.maximum.reduce,
    "min": min,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "negative": np.negative,
    "perform": perform,
    "pick_max": pick_max,
    "pool_max": pool_max,
    "pool_sum": pool_sum,
    "power": np.power,
    "put": np.put,
    "reciprocal": np.reciprocal,
    "layer_norm": normalising.layer_norm,
    "layer_norm_grad": normalising.layer_norm_grad,
    "scalar_cos": math.cos,
    "scalar_exp": scalar_exp,
    "scalar_log": scalar_log,
    "scalar_sin": math.sin,
    "scalar_sqrt": scalar_sqrt,
    "scatter_add": scatter_add,
    "shared_dot": shared_dot,
    "sign": np.sign,
    "sin": np.sin,
    "spread_sum": spread_sum,
    "sqrt": np.sqrt,
    "subtract": np.subtract,
    "sum_rows": sum_rows,
    "take": np.take,
    "tanh": np.tanh,
    "unpool_max": unpool_max,
}
