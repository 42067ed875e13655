"""The op table by family; one op is one statement: infer, kernel, pullback."""

from specnet.graph.ops.elementwise import (
    absolute,
    add,
    divide,
    equal,
    erf,
    exp,
    expm1,
    greater,
    greater_equal,
    less,
    less_equal,
    log,
    log1p,
    masked,
    maximum,
    minimum,
    multiply,
    negative,
    power,
    relu,
    select,
    sigmoid,
    sign,
    softplus,
    sqrt,
    square,
    subtract,
    tanh,
)
from specnet.graph.ops.indexing import cast, lookup, one_hot, pick, place
from specnet.graph.ops.linear import matmul, product
from specnet.graph.ops.noise import keep_mask
from specnet.graph.ops.reductions import (
    argmax,
    inner,
    largest,
    log_of,
    log_softmax,
    mean,
    mean_all,
    softmax,
    total,
    total_all,
    total_last,
)
from specnet.graph.ops.shaping import expand, fit, flat, pack, reshape, rows, transpose

__all__ = [
    "absolute", "add", "argmax", "cast", "divide", "equal", "erf", "exp", "expand", "expm1", "fit", "flat",
    "greater", "greater_equal", "inner", "keep_mask", "largest", "less", "less_equal", "log", "log1p", "log_of",
    "log_softmax", "lookup", "masked", "matmul", "maximum", "mean", "mean_all", "minimum", "multiply", "negative",
    "one_hot", "pack", "pick", "place", "power", "product", "relu", "reshape", "rows", "select", "sigmoid", "sign",
    "softmax", "softplus", "sqrt", "square", "subtract", "tanh", "total", "total_all", "total_last", "transpose",
]
