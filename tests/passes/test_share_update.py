"""An update of portions gives what an update of all parameters gives, and is chosen by sizes alone."""

from __future__ import annotations

import numpy as np
import pytest

from specnet.engines.execution import Executable
from specnet.engines.ranks import RankShares
from specnet.graph import ops
from specnet.graph.graph import Graph
from specnet.graph.leaves import leaf
from specnet.graph.portions import Portion, bounds
from specnet.graph.sizes import BATCH, shared_sizes
from specnet.passes.links import sharing_pays
from specnet.passes.pipeline import plan
from specnet.passes.share_update import portion_of
from tests.support.distributed import collectives
from tests.support.ranks import together

SIZE, ROWS = 11, 5
RNG = np.random.default_rng(0)
X, P, M = RNG.normal(size=(ROWS, SIZE)), RNG.normal(size=SIZE), RNG.normal(size=SIZE)


def update(*, largest=False):
    """Return a graph whose update is by a norm, or goes by the largest element of a vector as well."""
    graph = Graph("float64")
    x = leaf(graph, "x", "input", (BATCH, SIZE))
    g = ops.reduce_sum(ops.tanh(x), axes=(0,))
    graph.phase = "update"
    p, slot = leaf(graph, "parameters", "state", (SIZE,)), leaf(graph, "slot/m", "slot", (SIZE,))
    g = g / ops.sqrt(ops.inner(g, g))
    m = slot * 0.5 + g
    step = m / ops.sqrt(ops.reduce_max(ops.square(m), axis=-1)) if largest else m
    graph.outputs["sum"] = ops.sum_all(step)
    graph.assign(slot, m)
    graph.assign(p, p - step * 0.1)
    return graph


def updated(made, ranks=None, portion=None):
    """Return what the output, the slot and the parameters are after two steps."""
    shares = None if ranks is None else RankShares(ranks)
    own = slice(None) if ranks is None else slice(shares.of(ROWS).start, shares.of(ROWS).stop)
    kept = slice(None) if portion is None else slice(portion.start, portion.stop)
    arrays = {"x": X[own].copy(), "parameters": P.copy(), "slot/m": M[kept].copy()}
    bound = Executable(made, shares=shares).bind(ROWS, arrays)
    bound.step()
    return bound.step(), arrays["slot/m"], arrays["parameters"]


@pytest.mark.parametrize("optimise", [True, False])
@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize("size", [2, 3, 7])
def test_portions_make_up_what_one_process_computes(size, largest, optimise):
    total, slot, parameters = updated(plan(update(largest=largest), ROWS))

    def work(ranks):
        portion = Portion(SIZE, ranks.rank, size)
        made = plan(
            update(largest=largest),
            shared_sizes(ROWS, size),
            ranks=size,
            portion=portion,
            optimise=optimise,
        )
        assert collectives(made).count("join_portions") == (2 if largest else 1)
        return updated(made, ranks, portion)

    found = together(size, work)
    for own, _, whole in found:
        np.testing.assert_allclose(own, total, 1e-12, 1e-12)
        np.testing.assert_allclose(whole, parameters, 1e-12, 1e-12)
        assert whole.tobytes() == found[0][2].tobytes()
    np.testing.assert_allclose(np.concatenate([own for _, own, _ in found]), slot, 1e-12, 1e-12)


def test_an_update_that_needs_whole_vectors_is_not_shared(monkeypatch):
    monkeypatch.setattr("specnet.passes.share_update.sharing_pays", lambda *_: True)
    assert portion_of(update(), SIZE, 1, 1, 3) == Portion(SIZE, 1, 3)
    assert portion_of(update(largest=True), SIZE, 1, 1, 3) is None
    assert portion_of(update(), SIZE, 1, 0, SIZE + 1) is None


@pytest.mark.parametrize("ranks", [1, 2, 3, 12])
def test_portions_are_alike(ranks):
    ends = bounds(25, ranks)
    assert (ends[0], ends[-1]) == (0, 25)
    sizes = [len(Portion(25, rank, ranks)) for rank in range(ranks)]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) - min(sizes) <= 1


def test_sharing_pays_where_an_update_takes_longer_than_a_message():
    adam = {"slots": 2, "item": 4}
    assert not sharing_pays(34_826, ranks=2, **adam)
    assert sharing_pays(809_984, ranks=2, **adam)
    assert not sharing_pays(809_984, ranks=64, **adam)  # whose portions are 63 messages each
    assert sharing_pays(50_000_000, ranks=64, **adam)
