"""Places in the table of a compiled step."""

from __future__ import annotations

import pytest

pytest.importorskip("numba")

from specnet.engines.numba.entries import GEMM, HEADER, Entries, Unfit
from specnet.engines.numpy.emit import emit
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan


@pytest.fixture
def entries():
    graph = Graph("float32")
    x, w = (leaf(graph, name, "input", shape) for name, shape in (("x", (BATCH, 3)), ("w", (3, 4))))
    graph.outputs = {"y": ops.tanh(x @ w)}
    made = plan(graph, {"batch": 5})
    return Entries(emit(made), made.sizes)


def of_shape(entries, *shape):
    return next(name for name in entries.views if entries.shape(name) == shape)


def test_each_has_a_place_of_its_own_and_keeps_it(entries):
    w, y = of_shape(entries, 3, 4), of_shape(entries, 5, 4)
    assert entries.entry("address", w) == HEADER
    assert entries.entry("gemm", w, y, y, "2") == HEADER + 1
    assert entries.entry("size", y) == HEADER + 1 + 2 * GEMM
    assert entries.entry("address", w) == HEADER
    assert [kind for kind, *_ in entries.entries] == ["address", "gemm", "size"]


def test_the_address_of_an_array_is_named_once(entries):
    w = of_shape(entries, 3, 4)
    assert entries.array(w) == entries.array(w) == f"a{HEADER}"
    assert entries.head == [f"a{HEADER} = float32_at(t[{HEADER}])"]


def test_what_is_no_array_has_no_place(entries):
    with pytest.raises(Unfit):
        entries.shape("nothing")
    with pytest.raises(Unfit):
        entries.dtype("nothing")
