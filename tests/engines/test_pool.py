"""Workspaces: who has which, how many are kept, and what is compiled for them."""

from __future__ import annotations

import numpy as np

from specnet.engines import pool
from specnet.engines.pool import Pool
from specnet.graph import ops
from specnet.graph.sizes import BATCH
from specnet.passes.pipeline import plan
from tests.support.graphs import graph_of

KERNEL = np.array([2.0, 3.0])


def made():
    compiled = []

    def compile_for(rows):
        compiled.append(rows)
        graph, leaves = graph_of({"x": (BATCH, 2), "K": (2,)})
        graph.outputs = {"y": ops.tanh(leaves["x"] * leaves["K"])}
        return plan(graph, rows)

    return Pool(compile_for, {"K": KERNEL}), compiled


def test_a_workspace_computes_up_to_its_rows():
    space = made()[0].take(5)
    assert space.rows == 5
    for rows in (5, 2, 5):
        ready = space.of(rows)
        x = np.full((rows, 2), 0.25)
        ready.inputs["x"][...] = x
        ready.step()
        np.testing.assert_allclose(ready.arrays["y"], np.tanh(x * KERNEL), 1e-15)
    assert space.of(2) is space.of(2)


def test_a_workspace_is_one_callers_until_it_is_put_back():
    spaces, compiled = made()
    first, second = spaces.take(5), spaces.take(5)
    assert first is not second
    assert not np.shares_memory(first.of(5).arrays["y"], second.of(5).arrays["y"])
    spaces.put_back(first)
    assert spaces.take(4).rows == 4
    assert spaces.take(5) is first
    assert spaces.take(5) is not second
    assert compiled == [5, 4], "a plan is compiled once for a number of rows"


def test_those_used_last_are_kept_up_to_a_size(monkeypatch):
    spaces, _ = made()
    taken = [spaces.take(5) for _ in range(3)]
    monkeypatch.setattr(pool, "KEPT_BYTES", 2 * taken[0].size)
    for space in taken:
        spaces.put_back(space)
    assert [spaces.take(5) for _ in range(2)] == [taken[2], taken[1]]
    assert spaces.take(5) is not taken[0]


def test_the_last_is_kept_however_large_it_is(monkeypatch):
    spaces, _ = made()
    space = spaces.take(5)
    monkeypatch.setattr(pool, "KEPT_BYTES", 1)
    spaces.put_back(space)
    assert spaces.take(5) is space


def test_after_a_reset_nothing_is_kept():
    spaces, compiled = made()
    space = spaces.take(5)
    spaces.put_back(space)
    spaces.reset()
    assert spaces.take(5) is not space
    assert compiled == [5, 5]
