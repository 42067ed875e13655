"""What ops name in their records, the engine knows."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

import pytest

from specnet.engines.numpy.functions import resolve
from specnet.engines.numpy.preparing import MAKERS
from specnet.graph.graph import Node
from tests.support.op_rows import TABLE, build

CALL = re.compile(r"(?<![\w.'\"{])([a-z_][a-z_0-9]*)(?=\()")
METHODS = {"fill", "transpose"}
"""What arrays do themselves."""


@cache
def applied() -> list[Node]:
    """Return the nodes of all rows that compute something."""
    graphs = [build(row)[0] for row in TABLE]
    return [node for graph in graphs for node in graph if node.op.kernel or node.op.scalar]


def test_the_engine_has_every_function_that_a_kernel_names():
    for node in applied():
        value = node.results[0]
        kernel = node.op.kernel if isinstance(node.op.kernel, str) else node.op.kernel(value)
        texts = (kernel, node.op.sums(value), node.op.scalar(value) if node.op.scalar else "")
        named = {name for text in texts for name in CALL.findall(text)} - METHODS
        assert all(callable(resolve(name)) for name in named), node.op


def test_what_is_no_function_of_the_engine_is_found_out():
    with pytest.raises(AssertionError, match="there is no function sines"):
        resolve("sines")


def test_the_engine_has_a_maker_for_everything_that_an_op_needs_prepared():
    for node in applied():
        if node.op.prepare is not None:
            needed = node.op.prepare(node.results[0])
            assert {what.function for what in needed.values()} <= MAKERS.keys(), node.op


def test_no_maker_is_there_for_nothing():
    found = set()
    for node in applied():
        if node.op.prepare is not None:
            found |= {what.function for what in node.op.prepare(node.results[0]).values()}
    assert found == MAKERS.keys()


def test_records_import_neither_numpy_nor_the_engine():
    code = "import specnet.graph.ops, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {".".join(name.split(".")[:2]) for name in done.stdout.split()}
    assert not loaded & {"numpy", "specnet.engines", "specnet.model"}
