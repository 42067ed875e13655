"""The readable program of every op, run as it stands, against the op's meaning."""

from __future__ import annotations

import math

import numpy as np
import pytest

from specnet.engines.numpy.names import SOURCES, Names
from specnet.engines.numpy.printer import NumpyPrinter
from specnet.engines.random import stream
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf, leaves
from specnet.passes.differentiate import differentiate
from tests.support.compiled import TOLERANCE
from tests.support.op_rows import OF_SCALARS, TABLE, build, build_of_scalars, flowing, named, numbers
from tests.support.reference import evaluate


def printed(graph, wanted, given, batch):
    """Run what is printed of some values, and return them."""
    known = {value.index: name for name, value in leaves(graph).items()}
    printer = NumpyPrinter(graph, Names(known.values()), known, "random_{}".format)
    printer.write(wanted, {})
    results = [printer.known.get(value.index) or printer.expression(value) for value in wanted]
    lines = [*(line for line, _ in printer.lines), f"results = [{', '.join(results)}]"]
    source = "\n".join([*(source for source in SOURCES if source in printer.helpers), *lines])
    dtypes = {name: value.dtype for name, value in leaves(graph).items()}
    scope = {name: np.asarray(x, dtypes[name]) if np.ndim(x) else x for name, x in given.items()}
    scope |= {f"random_{name}": stream(0, name) for name in ("mask", "noise")}
    with np.errstate(all="ignore"):
        scope |= {"np": np, "math": math, "dtype": np.dtype(graph.dtype), "rows": batch}
        exec(source, scope)
    return scope["results"], source


def agrees(graph, wanted, given, batch):
    found, source = printed(graph, wanted, given, batch)
    tolerance = TOLERANCE[graph.dtype]
    for value, got, meant in zip(wanted, found, evaluate(graph, given, wanted, batch), strict=True):
        assert np.shape(got) == np.shape(meant), source
        if value.shape and not any("int" in source.dtype for source in value.inputs):
            assert got.dtype == meant.dtype, source  # NumPy makes float64 of integers and float32
        np.testing.assert_allclose(got, meant, tolerance, tolerance, err_msg=source)


@named(TABLE)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_is_printed_computes_what_its_op_means(row, dtype):
    graph, _, y = build(row, dtype)
    agrees(graph, [y], numbers(row, 3), 3)


@named([row for row in TABLE if flowing(row)[1]])
def test_what_is_printed_of_a_gradient_computes_it(row):
    loss, sources = flowing(row)
    given = numbers(row, 3)
    weights = leaves(loss.graph)["w"]
    given["w"] = np.random.default_rng(1).normal(
        size=[d if isinstance(d, int) else d.at(3) for d in weights.shape]
    )
    agrees(loss.graph, differentiate(loss.graph, loss, sources), given, 3)


@named(OF_SCALARS)
def test_scalars_are_printed_as_python_numbers(row):
    graph, y = build_of_scalars(row, "float32")
    given = {f"x{i}": 1.7 + i for i in range(len(row.given))}
    (found,), source = printed(graph, [y], given, 1)
    (meant,) = evaluate(graph, given, [y], 1)
    assert type(found) in (float, int, bool), source
    assert found == pytest.approx(float(meant), rel=1e-6)


def test_a_variable_is_never_called_as_a_function_is():
    """Not even where the function is one that another of the program's calls."""
    for name in ("normal", "softmax", "np", "lambda"):
        assert Names().new(name) == f"{name}_2"


def test_a_value_within_a_loop_is_printed_in_its_body():
    graph = Graph("float64")
    xs = leaf(graph, "xs", "input", (4, 3))
    first = leaf(graph, "first", "input", (3,))
    (last,), (seen,) = ops.scan(lambda s, x: ((ops.tanh(s[0] + x[0]),), (s[0] * 2.0,)), [first], [xs])
    rng = np.random.default_rng(3)
    agrees(graph, [last, seen], {"xs": rng.normal(size=(4, 3)), "first": rng.normal(size=3)}, 1)
